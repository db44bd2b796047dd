import { DATA_ARGUMENT, DATA_OPTIONS, PICTURE_OPTIONS, SOURCE_OPTIONS } from './data-options.js';
import type { CommandSpec } from './options.js';
import { RECIPE_OPTIONS, TRAINING_OPTIONS } from './recipe-options.js';

const SEED = { value: 'N', help: 'Decides split, first weights, shuffles and dropout. Default: 0' } as const;
const MODEL_ARGUMENT = ['MODEL', 'A file that fjordnet train --save wrote'] as const;

/** What `fjordnet plot` draws. */
export const PLOTS = {
  activation: 'activation functions and their derivatives: plot activation relu tanh',
  images: 'the first images of DATA: plot images digits',
  history: 'loss and metrics of MODEL over the epochs',
  network: 'the layers of MODEL',
  weights: 'histograms of the weights of MODEL',
  filters: 'the kernels of the first convolution of MODEL',
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

const train: CommandSpec = {
  name: 'train',
  summary: 'Train a network, test it, and keep it',
  usage: '[DATA] [OPTIONS]',
  arguments: [DATA_ARGUMENT],
  least: 0,
  most: 1,
  groups: [
    DATA_OPTIONS,
    RECIPE_OPTIONS,
    [
      'Training',
      {
        ...TRAINING_OPTIONS,
        validation: {
          value: 'SHARE',
          help: 'The share of the training samples to validate on after every epoch. Default: 0.1',
        },
        'class-weight': { value: 'HOW', help: "'balanced': rare classes weigh more, as if all were equally frequent" },
        patience: { value: 'N', help: 'Stop after N epochs without a better validation, with the best weights' },
        seed: SEED,
        threads: { value: 'N', help: 'Changes the speed, never a result. Default: the processors' },
      },
    ],
    [
      'Output',
      {
        save: { value: 'FILE', help: 'Keep the network, with all that predicting and resuming need (.safetensors)' },
        resume: { value: 'FILE', help: 'Go on with a saved training; its data and options are in the file' },
        report: { value: 'FILE', help: 'Write an HTML report' },
        tensorboard: { value: 'FOLDER', help: 'Write event files for TensorBoard' },
        json: { help: 'One JSON document a line on standard output: every epoch, then the result' },
        quiet: { help: 'Only results and errors', short: 'q' },
      },
    ],
  ],
  examples: [
    [
      'The digits, with the convolutional network of the lecture, and a report',
      'fjordnet train digits --model cnn --save digits.safetensors --report digits.html',
    ],
    [
      'A table whose column "species" holds the classes',
      'fjordnet train iris.csv --label species --learning-rate 0.01 --save iris.safetensors',
    ],
    [
      'A table with text and missing values, of which a column of numbers is to be predicted',
      'fjordnet train cars.json --label Miles_per_Gallon --regression --drop Name --save cars.safetensors',
    ],
    [
      'Pictures, in a folder for each class or in such folders within train and test',
      'fjordnet train photos --size 64x64 --save photos.safetensors --report photos.html',
    ],
    ['20 more epochs of what was saved', 'fjordnet train --resume iris.safetensors --epochs 50'],
  ],
  isOfRanks: true,
  load: () => import('./commands/train.js'),
};

const grid: CommandSpec = {
  name: 'grid',
  summary: 'Train one network for every combination of options, and compare them',
  usage: 'DATA [OPTIONS]',
  arguments: [DATA_ARGUMENT],
  least: 1,
  most: 1,
  groups: [
    [
      'Grid',
      {
        search: {
          value: 'NAME=VALUES',
          multiple: true,
          short: 's',
          help: 'Values of one option: a list such as 0.1,0.01 or FIRST:LAST:COUNT for decades. Of hidden layers 50,100x50 are one and two. Default: learning-rate=1e-5:10:7 and l2=1e-5:10:7, as the lecture',
        },
      },
    ],
    DATA_OPTIONS,
    RECIPE_OPTIONS,
    [
      'Training',
      {
        ...TRAINING_OPTIONS,
        seed: SEED,
        threads: { value: 'N', help: 'Networks in training at a time. Default: the processors' },
      },
    ],
    [
      'Output',
      {
        save: { value: 'FILE', help: 'Keep the scores (.json), for plots and reports' },
        report: { value: 'FILE', help: 'Write an HTML report with heatmaps' },
        journal: {
          value: 'FILE',
          help: 'Keep each network’s scores as it is done (.jsonl): the same command goes on from there after a stop. Not with --model lecture',
        },
        json: { help: 'One JSON document a line on standard output: every network, then the best' },
        quiet: { help: 'Only results and errors', short: 'q' },
      },
    ],
  ],
  examples: [
    ["The lecture's grid of 49 networks", 'fjordnet grid digits --model lecture --report grid.html'],
    [
      'Two options of your own choice',
      'fjordnet grid iris.csv --label species --search hidden=8,16,32x16 --search learning-rate=0.001:0.1:3',
    ],
    ['One that may be stopped, and started again', 'fjordnet grid digits --journal grid.jsonl'],
  ],
  isOfRanks: true,
  load: () => import('./commands/grid.js'),
};

const evaluate: CommandSpec = {
  name: 'evaluate',
  summary: 'Test a saved network, estimator, pipeline or predictor',
  usage: 'MODEL [DATA] [OPTIONS]',
  arguments: [
    ['MODEL', 'A file that fjordnet train --save wrote, or code: a network, an estimator, a pipeline, a predictor'],
    [
      'DATA',
      'Samples and labels; a folder of pictures need not be of all classes. Default: the test set of the training',
    ],
  ],
  least: 1,
  most: 2,
  groups: [
    ['Data', SOURCE_OPTIONS],
    ['Output', { json: { help: 'One JSON document on standard output' } }],
  ],
  examples: [
    ['On the samples that were held out in training', 'fjordnet evaluate digits.safetensors'],
    ['On another file', 'fjordnet evaluate iris.safetensors more-iris.csv --label species'],
  ],
  load: () => import('./commands/evaluate.js'),
};

const predict: CommandSpec = {
  name: 'predict',
  summary: 'Predict with a saved network, one line a sample',
  usage: 'MODEL DATA [OPTIONS]',
  arguments: [
    MODEL_ARGUMENT,
    [
      'DATA',
      "Samples, with or without labels: 'digits', CSV, Parquet, JSON, NPY, NPZ or IDX, a folder of pictures or one of them, or '-' for CSV on standard input",
    ],
  ],
  least: 2,
  most: 2,
  groups: [
    ['Data', SOURCE_OPTIONS],
    [
      'Output',
      {
        out: { value: 'FILE', help: 'Write to a file. Default: standard output', short: 'o' },
        probabilities: { help: 'The probability of every class as well' },
        rows: { help: 'The columns of DATA as well, before the predictions (CSV and JSON)' },
        json: { help: 'One JSON document a line, in place of CSV' },
      },
    ],
  ],
  examples: [
    ['A column of classes', 'fjordnet predict iris.safetensors flowers.csv'],
    [
      'With probabilities, into a file',
      'fjordnet predict iris.safetensors flowers.csv --probabilities --out predicted.csv',
    ],
  ],
  load: () => import('./commands/predict.js'),
};

const serve: CommandSpec = {
  name: 'serve',
  summary: 'Answer predictions over HTTP',
  usage: 'MODEL [OPTIONS]',
  arguments: [['MODEL', 'A file that fjordnet train --save wrote, or save of a pipeline, an estimator or a network']],
  least: 1,
  most: 1,
  groups: [
    [
      'Options',
      {
        port: { value: 'N', help: '0 takes one that is free. Default: 8080', short: 'p' },
        host: { value: 'NAME', help: 'Default: 127.0.0.1, which no other machine reaches' },
        'max-body': { value: 'BYTES', help: 'Of a request at most. Default: 1048576' },
        'max-rows': { value: 'N', help: 'Rows of a request at most. Default: 10000' },
        timeout: { value: 'S', help: 'Seconds that a request may take to arrive. Default: 10' },
        json: { help: 'One JSON document a line on standard output' },
        quiet: { help: 'Only errors', short: 'q' },
      },
    ],
  ],
  examples: [
    ['On port 8080 of this machine', 'fjordnet serve penguins.safetensors'],
    ['For all machines of a network', 'fjordnet serve penguins.safetensors --host 0.0.0.0 --port 80'],
  ],
  load: () => import('./commands/serve.js'),
};

const plot: CommandSpec = {
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

const report: CommandSpec = {
  name: 'report',
  summary: 'Write an HTML report of a saved network, or of a grid',
  usage: '[MODEL] --out FILE [OPTIONS]',
  arguments: [['MODEL', 'A file that fjordnet train --save wrote; its data are read again']],
  least: 0,
  most: 1,
  groups: [
    [
      'Options',
      {
        out: { value: 'FILE', help: 'The report, one HTML file that needs no network', short: 'o' },
        grid: { value: 'FILE', help: 'A grid that fjordnet grid --save wrote, beside the network or alone' },
        json: { help: 'One JSON document on standard output' },
      },
    ],
  ],
  examples: [
    ['A network and the grid that led to it', 'fjordnet report digits.safetensors --grid grid.json --out report.html'],
  ],
  load: () => import('./commands/report.js'),
};

const info: CommandSpec = {
  name: 'info',
  summary: 'Tell about this build of fjordnet, about a saved network, or about data',
  usage: '[FILE] [OPTIONS]',
  arguments: [
    [
      'FILE',
      "A network (.safetensors, .onnx, .keras, .h5, model.json of TensorFlow.js, .npz of scikit-learn), or data: 'digits', CSV, Parquet, JSON, NPY, NPZ, IDX or a folder of pictures. Default: this build",
    ],
  ],
  least: 0,
  most: 1,
  groups: [
    ['Data', SOURCE_OPTIONS],
    ['Output', { json: { help: 'One JSON document on standard output' } }],
  ],
  examples: [
    ['What calculates here', 'fjordnet info'],
    ['What is in a file', 'fjordnet info digits.safetensors'],
    ['What a network of another program would be here', 'fjordnet info model.onnx'],
  ],
  load: () => import('./commands/info.js'),
};

const convert: CommandSpec = {
  name: 'convert',
  summary: 'Write a network in another format: ONNX, Keras, TensorFlow.js, PyTorch, scikit-learn, or our own',
  usage: 'IN OUT [OPTIONS]',
  arguments: [
    [
      'IN',
      'A network, an estimator, a pipeline or a predictor: .onnx, .keras, .h5, model.json of TensorFlow.js with its weights beside it, .npz of scikit-learn, .safetensors of fjordnet',
    ],
    ['OUT', 'The file to write; of TensorFlow.js, its weights are written beside it'],
  ],
  least: 2,
  most: 2,
  groups: [
    [
      'Options',
      {
        format: {
          value: 'NAME',
          help: "fjordnet, onnx, keras, h5, tfjs, safetensors-torch (PyTorch's state_dict) or npz (scikit-learn's arrays). Default: as OUT ends; .safetensors is fjordnet",
          short: 'f',
        },
        opset: { value: 'N', help: 'onnx: the version of its operators, 13 to 23. Default: 17' },
        dtype: { value: 'NAME', help: 'onnx: float32 or float64. Default: that of the network' },
      },
    ],
    [
      'Output',
      {
        json: { help: 'One JSON document on standard output' },
        quiet: { help: 'Only errors', short: 'q' },
      },
    ],
  ],
  examples: [
    ['A network of Keras 3 for the browser', 'fjordnet convert model.keras web/model.json'],
    ['What was trained here, for ONNX Runtime', 'fjordnet convert digits.safetensors digits.onnx'],
    ["PyTorch's state_dict", 'fjordnet convert model.onnx model.safetensors --format safetensors-torch'],
  ],
  load: () => import('./commands/convert.js'),
};

const bench: CommandSpec = {
  name: 'bench',
  summary: 'Measure this machine: training steps, a grid, a prediction, the event loop, on the digits',
  usage: '[OPTIONS]',
  arguments: [],
  least: 0,
  most: 0,
  groups: [
    [
      'Options',
      {
        seconds: { value: 'S', help: 'About how long each of the six measurements takes. Default: 1' },
        threads: { value: 'N', help: 'Threads that compute. Default: the processors' },
        json: { help: 'One JSON document on standard output, times in seconds' },
      },
    ],
  ],
  examples: [
    ['What one thread does', 'fjordnet bench --threads 1'],
    ['Longer, and for programs', 'fjordnet bench --seconds 5 --json'],
  ],
  load: () => import('./commands/bench.js'),
};

const doctor: CommandSpec = {
  name: 'doctor',
  summary: 'Look whether fjordnet works here, and say what to do if not: binary, threads, memory, a self-test',
  usage: '[OPTIONS]',
  arguments: [],
  least: 0,
  most: 0,
  groups: [
    [
      'Options',
      {
        here: { help: 'Load the binary in this process. Default: in one of its own, which a broken binary may end' },
        json: { help: 'One JSON document on standard output' },
      },
    ],
  ],
  examples: [
    ['Why does the import fail, or why is it slow?', 'fjordnet doctor'],
    ['In an image that is being built: exit code 1 if anything is wrong', 'fjordnet doctor --json'],
  ],
  load: () => import('./commands/doctor.js'),
};

const tryDarwin: CommandSpec = {
  name: 'try-darwin',
  summary: 'On macOS: test the binary that was built and not run by us, and use it from then on',
  usage: '',
  arguments: [],
  least: 0,
  most: 0,
  groups: [],
  examples: [['Without a compiler', 'fjordnet try-darwin']],
  load: () => import('./commands/try-darwin.js'),
};

/** All commands, in the order of the help. What runs them is loaded when it is asked for: help needs nothing native. */
export const COMMANDS: readonly CommandSpec[] = [
  train,
  grid,
  evaluate,
  predict,
  serve,
  plot,
  report,
  info,
  convert,
  bench,
  doctor,
  tryDarwin,
];
