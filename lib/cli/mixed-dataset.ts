import { NDArray } from '../array.js';
import { type Label, uniqueLabels } from '../labels.js';
import type { TableTransformer } from '../tables/table-transformer.js';
import type { FloatType } from '../tape.js';
import type { DataOptions, Samples, Split } from './dataset.js';
import { CommandError, EXIT, usage } from './errors.js';
import { type ColumnOptions, fittedTo, type MixedTable, readMixed, transformed } from './mixed.js';
import { count } from './output.js';
import { isOfPictures } from './pictures.js';
import type { Run } from './run-file.js';
import { applyScaling, fitScaling } from './scaling.js';
import { checkTabular, type SourceOptions, takenForNames, writtenAs } from './sources.js';
import { splitRows } from './split-rows.js';
import { checkTask, guessTask, labelsOf, type Task, targetsOf } from './task.js';

/** What has no meaning for columns of several kinds. */
export function checkMixed({ name }: MixedTable, { scale, shape }: DataOptions, flat: boolean): void {
  if (!flat) throw usage(`Expected a network of dense layers for the columns of '${name}', got one of images`);
  if (shape) throw usage(`Expected no --shape with '${name}', whose columns are of several kinds`);
  if (scale !== 'auto' && scale !== 'none')
    throw usage(`Expected no --scale with '${name}', whose columns of numbers are each scaled to variance 1`);
}

/** The training and test set of a table of mixed columns, which become what is proposed by the training rows. */
export async function splitMixed(
  table: MixedTable,
  options: DataOptions,
  dtype: FloatType,
  seed: number,
): Promise<Split> {
  const { name: target, y: labels } = table.label as NonNullable<MixedTable['label']>;
  const asked = { name: table.name, y: labels, target };
  const task = options.task === 'auto' ? guessTask(asked) : options.task;
  checkTask(asked, task);
  const classes = task === 'classification' ? uniqueLabels(labelsOf(asked)) : undefined;
  if (classes && classes.length < 2)
    throw new CommandError(EXIT.input, `Expected '${table.name}' to hold two classes or more, got one: ${classes[0]}`);
  const y = targetsOf(asked, classes);
  const n = y.shape[0];
  const rows = NDArray.wrap(Int32Array.from({ length: n }, (_, row) => row));
  const { testData: source } = options;
  const other =
    source === undefined
      ? undefined
      : await readMixed({ ...options, source, expected: { ...textIn(table), ...(classes && { classes }) } }, target);
  const [train, test] =
    other || options.testSize === 0 ? [rows] : splitRows(table.name, rows, y, classes, options, seed);
  const transformer = fittedTo(table, train, options);
  const samples = (of: MixedTable, part: NDArray, targets: NDArray): Samples => ({
    x: NDArray.from(transformed(transformer, of, part), { dtype }),
    y: targets.take(part),
  });
  const trained = samples(table, train, y);
  const tested = other
    ? samples(
        other,
        NDArray.wrap(Int32Array.from({ length: other.columns[0].length }, (_, i) => i)),
        otherTargets(other, task, classes),
      )
    : test && samples(table, test, y);
  const targetScaling = classes ? undefined : fitScaling('standard', trained.y.reshape(-1, 1));
  const ofTest = other && decidedOf(other);
  const decided = [decidedOf(table), ofTest && `${(other as MixedTable).name}: ${ofTest}`].filter(Boolean);
  if (targetScaling) for (const part of tested ? [trained, tested] : [trained]) applyScaling(targetScaling, part.y);
  return {
    name: table.name,
    meaning: {
      task,
      inputShape: trained.x.shape.slice(1),
      scaling: fitScaling('none', trained.x),
      ...(classes && { classes }),
      ...(targetScaling && { targetScaling }),
      target,
      features: transformer.getFeatureNamesOut(),
      columns: transformer.featureNamesIn as readonly string[],
    },
    train: trained,
    ...(tested && { test: tested }),
    transformer,
    ...(decided.length > 0 && { decided: decided.join('; ') }),
  };
}

/** What was made of a first row that may be names or data, and of rows without a label. */
export function decidedOf({ doubtful, unlabelled, label }: MixedTable): string | undefined {
  const left = unlabelled && label && `${count(unlabelled, 'row')} without '${label.name}'`;
  const said = [doubtful && takenForNames(doubtful), left && `${left} ${unlabelled === 1 ? 'is' : 'are'} left out`];
  return said.filter(Boolean).join('; ') || undefined;
}

function otherTargets(other: MixedTable, task: Task, classes: readonly Label[] | undefined): NDArray {
  const { name: target, y } = other.label as NonNullable<MixedTable['label']>;
  const asked = { name: other.name, y, target };
  checkTask(asked, task);
  return targetsOf(asked, classes);
}

/** Such a table for a network that was trained on one. */
export async function loadMixedFor(
  { meaning, recipe, data, transformer }: Required<Pick<Run, 'meaning' | 'recipe' | 'data' | 'transformer'>>,
  options: SourceOptions,
  withTargets: boolean,
): Promise<{ x: NDArray; y?: NDArray; name: string; decided?: string }> {
  const label = withTargets ? (options.label ?? meaning.target) : undefined;
  const table = await readMixedFor(
    data,
    {
      ...(transformer.featureNamesIn && { columns: transformer.featureNamesIn }),
      ...options,
      expected: { ...textOf(transformer), ...(meaning.classes && { classes: meaning.classes }) },
    },
    label,
  );
  const x = NDArray.from(transformed(transformer, table), { dtype: recipe.dtype });
  const decided = decidedOf(table);
  const common = { x, name: table.name, ...(decided && { decided }) };
  if (!table.label || !withTargets) return common;
  const y = otherTargets(table, meaning.task, meaning.classes);
  if (meaning.targetScaling) applyScaling(meaning.targetScaling, y);
  return { ...common, y };
}

/** The columns of text of a table. */
const textIn = ({ names, columns }: MixedTable) => ({
  text: names.filter((_, k) => (columns[k] as unknown[]).some((value) => typeof value === 'string')),
});

/** The columns of text of what was fitted, where it knows. */
export function textOf(transformer: unknown): { text?: readonly string[] } {
  const { featureNamesIn, columnKinds } = (transformer ?? {}) as Partial<TableTransformer>;
  return columnKinds && featureNamesIn ? { text: featureNamesIn.filter((_, k) => columnKinds[k] === 'text') } : {};
}

/** A file that is written as that of the training was, unless options say otherwise. */
export async function readMixedFor(
  data: DataOptions | undefined,
  options: SourceOptions & ColumnOptions,
  label?: string | number,
): Promise<MixedTable> {
  if (isOfPictures(options.source))
    throw new CommandError(
      EXIT.input,
      `Expected a network that was trained on a folder of pictures for '${options.source}'`,
    );
  await checkTabular(options);
  const written = data && {
    ...(data.decimal && { decimal: data.decimal }),
    ...(data.encoding && { encoding: data.encoding }),
    ...writtenAs(data),
  };
  return readMixed({ ...written, ...options }, label);
}
