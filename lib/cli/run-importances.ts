import { NDArray } from '../array.js';
import { type PermutationImportance, permutationImportance } from '../model-selection/permutation-importance.js';
import type { Sequential } from '../models/sequential.js';
import * as plots from '../plots/index.js';
import { RandomState } from '../random.js';
import { figure, note, type Section } from '../report/index.js';
import { accuracyScore } from '../scores/classification.js';
import { r2Score } from '../scores/regression.js';
import { classCodes } from '../tables/network-step.js';
import type { Samples, Split } from './dataset.js';
import type { Run } from './run-file.js';

/** Of more rows an importance changes little, and takes longer. */
const MOST_ROWS = 1000;
/** Each column is predicted with again and again: of more a report would take a minute. */
const MOST_COLUMNS = 100;
const MOST_BARS = 20;
const REPEATS = 5;

/** A column of a table, and how many features of a network are made of it. */
interface Column {
  readonly name: string;
  readonly width: number;
}

/** The columns of a table that a network learned from; undefined of images, and of numbers without names. */
export function columnsOf({ meaning, transformer }: Run): readonly Column[] | undefined {
  if (transformer) {
    const steps = transformer.namedTransformers;
    return transformer.transformers.map(([entry, , chosen]) => {
      const made = steps[entry].at(-1)?.getFeatureNamesOut?.() as string[];
      return { name: (chosen as readonly string[])[0], width: made.length };
    });
  }
  const { features, imageShape, inputShape } = meaning;
  return imageShape || inputShape.length > 1 ? undefined : features?.map((name) => ({ name, width: 1 }));
}

/**
 * What permuting each column, as it is in the table, takes off the accuracy or R². Of many rows some are drawn; all draws are of
 * the run's seed.
 */
export function importancesOf(
  model: Sequential,
  { seed, meaning }: Run,
  samples: Samples,
  columns: readonly Column[],
): Promise<PermutationImportance> {
  const rows = new RandomState(seed).permutation(samples.x.shape[0]).data.slice(0, MOST_ROWS).sort();
  const [n, width] = [rows.length, columns.length];
  const { data, shape, dtype } = samples.x.take(rows);
  // features of a row are made of its own values, each of one column: those of a permuted column are permuted in the same way
  const sources = NDArray.wrap(
    Int32Array.from({ length: n * width }, (_, i) => Math.floor(i / width)),
    [n, width],
  );
  const predict = async (sources: NDArray): Promise<NDArray> => {
    const x = NDArray.zeros(shape, dtype);
    let at = 0;
    for (let i = 0; i < n; i++)
      for (let k = 0, first = 0; k < width; first += columns[k++].width) {
        const from = sources.data[i * width + k] * shape[1] + first;
        for (let j = 0; j < columns[k].width; j++) x.data[at++] = data[from + j];
      }
    const output = await model.predict(x, { batchSize: 256 });
    return meaning.classes ? classCodes(model, output) : output.reshape(-1);
  };
  const score = meaning.classes ? accuracyScore : r2Score;
  return permutationImportance({ predict }, sources, samples.y.take(rows), {
    scoring: async (_, permuted, y) => score(y as NDArray, await predict(permuted)) as number,
    nRepeats: REPEATS,
    randomState: seed,
  });
}

/** Which columns matter, by the test rows. */
export async function importancesSection(
  model: Sequential,
  run: Run,
  { meaning, test }: Split,
): Promise<Section | undefined> {
  const columns = columnsOf(run);
  const samples = test as Samples;
  const n = samples.x.shape[0];
  if (!columns || columns.length < 2 || n < 2) return undefined;
  const title = 'Importances';
  if (columns.length > MOST_COLUMNS)
    return {
      title,
      content: [note(`Not measured: there are ${columns.length} columns, of which ${MOST_COLUMNS} at most are.`)],
    };
  const names = columns.map(({ name }) => name);
  const found = await importancesOf(model, run, samples, columns);
  const notes = [
    n > MOST_ROWS &&
      `Measured on ${MOST_ROWS.toLocaleString('en-US')} test samples of ${n.toLocaleString('en-US')}, drawn at random.`,
    columns.length > MOST_BARS && `Of ${columns.length} columns the ${MOST_BARS} that matter most are drawn.`,
    'Of columns that tell the same, each may look unimportant.',
  ];
  return {
    title,
    content: [
      await figure(
        (drawing) => plots.importances(names, found, { ...drawing, limit: MOST_BARS }),
        `What it takes off the test ${meaning.classes ? 'accuracy' : 'R²'} if the values of one column are dealt out to other samples: the mean of ${REPEATS} times, and one standard deviation to both sides.`,
      ),
      note(notes.filter(Boolean).join(' ')),
    ],
  };
}
