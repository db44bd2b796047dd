// The command line, in this process: networks whose runs were changed, grids, recipes, and command lines of any words.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { commandLine } from '../../dist/cli/command-line.js';

export const name = 'run-files';

/** What an engine says, never one of our sentences. */
const ENGINE =
  /unexpected error|is not a function|is not iterable|Cannot (read prop|destructure|convert|set)|Invalid (typed )?array|Invalid count|not valid JSON|Unexpected (token|end)|is not defined|Maximum call|allocation failed|must be of type|(?<!got )\bundefined\b|\[object|E[A-Z]{4,}: /;

const VALUES = [
  ...[null, true, false, '', 'x', 'NaN', '__proto__', 'constructor', '😀', 'a\nb', 'y'.repeat(3000)],
  ...[0, -1, 1, 2, 0.5, 1e-320, 1e308, -1e308, 2 ** 31, 2 ** 32, 2 ** 53, 1e21],
  ...[
    [],
    [[]],
    {},
    [null],
    [1, 'a'],
    { length: 3 },
    { name: 'x' },
    { constructor: null },
    { __proto__: null, toString: 1 },
  ],
];

/** One value somewhere in JSON changed by its kind, a name removed, or a list made longer or shorter. */
function mutate(random, root) {
  const places = [];
  const walk = (value) => {
    if (typeof value !== 'object' || value === null) return;
    for (const key of Object.keys(value)) {
      places.push([value, key]);
      walk(value[key]);
    }
  };
  walk(root);
  if (places.length === 0) return;
  const [parent, key] = random.pick(places);
  const old = parent[key];
  const kind = random.integer(0, 7);
  if (kind <= 2) parent[key] = structuredClone(random.pick(VALUES));
  else if (kind === 3 && Array.isArray(parent)) parent.splice(Number(key), 1);
  else if (kind === 3) delete parent[key];
  else if (kind === 4 && Array.isArray(parent))
    parent.push(random.chance(0.5) ? structuredClone(old) : structuredClone(random.pick(VALUES)));
  else if (kind === 4) parent[random.pick(['name', 'x', 'constructor', 'version'])] = structuredClone(old);
  else if (kind === 5) {
    const [other, name] = random.pick(places);
    parent[key] = structuredClone(other[name]);
  } else if (typeof old === 'number')
    parent[key] = random.pick([-old, old + 1, old - 1, old * 1000, old + 0.5, String(old)]);
  else if (typeof old === 'string')
    parent[key] = random.pick([old.slice(1), `${old}x`, old.toUpperCase(), [old], { name: old }]);
  else if (Array.isArray(old))
    parent[key] = random.pick([old.slice(1), [...old, ...old], [old], old[0] ?? null, { ...old }]);
  else parent[key] = [old];
}

function mutated(random, root) {
  const copy = structuredClone(root);
  for (let n = random.pick([1, 1, 1, 2, 4]); n > 0; n--) mutate(random, copy);
  return copy;
}

const CLASSES = [
  'p,q,kind',
  ...Array.from({ length: 24 }, (_, i) => `${i % 5},${(i * 7) % 3}.5,${['a', 'b', 'c'][i % 3]}`),
];
const AMOUNTS = ['p,q,price', ...Array.from({ length: 24 }, (_, i) => `${i % 5},${(i * 7) % 3}.5,${i * 1.25}`)];
const RECIPE = {
  layers: [
    { type: 'dense', units: 3, activation: 'relu', kernelRegularizer: { l2: 0.01 } },
    { type: 'dropout', rate: 0.1 },
    { type: 'batchNormalization' },
    { className: 'Dense', config: { units: 3, activation: 'softmax' } },
  ],
  optimizer: { name: 'sgd', learningRate: 0.1, momentum: 0.5 },
  loss: 'categoricalCrossentropy',
};
const IMAGES = {
  layers: [
    { type: 'conv2d', filters: 2, kernelSize: 2, strides: 1, padding: 'same', activation: 'relu' },
    { type: 'maxPooling2d', poolSize: 2 },
    { type: 'flatten' },
    { type: 'dense', units: 3, activation: 'softmax' },
  ],
};

/** A folder with a network of each kind, a grid and data, made once. */
class Place {
  folder = mkdtempSync(join(tmpdir(), 'fjordnet-fuzz-'));
  said = '';

  constructor() {
    process.once('exit', () => rmSync(this.folder, { recursive: true, force: true }));
  }

  path(name) {
    return join(this.folder, name);
  }

  write(name, content) {
    writeFileSync(this.path(name), content);
    return this.path(name);
  }

  /** Runs a command line; what it writes is kept. */
  async run(args) {
    const writes = [process.stdout, process.stderr].map((stream) => [stream, stream.write]);
    this.said = '';
    for (const [stream] of writes)
      stream.write = (text, ...rest) => {
        this.said += text;
        rest.at(-1)?.();
        return true;
      };
    try {
      return await commandLine(args);
    } finally {
      for (const [stream, write] of writes) stream.write = write;
    }
  }

  async make() {
    this.write('classes.csv', `${CLASSES.join('\n')}\n`);
    this.write('amounts.csv', `${AMOUNTS.join('\n')}\n`);
    this.write(
      'images.csv',
      `${CLASSES.slice(1)
        .map((line) => `1,2,3,4,5,6,7,${line}`)
        .join('\n')}\n`,
    );
    this.write('recipe.json', JSON.stringify(RECIPE));
    const classes = this.path('classes.csv');
    const models = [
      ['mlp', classes, '--hidden', '3', '--patience', '2'],
      ['mlp', this.path('amounts.csv'), '--hidden', '2,2', '--dropout', '0.1'],
      ['lecture', classes, '--hidden', '3', '--batch-size', '5'],
      ['sklearn', classes, '--hidden', '3'],
      [this.path('recipe.json'), classes],
      ['cnn', this.path('images.csv'), '--shape', '3x3x1', '--filters', '2', '--kernel', '2', '--hidden', '2'],
    ];
    this.models = [];
    for (const [i, [model, data, ...options]] of models.entries()) {
      const file = this.path(`base${i}.safetensors`);
      const args = ['train', data, '--model', model, '--epochs', '2', '--save', file, '-q', ...options];
      if ((await this.run(args)) !== 0) throw new Error(`no network to begin with: ${this.said}`);
      const bytes = readFileSync(file);
      const length = Number(bytes.readBigUInt64LE(0));
      const header = JSON.parse(bytes.toString('utf8', 8, 8 + length));
      const training = JSON.parse(header.__metadata__.training);
      this.models.push({ file, data, header, training, weights: bytes.subarray(8 + length) });
    }
    const grid = this.path('grid.json');
    await this.run(['grid', classes, '-s', 'hidden=2,3x2', '-s', 'l2=0,0.1', '--epochs', '1', '--save', grid, '-q']);
    this.grid = JSON.parse(readFileSync(grid, 'utf8'));
    return this;
  }
}

let making;
/** The folder, which goes with the process. */
function place() {
  making ??= new Place().make();
  return making;
}

export async function run(random, count, report) {
  const at = await place();
  for (let i = 0; i < count; i++) {
    const args = random.pick([runFile, runFile, runFile, gridFile, recipe, words])(random, at);
    const code = await at.run(args);
    if (![0, 1, 2, 3, 4].includes(code) || ENGINE.test(at.said) || (code !== 0 && !/fjordnet: .+/.test(at.said)))
      report(
        `exit code ${code} of ${args.join(' ').replaceAll(at.folder, '.')}\n${at.said.slice(-1500)}\n${at.changed ?? ''}`,
      );
    if (code !== 0 && at.said.length > 6000) report(`${at.said.length} characters of ${args.join(' ')}`);
  }
}

/** A run that was changed, or all else that the file says of its network. */
function runFile(random, at) {
  const { data, header, training, weights } = random.pick(at.models);
  const { run, ...rest } = training;
  const { architecture, ...metadata } = header.__metadata__;
  const whole = random.chance(0.6)
    ? { architecture: JSON.parse(architecture), training: { ...rest, run: mutated(random, { run }).run ?? null } }
    : mutated(random, { architecture: JSON.parse(architecture), training: rest });
  if (typeof whole.training === 'object' && whole.training !== null) whole.training.run ??= run;
  at.changed = JSON.stringify(whole).slice(0, 3000);
  for (const [key, value] of Object.entries(whole)) metadata[key] = JSON.stringify(value);
  const text = Buffer.from(JSON.stringify({ ...header, __metadata__: metadata }));
  const padded = Buffer.concat([text, Buffer.alloc((8 - (text.length % 8)) % 8, ' ')]);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(padded.length));
  const file = at.write('run.safetensors', Buffer.concat([length, padded, weights]));
  return random.pick([
    ['info', file],
    ['info', file, '--json'],
    ['predict', file, data],
    ['predict', file, data, '--probabilities'],
    ['evaluate', file],
    ['evaluate', file, data],
    ['plot', random.pick(['history', 'network', 'weights', 'filters', 'confusion', 'boundary']), file],
    ['train', '--resume', file, '--epochs', '3', '-q', '--save', at.path('resumed.safetensors')],
    ...(random.chance(0.1) ? [['report', file, '--out', at.path('report.html')]] : []),
  ]);
}

