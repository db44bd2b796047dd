import { activation } from './activation.js';
import { algebra } from './algebra.js';
import { augmentation } from './augmentation.js';
import type { KernelCases } from './case.js';
import { confusion } from './confusion.js';
import { conv2d } from './conv2d.js';
import { dense } from './dense.js';
import { convolutions } from './depthwise.js';
import { draw } from './draw.js';
import { embedding } from './embedding.js';
import { loss } from './loss.js';
import { metric } from './metric.js';
import { moments } from './moments.js';
import { normalization } from './normalization.js';
import { pool } from './pool.js';
import { recurrent } from './recurrent.js';
import { update } from './update.js';

/** The cases of every row of native/kernels/table.h: test/native-kernels.test.ts insists on one for each. */
export const kernelCases: KernelCases = {
  ...dense,
  ...draw,
  ...embedding,
  ...conv2d,
  ...pool,
  ...normalization,
  ...activation,
  ...loss,
  ...metric,
  ...confusion,
  ...update,
  ...moments,
  ...algebra,
  ...convolutions,
  ...recurrent,
  ...augmentation,
};
