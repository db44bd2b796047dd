import { type ExportOptions, exportFormats } from '../../formats/export.js';
import type { OnnxOptions } from '../../formats/onnx/predictor.js';
import type { Model } from '../../models/model.js';
import { loadPredictor } from '../../tables/predictor.js';
import { checkDestination } from '../destinations.js';
import { CommandError, EXIT, unwritable, usage } from '../errors.js';
import { type Exchanged, readExchanged, trainingOf } from '../exchange.js';
import type { Values } from '../options.js';
import { count, Output } from '../output.js';

const OWN = 'fjordnet';

/** What files of a format hold beside layers and float32 numbers. */
const KEPT: Readonly<Record<string, readonly ('training' | 'memory' | 'metadata' | 'float64')[]>> = {
  [OWN]: ['training', 'memory', 'metadata', 'float64'],
  onnx: ['float64'],
  keras: ['training', 'memory', 'float64'],
  h5: ['training', 'float64'],
  tfjs: ['metadata'],
  'safetensors-torch': ['float64'],
};

/** @returns the exit code */
export async function run(values: Values): Promise<number> {
  const out = new Output({ json: values.switch('json'), quiet: values.switch('quiet') });
  const [from, to] = values.positionals;
  const format = formatFor(values, to);
  const dtype = values.choice('dtype', ['float32', 'float64'] as const);
  const opset = values.integer('opset', 13, 23);
  await checkDestination('OUT', to);
  out.reading(from);
  const read = await readExchanged(from);
  const { model } = read;
  // ONNX says what is done to rows, too
  const isWhole = format === 'onnx' && read.hasPreprocessing;
  const lost = lostOf(isWhole ? { ...read, hasPreprocessing: false } : read, format);
  try {
    if (format === OWN) await model.save(to);
    else {
      const options = { format, ...(opset !== undefined && { opset }), ...(dtype && { dtype }) } as ExportOptions;
      const whole = isWhole ? await loadPredictor(from) : undefined;
      await (whole ? whole.export(to, options as OnnxOptions) : model.export(to, options));
    }
  } catch (error) {
    // what the format cannot hold is a sentence of the library's
    if ((error as Error).message.startsWith('Expected '))
      throw new CommandError(EXIT.input, (error as Error).message, { cause: error });
    throw unwritable('OUT', to, error);
  }
  const layers = model.layers.length;
  const parameters = model.countParams();
  out.document({ from: read.format, to: format, layers, parameters, dtype: model.dtype, lost });
  if (!values.switch('quiet')) {
    out.say(
      `${from} (${read.format}) -> ${to} (${format}): ${count(layers, 'layer')}, ${count(parameters, 'parameter')}`,
    );
    for (const what of lost) out.say(`Not in ${to}: ${what}`);
  }
  return EXIT.done;
}

function formatFor(values: Values, to: string): string {
  const formats = exportFormats();
  const given = values.choice('format', [OWN, ...formats.map(([name]) => name)]);
  if (given) return given;
  if (/\.safetensors$/i.test(to)) return OWN;
  const found = formats.find(([, extension]) => extension && to.toLowerCase().endsWith(extension));
  if (found) return found[0];
  const endings = formats.flatMap(([, extension]) => extension ?? []);
  throw usage(
    `Expected OUT to end in ${['.safetensors', ...endings].join(', ')}, or --format to say what it is, got '${to}'`,
  );
}

function lostOf({ model, hasPreprocessing }: Exchanged, format: string): string[] {
  const kept = KEPT[format] ?? [];
  const training = trainingOf(model as Model);
  return [
    ...(hasPreprocessing ? ['the preprocessing of rows'] : []),
    ...(training && !kept.includes('training') ? [`what training goes on from: ${training}`] : []),
    ...(training && kept.includes('training') && !kept.includes('memory') && model.iterations > 0
      ? [`the optimizer's memory of ${count(model.iterations, 'update')}`]
      : []),
    ...(Object.keys(model.metadata).length > 0 && !kept.includes('metadata') ? ['the metadata'] : []),
    ...(model.dtype === 'float64' && !kept.includes('float64') ? ['digits beyond float32'] : []),
  ];
}
