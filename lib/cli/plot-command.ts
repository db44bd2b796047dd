import { PICTURE_OPTIONS, SOURCE_OPTIONS } from './data-options.js';
import type { CommandSpec } from './options.js';

/** What `fjordnet plot` draws. */
export const PLOTS = {
  activation: 'activation functions and their derivatives: plot activation relu tanh',
  images: 'the first images of DATA: plot images digits',
  history: 'loss and metrics of MODEL over the epochs',
  network: 'the layers of MODEL, a file of a network or an estimator that code saved or another program wrote, too',
  weights: 'histograms of the weights of MODEL, of any such file',
  filters: 'the kernels of the first convolution of MODEL, of any such file',
  confusion: 'which class MODEL takes for which, on DATA or its own test set',
  roc: 'true over false positive rates of every class, on DATA or the test set of MODEL',
  'precision-recall': 'precision over recall of every class, on DATA or the test set of MODEL',
  calibration: 'how often classes occur over how probable MODEL takes them to be, on DATA or its test set',
  thresholds: 'precision, recall and F1 over the probability from which on MODEL says yes, of two classes',
  predictions: 'what MODEL predicts over what is true, of numbers, on DATA or its test set',
  residuals: 'what the predictions of MODEL lack, of numbers, on DATA or its test set',
  importances: 'what permuting each column of a table takes off the score of MODEL, on DATA or its test set',
  mistakes: 'the images that MODEL gets wrong, of DATA or its own test set',
  boundary: 'which class MODEL sees where, for data of two features',
  heatmap: 'the scores of GRID, a file that fjordnet grid --save wrote',
} as const;

export const plot: CommandSpec = {
  name: 'plot',
  summary: 'Draw a figure: into an SVG or PNG file, or as text where it has a text form',
  usage: 'KIND [SOURCE …] [OPTIONS]',
  arguments: [
    ['KIND', `one of ${Object.keys(PLOTS).join(', ')}`],
    ...Object.entries(PLOTS).map(([kind, help]) => [`  ${kind}`, help] as const),
  ],
  least: 1,
  most: 12,
  groups: [
    ['Data', { ...SOURCE_OPTIONS, ...PICTURE_OPTIONS }],
    [
      'Figure',
      {
        out: {
          value: 'FILE',
          help: 'FILE.svg, FILE.png, or FILE.json for the Vega-Lite specification. Default: text on the terminal',
          short: 'o',
        },
        width: { value: 'PX', help: 'Default: 640' },
        scale: { value: 'N', help: 'Pixels of a PNG for each px. Default: 2' },
        theme: { value: 'NAME', help: 'light, dark or auto (as the reader prefers; SVG). Default: light' },
        title: { value: 'TEXT', help: 'Drawn above the figure' },
        limit: { value: 'N', help: 'images, mistakes, importances: how many. Default: 20' },
        set: { value: 'NAME', help: 'heatmap: train or test. Default: test' },
      },
    ],
    ['Output', { json: { help: 'One JSON document on standard output' } }],
  ],
  examples: [
    ['The first digits, as text', 'fjordnet plot images digits --limit 5'],
    [
      'The confusion matrix of a network, as a picture',
      'fjordnet plot confusion digits.safetensors --out confusion.png',
    ],
  ],
  load: () => import('./commands/plot.js'),
};