function gridFile(random, at) {
  const text = JSON.stringify(mutated(random, { grid: at.grid }).grid) ?? '';
  at.changed = text.slice(0, 3000);
  const file = at.write('changed.json', random.chance(0.05) ? text.slice(0, random.integer(0, text.length)) : text);
  return random.chance(0.9)
    ? ['plot', 'heatmap', file, '--set', random.pick(['train', 'test'])]
    : ['report', '--grid', file, '--out', at.path('report.html')];
}

function recipe(random, at) {
  const images = random.chance(0.4);
  const text = JSON.stringify(mutated(random, { recipe: images ? IMAGES : RECIPE }).recipe) ?? '';
  at.changed = text;
  const file = at.write('changed.json', random.chance(0.05) ? text.slice(0, random.integer(0, text.length)) : text);
  const data = images ? [at.path('images.csv'), '--shape', '3x3x1'] : [at.path('classes.csv')];
  return ['train', ...data, '--model', file, '--epochs', '1', '-q'];
}

const COMMANDS = [
  'train',
  'train',
  'grid',
  'predict',
  'evaluate',
  'plot',
  'info',
  'report',
  'help',
  'trian',
  '',
  '--help',
  '-h',
];
const OPTIONS = [
  ...[
    'label',
    'header',
    'no-header',
    'separator',
    'labels',
    'task',
    'scale',
    'shape',
    'test-size',
    'test-data',
    'test-labels',
  ],
  ...['model', 'hidden', 'activation', 'filters', 'kernel', 'dropout', 'l2', 'dtype', 'batch-size', 'optimizer'],
  ...[
    'learning-rate',
    'momentum',
    'validation',
    'patience',
    'seed',
    'threads',
    'search',
    'json',
    'quiet',
    'probabilities',
  ],
  ...[
    'width',
    'scale',
    'theme',
    'title',
    'limit',
    'set',
    'resume',
    'grid',
    'help',
    'nothing',
    'constructor',
    '__proto__',
  ],
];
const WORDS = [
  ...[
    '',
    '0',
    '-1',
    '1',
    '2',
    '3',
    '0.5',
    '1e999',
    '1e9',
    'NaN',
    '0x10',
    '1_0',
    '1,2',
    '2x2x2',
    '3x3',
    'auto',
    'x',
    '😀',
    ',',
    ';',
  ],
  ...[
    '\\t',
    '=',
    'a=b',
    'l2=0,1',
    'hidden=2',
    'epochs=1,',
    'l2=1:2:3',
    'l2=1:2:1e9',
    'momentum=2',
    'relu',
    'adam',
    'sgd',
    'none',
    'max',
  ],
  ...[
    'mlp',
    'cnn',
    'lecture',
    'sklearn',
    'file',
    'classification',
    'regression',
    'kind',
    'price',
    'p',
    'toString',
    '__proto__',
    'digits',
    '/',
    '.',
  ],
  ...[
    'float32',
    'float64',
    'light',
    'train',
    'test',
    'history',
    'network',
    'weights',
    'filters',
    'images',
    'confusion',
    'mistakes',
    'boundary',
    'heatmap',
    'activation',
  ],
];

