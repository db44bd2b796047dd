import { type ArrayInput, NDArray, toMatrix } from '../array.js';
import { checkAssigned, checkOptions, failure, notFitted, wrongShape, wrongType, wrongValue } from '../check.js';
import { expected, integer, label, list, number, object } from '../io/schema.js';
import { isNDArray } from '../kind.js';
import { codesOf, type Label, type Labels, labelsOf, listed, readLabels, sameLabels, uniqueLabels } from '../labels.js';
import { checkRowCount } from '../model-selection/folds.js';
import { checkRandomState, parametersApart, type RandomState } from '../random.js';
import { type Parts, registerSaved, Saved } from '../saved.js';
import { accuracyScore, readClasses, readWeights } from '../scores/classification.js';
import { aborted, signalOf } from '../train.js';
import { dense, type Features, isSparse, storedIn } from './csr.js';
import {
  checkParameters,
  classWeights,
  type PerceptronOptions,
  type PerceptronParameters,
  weightsByName,
} from './perceptron-parameters.js';
import { type PerceptronProblem, type PerceptronWeights, trainPerceptron } from './perceptron-training.js';
import { checkTurn, inTurn } from './turns.js';

interface Fitted {
  readonly classes: readonly Label[];
  /** [1 or classes, features] */
  readonly coef: NDArray;
  readonly intercept: NDArray;
  readonly nIter: number;
  readonly t: number;
}

interface FitOptions {
  signal?: AbortSignal;
  /** [n], >= 0. Default 1 */
  sampleWeight?: ArrayInput;
}

/**
 * Rosenblatt's perceptron (1958), one class against all others: scikit-learn's `Perceptron`, which is its `SGDClassifier` with the loss
 * max(0, -y p) and a constant rate; without its early stopping on samples set aside. The same data, parameters and seed give its weights.
 * float64.
 */
export class Perceptron extends Saved {
  static override readonly className = 'Perceptron';
  readonly estimatorType = 'classifier';
  #parameters: PerceptronParameters;
  #fitted?: Fitted;
  #training = false;

  static {
    registerSaved(Perceptron);
  }

  /** @throws TypeError or RangeError naming the parameter that is out of its range */
  constructor(options: PerceptronOptions = {}) {
    super();
    this.#parameters = checkParameters(options);
  }

