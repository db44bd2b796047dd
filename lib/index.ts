export { type ArrayInput, type DType, linspace, logspace, NDArray, type NestedArray } from './array.js';
export { loadDigits } from './datasets/digits.js';
export {
  type Gradients,
  NeuralNetwork,
  type NeuralNetworkOptions,
  type TrainOptions,
} from './estimators/neural-network.js';
export { type BuildInfo, buildInfo, getThreads, setThreads } from './info.js';
export { type Kernel, kernels } from './kernels.js';
export { KFold, StratifiedKFold } from './model-selection/folds.js';
export {
  type GridResult,
  type GridSearchOptions,
  type GridSearchResult,
  gridSearch,
} from './model-selection/grid-search.js';
export { toCategorical } from './labels.js';
export { mismatchSplit, StratifiedShuffleSplit, trainTestSplit, trainValidationTestSplit } from './model-selection/splits.js';
export { type MT19937State, RandomState } from './random.js';
export { accuracyScore, confusionMatrix } from './scores/classification.js';
