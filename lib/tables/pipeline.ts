import type { ArrayInput, NDArray } from '../array.js';
import { checkAlone, checkObject, checkOptions, notFitted, wrongType } from '../check.js';
import { boolean, integer, label, list, object } from '../io/schema.js';
import { hasMethods, isError } from '../kind.js';
import type { Label, Labels } from '../labels.js';
import { alike } from '../model-selection/score.js';
import { type Parts, registerSaved, type Saved } from '../saved.js';
import { accuracyScore } from '../scores/classification.js';
import { r2Score } from '../scores/regression.js';
import { drive, driveSync, signalOf, type Training } from '../train.js';
import { Exportable } from './exportable.js';
import { type Frame, readFrame, type TableInput } from './frame.js';
import {
  answersOf,
  changedNetwork,
  checkRowByRow,
  classesFor,
  type FitParams,
  isClassifier,
  isNetworkStep,
  type NetworkStep,
  networkOptions,
  networkParams,
  probabilities,
  shapedFor,
  targetsFor,
} from './network-step.js';
import type { Answers, PredictionOf, ProbabilitiesOf, ScoreOf } from './pipeline-results.js';
import {
  changed,
  changedParts,
  checkSteps,
  cloned,
  inverted,
  isTransformer,
  type LastStep,
  methodOf,
  paramsOf,
  prefixed,
  type Step,
  transforms,
} from './pipeline-steps.js';
import { type AnyTransformer, adopt, fitTransforming, matrixOf, transformStep, unfitted } from './steps.js';

interface Found {
  readonly isFitted: boolean;
  readonly classes?: readonly Label[];
}
const fitParams = object<FitParams>({ epochs: integer(1), batchSize: integer(1) }, ['epochs', 'batchSize']);
const found = object<Found>({ isFitted: boolean, classes: list(label, 1) }, ['classes']);

/**
 * Transformers one after another, and an estimator or a network at the end: scikit-learn's `Pipeline`. It takes tables as they
 * came, and is saved as one file.
 *
 * ```js
 * const pipeline = new Pipeline([
 *   ['scale', new StandardScaler()],
 *   ['model', new MLPClassifier({ randomState: 1 })],
 * ]);
 * ```
 *
 * A network is trained on classes as well: its targets are made of labels as its loss takes them, and its answers are labels again.
 * Its parameters are `learningRate`, `optimizer` and `seed`, for a copy of it that is not trained, and `epochs` and `batchSize`, which
 * its `fit` is given.
 */
export class Pipeline<E extends LastStep | 'passthrough' = LastStep> extends Exportable {
  static override readonly className = 'Pipeline';
  #steps: readonly (readonly [string, LastStep | AnyTransformer | 'passthrough'])[];
  #found: Found = { isFitted: false };
  #fit: FitParams = {};

  static {
    registerSaved(Pipeline);
  }

  /** @param steps names and steps; all but the last are transformers, or 'passthrough' */
  constructor(steps: readonly [...(readonly Step[]), readonly [name: string, step: E]]);
  constructor(steps: never, ...others: unknown[]) {
    super();
    checkAlone('Pipeline', 1, others, ' (epochs and the like go to fit, or to setParams),');
    this.#steps = checkSteps(steps);
  }

  /** Names and steps, as they were given: `fit` fits them in their places. */
  get steps(): readonly (readonly [name: string, step: LastStep | AnyTransformer | 'passthrough'])[] {
    return this.#steps;
  }

