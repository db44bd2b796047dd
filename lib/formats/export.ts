import type { NDArray } from '../array.js';
import { checkOneOf, checkOptions, wrongType } from '../check.js';
import type { Graph } from '../graph/graph.js';
import { writeFileAtomic } from '../io/atomic.js';
import { onnxParts } from './onnx/export.js';

export interface ExportOptions {
  /** Default: by the file's name, such as .onnx */
  format?: 'onnx';
  /** ONNX: the version of its operators, 13 to 23. Default 17, which its run-times of the last years know */
  opset?: number;
  /**
   * Of the numbers in the file. Default: the network's; for ONNX float32 where a float64 network has convolutions or pooling,
   * which ONNX Runtime has in float32 alone
   */
  dtype?: 'float32' | 'float64';
}

/** What of a network is written. */
export interface Exported {
  readonly name: string;
  readonly graph: Graph;
  readonly dtype: 'float32' | 'float64';
  readonly weights: readonly NDArray[];
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
}

export async function exportModel(network: Exported, path: string | URL, options: ExportOptions): Promise<void> {
  await writeFileAtomic(path, partsOf(network, options, String(path)));
}

export function exportBytes(network: Exported, options: ExportOptions): Uint8Array {
  return new Uint8Array(Buffer.concat(partsOf(network, options)));
}

function partsOf(network: Exported, options: ExportOptions, path?: string): readonly Uint8Array[] {
  checkOptions('options', options, ['format', 'opset', 'dtype']);
  const format = options.format ?? (path?.endsWith('.onnx') ? 'onnx' : undefined);
  if (format === undefined) throw wrongType('format', "the name of a format, such as 'onnx'", format);
  checkOneOf('format', format, ['onnx']);
  return onnxParts(network, options);
}
