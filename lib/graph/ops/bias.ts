import type { Buffer } from '../../tape.js';
import type { Recorder } from '../recorder.js';

/** y += b, for every pixel of images y [..., F] */
export function addBias(t: Recorder, y: Buffer, b: Buffer): void {
  t.emit('addBias', [y, b, y], { O: b.size }, {}, y.size / b.size);
}

/** db = dy.sum(samples and pixels): first each sample's, by as many threads as there are, then theirs */
export function biasGradient(t: Recorder, dy: Buffer, db: Buffer): void {
  const F = db.size;
  const sums = t.like({ ...dy, shape: [F] }, `${dy.name}/db`);
  t.emit('sumAxis', [dy, sums], { A: 1, N: dy.size / F, C: F }, { scale: 1 });
  t.emit('biasGradient', [sums, db], { O: F });
}