  get namedSteps(): Readonly<Record<string, any>> {
    return Object.fromEntries(this.#steps);
  }

  /** How cross-validation by a number of folds splits. */
  get estimatorType(): 'classifier' | 'regressor' | undefined {
    const last = this.#last();
    if (isNetworkStep(last)) return isClassifier(last) ? 'classifier' : 'regressor';
    return (last as { estimatorType?: 'classifier' | 'regressor' }).estimatorType;
  }

  /** The classes, in the order of `predictProba`; [] of numbers, and before `fit`. */
  get classes(): Label[] {
    return [...(this.#found.classes ?? (this.#last() as { classes?: readonly Label[] }).classes ?? [])];
  }

  /** Whether `fit` has been called, or what was loaded had been fitted. */
  get isFitted(): boolean {
    return this.#found.isFitted;
  }

  /**
   * Fits the transformers, and trains the last step on what they make of x, off the main thread.
   *
   * @param x a table, an array of rows, or a matrix
   * @param y labels or numbers, one a row
   * @param options those of the last step's `fit`; `validationData` of a network is a table and labels, too
   * @throws as the steps do. What is refused changes nothing; where a training was aborted, or failed, the transformers are those
   *   that it was trained with
   */
  async fit(x: TableInput, y?: unknown, options: object = {}): Promise<this> {
    const ready = await drive(this.#prepare(x, y, options), signalOf(options));
    try {
      await ready.train('fit');
    } catch (error) {
      if (hasBegun(error)) ready.settle();
      throw error;
    }
    ready.settle();
    return this;
  }

  /** The same on the calling thread, for last steps that have `fitSync`, and transformers. */
  fitSync(x: TableInput, y?: unknown, options: object = {}): this {
    const ready = driveSync(this.#prepare(x, y, options));
    try {
      ready.train('fitSync');
    } catch (error) {
      if (hasBegun(error)) ready.settle();
      throw error;
    }
    ready.settle();
    return this;
  }

  /**
   * Labels or numbers, one a row: what the last step's `predict` gives; of a network a promise.
   * @throws Error with code ERR_NOT_FITTED before `fit`; TypeError or RangeError, with row and column, for what transformers cannot take
   */
  predict(x: TableInput | Frame): PredictionOf<E> {
    const z = this.#transformed('predict', x);
    const last = this.#last();
    if (!isNetworkStep(last)) return this.#method('predict')(z) as PredictionOf<E>;
    const { classes } = this.#found;
    const answer = last.predict(shapedFor(last, z)).then((output) => answersOf(last, output, classes));
    return answer as PredictionOf<E>;
  }

  /** The same on the calling thread, of networks too. */
  predictSync(x: TableInput | Frame): Answers {
    const z = this.#transformed('predictSync', x);
    const last = this.#last();
    if (!isNetworkStep(last)) return this.#method('predict')(z) as Answers;
    return answersOf(last, last.predictSync(shapedFor(last, z)), this.#found.classes);
  }

  /** The probabilities [n, classes], in the order of `classes`; of a network a promise. */
  predictProba(x: TableInput | Frame): ProbabilitiesOf<E> {
    const z = this.#transformed('predictProba', x);
    const last = this.#last();
    if (!isNetworkStep(last)) return this.#method('predictProba')(z) as never;
    this.#needClasses(last, 'predictProba');
    return last.predict(shapedFor(last, z)).then((output) => probabilities(last, output)) as never;
  }

  /** What `predict` and `predictProba` give, of one pass through the transformers and a network. */
  async predictWithProba(x: TableInput | Frame): Promise<{ answers: Answers; probabilities: NDArray }> {
    const z = this.#transformed('predictWithProba', x);
    const last = this.#last();
    if (!isNetworkStep(last)) {
      const [answers, probabilities] = [this.#method('predict')(z), this.#method('predictProba')(z)];
      return { answers: answers as Answers, probabilities: probabilities as NDArray };
    }
    this.#needClasses(last, 'predictWithProba');
    const output = await last.predict(shapedFor(last, z));
    return { answers: answersOf(last, output, this.#found.classes), probabilities: probabilities(last, output) };
  }

  /** What the last step scores: accuracy, or R² (for a network, of its answers; a promise). */
  score(x: TableInput, y: any, options?: { sampleWeight?: ArrayInput }): ScoreOf<E> {
    const last = this.#last();
    const weights = options === undefined ? [] : [options];
    if (!isNetworkStep(last)) return this.#method('score')(this.#transformed('score', x), y, ...weights) as ScoreOf<E>;
    const scored = (this.predict(x) as Promise<any>).then((predicted) =>
      isClassifier(last)
        ? accuracyScore(alike(y, predicted), predicted, ...weights)
        : r2Score(y, predicted, ...weights),
    );
    return scored as ScoreOf<E>;
  }

  /** What the transformers make of x, where the last step is one, too. */
  transform(x: TableInput): NDArray | unknown[][] {
    this.#needFitted('transform');
    return this.transformFrame(readFrame('x', x)).output();
  }

  /** x of what the transformers made of it. @throws TypeError for a step that cannot go back */
  inverseTransform(z: TableInput): NDArray | unknown[][] {
    this.#needFitted('inverseTransform');
    return inverted(this.#steps, z);
  }

  fitTransform(x: TableInput, y?: unknown): NDArray | unknown[][] {
    return this.fitSync(x, y).transform(x);
  }

  transformFrame(x: Frame): Frame {
    const last = this.#last();
    if (last !== 'passthrough' && !transforms(last))
      throw new TypeError('Expected a pipeline that ends in a transformer, but it ends in what predicts');
    return this.#steps.reduce((frame, [, step]) => (transforms(step) ? transformStep(step, frame) : frame), x);
  }

  /** For pipelines within others. */
  fitFrame(x: Frame): this {
    const fitted = driveSync(this.#fitTransformers(x, undefined, this.#steps));
    for (const [original, copy] of fitted.pairs) adopt(original, copy);
    this.#found = { isFitted: true };
    return this;
  }

  /** Takes over what another one of the same steps learnt. */
  adopt(other: Pipeline<E>): void {
    this.#steps = other.#steps;
    this.#found = other.#found;
  }

  /** The names of the columns that the last step is given, or makes. */
  getFeatureNamesOut(): string[] {
    this.#needFitted('getFeatureNamesOut');
    const named = this.#steps.findLast(([, step]) => hasMethods(step, 'getFeatureNamesOut'));
    return named ? (named[1] as { getFeatureNamesOut(): string[] }).getFeatureNamesOut() : [];
  }

  /** The steps by their names, and their parameters as `name__parameter`. */
  getParams(): Record<string, any> {
    const own = this.#steps.flatMap(([name, step]): [string, unknown][] => {
      const params = isNetworkStep(step) ? networkParams(step, this.#fit) : paramsOf(step);
      return [[name, step], ...prefixed(name, params)];
    });
    return Object.fromEntries(own);
  }

  /**
   * Changes steps, or parameters of steps: `{ model__alpha: 0.01, scale: 'passthrough' }`. A transformer whose parameters change is
   * to be fitted again.
   * @throws TypeError or RangeError naming what there is, with nothing changed
   */
  setParams(params: Readonly<Record<string, unknown>>): this {
    checkObject('params', params);
    if (Object.keys(params).length === 0) return this;
    let fit = this.#fit;
    const steps = changedParts(
      new Map(this.#steps),
      params,
      (names) => `of one of the steps ${names}`,
      (name, step, own) => {
        if (!isNetworkStep(step)) return changed(name, step, own);
        const network = changedNetwork(step, fit, own);
        fit = network.fit;
        return network.network;
      },
    );
    this.#steps = checkSteps([...steps]);
    this.#fit = fit;
    this.#found = { isFitted: false };
    return this;
  }

  /** A new one of the same steps and parameters, that is not fitted: scikit-learn's `clone`. */
  clone(): Pipeline<E> {
    return this.#copy(cloned);
  }

  /** For fit: the same, where transformers of one's own stay what they are. */
  unfitted(): Pipeline<E> {
    return this.#copy(unfitted as typeof cloned);
  }

  #copy(each: typeof cloned): Pipeline<E> {
    const steps = this.#steps.map(([name, step]) => [name, step === 'passthrough' ? step : each(step)]);
    const copy = new Pipeline<E>(steps as never);
    copy.#fit = this.#fit;
    return copy;
  }

  static override revive(config: never, state: unknown): Saved {
    const { steps, fit } = config as { steps: never; fit?: unknown };
    const made = new Pipeline(steps);
    if (fit !== undefined) made.#fit = fitParams('config.fit', fit);
    made.restore(state);
    return made;
  }

  protected override parts(): Parts {
    const { isFitted, classes } = this.#found;
    const fit = Object.keys(this.#fit).length > 0 && { fit: this.#fit };
    return { config: { steps: this.#steps, ...fit }, state: { isFitted, ...(classes && { classes }) } };
  }

  protected override restore(state: unknown): void {
    const last = this.#last();
    if (isNetworkStep(last)) checkRowByRow(last);
    this.#found = found('state', state);
  }

  #last(): LastStep | 'passthrough' {
    return (this.#steps.at(-1) as readonly [string, LastStep])[1];
  }

  #needFitted(member: string): void {
    if (!this.#found.isFitted) throw notFitted('the pipeline', member);
  }

  #needClasses(network: NetworkStep, member: string): void {
    if (!this.#found.classes && !isClassifier(network))
      throw new TypeError(`Expected a network of classes for ${member}, but its loss is one of numbers`);
  }

  #method(name: string): (...args: unknown[]) => unknown {
    return methodOf(this.#last(), name);
  }

  #transformed(member: string, x: TableInput | Frame): NDArray {
    this.#needFitted(member);
    return matrixOf(
      this.#steps
        .slice(0, -1)
        .reduce((frame, [, step]) => (transforms(step) ? transformStep(step, frame) : frame), readFrame('x', x)),
    );
  }

  /** Fits copies of transformers, one on the result of the other. */
  *#fitTransformers(
    x: Frame,
    y: unknown,
    steps: readonly (readonly [string, unknown])[],
  ): Training<{ frame: Frame; pairs: [AnyTransformer, AnyTransformer][] }> {
    const pairs: [AnyTransformer, AnyTransformer][] = [];
    let frame = x;
    for (const [, step] of steps) {
      if (!transforms(step)) continue;
      const copy = unfitted(step);
      frame = yield* fitTransforming(copy, frame, y);
      pairs.push([step, copy]);
    }
    return { frame, pairs };
  }

  *#prepare(
    x: TableInput,
    y: unknown,
    options: object,
  ): Training<{ train(method: 'fit' | 'fitSync'): unknown; settle(): void }> {
    checkObject('options', options);
    const last = this.#last();
    const isEstimator = last !== 'passthrough' && !isTransformer(last);
    const { frame, pairs } = yield* this.#fitTransformers(
      readFrame('x', x),
      y,
      isEstimator ? this.#steps.slice(0, -1) : this.#steps,
    );
    if (!isEstimator) checkOptions('options of a pipeline that ends in a transformer', options, ['signal']);
    const z = isEstimator ? matrixOf(frame) : undefined;
    const isNetwork = isNetworkStep(last);
    if (isNetwork) checkRowByRow(last);
    if (isNetwork && z && !last.graph) last.build?.(z.shape.slice(1)); // its outputs say what targets it takes
    const classes = isNetwork ? classesFor(last, y as Labels) : undefined;
    const settle = () => {
      for (const [original, copy] of pairs) adopt(original, copy);
      this.#found = { isFitted: true, ...(classes && { classes }) };
    };
    const train = (method: 'fit' | 'fitSync'): unknown => {
      if (!z) return undefined;
      if (!isNetwork) {
        if (!hasMethods(last, method)) throw wrongType('the last step', `an object with a method ${method}`, last);
        return (last as unknown as Record<string, (...args: unknown[]) => unknown>)[method](z, y, options);
      }
      const transformed = (x: TableInput) =>
        matrixOf(pairs.reduce((table, [, step]) => transformStep(step, table), readFrame('validationData[0]', x)));
      const own = networkOptions(last, this.#fit, options, transformed, classes);
      return last[method](shapedFor(last, z), targetsFor(last, y as Labels, classes), own);
    };
    return { train, settle };
  }
}

/** Whether a training ended that had begun, and has changed what is trained: what is refused before is told as expected otherwise. */
const hasBegun = (error: unknown): boolean => !(isError(error) && error.message.startsWith('Expected '));
