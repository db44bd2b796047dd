import { type ArrayInput, NDArray } from '../array.js';
import { checkOptions, wrongType, wrongValue } from '../check.js';
import { expected } from '../io/schema.js';
import { type Label, type Labels, listed, sameLabels } from '../labels.js';
import { registerSaved } from '../saved.js';
import { accuracyOf, readTargets, readWeights } from '../scores/classification.js';
import { r2Of } from '../scores/regression.js';
import { averageOf } from '../scores/sums.js';
import type { Features } from './csr.js';
import { MultilayerPerceptron } from './mlp-base.js';
import type { MLPFitOptions, MLPFitSyncOptions, SampleWeight } from './mlp-callbacks.js';
import type { Architecture } from './mlp-network.js';
import type { MLPOptions, MLPRegressorOptions } from './mlp-parameters.js';
import type { Targets } from './mlp-prepared.js';
import { type ClassTargets, LabelBinarizer, readNumbers } from './mlp-targets.js';

/**
 * A classifier of dense layers: scikit-learn's `MLPClassifier`. The same data, parameters and seed give its numbers: the
 * same draws, the same loss curve, the same weights.
 *
 * float64, or float32 where x is a float32 NDArray or an array of Float32Arrays ('lbfgs' only draws its first weights in
 * float32 then, and goes on in float64, where SciPy 1.17 evaluates in float32). Weights keep their dtype through warm starts
 * and partialFit, as there, and it is that of predictions, where scikit-learn takes the wider one of weights and x.
 *
 * x may be sparse, as SciPy's csr_matrix: `{ data, indices, indptr, shape }`. While it is worked on every value is stored.
 *
 * @example
 * const model = await new MLPClassifier({ hiddenLayerSizes: [50], randomState: 1 }).fit(xTrain, yTrain);
 * model.score(xTest, yTest);
 */
export class MLPClassifier extends MultilayerPerceptron<MLPOptions> {
  static override readonly className = 'MLPClassifier';
  /** How cross-validation by a number of folds splits: with the classes' shares kept. */
  readonly estimatorType = 'classifier';
  #binarizer?: LabelBinarizer;

  static {
    registerSaved(MLPClassifier);
  }

  /** @throws TypeError or RangeError naming the parameter that is out of its range */
  constructor(options: MLPOptions = {}) {
    super(options, {});
  }

