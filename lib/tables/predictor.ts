import { type ArrayInput, asArray, NDArray } from '../array.js';
import { checkOptions, didYouMean, wrongShape, wrongType, wrongValue } from '../check.js';
import { checkBytes } from '../io/bytes.js';
import { ofFile } from '../io/file-errors.js';
import { loadModel, parseModel } from '../io/model-file.js';
import { hasMethods, isNDArray, isURL, property } from '../kind.js';
import type { Label } from '../labels.js';
import { objectIn, type Parts, registerSaved } from '../saved.js';
import { Exportable } from './exportable.js';
import { type Frame, isMatrix, readFrame, type TableInput } from './frame.js';
import { meaningOf } from './legacy.js';
import { isNetworkStep } from './network-step.js';
import { Pipeline } from './pipeline.js';
import type { Answers } from './pipeline-results.js';

export type { Answers };

import type { StandardScaler } from './standard-scaler.js';
import { columnsOf, shown } from './transformer.js';

export interface PredictorOptions {
  /** From raw rows to the model's answers; fitted, as a whole or each of its steps, such as a network that a stream trained. */
  pipeline: Pipeline<any>;
  /** Of such a network the classes, in the order of its outputs. Default: those of the pipeline */
  classes?: readonly Label[];
  /** What is predicted. */
  target?: string;
  /** How a regression's targets were scaled, to be undone. */
  targetScaler?: StandardScaler;
}

/**
 * Preprocessing, a model, its classes and the names of its inputs: what answers raw rows as they came, alike in a program, on the
 * command line and in a server. `loadPredictor` makes one of any file that was saved.
 */
export class Predictor extends Exportable {
  static override readonly className = 'Predictor';
  readonly pipeline: Pipeline<any>;
  readonly target: string | undefined;
  readonly #targetScaler: StandardScaler | undefined;

  static {
    registerSaved(Predictor);
  }

  constructor(options: PredictorOptions) {
    super();
    checkOptions('options', options, ['pipeline', 'classes', 'target', 'targetScaler']);
    const { pipeline, classes, target, targetScaler } = options;
    if (!hasMethods(pipeline, 'predict', 'getParams', 'transformFrame'))
      throw wrongType('pipeline', 'a Pipeline that ends in a model', pipeline);
    if (target !== undefined && typeof target !== 'string') throw wrongType('target', 'a string', target);
    if (targetScaler !== undefined && !hasMethods(targetScaler, 'inverseTransform'))
      throw wrongType('targetScaler', 'a StandardScaler', targetScaler);
    if (classes !== undefined) checkClasses(classes);
    const isReady = pipeline.steps.every(([, step]) => property(step, 'isFitted') !== false);
    this.pipeline = isReady && (classes || !pipeline.isFitted) ? fittedOf(pipeline, classes) : pipeline;
    this.target = target;
    this.#targetScaler = targetScaler;
  }

  /** The columns that it needs, by name; undefined where it was trained on columns without names. */
  get inputNames(): readonly string[] | undefined {
    let first: unknown = this.pipeline;
    for (let steps: unknown = this.pipeline.steps; Array.isArray(steps); steps = property(first, 'steps'))
      first = steps.find(([, step]) => hasMethods(step, 'fit', 'transform'))?.[1];
    return property(first, 'featureNamesIn') as readonly string[] | undefined;
  }

  /** The classes, in the order of `predictProba`; [] of a regression. */
  get classes(): Label[] {
    return this.pipeline.classes;
  }

  /**
   * Labels, or numbers, one a row.
   * @param rows a table as the model was trained on: other columns beside those of `inputNames` are not looked at; pictures are
   *   arrays [n, height, width, channels], or a list of what `readImage` gives, of the size that the network takes
   * @throws TypeError or RangeError, with row and column, for what it cannot take
   */
  async predict(rows: TableInput | Frame): Promise<Answers> {
    return this.#inUnits((await this.pipeline.predict(this.#matched(rows))) as Answers);
  }

  /** The same on the calling thread. */
  predictSync(rows: TableInput | Frame): Answers {
    return this.#inUnits(this.pipeline.predictSync(this.#matched(rows)));
  }

  /** The probabilities [n, classes], in the order of `classes`. @throws TypeError for a regression */
  async predictProba(rows: TableInput | Frame): Promise<NDArray> {
    return this.#ofClasses(await this.pipeline.predictProba(this.#matched(rows)));
  }

