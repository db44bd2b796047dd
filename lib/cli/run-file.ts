import { stat } from 'node:fs/promises';
import type { BuildInfo } from '../info.js';
import { loadModel, saveModel } from '../io/model-file.js';
import { hasMethods } from '../kind.js';
import type { Sequential } from '../models/sequential.js';
import { fileOf, networkFile, objectIn } from '../saved.js';
import { scalerOf } from '../tables/legacy.js';
import { isNetworkStep } from '../tables/network-step.js';
import { Pipeline } from '../tables/pipeline.js';
import { Predictor, predictorOf } from '../tables/predictor.js';
import type { TableTransformer } from '../tables/table-transformer.js';
import type { DataOptions, Meaning, Split } from './dataset.js';
import { CommandError, checked, EXIT, unreadable } from './errors.js';
import { type Recipe, splitFor } from './recipe.js';
import { checkRun } from './run-schema.js';

/** How a network came about: kept in its file, so that evaluating, predicting, resuming and reporting need no options. */
export interface Run {
  readonly version: 1;
  readonly data: DataOptions;
  readonly recipe: Recipe;
  readonly meaning: Meaning;
  readonly seed: number;
  /** The share of the training samples, the last ones, that was validated on. */
  readonly validation: number;
  readonly patience?: number;
  /** Whether rare classes weighed more. */
  readonly balanced?: boolean;
  readonly samples: { readonly train: number; readonly validation: number; readonly test: number };
  /** Whole epochs done. */
  readonly epochs: number;
  readonly history: {
    readonly epoch: readonly number[];
    readonly history: Readonly<Record<string, readonly number[]>>;
  };
  /** Of training alone. */
  readonly seconds: number;
  readonly build: Pick<BuildInfo, 'version' | 'blas' | 'blasCore' | 'blasLinkage' | 'simd' | 'threads'> & {
    readonly node: string;
  };
  /** When the file was written, ISO 8601. */
  readonly saved: string;
  /** What makes numbers of a table's mixed columns; beside the rest in the file. */
  readonly transformer?: TableTransformer;
}

/** Writes a network with its run, at once or not at all. */
export async function saveRun(path: string, model: Sequential, { transformer, ...run }: Run): Promise<void> {
  const file = transformer ? fileOf(predictorFor(model, run, transformer)) : model[networkFile]();
  await saveModel(path, { ...file, training: { ...file.training, run: withoutUndefined(run) } });
}

/** What answers raw rows, for `loadPredictor` and `fjordnet serve`. */
function predictorFor(model: Sequential, { meaning }: Run, transformer: TableTransformer): Predictor {
  const { target, classes, targetScaling } = meaning;
  const steps = [
    ['prepare', transformer],
    ['model', model],
  ];
  const pipeline = Pipeline.revive({ steps } as never, { isFitted: true, ...(classes && { classes }) }) as Pipeline;
  const targetScaler = targetScaling && scalerOf(targetScaling, 1);
  return new Predictor({ pipeline, ...(target !== undefined && { target }), ...(targetScaler && { targetScaler }) });
}

/** JSON has no NaN and no Infinity, which losses may be: they are null in the file. */
const withoutUndefined = (run: Run): unknown => JSON.parse(JSON.stringify(run));

/** The object in a file, and the run beside it. @throws CommandError that says why the file is of no use */
async function read<T>(path: string, take: (held: object, run: unknown) => T): Promise<T> {
  try {
    if ((await stat(path)).isDirectory()) throw Object.assign(new Error(), { code: 'EISDIR', syscall: 'read' });
    const file = await loadModel(path);
    const held = checked(path, () => objectIn(file));
    return take(held, file.training?.run);
  } catch (error) {
    const known = unreadable(path, error);
    if ((error as NodeJS.ErrnoException).code !== 'ERR_FORMAT') throw known;
    throw new CommandError(
      EXIT.input,
      `${(known as Error).message}; expected a network that fjordnet train --save wrote`,
      { cause: error },
    );
  }
}

/** Reads a network that `fjordnet train --save` or `Sequential.save` wrote; the latter has no run. */
export const loadRun = (path: string): Promise<{ model: Sequential; run?: Run }> =>
  read(path, (held, stored) => {
    const parts = checked(path, () => partsOf(held));
    return { model: parts.model, ...(stored !== undefined && { run: runOf(path, stored, parts) }) };
  });

/** What answers raw rows. */
export interface Answering {
  readonly predictor: Predictor;
  /** The network and how it came about, where the command line trained it. */
  readonly trained?: { readonly model: Sequential; readonly run: Run };
}

/** Reads whatever `loadPredictor` does. */
export const loadAny = (path: string): Promise<Answering> =>
  read(path, (held, stored) => answeringOf(path, held, stored));

