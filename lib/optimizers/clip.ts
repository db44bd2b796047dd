import type { Recorder } from '../graph/recorder.js';
import type { Trained } from './optimizer.js';

/** The ways to clip gradients, of which an optimizer may have one. */
export const CLIPS = ['clipNorm', 'globalClipNorm', 'clipValue'] as const;

/** Clips the gradients where they lie. */
export function emitClip(
  t: Recorder,
  clip: (typeof CLIPS)[number],
  limit: number,
  trained: readonly Pick<Trained, 'dw' | 'N'>[],
): void {
  if (clip === 'clipValue') {
    for (const { dw, N } of trained) t.emit('clipValue', [dw, dw], { N }, { limit });
    return;
  }
  const zero = t.fixed('gradient', 'zero', [1]);
  let before = zero;
  const norms = trained.map(({ dw, N }, i) => {
    const squares = t.fixed('gradient', `squares${i}`, [1]);
    t.emit('sumSquares', [before, dw, squares], { N }); // squares = before + sum(dw^2)
    if (clip === 'globalClipNorm') before = squares;
    return squares;
  });
  trained.forEach(({ dw, N }, i) => {
    t.emit('clipNorm', [clip === 'globalClipNorm' ? before : norms[i], dw, dw], { N }, { limit });
  });
}
