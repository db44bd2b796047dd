import { SOURCE_OPTIONS } from './data-options.js';
import type { CommandSpec } from './options.js';
import { plot } from './plot-command.js';
import { grid, train } from './training-commands.js';

const MODEL_ARGUMENT = ['MODEL', 'A file that fjordnet train --save wrote'] as const;

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
