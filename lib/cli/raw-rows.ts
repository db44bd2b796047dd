import type { NDArray } from '../array.js';
import { isError } from '../kind.js';
import { Frame, type TableInput } from '../tables/frame.js';
import type { Answers, Predictor } from '../tables/predictor.js';
import { readSamples } from './dataset.js';
import { CommandError, EXIT } from './errors.js';
import { columnsOf, type MixedTable, readMixed } from './mixed.js';
import { decidedOf, readMixedFor, textOf } from './mixed-dataset.js';
import type { Run } from './run-file.js';
import { readSource, type SourceOptions } from './sources.js';

/** Samples that are predicted at a time. */
const CHUNK = 4096;

/** Rows to predict, as they are in a file. */
export interface RawRows {
  readonly name: string;
  /** Parts of all of them, as a predictor takes them. */
  readonly parts: () => Iterable<TableInput | Frame>;
  /** The columns of a table of them. */
  readonly table?: MixedTable;
  /** The files that pictures are in. */
  readonly files?: readonly string[];
  /** What was taken of a first row that may be names or data. */
  readonly decided?: string;
}

/**
 * @param run of a predictor that `fjordnet train` saved
 * @param isWhole whether columns that it does not take are wanted, too
 */
export async function readRawRows(
  { inputNames, pipeline }: Predictor,
  run: Run | undefined,
  options: SourceOptions,
  isWhole: boolean,
): Promise<RawRows> {
  if (run ? run.transformer : inputNames) {
    const columns = !isWhole && inputNames ? { columns: inputNames } : {};
    const text = textOf(run?.transformer ?? pipeline.steps[0]?.[1]);
    const expected = { ...text, ...(inputNames && { features: inputNames }) };
    const table = await readMixedFor(run?.data, { ...columns, ...options, expected });
    // as a whole: what is wrong is told with its row
    const decided = decidedOf(table);
    return {
      name: table.name,
      parts: () => [columnsOf(table) as TableInput],
      table,
      ...(decided && { decided }),
    };
  }
  // images are many numbers, and a network takes them as float32
  const dtype = run?.meaning.imageShape ? run.recipe.dtype : 'float64';
  const { x, name, decided, files, columns } = run
    ? await readSamples(run, options, false, dtype)
    : await readSource({ ...options, labelOptional: true }, dtype);
  const samples = x.reshape(x.shape[0], -1);
  const header = columns !== undefined;
  return {
    name,
    parts: () => chunks(samples, run?.meaning.features),
    ...(isWhole && { table: await readMixed({ ...options, ...run?.data, ...options, header }) }),
    ...(decided && { decided }),
    ...(files && { files }),
  };
}

/** Parts of a matrix of samples. */
export function* chunks(samples: NDArray, names: readonly string[] | undefined): Generator<Frame> {
  const [n] = samples.shape;
  for (let at = 0; at < n; at += CHUNK) {
    const rows = Int32Array.from({ length: Math.min(CHUNK, n - at) }, (_, i) => at + i);
    yield Frame.ofMatrix(samples.take(rows), names);
  }
}

export interface Predicted {
  readonly answers: Answers;
  readonly probabilities?: NDArray;
}

/** What a predictor makes of rows, part by part; what it refuses is said of the file. */
export async function* predicted(
  predictor: Predictor,
  { name, parts }: Pick<RawRows, 'name' | 'parts'>,
  withProbabilities: boolean,
): AsyncGenerator<Predicted> {
  for (const rows of parts())
    try {
      yield withProbabilities ? await predictor.predictWithProba(rows) : { answers: await predictor.predict(rows) };
    } catch (error) {
      if (!isError(error) || !error.message.startsWith('Expected ')) throw error;
      throw new CommandError(EXIT.input, `Cannot use '${name}': ${error.message}`, { cause: error });
    }
}
