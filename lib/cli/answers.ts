import { concatenated, NDArray } from '../array.js';
import { isRecords } from '../io/extensions.js';
import { hasMethods, isNDArray } from '../kind.js';
import { codesOf, type Label } from '../labels.js';
import { logLoss } from '../scores/log-loss.js';
import { Frame, type TableInput } from '../tables/frame.js';
import { isNetworkStep } from '../tables/network-step.js';
import type { Predictor } from '../tables/predictor.js';
import { type Assessment, type Classified, classified, regressed } from './assessment.js';
import { CommandError, EXIT } from './errors.js';
import { isOfColumns, type MixedTable, readMixed } from './mixed.js';
import { decidedOf, readMixedFor, textOf } from './mixed-dataset.js';
import { isOfPictures, type PictureOptions } from './pictures.js';
import { chunks, type Predicted, predicted } from './raw-rows.js';
import { readSource, type SourceOptions, type Table } from './sources.js';
import { checkTask, targetsOf } from './task.js';

/** Rows as they are in a file, and their labels. */
interface Labelled extends Pick<Table, 'name' | 'y' | 'target' | 'decided'> {
  readonly parts: () => Iterable<TableInput | Frame>;
}

/** How a model does, on which data. */
export interface Assessed extends Omit<Assessment, 'classification' | 'loss'>, Pick<Labelled, 'name' | 'decided'> {
  /** Absent of a classifier that knows no probabilities. */
  readonly loss?: number;
  readonly classification?: Classified;
  readonly classes?: readonly Label[];
}

/** How what code saved does on the rows of a file that have labels. Its loss is the cross-entropy, or the mean of the squared errors. */
export async function assessAnswers(predictor: Predictor, options: SourceOptions): Promise<Assessed> {
  const rows = await readLabelled(predictor, options);
  const { name, decided } = rows;
  const common = { name, ...(decided && { decided }) };
  const isOfClasses = predictor.pipeline.estimatorType === 'classifier' || predictor.classes.length > 0;
  checkTask(rows, isOfClasses ? 'classification' : 'regression');
  const last = predictor.pipeline.steps.at(-1)?.[1];
  const hasShares = isOfClasses && (isNetworkStep(last) || hasMethods(last, 'predictProba'));
  const parts: Predicted[] = [];
  for await (const part of predicted(predictor, rows, hasShares)) parts.push(part);
  const answers = parts.flatMap((part) => listed(part.answers, name));
  if (!isOfClasses) {
    const [truth, made] = [targetsOf(rows, undefined), NDArray.from(answers as number[])];
    const regression = regressed(truth, made);
    const loss = regression.rootMeanSquaredError ** 2;
    return { ...common, samples: truth.size, loss, regression, numbers: { truth, predicted: made } };
  }
  const shares = hasShares ? concatenated(parts.map(({ probabilities }) => probabilities as NDArray)) : undefined;
  const known = predictor.classes;
  const codes = Array.from({ length: shares?.shape[1] ?? known.length }, (_, code) => code);
  const classes = known.length > 0 ? known : codes;
  const truth = targetsOf(rows, classes);
  const loss = shares && { loss: logLoss(truth, shares, { labels: codes }) };
  const classification = classified(truth, NDArray.wrap(codesOf(answers, classes)), classes);
  return { ...common, ...loss, classes, samples: truth.size, classification };
}

function listed(answers: Predicted['answers'], name: string): Label[] {
  if (!isNDArray(answers)) return [...answers];
  if (answers.ndim === 1) return Array.from(answers.data);
  throw new CommandError(
    EXIT.input,
    `Expected a model that answers '${name}' with a label or a number a row, got ${answers.shape.slice(1).join(' x ')} numbers`,
  );
}

async function readLabelled(predictor: Predictor, options: SourceOptions): Promise<Labelled> {
  const { inputNames, target } = predictor;
  const label = options.label ?? target;
  const expected = {
    ...(target !== undefined && { label: target }),
    classes: predictor.classes,
    ...textOf(predictor.pipeline.steps[0]?.[1]),
  };
  const own = { ...options, expected };
  if (inputNames) return ofColumns(await readMixedFor(undefined, { ...own, columns: inputNames }, label ?? -1));
  if (isRecords(options.source)) return ofColumns(await readMixedFor(undefined, own, label ?? -1));
  try {
    const { x, ...table } = await readSource({ ...own, ...pictureOptions(predictor, options.source) }, 'float64');
    return { ...table, parts: () => chunks(x.reshape(x.shape[0], -1), undefined) };
  } catch (error) {
    if (!isOfColumns(error)) throw error;
    return ofColumns(await readMixed(own, label ?? -1));
  }
}

function ofColumns(table: MixedTable): Labelled {
  const { name, names, columns, label } = table;
  const { name: target, y } = label as NonNullable<typeof label>;
  const decided = decidedOf(table);
  return { name, target, y, parts: () => [Frame.ofColumns(y.length, columns, names)], ...(decided && { decided }) };
}

/** Pictures as the network at the end takes them. */
function pictureOptions({ pipeline }: Predictor, source: string): PictureOptions {
  if (!isOfPictures(source)) return {};
  const last = pipeline.steps.at(-1)?.[1];
  const [height, width, channels] = (isNetworkStep(last) && last.graph?.inputs[0].shape) || [];
  if (channels !== 1 && channels !== 3)
    throw new CommandError(EXIT.input, `Expected a network of pictures, [height, width, 1 or 3], for '${source}'`);
  return { size: [height, width], colorMode: channels === 1 ? 'grayscale' : 'rgb' };
}
