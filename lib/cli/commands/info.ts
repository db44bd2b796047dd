import { open, stat } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { NDArray } from '../../array.js';
import { fileAt, type ImportFile } from '../../formats/import.js';
import type { Value } from '../../graph/value.js';
import { buildInfo } from '../../info.js';
import { isRecords } from '../../io/extensions.js';
import { openSafetensors } from '../../io/safetensors.js';
import { isNDArray } from '../../kind.js';
import { uniqueLabels } from '../../labels.js';
import { readSourceOptions } from '../data-options.js';
import { EXIT, unreadable } from '../errors.js';
import { readExchanged, trainingOf } from '../exchange.js';
import { isOfColumns, type MixedTable, readMixed, transformerFor } from '../mixed.js';
import type { Values } from '../options.js';
import { argument, count, Output, percent, seconds, short } from '../output.js';
import { pictures } from '../picture-info.js';
import { isFolder } from '../pictures.js';
import { loadRun } from '../run-file.js';
import { readSource, type Table } from '../sources.js';

/** @returns the exit code */
export async function run(values: Values): Promise<number> {
  const out = new Output({ json: values.switch('json') });
  const [path] = values.positionals;
  if (path === undefined) build(out);
  else if (path !== 'digits' && path !== '-' && (await isNetwork(path))) await own(out, path);
  else {
    const file = path === 'digits' || path === '-' ? undefined : await foreign(path);
    await (file ? exchanged(out, path, file) : data(out, values, path));
  }
  return EXIT.done;
}

function build(out: Output): void {
  const info = buildInfo();
  const machine = {
    node: process.versions.node,
    platform: `${process.platform}-${process.arch}`,
    processors: cpus().length,
    memory: totalmem(),
  };
  out.document({ ...info, ...machine });
  const rows = [
    ['fjordnet', info.version],
    ['matrix library', `${info.blas}, ${info.blasLinkage}, kernels for ${info.blasCore}`],
    ['', info.blasConfig],
    ['own kernels', `${info.simd}, ${info.simdBits} bits`],
    ['threads', String(info.threads)],
    ['Node.js', `${machine.node}, Node-API ${info.napiVersion}`],
    [
      'machine',
      `${machine.platform}, ${machine.processors} processors (${cpus()[0]?.model ?? 'unknown'}), ${(machine.memory / 2 ** 30).toFixed(1)} GB`,
    ],
  ];
  for (const [name, value] of rows) out.say(`${name.padEnd(16)}${value}`);
}

/** A safetensors file begins with the length of its header and the header, a JSON object. */
async function isNetwork(path: string): Promise<boolean> {
  try {
    if (!(await stat(path)).isFile()) return false;
    const file = await open(path);
    try {
      const start = Buffer.alloc(9);
      await file.read(start, 0, start.length, 0);
      return (
        start[8] === 0x7b &&
        start.readBigUInt64LE(0) < 2n ** 32n &&
        /\.safetensors$|^(?!.*\.(csv|tsv|txt)$)/i.test(path)
      );
    } finally {
      await file.close();
    }
  } catch (error) {
    throw unreadable(path, error);
  }
}

/** A network of another program, and no data: an NPZ file holds scikit-learn's arrays, a JSON file TensorFlow.js' layers. */
async function foreign(path: string): Promise<ImportFile | undefined> {
  const mark = /\.npz$/i.test(path) ? 'coefs_0.npy' : /\.json$/i.test(path) ? '"modelTopology"' : '';
  if (mark === '' && !/\.(onnx|keras|h5|hdf5)$/i.test(path)) return undefined;
  try {
    const file = await fileAt(path);
    return Buffer.from(file.bytes.buffer, file.bytes.byteOffset, file.bytes.length).includes(mark) ? file : undefined;
  } catch (error) {
    throw unreadable(path, error);
  }
}

async function exchanged(out: Output, path: string, file?: ImportFile): Promise<void> {
  out.reading(path);
  const read = await readExchanged(path, file);
  const { model, format, predictor } = read;
  const training = trainingOf(read);
  const { name, dtype, metadata } = model;
  const layers = model.layers.map((layer, i) => ({
    className: layer.className,
    config: { name: model.layerNames[i], ...layer.getConfig() },
  }));
  const shapesOf = (values: readonly Value[], names: readonly string[]) =>
    values.map(({ shape }, i) => ({ name: names[i], shape }));
  const [inputs, outputs] = [shapesOf(model.inputs, model.inputNames), shapesOf(model.outputs, model.outputNames)];
  const description = predictor?.describe();
  out.document({
    ...{ format, name, dtype, inputs, outputs, layers, ...(description !== undefined && { description }) },
    ...{ parameters: model.countParams(), iterations: model.iterations, training: training ?? null, metadata },
  });
  out.say(`${path}: a network of ${format}, ${dtype}`);
  const shown = (list: typeof inputs) =>
    list.map((each) => `${each.name} [${['n', ...each.shape].join(', ')}]`).join(', ');
  out.say(`From ${shown(inputs)} to ${shown(outputs)}`);
  out.say(model.summary());
  if (description !== undefined) out.say(description);
  out.say(training ? `Training goes on from ${training}` : 'It says nothing of its training, which begins anew');
  if (Object.keys(metadata).length > 0) out.say(`Metadata: ${Object.keys(metadata).slice(0, 20).join(', ')}`);
}

