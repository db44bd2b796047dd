import { type ExportOptions, exportFormats } from '../../formats/export.js';
import { onnxType } from '../../formats/onnx/export.js';
import { lostInTfjs } from '../../formats/tfjs/lost.js';
import { saveModel } from '../../io/model-file.js';
import { nameOf } from '../../layers/layer.js';
import { otherScales, type Program } from '../../models/attention-scale.js';
import { partsOf } from '../../saved.js';
import { isNetworkStep } from '../../tables/network-step.js';
import type { Predictor } from '../../tables/predictor.js';
import { checkApart, checkDestination } from '../destinations.js';
import { CommandError, EXIT, unwritable, usage } from '../errors.js';
import { type Exchanged, lastOf, readExchanged, trainingOf } from '../exchange.js';
import type { Values } from '../options.js';
import { count, Output } from '../output.js';

const OWN = 'fjordnet';
/** scikit-learn's arrays. */
const NPZ = 'npz';

/** What files of a format hold beside layers and float32 numbers. */
const KEPT: Readonly<Record<string, readonly ('training' | 'memory' | 'metadata' | 'float64')[]>> = {
  [OWN]: ['training', 'memory', 'metadata', 'float64'],
  onnx: ['float64'],
  keras: ['training', 'memory', 'float64'],
  h5: ['training', 'float64'],
  tfjs: ['training', 'memory', 'metadata'],
  'safetensors-torch': ['float64'],
  [NPZ]: ['float64'],
};

/** Those whose attention has the scale of a program. */
const UNSCALED: Readonly<Record<string, Program>> = { keras: 'keras', h5: 'keras', 'safetensors-torch': 'pytorch' };

/** @returns the exit code */
export async function run(values: Values): Promise<number> {
  const out = new Output({ json: values.switch('json'), quiet: values.switch('quiet') });
  const [from, to] = values.positionals;
  const format = formatFor(values, to);
  const dtype = values.choice('dtype', ['float32', 'float64'] as const);
  const opset = values.integer('opset', 13, 23);
  if (format === OWN && (dtype ?? opset)) throw usage('Expected no --dtype and no --opset with fjordnet, got one');
  await checkApart({ OUT: to }, { IN: from });
  await checkDestination('OUT', to);
  out.reading(from);
  const read = await readExchanged(from);
  const { model } = read;
  const options = { format, ...(opset !== undefined && { opset }), ...(dtype && { dtype }) };
  let lost: string[];
  try {
    lost = await lostOf(read, options);
    await write(read, to, options);
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

/** Those of the library, and the formats that `export` of networks has not. */
type Options = Pick<ExportOptions, 'opset' | 'dtype'> & { readonly format: string };

async function write({ model, predictor, content }: Exchanged, to: string, options: Options): Promise<void> {
  const { format } = options;
  if (format === OWN && content) return saveModel(to, content);
  const last = predictor && lastOf(predictor);
  if (format === OWN) return ((last ?? model) as Predictor).save(to);
  if (format === NPZ) return estimatorOf(last ?? model).export(to, options as never);
  return (predictor && format === 'onnx' ? predictor : model).export(to, options as never);
}

/** @throws TypeError for what scikit-learn's arrays do not hold */
function estimatorOf(last: object): Predictor {
  const { className = (last as { className?: string }).className ?? last.constructor.name } = partsOf(last) ?? {};
  if (className.startsWith('MLP')) return last as Predictor;
  throw new TypeError(
    `Expected an MLPClassifier or an MLPRegressor, whose arrays scikit-learn has, got a ${className}`,
  );
}

function formatFor(values: Values, to: string): string {
  const formats = [...exportFormats(), [NPZ, '.npz'] as const];
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

/** What of a file is not in one of another format. */
async function lostOf(read: Exchanged, { format, dtype }: Options): Promise<string[]> {
  const { model, predictor, content } = read;
  if (format === OWN && content) return [];
  const kept = KEPT[format] ?? [];
  const isWhole = predictor !== undefined && format === 'onnx';
  const training = trainingOf(read);
  const { lacking, lost } = format === 'tfjs' ? await lostInTfjs(model) : { lost: [] };
  const goesOn = kept.includes('training') && (!predictor || isNetworkStep(lastOf(predictor))) && lacking === undefined;
  const keepsClasses = isWhole || kept.includes('metadata') || format === NPZ;
  const metadata = Object.keys(model.metadata).filter((key) => !keepsClasses || key !== 'classes');
  return [
    ...(predictor && !isWhole && isPrepared(predictor) ? ['the preprocessing of rows'] : []),
    ...(training && !goesOn ? [`what training goes on from: ${training}${lacking ? ` (${lacking})` : ''}`] : []),
    ...lost,
    ...(training && goesOn && !kept.includes('memory') && model.iterations > 0
      ? [`the optimizer's memory of ${count(model.iterations, 'update')}`]
      : []),
    ...(content?.training?.run ? ['what fjordnet train noted of data and history'] : []),
    ...(metadata.length > 0 && !kept.includes('metadata')
      ? [`the metadata: ${metadata.join(', ').slice(0, 200)}`]
      : []),
    ...lostScales(model, format),
    ...lostDigits(model, format, dtype),
  ];
}

function lostScales(model: Exchanged['model'], format: string): string[] {
  if (!Object.hasOwn(UNSCALED, format)) return [];
  const layers = otherScales(model, UNSCALED[format]).map(([layer]) => nameOf(layer));
  return layers.length > 0 ? [`the scale of attention, which the query's weights take up: ${layers.join(', ')}`] : [];
}

function lostDigits(model: Exchanged['model'], format: string, dtype: ExportOptions['dtype']): string[] {
  if (model.dtype !== 'float64') return [];
  if (!KEPT[format]?.includes('float64') || dtype === 'float32') return ['digits beyond float32'];
  if (format !== 'onnx' || dtype || onnxType(model) === 'float64') return [];
  return ['digits beyond float32, as ONNX Runtime has convolutions, pooling and gelu in no other numbers'];
}

/** Whether something is done to rows before they come to the network, or to what it answers. */
function isPrepared(predictor: Predictor): boolean {
  const config = partsOf(predictor)?.config as { targetScaler?: object } | undefined;
  return predictor.pipeline.steps.length > 1 || config?.targetScaler !== undefined;
}
