import { filled } from '../allocate.js';
import { type ArrayInput, checkArray, NDArray } from '../array.js';
import { checkInteger, checkOptions, wrongShape, wrongType, wrongValue } from '../check.js';
import { Dataset } from './dataset.js';
import { rowsOf } from './from.js';
import { dealt } from './share.js';

export interface TimeSeriesOptions {
  /** Steps of a sample: what is known when a forecast is made. */
  window: number;
  /** Steps from the beginning of one window to that of the next. Default 1 */
  stride?: number;
  /** Steps to predict. Default 1 */
  horizon?: number;
  /** Steps left out between a window and the first step to predict. Default 0 */
  gap?: number;
  /** The column to predict, or several. Default: all */
  targets?: number | readonly number[];
  /** Steps of the series from one step of a sample to the next, which `window`, `gap` and `horizon` count. Default 1 */
  samplingRate?: number;
}

/** Windows of a series, and what follows each of them: arrays of all, and a dataset of [x, y] one by one. */
export class TimeSeriesSamples extends Dataset<[x: NDArray, y: NDArray]> {
  /** [samples, window, features], in the dtype of the series. */
  readonly x: NDArray;
  /** [samples, horizon]; of several targets [samples, horizon, targets]. */
  readonly y: NDArray;
  /** int32 [samples]: the step of the series with which each window begins. */
  readonly start: NDArray;

  /** Made by `data.timeSeries`. @internal */
  constructor(x: NDArray, y: NDArray, start: NDArray) {
    super(dealt(() => rowsOf(['*', '*'], [x, y])));
    this.x = x;
    this.y = y;
    this.start = start;
  }
}

/**
 * Cuts a series into windows and what follows them, in the order of time: Keras' `timeseries_dataset_from_array`, with the
 * targets found by `horizon` and `gap`.
 *
 * Window i has the steps from `start[i]` on, its targets those from `start[i] + (window + gap) * samplingRate` on. A horizon
 * of 1 is an axis of length 1, as any other. Samples that would need steps behind the end are left out.
 *
 * Windows that overlap are no independent samples: of those that are shuffled and then split, each one of the test set has all
 * of its steps but one in the training set. Cut a series in two before it is cut into windows, and measure scalers on its
 * first part.
 *
 * ```js
 * const { x, y } = data.timeSeries([0, 1, 2, 3, 4], { window: 2 }); // x: [0, 1], [1, 2], [2, 3]; y: 2, 3, 4
 * await model.fit(data.timeSeries(series, { window: 24 }).shuffle(1000, 1).batch(32), { epochs: 5 });
 * ```
 *
 * @param series [steps], which has one feature, or [steps, features]; equally spaced in time
 * @throws RangeError if the series is too short for one sample, is of another rank, or holds NaN or Infinity
 */
export function timeSeries(series: ArrayInput, options: TimeSeriesOptions): TimeSeriesSamples {
  checkOptions('options', options, ['window', 'stride', 'horizon', 'gap', 'targets', 'samplingRate']);
  const window = checkInteger('window', options.window, 1);
  const stride = checkInteger('stride', options.stride ?? 1, 1);
  const horizon = checkInteger('horizon', options.horizon ?? 1, 1);
  const gap = checkInteger('gap', options.gap ?? 0, 0);
  const samplingRate = checkInteger('samplingRate', options.samplingRate ?? 1, 1);
  const array = checkArray('series', series);
  if (array.ndim !== 1 && array.ndim !== 2)
    throw wrongShape('series', 'of shape [steps] or [steps, features]', array.shape);
  const { data, dtype, shape } = array;
  const [n, features = 1] = shape;
  const columns = Array.from({ length: features }, (_, k) => k);
  const targets = options.targets === undefined ? columns : readTargets(options.targets, features);
  const needed = (window + gap + horizon - 1) * samplingRate + 1;
  if (n < needed)
    throw new RangeError(
      `Expected series to have ${needed} steps or more, as window ${window}, gap ${gap} and horizon ${horizon} take` +
        `${samplingRate === 1 ? '' : ` at samplingRate ${samplingRate}`}, got ${n}`,
    );
  const samples = Math.floor((n - needed) / stride) + 1;
  const stepsOf = (first: number, count: number, chosen: readonly number[]) => {
    const taken = NDArray.zeros([samples, count, chosen.length], dtype);
    let next = 0;
    for (let i = 0; i < samples; i++)
      for (let j = 0; j < count; j++) {
        const row = i * stride + (first + j) * samplingRate;
        for (let k = 0; k < chosen.length; k++) taken.data[next++] = data[row * features + chosen[k]];
      }
    return taken;
  };
  const y = stepsOf(window + gap, horizon, targets);
  return new TimeSeriesSamples(
    stepsOf(0, window, columns),
    targets.length === 1 ? y.reshape(samples, horizon) : y,
    NDArray.wrap(filled(Int32Array, samples, (i) => i * stride)),
  );
}

function readTargets(targets: unknown, features: number): readonly number[] {
  const isOne = typeof targets === 'number';
  const given = isOne ? [targets] : targets;
  if (!Array.isArray(given)) throw wrongType('targets', 'a column or an array of columns', targets);
  if (given.length === 0) throw wrongValue('targets', 'one column or more', targets);
  return Array.from(given, (column, k) => {
    const name = isOne ? 'targets' : `targets[${k}]`;
    if (checkInteger(name, column, 0) >= features) throw wrongValue(name, `a column of ${features}`, column);
    if (given.indexOf(column) < k) throw wrongValue(name, 'another column than those before it', column);
    return column;
  });
}
