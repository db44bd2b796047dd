import { Pipeline } from './pipeline.js';
import type { LastStep } from './pipeline-steps.js';
import type { AnyTransformer } from './steps.js';

/** A pipeline of these steps, named after their classes as scikit-learn names them: 'standardscaler', 'mlpclassifier'. */
export function makePipeline<const S extends readonly (AnyTransformer | LastStep)[]>(
  ...steps: S
): Pipeline<S extends readonly [...unknown[], infer E extends LastStep] ? E : LastStep> {
  const names = steps.map((step) => step?.constructor?.name?.toLowerCase() ?? 'step');
  const unique = names.map((name, i) => {
    if (names.indexOf(name) === names.lastIndexOf(name)) return name;
    return `${name}-${names.slice(0, i + 1).filter((other) => other === name).length}`;
  });
  return new Pipeline(steps.map((step, i) => [unique[i], step]) as never) as never;
}