  /** What `predict` and `predictProba` give, at the cost of one of them. @throws TypeError for a regression */
  async predictWithProba(rows: TableInput | Frame): Promise<{ answers: Answers; probabilities: NDArray }> {
    const { answers, probabilities } = await this.pipeline.predictWithProba(this.#matched(rows));
    return { answers, probabilities: this.#ofClasses(probabilities) };
  }

  /** What it takes, what becomes of it, and what it answers, in words. */
  describe(): string {
    const { classes, target, inputNames } = this;
    const what = target === undefined ? '' : ` ${target}`;
    const answer =
      classes.length > 0
        ? `Predicts${what}, one of ${classes.length} classes: ${classes.join(', ')}`
        : `Predicts${what || ' a number'}`;
    const steps = this.pipeline.steps.map(([name, step]) => {
      const words = hasMethods(step, 'describe') ? (step as unknown as { describe(): string }).describe() : '';
      const kind =
        typeof step === 'string' ? step : ((step as { className?: string }).className ?? step.constructor.name);
      return `${name}: ${kind}${words ? `\n  ${words.replaceAll('\n', '\n  ')}` : ''}`;
    });
    return [
      answer,
      ...(inputNames ? [`From ${inputNames.length} columns: ${inputNames.join(', ')}`] : []),
      ...(this.#inputShape.length > 1 ? [`From arrays of ${this.#inputShape.join(' x ')}`] : []),
      ...steps,
    ].join('\n');
  }

  protected override parts(): Parts {
    const { pipeline, target } = this;
    const targetScaler = this.#targetScaler;
    return {
      config: { pipeline, ...(target !== undefined && { target }), ...(targetScaler && { targetScaler }) },
    };
  }

  protected override restore(state: unknown): void {
    throw wrongType('state', 'absent', state);
  }

  /** An MLPClassifier of a single class has a second column, that of any other. */
  #ofClasses(p: NDArray): NDArray {
    const { length } = this.classes;
    return length > 0 && p.shape[1] > length ? p.slice(null, [0, length]) : p;
  }

  /** Names of columns are told apart from a model without names in one sentence. */
  #matched(rows: TableInput | Frame): Frame {
    const names = this.inputNames;
    const x = readFrame('rows', this.#flat(rows));
    if (!names || !x.names) return this.#ofWidth(x);
    const own = new Set(x.names);
    const missing = names.filter((name) => !own.has(name));
    if (missing.length > 0) {
      const others = x.names.filter((name) => !names.includes(name));
      throw new RangeError(
        `Expected rows to have the columns ${missing.map((name) => `'${name}'`).join(', ')}, as the model was trained on, got ${shown(x.names)}${didYouMean(missing[0], others)}`,
      );
    }
    return x.select(columnsOf(x, names));
  }

  /** Refuses rows of another width before room is made for all that they hold. */
  #ofWidth(x: Frame): Frame {
    const { steps } = this.pipeline;
    const first = steps.find(([, step]) => step !== 'passthrough')?.[1];
    const width = isNetworkStep(first)
      ? first.graph && this.#inputShape.reduce((size, n) => size * n, 1)
      : property(first, 'isFitted') === false
        ? undefined
        : property(first, 'nFeaturesIn');
    if (typeof width === 'number' && x.width !== width)
      throw wrongShape('x', `a matrix of ${width} columns, as the model was trained on`, [x.n, x.width]);
    return x;
  }

  /** Samples of several dimensions, as pictures, as rows. */
  #flat(rows: TableInput | Frame): TableInput | Frame {
    const isOfArrays = Array.isArray(rows) && rows.length > 0 && rows.every(isNDArray);
    if (!isOfArrays && !isMatrix(rows)) return rows;
    const x = asArray('rows', rows as ArrayInput);
    const shape = this.#inputShape;
    if (x.ndim < 3) return x;
    if (shape.length > 1 && x.shape.slice(1).join() !== shape.join())
      throw wrongShape('rows', `of shape [n, ${shape.join(', ')}], as the network's input`, x.shape);
    return x.reshape(x.shape[0], -1);
  }

  /** Of one sample, where the model is a network. */
  get #inputShape(): readonly number[] {
    const last = this.pipeline.steps.at(-1)?.[1];
    return (isNetworkStep(last) && last.graph?.inputs[0].shape) || [];
  }

  #inUnits(answers: Answers): Answers {
    if (!this.#targetScaler || Array.isArray(answers)) return answers;
    return this.#targetScaler.inverseTransform(NDArray.from(answers, { dtype: 'float64', shape: [-1, 1] })).reshape(-1);
  }
}

/**
 * What answers raw rows, of a file that `fjordnet train --save`, or `save` of a pipeline, an estimator or a network wrote, or of the
 * bytes of `toBytes`.
 *
 * @throws Error with code ERR_FORMAT, the place and the reason, if the file is damaged or holds nothing that predicts; the file
 *   system's (ENOENT …)
 */
export async function loadPredictor(source: string | URL | Uint8Array): Promise<Predictor> {
  const isPath = typeof source === 'string' || isURL(source);
  const file = isPath
    ? await loadModel(source)
    : parseModel(checkBytes('source', source, 'a file name or URL, or the bytes of a file as a Uint8Array'));
  return ofFile(isPath ? source : 'the bytes', () => predictorOf(objectIn(file), file.training?.run));
}

/** @param held what a file holds @param run what the command line keeps beside it, if it does */
export function predictorOf(held: object, run: unknown): Predictor {
  if (held instanceof Predictor) return held;
  if (held instanceof Pipeline) return new Predictor({ pipeline: held });
  // of a search the best model, with the names of its columns
  if ('bestEstimator' in held) return predictorOf(held.bestEstimator as object, run);
  if (!hasMethods(held, 'predict')) throw wrongType('the file', 'that of a model that predicts', held);
  const { transformer, classes, ...rest } = meaningOf(run);
  const steps = [...(transformer ? [['scale', transformer]] : []), ['model', held]];
  return new Predictor({ pipeline: fittedOf({ steps }, classes), ...rest });
}

/** A pipeline of steps that are fitted already: those that are not say so when they are asked. */
function fittedOf({ steps }: { readonly steps: unknown }, classes?: readonly Label[]): Pipeline<any> {
  return Pipeline.revive({ steps } as never, { isFitted: true, ...(classes && { classes }) }) as Pipeline<any>;
}

function checkClasses(classes: readonly Label[]): void {
  if (!Array.isArray(classes)) throw wrongType('classes', 'an array of labels', classes);
  if (classes.length === 0) throw wrongValue('classes', 'one or more', classes);
  for (const [k, name] of classes.entries()) {
    if (typeof name !== 'string' && typeof name !== 'boolean' && !Number.isFinite(name))
      throw wrongType(`classes[${k}]`, 'a label', name);
    if (classes.indexOf(name) < k) throw wrongValue(`classes[${k}]`, 'another one than those before it', name);
  }
}