/** Words in any order, most of them where they may stand. */
function words(random, at) {
  at.changed = undefined;
  const files = [
    'classes.csv',
    'amounts.csv',
    'images.csv',
    'base0.safetensors',
    'base1.safetensors',
    'grid.json',
    'recipe.json',
    'none',
  ];
  const word = () => (random.chance(0.3) ? at.path(random.pick(files)) : random.pick(WORDS));
  const command = random.pick(COMMANDS);
  const args = [command];
  if (command === 'plot') args.push(random.chance(0.9) ? random.pick(WORDS.slice(-10)) : word());
  if (['train', 'grid', 'info'].includes(command))
    args.push(random.chance(0.8) ? at.path(random.pick(files.slice(0, 3))) : word());
  else args.push(random.chance(0.7) ? at.path(random.pick(files.slice(3, 6))) : word());
  for (let n = random.integer(0, 3); n > 0; n--) {
    const option = `--${random.pick(OPTIONS)}`;
    if (random.chance(0.3)) args.push(`${option}=${word()}`);
    else args.push(option, ...(random.chance(0.85) ? [word()] : []));
  }
  if (random.chance(0.1)) args.splice(random.integer(0, args.length), 0, word());
  // what is given last counts where it may be given at all, and bounds the time
  if (command === 'train' || command === 'grid') args.push('--epochs', '1');
  return args;
}
