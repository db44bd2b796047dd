import { basename } from 'node:path';
import type { NDArray } from '../array.js';
import { checkOneOf, checkOptions, wrongType, wrongValue } from '../check.js';
import type { Graph } from '../graph/graph.js';
import { type Path, placeOf, writeFilesAtomic } from '../io/atomic.js';
import { oneFile } from '../io/one-file.js';
import type { Model } from '../models/model.js';
import type { Compiled } from '../models/network.js';
import { h5, keras } from './keras/export.js';
import { onnx } from './onnx/export.js';
import { tfjs } from './tfjs/export.js';
import { safetensorsTorch } from './torch.js';

export type FormatName = keyof typeof FORMATS;

export interface ExportOptions {
  /** Default: by the file's name, such as .onnx */
  format?: FormatName;
  /** ONNX: the version of its operators, 13 to 23. Default 17, which its run-times of the last years know */
  opset?: number;
  /**
   * Of the numbers in the file. Default: the network's; for ONNX float32 where a float64 network has convolutions or pooling,
   * which ONNX Runtime has in float32 alone
   */
  dtype?: 'float32' | 'float64';
  /** safetensors-torch: what modules are called that are not called as their layers, `{ dense: '0', dense_1: '2' }` */
  names?: Readonly<Record<string, string>>;
  /** tfjs: with how it is trained, and the optimizer's memory, where TensorFlow.js can go on from it. Default true */
  includeOptimizer?: boolean;
}

/** What of a network is written: its numbers are copies of one moment. */
export interface Exported {
  readonly model: Model<any, any>;
  readonly graph: Graph;
  /** In the order of `model.weightNames`. */
  readonly weights: readonly NDArray[];
  /** How it is trained, where it was compiled, and how far it was. */
  readonly training?: {
    readonly compiled: Compiled;
    readonly iterations: number;
    /** The optimizer's memory, by its names in our files. */
    readonly state: readonly (readonly [name: string, values: NDArray])[];
  };
}

/** How a format is written. */
export interface Format {
  /** What files of it are called, '.onnx', where it is the only one of the name. */
  readonly extension?: string;
  /** The options that it has beside `format`. */
  readonly options: readonly string[];
  /** The file in parts. @throws TypeError or RangeError naming the layer that the format cannot hold */
  parts?(network: Exported, options: ExportOptions): readonly Uint8Array[];
  /** Of a format of several files: those beside the file `name`, and itself, last. @throws as `parts` */
  files?(
    network: Exported,
    options: ExportOptions,
    name: string,
  ): readonly (readonly [name: string, parts: readonly Uint8Array[]])[];
}

const FORMATS = { onnx, keras, h5, tfjs, 'safetensors-torch': safetensorsTorch } satisfies Record<string, Format>;

export async function exportModel(network: Exported, path: Path, options: ExportOptions): Promise<void> {
  const place = placeOf(path);
  const { parts, files } = formatOf(options, place.given);
  const name = basename(place.given);
  const all = files?.(network, options, name) ?? [[name, parts?.(network, options) ?? []] as const];
  await writeFilesAtomic(all.map(([each, content]) => [each === name ? place : place.beside(each), content]));
}

export function exportBytes(network: Exported, options: ExportOptions): Uint8Array<ArrayBuffer> {
  const { parts } = formatOf(options);
  if (!parts) throw wrongValue('format', 'one of a single file (model.export writes the others)', options.format);
  return oneFile(parts(network, options));
}

/** The names of formats, and what files of them are called that say it. */
export const exportFormats = (): readonly (readonly [FormatName, extension: string | undefined])[] =>
  (Object.keys(FORMATS) as FormatName[]).map((name) => [name, (FORMATS[name] as Format).extension]);

function formatOf(options: ExportOptions, path = ''): Format {
  checkOptions('options', options, ['format', ...Object.values(FORMATS).flatMap((format) => format.options)]);
  const names = Object.keys(FORMATS) as FormatName[];
  const byName = names.find((name) => path.endsWith((FORMATS[name] as Format).extension ?? '\0'));
  const name = options.format ?? byName;
  if (name === undefined) throw wrongType('format', `one of ${names.join(', ')}, where no file says it`, name);
  const format: Format = FORMATS[checkOneOf('format', name, names)];
  checkOptions(`options of ${name}`, options, ['format', ...format.options]);
  return format;
}
