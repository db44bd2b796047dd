import { Pipeline } from './pipeline.js';
import { type LastStep, stepNames } from './pipeline-steps.js';
import type { AnyTransformer } from './steps.js';

/** A pipeline of these steps, named after their classes as scikit-learn names them: 'standardscaler', 'mlpclassifier'. */
export function makePipeline<const S extends readonly (AnyTransformer | LastStep)[]>(
  ...steps: S
): Pipeline<S extends readonly [...unknown[], infer E extends LastStep] ? E : LastStep> {
  const names = stepNames(steps);
  return new Pipeline(steps.map((step, i) => [names[i], step]) as never) as never;
}
