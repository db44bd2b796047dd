export { type ArrayInput, type DType, linspace, logspace, NDArray, type NestedArray } from './array.js';
export { type Digits, loadDigits } from './datasets/digits.js';
export {
  type Gradients,
  NeuralNetwork,
  type NeuralNetworkOptions,
  type TrainOptions,
} from './estimators/neural-network.js';
export { type BuildInfo, buildInfo, getThreads, setThreads } from './info.js';
export { type Kernel, kernels } from './kernels.js';
export { type Label, type Labels, toCategorical } from './labels.js';
export { KFold, type KFoldOptions, type Split, StratifiedKFold } from './model-selection/folds.js';
export {
  type GridResult,
  type GridSearchOptions,
  type GridSearchResult,
  gridSearch,
} from './model-selection/grid-search.js';
export {
  type MismatchSplitOptions,
  mismatchSplit,
  StratifiedShuffleSplit,
  type StratifiedShuffleSplitOptions,
  type TrainTestSplitOptions,
  type TrainValidationTestSplitOptions,
  trainTestSplit,
  trainValidationTestSplit,
} from './model-selection/splits.js';
export { MinMaxScaler, StandardScaler } from './preprocessing.js';
export { type MT19937State, RandomState } from './random.js';
export { accuracyScore, confusionMatrix, logLoss } from './scores/classification.js';
export {
  type AverageScores,
  type ClassificationReportOptions,
  type ClassScores,
  classificationReport,
  type PrecisionRecallOptions,
  precisionRecallFscoreSupport,
  type ReportDict,
} from './scores/precision-recall.js';
export { meanSquaredError, type RegressionScoreOptions, r2Score } from './scores/regression.js';
