import { checkBoolean, checkOneOf, checkOptions, wrongType, wrongValue } from '../check.js';
import { expected, list, object, oneOf, type Schema } from '../io/schema.js';
import { registerSaved } from '../saved.js';
import { Frame } from './frame.js';
import { DATE_FORMATS, type DateFormat, instantsOf } from './instants.js';
import { Transformer } from './transformer.js';

/** What a date is made of: how it is read of a Date, in UTC, and after how many it begins anew. */
const PARTS = {
  year: [(d: Date) => d.getUTCFullYear(), 0],
  month: [(d: Date) => d.getUTCMonth() + 1, 12],
  day: [(d: Date) => d.getUTCDate(), 31],
  dayOfYear: [(d: Date) => dayOfYear(d), 366],
  weekday: [(d: Date) => (d.getUTCDay() + 6) % 7, 7], // 0 is Monday, as in Python
  hour: [(d: Date) => d.getUTCHours(), 24],
  minute: [(d: Date) => d.getUTCMinutes(), 60],
  second: [(d: Date) => d.getUTCSeconds(), 60],
  totalSeconds: [(d: Date) => d.getTime() / 1000, 0],
} as const;
export type DatePart = keyof typeof PARTS;

const NAMES = Object.keys(PARTS) as DatePart[];
const AUTO: readonly DatePart[] = ['year', 'month', 'day', 'weekday', 'hour', 'minute', 'second'];

export interface DatetimeEncoderOptions {
  /** Which parts, in UTC: 'year', 'month' (1 to 12), 'day', 'dayOfYear', 'weekday' (0 is Monday), 'hour', 'minute', 'second',
   * 'totalSeconds' (since 1970). Default 'auto': of year to second those that are not the same in all rows of `fit` */
  parts?: 'auto' | readonly DatePart[];
  /** Whether parts that begin anew become two columns, sine and cosine, so that December lies beside January. Default false */
  periodic?: boolean;
  /** How text is read: '2012-01-31' (ISO 8601), '1/31/2012' or '31/1/2012'; without a zone as UTC. Default 'iso' */
  format?: DateFormat;
  /** What numbers count, since 1970. Default: numbers are refused */
  unit?: 's' | 'ms';
}

interface Learnt {
  /** The parts of each column. */
  readonly parts: readonly (readonly DatePart[])[];
}

/** Dates as numbers: columns of their parts (skrub's `DatetimeEncoder`). A missing date becomes NaN, to be filled in. */
export class DatetimeEncoder extends Transformer<Learnt> {
  static override readonly className = 'DatetimeEncoder';
  readonly #options: Required<Omit<DatetimeEncoderOptions, 'unit'>> & Pick<DatetimeEncoderOptions, 'unit'>;

  static {
    registerSaved(DatetimeEncoder);
  }

  constructor(options: DatetimeEncoderOptions = {}) {
    super();
    checkOptions('options', options, ['parts', 'periodic', 'format', 'unit']);
    const { parts = 'auto', format = 'iso', unit } = options;
    if (parts !== 'auto') {
      if (!Array.isArray(parts)) throw wrongType('parts', "'auto' or an array of parts of dates", parts);
      if (parts.length === 0) throw wrongValue('parts', 'of one part or more', parts);
      for (const [i, part] of parts.entries()) checkOneOf(`parts[${i}]`, part, NAMES);
    }
    checkOneOf('format', format, DATE_FORMATS);
    if (unit !== undefined) checkOneOf('unit', unit, ['s', 'ms']);
    this.#options = {
      parts,
      periodic: checkBoolean('periodic', options.periodic ?? false),
      format,
      ...(unit !== undefined && { unit }),
    };
  }

  override getParams() {
    return { ...this.#options };
  }

  protected override measure(x: Frame): Learnt {
    const { parts, format, unit } = this.#options;
    return {
      parts: Array.from({ length: x.width }, (_, k) => {
        const instants = instantsOf(x, k, format, unit);
        const first = instants.findIndex((instant) => !Number.isNaN(instant));
        if (first < 0) throw new TypeError(`Expected ${x.nameOf(k)} of x to hold dates, got none`);
        if (parts !== 'auto') return parts;
        const varying = AUTO.filter((part) => {
          const read = reader(part);
          const own = read(instants[first]);
          return instants.some((instant) => !Number.isNaN(instant) && read(instant) !== own);
        });
        return varying.length > 0 ? varying : ['year' as const];
      }),
    };
  }

  protected override apply(x: Frame, learnt: Learnt): Frame {
    const { format, unit, periodic } = this.#options;
    const columns = learnt.parts.flatMap((parts, k) => {
      const instants = instantsOf(x, k, format, unit);
      return parts.flatMap((part) => {
        const [, period] = PARTS[part];
        const values = instants.map(reader(part));
        if (!periodic || period === 0) return [values];
        const angles = values.map((value) => (2 * Math.PI * value) / period);
        return [angles.map(Math.sin), angles.map(Math.cos)];
      });
    });
    return Frame.ofColumns(x.n, columns);
  }

  protected override namesOut(names: readonly string[], learnt: Learnt): string[] {
    return learnt.parts.flatMap((parts, k) =>
      parts.flatMap((part) => {
        const name = `${names[k]}_${part}`;
        return this.#options.periodic && PARTS[part][1] > 0 ? [`${name}_sin`, `${name}_cos`] : [name];
      }),
    );
  }

  protected override readonly schema: Schema<Learnt> = object<Learnt>({ parts: list(list(oneOf(...NAMES), 1)) });

  protected override checkState({ parts }: Learnt, width: number): void {
    if (parts.length !== width) throw expected('state.parts', `a list of ${width}`, parts);
  }
}

/** A part of an instant; NaN of NaN. */
function reader(part: DatePart): (instant: number) => number {
  const [read] = PARTS[part];
  const date = new Date(0);
  return (instant) => {
    date.setTime(instant);
    return read(date);
  };
}

function dayOfYear(date: Date): number {
  const first = new Date(date);
  first.setUTCMonth(0, 1); // Date.UTC takes years up to 99 for those of the last century
  return Math.round((date.getTime() - first.getTime()) / 86_400_000) + 1;
}
