import { parseArgs } from 'node:util';
import { didYouMean } from '../check.js';
import type { Crew } from './crew.js';
import { usage } from './errors.js';

/** One option of a command. */
export interface OptionSpec {
  /** The name of its value in the help; without one it is a switch. */
  readonly value?: string;
  readonly help: string;
  readonly short?: string;
  /** May be given several times. */
  readonly multiple?: boolean;
  /** Other names it goes by. */
  readonly aliases?: readonly string[];
}

/** Options under the heading that the help gives them. */
export type OptionGroup = readonly [heading: string, options: Readonly<Record<string, OptionSpec>>];

export interface CommandSpec {
  readonly name: string;
  /** One line. */
  readonly summary: string;
  /** After 'fjordnet NAME'. */
  readonly usage: string;
  /** What the arguments before the options are, [name, help]. */
  readonly arguments: readonly (readonly [name: string, help: string])[];
  readonly least: number;
  readonly most: number;
  readonly groups: readonly OptionGroup[];
  readonly examples: readonly (readonly [what: string, command: string])[];
  /** Whether all processes that mpirun has started run it together. Default: the first one runs it alone */
  readonly isOfRanks?: boolean;
  /** What runs it; `run` gives the exit code. */
  load(): Promise<{ run(values: Values, crew: Crew): Promise<number> }>;
}

/** As `setThreads` and `RandomState` have them. */
export const MOST_THREADS = 256;
export const LARGEST_SEED = 2 ** 32 - 1;

export const HELP: OptionSpec = { short: 'h', help: 'Show this help' };

/** Arguments and options as they were given, checked for existence; the methods check and convert values. */
export class Values {
  readonly positionals: readonly string[];
  readonly #values: ReadonlyMap<string, readonly (string | true)[]>;

  constructor(positionals: readonly string[], values: ReadonlyMap<string, readonly (string | true)[]>) {
    this.positionals = positionals;
    this.#values = values;
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  /** The names of all options that were given. */
  get given(): string[] {
    return [...this.#values.keys()];
  }

  switch(name: string): boolean {
    return this.#values.has(name);
  }

  text(name: string): string | undefined {
    return this.#values.get(name)?.at(-1) as string | undefined;
  }

  /** Of an option that may be given several times. */
  texts(name: string): string[] {
    return [...(this.#values.get(name) ?? [])] as string[];
  }

  integer(name: string, low: number, high?: number): number | undefined {
    const text = this.text(name);
    return text === undefined ? undefined : readInteger(`--${name}`, text, low, high);
  }

  number(name: string, low: number, high = Number.POSITIVE_INFINITY): number | undefined {
    const text = this.text(name);
    return text === undefined ? undefined : readNumber(`--${name}`, text, low, high);
  }

  choice<S extends string>(name: string, allowed: readonly S[]): S | undefined {
    const text = this.text(name);
    if (text === undefined || allowed.includes(text as S)) return text as S | undefined;
    throw usage(`Expected --${name} to be one of ${allowed.join(', ')}${didYouMean(text, allowed)}, got '${text}'`);
  }

  /** A list with commas, such as 100,50. */
  list<T>(name: string, read: (name: string, text: string) => T): T[] | undefined {
    const text = this.text(name);
    return text === undefined ? undefined : text.split(',').map((part) => read(`--${name}`, part.trim()));
  }
}

export function readInteger(name: string, text: string, low: number, high = Number.MAX_SAFE_INTEGER): number {
  const value = /^[+-]?\d+(e\+?\d+)?$/i.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(value) && value >= low && value <= high) return value;
  if (high < Number.MAX_SAFE_INTEGER)
    throw usage(`Expected ${name} to be an integer in [${low}, ${high}], got '${text}'`);
  const kind = low === 1 ? 'a positive integer' : low === 0 ? 'a non-negative integer' : `an integer >= ${low}`;
  throw usage(`Expected ${name} to be ${kind}, got '${text}'`);
}

export function readNumber(name: string, text: string, low: number, high = Number.POSITIVE_INFINITY): number {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (Number.isFinite(value) && value >= low && value <= high) return value;
  const least = low === Number.MIN_VALUE ? '> 0' : `>= ${low}`;
  const bounds = [
    ...(low === Number.NEGATIVE_INFINITY ? [] : [least]),
    ...(high === Number.POSITIVE_INFINITY ? [] : [`<= ${high}`]),
  ];
  throw usage(`Expected ${name} to be a number${bounds.length ? ` ${bounds.join(' and ')}` : ''}, got '${text}'`);
}

/**
 * Reads the command line of one command. Options may stand anywhere, `--` ends them.
 *
 * @throws CommandError naming the nearest option for one that does not exist, and for missing or surplus values
 */
export function parse(spec: CommandSpec, args: readonly string[]): Values {
  const options = optionsOf(spec);
  const names = new Map<string, string>();
  for (const [name, { aliases = [] }] of Object.entries(options))
    for (const n of [name, ...aliases]) names.set(n, name);
  const { tokens } = parseArgs({
    args: [...args],
    strict: false,
    tokens: true,
    options: Object.fromEntries(
      [...names].map(([name, own]) => {
        const { value, short } = options[own];
        return [name, { type: value ? 'string' : 'boolean', ...(short && name === own ? { short } : {}) } as const];
      }),
    ),
  });
  const positionals: string[] = [];
  const values = new Map<string, (string | true)[]>();
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value);
    if (token.kind !== 'option') continue;
    const own = names.get(token.name);
    const given = token.rawName;
    if (own === undefined) throw unknownOption(spec, given, [...names.keys()]);
    const { value, multiple } = options[own];
    if (!value && token.value !== undefined)
      throw usage(`Expected ${given} to stand alone, got the value '${token.value}'`);
    if (value && (token.value === undefined || token.value === ''))
      throw usage(`Expected ${given} to have a value (${given} ${value}), got none`);
    if (value && !token.inlineValue && /^--?[a-z]/i.test(token.value ?? ''))
      throw usage(`Expected ${given} to have a value (${given} ${value}), got the option ${token.value}`);
    const list = values.get(own) ?? [];
    if (list.length > 0 && !multiple && value) throw usage(`Expected ${given} to be given once, got it twice`);
    values.set(own, [...list, token.value ?? true]);
  }
  if (!values.has('help')) checkCount(spec, positionals);
  return new Values(positionals, values);
}

/** All options of a command in one table. */
export function optionsOf({ groups }: CommandSpec): Record<string, OptionSpec> {
  return { ...Object.assign({}, ...groups.map(([, options]) => options)), help: HELP };
}

function unknownOption(spec: CommandSpec, given: string, names: readonly string[]): Error {
  const name = given.replace(/^-+/, '');
  const hint = given.startsWith('--') ? didYouMean(name, names) : '';
  const nearest = hint.replace(/'(.*)'/, "'--$1'");
  return usage(`Expected no option ${given}${nearest}; fjordnet ${spec.name} --help lists those there are`);
}

function checkCount({ name, arguments: list, least, most }: CommandSpec, positionals: readonly string[]): void {
  if (positionals.length < least) {
    const [missing, help] = list[positionals.length];
    throw usage(`Expected ${missing} (${help.split(/[:;.]/)[0]}), got none; fjordnet ${name} --help shows an example`);
  }
  if (positionals.length > most)
    throw usage(
      `Expected no argument '${positionals[most]}' after the others; fjordnet ${name} --help shows an example`,
    );
}
