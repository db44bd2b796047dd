export { type ActivationName, type ActivationOptions, activation } from './activation.js';
export {
  type CalibrationPlotOptions,
  type ClassifierCurveOptions,
  calibration,
  precisionRecallCurve,
  rocCurve,
} from './classifier-curves.js';
export { type ConfusionMatrixOptions, confusionMatrix } from './confusion-matrix.js';
export { type DecisionBoundaryOptions, decisionBoundary } from './decision-boundary.js';
export { type FiltersOptions, filters } from './filters.js';
export { type ForecastInput, type ForecastOptions, forecast } from './forecast.js';
export { type Colormap, type HeatmapOptions, heatmap } from './heatmap.js';
export { type HistoryInput, type HistoryOptions, history } from './history.js';
export { type ImagesOptions, images } from './images.js';
export { type ImportancesInput, type ImportancesOptions, importances } from './importances.js';
export type { LayerLike, NamedArrays, NetworkInput, WeightsModel } from './model.js';
export { type NetworkOptions, network } from './network.js';
export { Plot, type PngOptions, type TextOptions, TextPlot } from './plot.js';
export { predictions, residuals, type ScatterOptions } from './scatter.js';
export type { PlotOptions, VegaLiteSpec } from './theme.js';
export { type ThresholdsOptions, thresholds } from './thresholds.js';
export { type WeightsOptions, weights } from './weights.js';
