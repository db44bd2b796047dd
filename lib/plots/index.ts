export { type ConfusionMatrixOptions, confusionMatrix } from './confusion-matrix.js';
export { type Colormap, type HeatmapOptions, heatmap } from './heatmap.js';
export { type HistoryInput, type HistoryOptions, history } from './history.js';
export { Plot, type PngOptions, type TextOptions, TextPlot } from './plot.js';
export type { PlotOptions, VegaLiteSpec } from './theme.js';
export { type ActivationName, type ActivationOptions, activation } from './activation.js';
export { type ImagesOptions, images } from './images.js';
