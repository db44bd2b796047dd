import type { Op } from '../op.js';
import type { Shape } from '../value.js';

/** The same values under another shape of the same size. */
export const reshape: Op<{ readonly shape: Shape }> = {
  name: 'reshape',
  view: true,
  shape: (_, { shape }) => shape,
};
