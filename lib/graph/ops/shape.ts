import type { Op } from '../op.js';
import type { Shape } from '../value.js';

/** The same values under another shape of the same size. */
export const reshape: Op<{ readonly shape: Shape }> = {
  name: 'reshape',
  view: true,
  shape: (_, { shape }) => shape,
};

/** The steps of [steps, ...] as so many values of each sample: `times` is what the input has times the steps. */
export const eachStep: Op<{ readonly times: number }> = {
  name: 'eachStep',
  view: true,
  shape: ([x]) => x.shape.slice(1),
  times: ({ times }) => times,
};

/** The other way: [steps, ...] */
export const allSteps: Op<{ readonly steps: number; readonly times: number }> = {
  name: 'allSteps',
  view: true,
  shape: ([x], { steps }) => [steps, ...x.shape],
  times: ({ times }) => times,
};
