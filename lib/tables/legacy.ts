import { NDArray } from '../array.js';
import { integer, label, list, number, object, type Schema, text } from '../io/schema.js';
import { isPlain } from '../kind.js';
import type { Label } from '../labels.js';
import { ColumnTransformer } from './column-transformer.js';
import { StandardScaler } from './standard-scaler.js';
import type { AnyTransformer } from './steps.js';

interface Scaling {
  readonly shift: readonly number[];
  readonly factor: readonly number[];
}

/** What the command line keeps beside a network: x is (x - shift) * factor to it. */
interface Meaning {
  readonly classes?: readonly Label[];
  readonly target?: string;
  readonly features?: readonly string[];
  readonly inputShape: readonly number[];
  readonly scaling: Scaling;
  readonly targetScaling?: Scaling;
}

const scaling: Schema<Scaling> = object<Scaling>({ shift: list(number(), 1), factor: list(number(), 1) });
const meaning = object<Meaning>(
  {
    classes: list(label, 2),
    target: text,
    features: list(text, 1),
    inputShape: list(integer(1), 1),
    scaling,
    targetScaling: scaling,
  },
  ['classes', 'target', 'features', 'targetScaling'],
);

/** What a network's answers mean, by the run that the command line saved with it; nothing of one that code saved. */
export function meaningOf(run: unknown): {
  transformer?: AnyTransformer;
  classes?: readonly Label[];
  target?: string;
  targetScaler?: StandardScaler;
} {
  if (!isPlain(run)) return {};
  const { classes, target, features, inputShape, scaling, targetScaling } = meaning('run.meaning', run.meaning);
  const width = inputShape.reduce((product, n) => product * n, 1);
  const scaler = scalerOf(scaling, width, features);
  const found = {
    used: range(width),
    parts: [{ name: 'scale', columns: range(width), steps: [scaler], names: features }],
  };
  const transformer = features
    ? ColumnTransformer.revive(
        { transformers: [['scale', new StandardScaler(), features]], verboseFeatureNamesOut: false } as never,
        { input: { width, names: features }, found },
      )
    : scaler;
  return {
    transformer,
    ...(classes && { classes }),
    ...(target !== undefined && { target }),
    ...(targetScaling && { targetScaler: scalerOf(targetScaling, 1) }),
  };
}

const range = (n: number) => Array.from({ length: n }, (_, k) => k);

/** A scaling of the command line, x becoming (x - shift) * factor, as a StandardScaler. */
export function scalerOf({ shift, factor }: Scaling, width: number, names?: readonly string[]): StandardScaler {
  const each = (values: readonly number[]) =>
    NDArray.from(values.length === 1 ? new Float64Array(width).fill(values[0]) : values);
  const scale = NDArray.wrap((each(factor).data as Float64Array).map((f) => 1 / f));
  return StandardScaler.revive({} as never, {
    input: { width, ...(names && { names }) },
    found: { mean: each(shift), variance: scale, scale, nSamples: 1 },
  }) as StandardScaler;
}