/** A safetensors file: of a network with its run, of any other, or of tensors alone. */
async function own(out: Output, path: string): Promise<void> {
  const { file, entries, metadata } = await openSafetensors(path).catch((error) => {
    throw unreadable(path, error);
  });
  await file.close();
  const format = metadata.get('format');
  if (format === 'fjordnet') {
    const isSequential = /"className":"Sequential"/.test(metadata.get('architecture')?.slice(0, 30) ?? '');
    const hasRun = /"run":/.test(metadata.get('training') ?? '');
    return isSequential && (hasRun || !metadata.has('object')) ? network(out, path) : exchanged(out, path);
  }
  const tensors = entries.map(({ name, dtype, shape }) => ({ name, dtype, shape }));
  const numbers = tensors.reduce((sum, { shape }) => sum + shape.reduce((product, n) => product * n, 1), 0);
  out.document({ format: format ?? null, tensors, numbers });
  out.say(
    `${path}: ${count(tensors.length, 'tensor')} of ${count(numbers, 'number')}, ${format ? `format '${format.slice(0, 60)}'` : 'without a format'}`,
  );
  for (const { name, dtype, shape } of tensors.slice(0, 200))
    out.say(`  ${name.slice(0, 60)}: ${dtype} [${shape.join(', ')}]`);
  if (tensors.length > 200) out.say('  …');
  out.say("Weights without a network: loadWeights with layout 'pytorch' or 'keras' reads them into one");
}

async function network(out: Output, path: string): Promise<void> {
  const { model, run } = await loadRun(path);
  out.document({
    name: model.name,
    dtype: model.dtype,
    inputShape: model.inputShape,
    layers: model.layers.map((layer, i) => ({
      className: layer.className,
      config: { name: model.layerNames[i], ...layer.getConfig() },
    })),
    parameters: model.countParams(),
    iterations: model.iterations,
    run,
  });
  out.say(model.summary());
  if (!run) return;
  const { meaning, history, recipe } = run;
  out.say();
  out.say(
    `Trained for ${run.epochs} of ${count(recipe.epochs, 'epoch')} in ${seconds(run.seconds)} on ${run.data.source}, seed ${run.seed}`,
  );
  if (meaning.classes)
    out.say(`Classes: ${meaning.classes.slice(0, 20).join(', ')}${meaning.classes.length > 20 ? ', …' : ''}`);
  const last = Object.entries(history.history).map(([name, values]) => {
    const value = values.at(-1) ?? Number.NaN;
    return `${name} ${name.endsWith('accuracy') ? percent(value) : short(value)}`;
  });
  if (last.length > 0) out.say(`Last epoch: ${last.join(', ')}`);
  if (run.epochs < recipe.epochs) out.say(`To go on: fjordnet train --resume ${argument(path)}`);
}

async function data(out: Output, values: Values, path: string): Promise<void> {
  const options = readSourceOptions(values, path);
  if (isFolder(path)) return pictures(out, path);
  if (isRecords(path)) return mixed(out, await readMixed(options, options.label ?? -1));
  let read: Table;
  try {
    read = await readSource({ ...options, labelOptional: /\.npz$/i.test(path) }, 'float64');
  } catch (error) {
    if (!isOfColumns(error)) throw error;
    return mixed(out, await readMixed(options, options.label ?? -1));
  }
  const { name, x, y, columns, target, test, decided } = read;
  const [n, ...shape] = x.shape;
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of x.data) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  const labels = y && uniqueLabels(isNDArray(y) ? y.data : y);
  out.document({
    name,
    samples: n,
    shape,
    range: [low, high],
    ...(columns && { columns }),
    ...(target !== undefined && { label: target }),
    ...(labels && { labels: labels.length <= 100 ? labels : labels.length }),
    ...(test && { testSamples: test.x.shape[0] }),
  });
  out.say(`${name}: ${count(n, 'sample')} of ${shape.join(' x ')}, from ${short(low)} to ${short(high)}`);
  if (decided) out.say(decided);
  if (columns)
    out.say(`Columns: ${columns.slice(0, 30).join(', ')}${columns.length > 30 ? `, … (${columns.length})` : ''}`);
  if (labels) {
    const shown = labels.length <= 20 ? `: ${labels.join(', ')}` : '';
    out.say(`Labels${target === undefined ? '' : ` (${target})`}: ${labels.length} different${shown}`);
  }
  if (test) out.say(`Test set: ${count(test.x.shape[0], 'sample')}`);
}

/** What every column of a table would become in a training. */
function mixed(out: Output, table: MixedTable): void {
  const { name, names, label, unlabelled } = table;
  const { name: target, y } = label as NonNullable<MixedTable['label']>;
  const n = y.length;
  const rows = NDArray.wrap(Int32Array.from({ length: n }, (_, row) => row));
  const lines = transformerFor(table, rows, {}).describe().split('\n');
  const labels = uniqueLabels(isNDArray(y) ? y.data : y);
  out.document({
    name,
    samples: n,
    columns: names,
    label: target,
    labels: labels.length <= 100 ? labels : labels.length,
    becomes: Object.fromEntries(
      names.map((column) => [column, lines.find((line) => line.startsWith(`${column}: `))?.slice(column.length + 2)]),
    ),
  });
  out.say(
    `${name}: ${count(n, 'sample')} of ${count(names.length, 'column')}${unlabelled ? `; ${unlabelled} rows have no '${target}'` : ''}`,
  );
  for (const line of lines) out.say(`  ${line}`);
  const shown = labels.length <= 20 ? `: ${labels.join(', ')}` : '';
  out.say(`Labels (${target}): ${labels.length} different${shown}`);
}