/** Reads what `fjordnet train --save` wrote, with its run, or `save` of an estimator, a pipeline or a predictor. */
export const loadAnswering = (path: string): Promise<{ predictor: Predictor; run?: Run }> =>
  read(path, (held, stored) => {
    if (stored === undefined && isNetworkStep(held)) throw networkAlone(path);
    const { predictor, trained } = answeringOf(path, held, stored);
    return { predictor, ...(trained && { run: trained.run }) };
  });

function answeringOf(path: string, held: object, stored: unknown): Answering {
  const parts = stored === undefined ? undefined : checked(path, () => partsOf(held));
  const trained = parts && { model: parts.model, run: runOf(path, stored, parts) };
  return { predictor: checked(path, () => predictorOf(held, stored)), ...(trained && { trained }) };
}

/** What `fjordnet train` keeps beside a network. @throws CommandError that says what of it is of no use */
export function runOf(path: string, stored: unknown, { model, transformer }: ReturnType<typeof partsOf>): Run {
  const { version } = (stored ?? {}) as { version?: unknown };
  if (Number.isInteger(version) && (version as number) > 1)
    throw new CommandError(
      EXIT.input,
      `Expected the run in '${path}' to be of version 1, got ${version}: it is of a later fjordnet`,
    );
  const run = checked(path, () => checkRun(stored, model));
  return { ...run, history: withNaN(run.history), ...(transformer && { transformer }) };
}

/** The network of a file, and what makes numbers of columns, where it is a predictor's. */
function partsOf(held: object): { model: Sequential; transformer?: TableTransformer } {
  const steps = hasMethods(held, 'describe', 'predictProba') ? (held as Predictor).pipeline.steps : undefined;
  const model = (steps ? steps.at(-1)?.[1] : held) as Sequential;
  if (model.className !== 'Sequential')
    throw new TypeError(
      `Expected a network that fjordnet train --save wrote, got a ${model.className ?? 'file of another kind'}`,
    );
  const transformer = steps?.[0][1] as TableTransformer | undefined;
  return { model, ...(transformer && steps?.length === 2 && { transformer }) };
}

/** The data that a network was trained and tested on, read again. */
export async function loadTrained(path: string, run: Run): Promise<Split> {
  const { recipe, data, seed, meaning, samples } = run;
  const split = await splitFor(recipe, data, seed);
  const counts = (train: number, test: number) => `${train} samples to train on and ${test} to test on`;
  const was = {
    ...{ samples: counts(samples.train + samples.validation, samples.test), ...meaning },
    transformer: stateOf(run.transformer),
  };
  const is = {
    ...{ samples: counts(split.train.x.shape[0], split.test?.x.shape[0] ?? 0), ...split.meaning },
    transformer: stateOf(split.transformer),
  };
  const other = ALIKE.find((key) => JSON.stringify(was[key]) !== JSON.stringify(is[key]));
  if (other === undefined) return split;
  throw new CommandError(
    EXIT.input,
    `Expected '${data.source}' to hold the data that '${path}' was trained on, got others: ${
      other === 'samples'
        ? `there were ${was.samples}, there are ${is.samples}`
        : `their ${WORDS[other] ?? other} are not the same`
    }`,
  );
}

const stateOf = (transformer?: TableTransformer) =>
  transformer && Buffer.from(transformer.toBytes()).toString('base64');

/** What must be the same, what says most first. */
const ALIKE = [
  ...(['samples', 'inputShape', 'imageShape', 'task', 'classes', 'target', 'features'] as const),
  ...(['scaling', 'targetScaling', 'transformer'] as const),
];

const WORDS: Partial<Record<(typeof ALIKE)[number], string>> = {
  features: "features' names",
  inputShape: 'sizes',
  imageShape: 'sizes',
  scaling: 'values',
  targetScaling: 'values',
  transformer: 'values',
  target: "labels' names",
  task: 'kinds of labels',
};

/** A network whose run is needed. */
export async function loadOwnRun(path: string): Promise<{ model: Sequential; run: Run }> {
  const { model, run } = await loadRun(path);
  if (run) return { model, run };
  throw networkAlone(path);
}

const networkAlone = (path: string) =>
  new CommandError(
    EXIT.input,
    `Expected '${path}' to be saved by fjordnet train, which keeps data, classes and scaling in it; it holds a model alone`,
  );

function withNaN({ epoch, history }: Run['history']): Run['history'] {
  const values = Object.entries(history).map(
    ([name, list]) => [name, list.map((value) => value ?? Number.NaN)] as const,
  );
  return { epoch, history: Object.fromEntries(values) };
}

/** The bytes that a network's file will take: its weights, and what the optimizer keeps of each. */
export function expectedBytes(model: Sequential): number {
  return 4 * (model.dtype === 'float32' ? 4 : 8) * model.countParams() + 65536;
}
