export { type Activation, type ActivationInput, activations } from './activations.js';
export { type ArrayInput, type DType, type ForeignArray, NDArray, type NestedArray, type SlicePart } from './array.js';
export { BernoulliRBM, type RBMFitOptions, type RBMSampleOptions } from './boltzmann/bernoulli-rbm.js';
export type { LogPartition } from './boltzmann/deep-annealing.js';
export {
  type AnnealingOptions,
  DeepBoltzmannMachine,
  type DeepFitOptions,
  type DeepSampleOptions,
} from './boltzmann/deep-boltzmann-machine.js';
export type { ClassifierOptions } from './boltzmann/deep-classifier.js';
export type { DeepBoltzmannMachineOptions } from './boltzmann/deep-parameters.js';
export type { BernoulliRBMOptions } from './boltzmann/rbm-parameters.js';
export {
  type BackupAndRestoreOptions,
  type Callback,
  type CallbackModel,
  type CallbackParams,
  type CsvLoggerOptions,
  callbacks,
  type EarlyStopping,
  type EarlyStoppingOptions,
  History,
  type Logs,
  type ModelCheckpoint,
  type ModelCheckpointOptions,
  type MonitorOptions,
  type ProgressBarOptions,
  type ReduceLROnPlateauOptions,
  type SwapEmaWeightsOptions,
  type TensorBoardOptions,
  type TrainingState,
} from './callbacks/index.js';
export type { ClassWeight } from './class-weight.js';
export { KMeans, type KMeansOptions } from './cluster/kmeans.js';
export { type Constraint, type ConstraintInput, constraints } from './constraints.js';
export { custom, type OfSample, type OwnLossOptions } from './custom.js';
export type { CsvDatasetOptions } from './data/csv.js';
export type { Batched, Dataset, MapOptions } from './data/dataset.js';
export type { ImageFolder, ImageFolderOptions, ImageFolderShare } from './data/image-folder.js';
export { data } from './data/index.js';
export { type PadSequencesOptions, padSequences } from './data/pad-sequences.js';
export type { TableDatasetOptions } from './data/table-options.js';
export type { TimeSeriesOptions, TimeSeriesSamples } from './data/time-series.js';
export { Tokenizer, type TokenizerJson, type TokenizerOptions } from './data/tokenizer.js';
export { type Digits, loadDigits } from './datasets/digits.js';
export { type Ising, type IsingAsyncOptions, type IsingOptions, makeIsing, makeIsingAsync } from './datasets/ising.js';
export { type Onsager, onsager } from './datasets/onsager.js';
export type { CSRMatrix, Features } from './estimators/csr.js';
export { MLPClassifier, MLPRegressor } from './estimators/mlp.js';
export type { MLPFitOptions } from './estimators/mlp-callbacks.js';
export type { MLPOptions, MLPRegressorOptions } from './estimators/mlp-parameters.js';
export type { MLPEpoch } from './estimators/mlp-training.js';
export {
  type Gradients,
  NeuralNetwork,
  type NeuralNetworkOptions,
  type TrainOptions,
} from './estimators/neural-network.js';
export { Perceptron } from './estimators/perceptron.js';
export type { PerceptronOptions } from './estimators/perceptron-parameters.js';
export type { ExportOptions } from './formats/export.js';
export { type ImportOptions, importBytes, importModel } from './formats/import.js';
export type { OnnxOptions } from './formats/onnx/predictor.js';
export type { Named } from './graph/name-types.js';
export type { Operand } from './graph/operand.js';
export type { Value } from './graph/value.js';
export { type BuildInfo, buildInfo, getThreads, setThreads } from './info.js';
export { type Initializer, type InitializerInput, initializers } from './initializers.js';
export { type CsvData, type CsvOptions, readCsv } from './io/csv.js';
export { readIdx } from './io/idx.js';
export { type ImageOptions, readImage } from './io/image.js';
export type { JsonObject } from './io/model-file.js';
export { readNpy, readNpz } from './io/npy.js';
export { writeNpy } from './io/write-npy.js';
export { type Kernel, kernels } from './kernels.js';
export { LabelEncoder } from './label-encoder.js';
export { type Label, type Labels, toCategorical } from './labels.js';
export type * from './layers/index.js';
export { layers } from './layers/index.js';
export {
  Layer,
  type LayerOptions,
  type Mode,
  type Shape,
  type Shapes,
  type Values,
  type Weights,
} from './layers/layer.js';
export type { AsCalled, FromTo, Ranks } from './layers/ranks.js';
export { type InputLayerOptions, input } from './layers/shape.js';
export { type Loss, type LossInput, losses } from './losses.js';
export { type Metric, type MetricChoice, type MetricInput, type MetricOptions, metrics } from './metrics.js';
export { type CrossValPredictOptions, crossValPredict } from './model-selection/cross-val-predict.js';
export { type CrossValidated, type CrossValidateOptions, crossValidate } from './model-selection/cross-validate.js';
export {
  type BootstrapScore,
  type BootstrapScoreOptions,
  bootstrapScore,
  type CrossValidation,
  type CrossValScoreOptions,
  crossValScore,
  type ModelSource,
} from './model-selection/cross-validation.js';
export {
  type Curve,
  type LearningCurve,
  type LearningCurveOptions,
  learningCurve,
  type ValidationCurveOptions,
  validationCurve,
} from './model-selection/curves.js';
export type { Candidate, Scoring } from './model-selection/fits.js';
export {
  KFold,
  type KFoldOptions,
  type Split,
  StratifiedKFold,
  TimeSeriesSplit,
  type TimeSeriesSplitOptions,
} from './model-selection/folds.js';
export { type GridSearchOptions, type GridSearchResult, gridSearch } from './model-selection/grid-search.js';
export {
  GroupKFold,
  LeaveOneGroupOut,
  LeavePGroupsOut,
  type LeavePGroupsOutOptions,
} from './model-selection/group-folds.js';
export type { HalvingOptions, HalvingResult, HalvingSearchResult } from './model-selection/halving.js';
export {
  type HalvingGridSearchOptions,
  type HalvingRandomSearchOptions,
  halvingGridSearch,
  halvingRandomSearch,
} from './model-selection/halving-search.js';
export {
  LeaveOneOut,
  LeavePOut,
  type LeavePOutOptions,
  PredefinedSplit,
  type PredefinedSplitOptions,
} from './model-selection/left-out.js';
export {
  type PermutationImportance,
  type PermutationImportanceOptions,
  permutationImportance,
} from './model-selection/permutation-importance.js';
export {
  type Distribution,
  type RandomizedSearchOptions,
  randomizedSearch,
} from './model-selection/randomized-search.js';
export { type RepeatedFoldsOptions, RepeatedKFold, RepeatedStratifiedKFold } from './model-selection/repeated-folds.js';
export type { Scorings } from './model-selection/scorers.js';
export { getScorer, type ScoringName } from './model-selection/scoring.js';
export type { GridResult, SearchOptions, SearchResult } from './model-selection/search.js';
export {
  GridSearchCV,
  type GridSearchCVOptions,
  HalvingGridSearchCV,
  type HalvingGridSearchCVOptions,
  HalvingRandomSearchCV,
  type HalvingRandomSearchCVOptions,
  RandomizedSearchCV,
  type RandomizedSearchCVOptions,
} from './model-selection/search-cv.js';
export {
  GroupShuffleSplit,
  ShuffleSplit,
  type ShuffleSplitOptions,
  StratifiedShuffleSplit,
  type StratifiedShuffleSplitOptions,
} from './model-selection/shuffle-splits.js';
export {
  type MismatchSplitOptions,
  mismatchSplit,
  type TrainTestSplitOptions,
  type TrainValidationTestSplitOptions,
  trainTestSplit,
  trainValidationTestSplit,
} from './model-selection/splits.js';
export { StratifiedGroupKFold } from './model-selection/stratified-group-folds.js';
export type { CloneOptions } from './models/cloning.js';
export type { CompileOptions, PerOutput } from './models/compile.js';
export { type LayoutOptions, layouts, type NamedTensors } from './models/layouts.js';
export type { LoadedWeights, LoadWeightsOptions } from './models/load-weights.js';
export type { LoadOptions } from './models/loading.js';
export { Model, model } from './models/model.js';
export type {
  Batch,
  BatchOfInputs,
  BatchOptions,
  EvaluateOptions,
  FitOptions,
  FitSourceOptions,
  ModelOptions,
  Outputs,
  Predicted,
  PredictOptions,
} from './models/options.js';
export { Sequential, type SequentialOptions, sequential } from './models/sequential.js';
export type { Snapshot } from './models/snapshot.js';
export { ops } from './ops.js';
export { type Optimizer, type OptimizerInput, optimizers } from './optimizers.js';
export { RBFInterpolator, type RBFInterpolatorOptions, type RBFKernel } from './radial/interpolator.js';
export { RBFClassifier, RBFRegressor } from './radial/rbf-estimators.js';
export type { RBFFitOptions, RBFNetworkOptions } from './radial/rbf-network.js';
export { type MT19937State, RandomState } from './random.js';
export type { Along } from './reductions.js';
export { type Regularizer, type RegularizerInput, regularizers } from './regularizers.js';
export { type Schedule, schedules } from './schedules.js';
export {
  balancedAccuracyScore,
  type CohenKappaOptions,
  cohenKappaScore,
  matthewsCorrcoef,
} from './scores/agreement.js';
export type { BinaryAverage } from './scores/average-binary.js';
export { type AveragePrecisionOptions, averagePrecisionScore } from './scores/average-precision.js';
export { type BrierOptions, brierScoreLoss } from './scores/brier.js';
export { type CalibrationCurve, type CalibrationOptions, calibrationCurve } from './scores/calibration.js';
export { accuracyScore, confusionMatrix } from './scores/classification.js';
export {
  type ClassificationReportOptions,
  classificationReport,
  type ReportDict,
} from './scores/classification-report.js';
export {
  type CurveOptions,
  type PrecisionRecallCurve,
  precisionRecallCurve,
  type RocCurve,
  rocCurve,
} from './scores/curves.js';
export {
  type ClassScoreOptions,
  type FbetaOptions,
  f1Score,
  fbetaScore,
  precisionScore,
  recallScore,
} from './scores/f-scores.js';
export { logLoss } from './scores/log-loss.js';
export {
  type AverageScores,
  type ClassScores,
  type PrecisionRecallOptions,
  precisionRecallFscoreSupport,
  type ZeroDivision,
} from './scores/precision-recall.js';
export {
  explainedVarianceScore,
  type R2ScoreOptions,
  type RegressionScoreOptions,
  r2Score,
} from './scores/regression.js';
export {
  maxError,
  meanAbsoluteError,
  meanAbsolutePercentageError,
  meanSquaredError,
  medianAbsoluteError,
  type RegressionError,
  rootMeanSquaredError,
} from './scores/regression-errors.js';
export { type RocAucOptions, rocAucScore } from './scores/roc-auc.js';
export { type TopKOptions, topKAccuracyScore } from './scores/top-k.js';
export { linspace, logspace } from './spaces.js';
export type { Category } from './tables/categories.js';
export {
  type ColumnChoice,
  ColumnTransformer,
  type ColumnTransformerEntry,
  type ColumnTransformerOptions,
} from './tables/column-transformer.js';
export { type DatePart, DatetimeEncoder, type DatetimeEncoderOptions } from './tables/datetime-encoder.js';
export type { Table, TableInput } from './tables/frame.js';
export type { DateFormat } from './tables/instants.js';
export { makePipeline } from './tables/make-pipeline.js';
export { MaxAbsScaler } from './tables/max-abs-scaler.js';
export { MinMaxScaler } from './tables/min-max-scaler.js';
export { Normalizer } from './tables/normalizer.js';
export { OneHotEncoder, type OneHotEncoderOptions } from './tables/one-hot-encoder.js';
export { OrdinalEncoder, type OrdinalEncoderOptions } from './tables/ordinal-encoder.js';
export { Pipeline } from './tables/pipeline.js';
export type { LastStep } from './tables/pipeline-steps.js';
export { PolynomialFeatures } from './tables/polynomial-features.js';
export { loadPredictor, Predictor, type PredictorOptions } from './tables/predictor.js';
export { type ReadTableOptions, readTable } from './tables/read-table.js';
export { RobustScaler } from './tables/robust-scaler.js';
export { SimpleImputer, type SimpleImputerOptions } from './tables/simple-imputer.js';
export { StandardScaler } from './tables/standard-scaler.js';
export type { AnyTransformer } from './tables/steps.js';
export { type InferOptions, TableTransformer } from './tables/table-transformer.js';
export type { Transformer } from './tables/transformer.js';
export type { ByPort } from './training/data.js';
export type { Source } from './training/source.js';