  /** The sorted class labels; of multi-label targets the numbers of their columns. [] before fit. */
  get classes(): Label[] {
    return [...(this.#binarizer?.classes ?? [])];
  }

  /**
   * Trains off the main thread. Same bits as `fitSync`.
   *
   * Warns with a 'ConvergenceWarning', once, where maxIter or maxFun ends the training or 'lbfgs' gets stuck.
   *
   * @param x [n, features], finite numbers
   * @param y class labels [n], integers, strings or booleans; or rows of 0s and 1s [n, labels] where a sample may have
   *   several. A single class is learnt too, as in scikit-learn
   * @throws RangeError if x or y do not fit or hold NaN
   * @throws Error with code ERR_BUSY if the estimator is training already, ERR_ABORTED after `signal` fired, ERR_DIVERGED
   *   if weights became NaN or infinite
   */
  async fit(x: Features, y: ClassTargets, options: MLPFitOptions = {}): Promise<this> {
    return this.fitWith(x, y, options);
  }

  /** Trains on the calling thread. Callbacks must not return promises. */
  fitSync(x: Features, y: ClassTargets, options: MLPFitSyncOptions = {}): this {
    return this.trainSync(x, y, options);
  }

  /**
   * Trains for one epoch over these samples, on the calling thread; the weights and the optimizer's memory are kept from
   * call to call. Not for 'lbfgs' nor with earlyStopping.
   *
   * @param classes all classes, needed in the first call; y need not hold them all
   */
  partialFit(x: Features, y: ClassTargets, classes?: Labels, options: SampleWeight = {}): this {
    return this.trainSync(x, y, options, { classes });
  }

  /**
   * The most probable class of every row of x: numbers [n], strings or booleans; for multi-label targets 0s and 1s [n, labels].
   * During a fit, of the weights after one whole step (with 'lbfgs', those that it tries).
   * @throws Error with code ERR_NOT_FITTED before fit
   */
  predict(x: Features): NDArray | string[] | boolean[] {
    const outputs = this.outputs(x);
    return (this.#binarizer as LabelBinarizer).inverse(outputs);
  }

  /** The probabilities [n, classes], in the order of `classes`; of a single class [n, 2], its own in the first column. */
  predictProba(x: Features): NDArray {
    const p = this.outputs(x);
    if (this.#binarizer?.kind !== 'binary') return p;
    const n = p.shape[0];
    const both = NDArray.zeros([n, 2], p.dtype);
    for (let i = 0; i < n; i++) {
      both.data[2 * i] = 1 - p.data[i];
      both.data[2 * i + 1] = p.data[i];
    }
    return both;
  }

  /** The logarithms of `predictProba`. */
  predictLogProba(x: Features): NDArray {
    const p = this.predictProba(x);
    for (let i = 0; i < p.data.length; i++) p.data[i] = Math.log(p.data[i]);
    return p;
  }

  /** The share of rows of x that are predicted as y says. */
  score(x: Features, y: ClassTargets, options: SampleWeight = {}): number {
    const targets = readTargets(y, this.predict(x));
    return accuracyOf(targets, readWeights(scoreOptions(options).sampleWeight, targets.n, true));
  }

  /** Two outputs may be two classes or two labels. */
  protected outActivationBeforeFit(): undefined {}

  protected readTargets(y: ClassTargets, _firstPass: boolean, incremental: boolean, classes?: Labels): Targets {
    const binarizer = this.#binarizerFor(y, incremental, classes);
    const columns = binarizer.transform(y);
    const truth = binarizer.decide(columns).data;
    const width = truth.length / columns.shape[0];
    return {
      columns,
      outActivation: binarizer.kind === 'multiclass' ? 'softmax' : 'logistic',
      metric: 'accuracy',
      // scikit-learn means to stratify all but multi-label targets, but tells them by their single column.
      strata: binarizer.kind === 'binary' ? y : undefined,
      score: (outputs, rows, weights) => {
        const predicted = binarizer.decide(outputs).data;
        return averageOf(
          Array.from(rows, (row, i) => {
            let equal = true;
            for (let k = 0; k < width; k++) equal &&= truth[row * width + k] === predicted[i * width + k];
            return Number(equal);
          }),
          weights && readWeights(weights as Float64Array, rows.length, true),
        );
      },
      adopt: () => {
        this.#binarizer = binarizer;
      },
    };
  }

  protected override savedTargets() {
    return this.#binarizer?.toJSON();
  }

  protected override restoreTargets(targets: unknown, { units, outActivation }: Architecture): void {
    const binarizer = LabelBinarizer.fromJSON('state.targets', targets);
    if (binarizer.outputs !== units.at(-1) || (binarizer.kind === 'multiclass') !== (outActivation === 'softmax'))
      throw expected('state.targets', `of ${units.at(-1)} outputs with ${outActivation}`, targets);
    this.#binarizer = binarizer;
  }

  #binarizerFor(y: ClassTargets, incremental: boolean, classes?: Labels): LabelBinarizer {
    const known = this.#binarizer;
    if (!incremental) {
      if (!known || !this.parameters.warmStart) return LabelBinarizer.fromTargets(y);
      known.checkSame(y);
      return known;
    }
    if (classes === undefined) {
      if (known) return known;
      throw wrongType('classes', 'the labels of all classes in the first call of partialFit', classes);
    }
    const given = LabelBinarizer.fromClasses(classes, y);
    if (known && !sameLabels(given.classes, known.classes))
      throw wrongValue('classes', `those of the earlier calls, ${listed(known.classes)}`, classes);
    return known ?? given;
  }
}

/**
 * A regression by dense layers: scikit-learn's `MLPRegressor`. The same data, parameters and seed give its numbers.
 *
 * float64, or float32 where x is a float32 NDArray or an array of Float32Arrays ('lbfgs' only draws its first weights in
 * float32 then, and goes on in float64, where SciPy 1.17 evaluates in float32). Weights keep their dtype through warm starts
 * and partialFit, as there, and it is that of predictions, where scikit-learn takes the wider one of weights and x.
 *
 * x may be sparse, as SciPy's csr_matrix: `{ data, indices, indptr, shape }`. While it is worked on every value is stored.
 */
export class MLPRegressor extends MultilayerPerceptron<MLPRegressorOptions> {
  static override readonly className = 'MLPRegressor';
  readonly estimatorType = 'regressor';

  static {
    registerSaved(MLPRegressor);
  }

  /** @throws TypeError or RangeError naming the parameter that is out of its range */
  constructor(options: MLPRegressorOptions = {}) {
    super(options, { loss: 'squaredError' });
  }

  /**
   * Trains off the main thread. Same bits as `fitSync`.
   *
   * @param x [n, features], finite numbers
   * @param y numbers [n] or [n, outputs]; non-negative for the loss 'poisson'
   * @throws RangeError if x or y do not fit or hold NaN
   * @throws Error with code ERR_BUSY if the estimator is training already, ERR_ABORTED after `signal` fired, ERR_DIVERGED
   *   if weights became NaN or infinite
   */
  async fit(x: Features, y: ArrayInput, options: MLPFitOptions = {}): Promise<this> {
    return this.fitWith(x, y, options);
  }

  /** Trains on the calling thread. Callbacks must not return promises. */
  fitSync(x: Features, y: ArrayInput, options: MLPFitSyncOptions = {}): this {
    return this.trainSync(x, y, options);
  }

  /**
   * Trains for one epoch over these samples, on the calling thread; the weights and the optimizer's memory are kept from
   * call to call. Not for 'lbfgs' nor with earlyStopping.
   */
  partialFit(x: Features, y: ArrayInput, options: SampleWeight = {}): this {
    return this.trainSync(x, y, options, {});
  }

  /**
   * Predictions for the rows of x: [n], or [n, outputs] where there are several outputs.
   * During a fit, of the weights after one whole step (with 'lbfgs', those that it tries).
   * @throws Error with code ERR_NOT_FITTED before fit
   */
  predict(x: Features): NDArray {
    const outputs = this.outputs(x);
    return outputs.shape[1] === 1 ? outputs.reshape(-1) : outputs;
  }

  /** R², the coefficient of determination; for several outputs their mean. */
  score(x: Features, y: ArrayInput, options: SampleWeight = {}): number {
    return r2Of(y, this.predict(x), scoreOptions(options).sampleWeight);
  }

  protected outActivationBeforeFit(): 'exp' | 'identity' {
    return this.parameters.loss === 'poisson' ? 'exp' : 'identity';
  }

  protected override savedTargets(): undefined {}

  protected override restoreTargets(_: unknown, { outActivation }: Architecture): void {
    if (outActivation !== this.outActivationBeforeFit())
      throw expected('state.architecture.outActivation', `'${this.outActivationBeforeFit()}'`, outActivation);
  }

  protected readTargets(y: ArrayInput): Targets {
    const poisson = this.parameters.loss === 'poisson';
    const columns = readNumbers(y, poisson);
    // y is the caller's, who may change it while the samples set aside are scored.
    const truth = this.parameters.earlyStopping ? NDArray.from(columns) : columns;
    return {
      columns,
      outActivation: poisson ? 'exp' : 'identity',
      metric: 'rSquared',
      score: (outputs, rows, weights) =>
        outputs.data.every(Number.isFinite)
          ? r2Of(truth.take(rows), outputs, weights as Float64Array | undefined)
          : Number.NaN,
    };
  }
}

function scoreOptions(options: SampleWeight): SampleWeight {
  checkOptions('options', options, ['sampleWeight']);
  return options;
}
