import { checkInteger, checkInterval, checkOneOf, checkOptions, wrongType } from './check.js';
import type { Shape } from './layers/layer.js';
import type { Loss } from './losses.js';
import type { Buffer, Tape } from './tape.js';

/** A figure of merit of predictions, from sums over batches. */
export interface Metric {
  /** Its key in History. */
  readonly name: string;
  readonly config: { readonly name: MetricName; readonly [option: string]: unknown };
  /** Emits the sums of one batch; each is a report buffer of one value. */
  record(t: Tape, io: { readonly output: Buffer; readonly targets: Buffer }, outputShape: Shape): Buffer[];
  /** The metric, of the sums over all batches and the number of samples. */
  result(sums: readonly number[], samples: number): number;
}

export type MetricName = keyof typeof metrics;
export type MetricInput = MetricName | keyof typeof ALIASES | MetricFactory;

/** A metric that is to be recorded for the targets of `loss`. */
export interface MetricFactory {
  (loss: Loss): Metric;
}

const ALIASES = { acc: 'accuracy', mse: 'meanSquaredError', mae: 'meanAbsoluteError' } as const;
