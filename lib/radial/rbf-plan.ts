import { NDArray } from '../array.js';
import { binding, type NativeDataset } from '../binding.js';
import { meanOf } from '../cluster/kmeans-plan.js';
import { type Plan, valuesOf } from '../plan.js';
import { type Buffer, type FloatArray, type FloatType, Tape } from '../tape.js';
import type { Training } from '../train.js';
import { sweep } from '../training/sweep.js';

const BATCH = 256;

/** Radial features of rows, phi_j = exp(-(|x - c_j| / width_j)^2), with a 1 behind them, and what a linear layer makes of them. */
export class RadialPlan {
  readonly #plan: Plan;
  readonly #x: Buffer;
  readonly #y: Buffer;
  readonly #out: Buffer;
  readonly #weights: Buffer;
  readonly #gram: Buffer;
  readonly #moment: Buffer;

  /** @param centers [m, features] @param widths [m] @param outputs columns of y */
  constructor(centers: NDArray, widths: NDArray, outputs: number, dtype: FloatType) {
    const [m, features] = centers.shape;
    const t = new Tape(dtype);
    // all about the centres' mean: far from 0 the squares would leave few digits of the differences
    const shift = t.fixed('parameter', 'shift', [features]);
    const c = t.fixed('parameter', 'centers', [features, m]); // times -2
    const squares = t.fixed('parameter', 'squares', [m]);
    const scale = t.fixed('parameter', 'scale', [m]); // -1 / width^2
    this.#weights = t.fixed('parameter', 'weights', [m + 1, outputs]);
    this.#gram = t.fixed('state', 'gram', [m + 1, m + 1]);
    this.#moment = t.fixed('state', 'moment', [m + 1, outputs]);
    const gramPart = t.fixed('gradient', 'gramPart', [m + 1, m + 1]);
    const momentPart = t.fixed('gradient', 'momentPart', [m + 1, outputs]);
    this.#x = t.batched('x', [features]);
    this.#y = t.batched('y', [outputs]);
    const [d, own, all] = [t.batched('d', [m]), t.batched('own', [features]), t.batched('all', [m])];
    const z = t.batched('z', [features]);
    const [sum, phi] = [t.batched('sum', [1]), t.batched('phi', [m + 1])];
    this.#out = t.batched('out', [outputs]);
    const features_ = () => {
      t.emit('addBias', [this.#x, shift, z], { O: features });
      t.emit('affine', [z, c, squares, d], { O: m, I: features });
      t.emit('square', [z, own], { N: features });
      t.emit('sumAxis', [own, sum], { A: 1, N: features, C: 1 }, { scale: 1 });
      t.emit('repeatAxis', [sum, all], { A: 1, N: m, C: 1 }, { scale: 1 });
      t.emit('add', [d, all, d], { N: m });
      t.emit('relu', [d, d], { N: m }); // rounding may leave less than 0
      t.emit('repeatRows', [scale, all], { N: m });
      t.emit('multiply', [d, all, d], { N: m });
      t.emit('exp', [d, d], { N: m });
      t.emit('fill', [phi], { N: m + 1 }, { value: 1 });
      t.emit('place', [d, phi], { A: 1, M: m + 1, N: m, C: 1 }, { start: 0 });
    };
    t.program('predict');
    features_();
    t.emit('matmul', [phi, this.#weights, this.#out], { O: outputs, I: m + 1 });
    t.program('sums');
    features_();
    t.emit('weightGradient', [phi, phi, gramPart], { O: m + 1, I: m + 1 }); // phi^T phi
    t.emit('weightGradient', [phi, this.#y, momentPart], { O: outputs, I: m + 1 }); // phi^T y
    t.emit('add', [gramPart, this.#gram, this.#gram], { N: (m + 1) ** 2 });
    t.emit('add', [momentPart, this.#moment, this.#moment], { N: (m + 1) * outputs });
    this.#plan = t.compile();

    // as the plan has it: rows and centres are moved by the same
    const mean = NDArray.from(NDArray.wrap(meanOf(centers)), { dtype }).data;
    const turned = new Float64Array(features * m);
    const norms = new Float64Array(m);
    for (let k = 0; k < m; k++)
      for (let j = 0; j < features; j++) {
        const value = centers.data[k * features + j] - mean[j];
        turned[j * m + k] = -2 * value;
        norms[k] += value * value;
      }
    this.#plan.write(shift, NDArray.wrap(Float64Array.from(mean, (value) => -value)));
    this.#plan.write(c, NDArray.wrap(turned, [features, m]));
    this.#plan.write(squares, NDArray.wrap(norms));
    this.#plan.write(scale, NDArray.wrap(Float64Array.from(widths.data, (width) => -1 / (width * width))));
  }

  /** phi^T phi and phi^T y over all rows. */
  *sums(x: NDArray, y: NDArray): Training<{ gram: Float64Array; moment: Float64Array }> {
    const dataset = (name: string, array: NDArray): NativeDataset =>
      new binding.Dataset(name, array.data, array.shape[0], array.shape[1], this.#plan.dtype);
    const inputs = [[this.#x, dataset('x', x)] as const, [this.#y, dataset('y', y)] as const];
    const rows = { first: 0, count: x.shape[0] };
    yield* sweep({ plan: this.#plan, program: 'sums', inputs, rows, batchSize: BATCH }, () => undefined);
    const read = (buffer: Buffer) => Float64Array.from(this.#plan.read(buffer).data);
    return { gram: read(this.#gram), moment: read(this.#moment) };
  }

  setWeights(weights: NDArray): void {
    this.#plan.write(this.#weights, weights);
  }

  predict(x: NDArray): FloatArray {
    const count = x.shape[0];
    const job = {
      ...{ program: 'predict', first: 0, count, batchSize: Math.min(count, BATCH), outputs: [this.#out] },
      inputs: [[this.#x, valuesOf(x, this.#plan.dtype)] as const],
    };
    return (this.#plan.runSync(job).outputs as FloatArray[])[0];
  }
}
