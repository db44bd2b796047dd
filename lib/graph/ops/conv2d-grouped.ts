import type { Buffer } from '../../tape.js';
import type { Op } from '../op.js';
import type { Recorder } from '../recorder.js';
import { addBias, biasGradient } from './bias.js';
import { type Convolution, dims } from './conv2d.js';

export interface GroupedConvolution extends Convolution {
  readonly groups: number;
}

/** A buffer for a group's part of the last axis, which the groups take one after the other. */
function partOf(t: Recorder, whole: Buffer, groups: number, name: string): Buffer {
  const shape = [...whole.shape.slice(0, -1), whole.shape[whole.shape.length - 1] / groups];
  return whole.batched ? t.batched(name, shape) : t.fixed('state', name, shape);
}

/** Sizes of a part of the last axis: [A, M] of which N. */
function stretch(whole: Buffer, part: Buffer) {
  const M = whole.shape[whole.shape.length - 1];
  const N = part.shape[part.shape.length - 1];
  return { A: whole.size / M, M, N, C: 1 };
}

/** part = whole[..., group] */
function take(t: Recorder, whole: Buffer, part: Buffer, group: number): void {
  const sizes = stretch(whole, part);
  t.emit('slice', [whole, part], sizes, { start: group * sizes.N });
}

/** whole[..., group] = part */
function put(t: Recorder, part: Buffer, whole: Buffer, group: number): void {
  const sizes = stretch(whole, part);
  t.emit('place', [part, whole], sizes, { start: group * sizes.N });
}

/**
 * A convolution of each group of channels with its group of filters, plus b if there is one: images x [H, W, C], kernel
 * w [K, L, C / groups, F], b [F]
 */
export const conv2dGrouped: Op<GroupedConvolution> = {
  name: 'conv2dGrouped',
  shape: ([, w], { places }) => [...places, w.shape[3]],
  reads: () => 'x',
  forward({ t, x: [x, w, b], y, options }) {
    const { groups } = options;
    const [xg, wg, yg] = [x, w, y].map((whole) => partOf(t, whole, groups, `${y.name}/group`));
    const sizes = dims(xg.shape, wg.shape, options);
    for (let g = 0; g < groups; g++) {
      take(t, x, xg, g);
      take(t, w, wg, g);
      t.emit('conv2dNoBias', [xg, wg, yg], sizes); // y[..., g] = x[..., g] * w[..., g]
      put(t, yg, y, g);
    }
    if (b) addBias(t, y, b); // y += b
  },
  backward({ t, x: [x, w], dy, dx: [dx, dw, db], options }) {
    const { groups } = options;
    const [xg, wg, dyg, part] = [x, w, dy, x].map((whole) => partOf(t, whole, groups, `${dy.name}/group`));
    const dwg = partOf(t, w, groups, `${dy.name}/dw`);
    const sizes = dims(xg.shape, wg.shape, options);
    for (let g = 0; g < groups; g++) {
      take(t, dy, dyg, g);
      if (dw) {
        take(t, x, xg, g);
        t.emit('conv2dWeightGradientNoBias', [xg, dyg, dwg], sizes); // dw = patches(x).T @ dy
        put(t, dwg, dw, g);
      }
      if (dx) {
        take(t, w, wg, g);
        t.emit('conv2dInputGradient', [dyg, wg, part], sizes); // patches(dx) = dy @ w.T
        put(t, part, dx, g);
      }
    }
    if (db) biasGradient(t, dy, db); // db = dy.sum(0)
  },
};