  getParams(): PerceptronParameters {
    return { ...this.#parameters };
  }

  /** Changes parameters, from the next call of `fit` on. @throws as the constructor does, with nothing changed */
  setParams(options: PerceptronOptions): this {
    this.#parameters = checkParameters(options, this.#parameters);
    return this;
  }

  /** A new one of the same parameters, that is not fitted. A RandomState is copied. */
  clone(changes: PerceptronOptions = {}): Perceptron {
    return new Perceptron(parametersApart({ ...this.getParams(), ...changes }));
  }

  /** The classes, in the order of `decisionFunction`; [] before fit. */
  get classes(): Label[] {
    return [...(this.#fitted?.classes ?? [])];
  }

  /** [1, features] for two classes, else [classes, features]. Throws ERR_NOT_FITTED before fit, as the others. */
  get coef(): NDArray {
    return NDArray.from(this.#need('coef').coef);
  }

  /** [1] or [classes] */
  get intercept(): NDArray {
    return NDArray.from(this.#need('intercept').intercept);
  }

  /** Epochs, the most that any class took. */
  get nIter(): number {
    return this.#need('nIter').nIter;
  }

  /** Updates that there might have been: nIter * n + 1. */
  get t(): number {
    return this.#need('t').t;
  }

  get nFeaturesIn(): number {
    return this.#need('nFeaturesIn').coef.shape[1];
  }

  /**
   * Trains in slices of some milliseconds, between which others run: what a sample does follows from the one before, so that there is
   * nothing for other threads. Same bits as `fitSync`.
   *
   * @param x [n, features], finite numbers @param y labels of two classes at least
   * @throws RangeError if x or y do not fit; Error with code ERR_BUSY while it is training, ERR_ABORTED after `signal` fired,
   *   ERR_DIVERGED if weights became infinite
   */
  async fit(x: Features, y: Labels, options: FitOptions = {}): Promise<this> {
    checkOptions('options', options, ['signal', 'sampleWeight']);
    const signal = signalOf(options);
    const { random, training } = this.#train(x, y, options.sampleWeight);
    this.#training = true;
    try {
      await inTurn(random, async () => {
        for (let since = performance.now(); !training.next().done; ) {
          if (signal?.aborted) throw aborted(signal);
          if (performance.now() - since < 10) continue;
          await new Promise((resolve) => setImmediate(resolve));
          since = performance.now();
        }
      });
    } finally {
      this.#training = false;
    }
    return this;
  }

  /** Trains in one go, on the calling thread. */
  fitSync(x: Features, y: Labels, options: Omit<FitOptions, 'signal'> = {}): this {
    checkOptions('options', options, ['sampleWeight']);
    return this.#trainSync(x, y, options.sampleWeight);
  }

  /** One epoch over these samples. @param classes all labels, in the first call */
  partialFit(x: Features, y: Labels, classes?: Labels, options: Omit<FitOptions, 'signal'> = {}): this {
    checkOptions('options', options, ['sampleWeight']);
    const known = this.#fitted?.classes;
    if (!known && classes === undefined)
      throw wrongType('classes', 'the labels of all classes in the first call of partialFit', classes);
    const given = classes === undefined ? (known as readonly Label[]) : uniqueLabels(readLabels('classes', classes));
    if (known && !sameLabels(given, known))
      throw wrongValue('classes', `those of the earlier calls, ${listed(known)}`, classes);
    if (this.#parameters.classWeight === 'balanced')
      throw wrongValue('classWeight', 'weights by label for partialFit, which does not know all samples', 'balanced');
    return this.#trainSync(x, y, options.sampleWeight, given);
  }

  /** How far each row lies on the side of each class: [n] for two classes, where it is the second's, else [n, classes]. */
  decisionFunction(x: Features): NDArray {
    const { coef, intercept } = this.#need('decisionFunction');
    const array = toMatrix('x', dense('x', x));
    const [outputs, features] = coef.shape;
    if (array.shape[1] !== features) throw wrongShape('x', `a matrix of ${features} columns, as at fit`, array.shape);
    const n = array.shape[0];
    const scores = NDArray.zeros([n, outputs]);
    for (let i = 0; i < n; i++)
      for (let k = 0; k < outputs; k++) {
        let sum = intercept.data[k];
        for (let j = 0; j < features; j++) sum += array.data[i * features + j] * coef.data[k * features + j];
        scores.data[i * outputs + k] = sum;
      }
    return outputs === 1 ? scores.reshape(n) : scores;
  }

  predict(x: Features): NDArray | string[] | boolean[] {
    const scores = this.decisionFunction(x);
    const codes = scores.ndim === 1 ? scores.data.map((s) => Number(s > 0)) : scores.argmax(1).data;
    return labelsOf(codes, this.#need('predict').classes);
  }

  /** The share of rows whose class is predicted. */
  score(x: Features, y: Labels, options: { sampleWeight?: ArrayInput } = {}): number {
    return accuracyScore(y, this.predict(x), options);
  }

  protected override parts(): Parts {
    this.#checkIdle();
    const params = this.getParams();
    const config = { ...params, classWeight: weightsByName(params.classWeight) };
    return { config, ...(this.#fitted && { state: this.#fitted }) };
  }

  protected override restore(state: unknown): void {
    const saved = fittedSchema('state', state);
    const outputs = saved.classes.length === 2 ? 1 : saved.classes.length;
    if (saved.coef.shape[0] !== outputs)
      throw wrongShape('state.coef', `a matrix of ${outputs} rows`, saved.coef.shape);
    if (saved.intercept.shape.join() !== String(outputs))
      throw wrongShape('state.intercept', `of shape [${outputs}]`, saved.intercept.shape);
    this.#fitted = saved;
  }

  #trainSync(x: Features, y: Labels, sampleWeight: ArrayInput | undefined, classes?: readonly Label[]): this {
    const { random, training } = this.#train(x, y, sampleWeight, classes);
    checkTurn(random);
    while (!training.next().done);
    return this;
  }

  /** Checks all at once; then trains. @param classes of partialFit */
  #train(
    x: Features,
    y: Labels,
    sampleWeight: ArrayInput | undefined,
    classes?: readonly Label[],
  ): { random: RandomState; training: Generator<void> } {
    this.#checkIdle();
    checkAssigned(this, Object.keys(this.#parameters));
    const p = this.#parameters;
    const array = NDArray.from(toMatrix('x', dense('x', x)), { dtype: 'float64' });
    const [n, features] = array.shape;
    const labels = readClasses('y', y);
    checkRowCount('y', labels.length, n);
    const all = classes ?? uniqueLabels(labels);
    if (all.length < 2) throw new RangeError(`Expected y to hold two classes at least, got only ${listed(all)}`);
    const codes = codesOf(labels, all);
    const unknown = codes.indexOf(-1);
    if (unknown >= 0)
      throw new RangeError(`Expected y to hold ${listed(all)}, got ${listed([labels[unknown]])} at row ${unknown}`);
    const goesOn = (p.warmStart || classes !== undefined) && this.#fitted !== undefined;
    const before = goesOn ? (this.#fitted as Fitted) : undefined;
    const outputs = all.length === 2 ? 1 : all.length;
    if (before && !sameLabels(before.classes, all))
      throw new RangeError(
        `Expected y to hold the classes of the last fit, ${listed(before.classes)}, got ${listed(all)}`,
      );
    if (before && before.coef.shape[1] !== features)
      throw wrongShape('x', `a matrix of ${before.coef.shape[1]} columns, as at fit`, array.shape);
    const weightOf = classWeights(p.classWeight, all, codes);
    const random = checkRandomState(p.randomState);
    const problem: Omit<PerceptronProblem, 'y' | 'classWeight' | 'seed'> = {
      ...{ x: array.data as Float64Array, n, features, eta: p.eta0, fitIntercept: p.fitIntercept, shuffle: p.shuffle },
      ...(isSparse(x) && { stored: storedIn(x) }),
      sampleWeight: sampleWeight === undefined ? undefined : Float64Array.from(readWeights(sampleWeight, n)),
      penalty: {
        isOn: p.penalty !== null,
        isL1: p.penalty === 'l1' || p.penalty === 'elasticnet',
        alpha: p.alpha,
        l1Ratio: p.penalty === 'l2' ? 0 : p.penalty === 'l1' ? 1 : p.l1Ratio,
      },
      maxIter: classes ? 1 : p.maxIter,
      tol: p.tol ?? Number.NEGATIVE_INFINITY,
      nIterNoChange: p.nIterNoChange,
    };
    const training = this.#classByClass(problem, {
      all,
      codes,
      weightOf,
      random,
      outputs,
      before,
      isPart: classes !== undefined,
    });
    return { random, training };
  }

  *#classByClass(
    problem: Omit<PerceptronProblem, 'y' | 'classWeight' | 'seed'>,
    given: {
      readonly all: readonly Label[];
      readonly codes: Int32Array;
      readonly weightOf: readonly number[];
      readonly random: RandomState;
      readonly outputs: number;
      readonly before: Fitted | undefined;
      readonly isPart: boolean;
    },
  ): Generator<void> {
    const { all, codes, weightOf, random, outputs, before, isPart } = given;
    const { n, features } = problem;
    const coef = before ? NDArray.from(before.coef) : NDArray.zeros([outputs, features]);
    const intercept = before ? NDArray.from(before.intercept) : NDArray.zeros([outputs]);
    // as scikit-learn draws: a seed for each class, of whose generator the second draw shuffles (the first is not used)
    const seedOf = (own: RandomState) => [own.randint(1, MOST), own.randint(0, MOST)][1];
    const seeds = outputs === 1 ? undefined : Array.from({ length: outputs }, () => random.randint(0, MOST));
    let nIter = 0;
    for (let k = 0; k < outputs; k++) {
      const positive = outputs === 1 ? 1 : k;
      const weights: PerceptronWeights = {
        coef: coef.data.subarray(k * features, (k + 1) * features) as Float64Array,
        intercept: intercept.data[k],
      };
      const y = Int8Array.from(codes, (code) => (code === positive ? 1 : -1));
      const classWeight = [weightOf[positive], outputs === 1 ? weightOf[0] : 1] as const;
      const seed = seedOf(seeds ? checkRandomState(seeds[k]) : random);
      const epochs = yield* trainPerceptron({ ...problem, y, classWeight, seed }, weights);
      intercept.data[k] = weights.intercept;
      if (!Number.isFinite(weights.intercept) || !weights.coef.every(Number.isFinite))
        throw failure(
          'ERR_DIVERGED',
          `The weights became infinite in epoch ${epochs}: x may hold large values that need scaling`,
        );
      nIter = Math.max(nIter, epochs);
    }
    const t = (isPart && before ? before.t : 1) + nIter * n;
    this.#fitted = { classes: all, coef, intercept, nIter, t };
    if (!isPart && this.#parameters.tol !== null && nIter === this.#parameters.maxIter)
      process.emitWarning(
        `Maximum number of iterations (${nIter}) reached before convergence: a larger maxIter may fit better.`,
        'ConvergenceWarning',
      );
  }

  #need(member: string): Fitted {
    if (this.#fitted) return this.#fitted;
    throw notFitted('Perceptron', member);
  }

  #checkIdle(): void {
    if (this.#training) throw failure('ERR_BUSY', 'Expected this Perceptron to be idle, but it is training');
  }
}

/** What NumPy draws seeds below: the largest integer of 32 bits. */
const MOST = 2 ** 31 - 1;

const floats =
  (ndim: number) =>
  (name: string, value: unknown): NDArray => {
    if (isNDArray(value) && value.dtype === 'float64' && value.ndim === ndim) return value;
    throw expected(name, `float64 of ${ndim} dimensions`, value);
  };
const fittedSchema = object<Fitted>({
  classes: list(label, 2),
  coef: floats(2),
  intercept: floats(1),
  nIter: integer(0),
  t: number(1),
});
