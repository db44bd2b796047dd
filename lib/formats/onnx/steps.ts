import { notFitted } from '../../check.js';
import type { Label } from '../../labels.js';
import { partsOf } from '../../saved.js';

/** What is done to rows, one after the other, and what predicts, last. */
export interface Steps {
  readonly steps: readonly (readonly [name: string, step: unknown])[];
  /** Those of a network. */
  readonly classes?: readonly Label[] | undefined;
}

/**
 * The steps of a pipeline, with those of a pipeline that it ends in; of a search its best model, as skl2onnx takes it.
 * @throws Error with code ERR_NOT_FITTED; RangeError for a search that did not train its best model
 */
export function stepsOf(name: string, value: unknown): Steps {
  const { className, config, state } = partsOf(value) ?? {};
  if (isSearch(value)) return stepsOf(name, value.bestEstimator);
  if (className !== 'Pipeline') return { steps: [[name, value]] };
  const { isFitted, classes } = state as { isFitted: boolean; classes?: Label[] };
  if (!isFitted) throw notFitted('the pipeline', 'export');
  const { steps } = config as { steps: [string, unknown][] };
  const [own, model] = steps.at(-1) as [string, unknown];
  const last = stepsOf(own, model);
  const before = steps.slice(0, -1).flatMap(([name, step]) => stepsOf(name, step).steps); // pipelines in it, too
  return { steps: [...before, ...last.steps], classes: classes ?? last.classes };
}

const isSearch = (value: unknown): value is { readonly bestEstimator: unknown } =>
  typeof value === 'object' && value !== null && 'bestEstimator' in value;
