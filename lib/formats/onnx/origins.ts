import { fields } from '../protobuf.js';
import type { GraphProto } from './decode.js';

/** What PyTorch's exporter (`dynamo=True`) says of the tensors of its files. */
export interface Origins {
  /** The names of parameters and of buffers; undefined where the file does not say them. */
  readonly parameters?: ReadonlySet<string>;
  readonly buffers?: ReadonlySet<string>;
  /** Of which values the exporter has computed a tensor, by its name. */
  readonly folded: ReadonlyMap<string, readonly string[]>;
  /** Every parameter is in the file, or one of those values. Tools and equal numbers put others together. */
  readonly isWhole: boolean;
}

/** Names of what only gives numbers another place: of PyTorch's operations, and of values that have no name there. */
const MOVES =
  /^(val|arange|zeros|getitem|numpy_t|t|transpose|permute|unsqueeze|squeeze|view|reshape|flatten|slice|select|split|chunk|clone|contiguous|alias|embedding|index|expand)(_\w+)?$/;

const namesIn = (text: string, pattern: RegExp): string[] => [...text.matchAll(pattern)].map(([, name]) => name);

/** Fields 13, value_info, and 16, metadata_props, of a graph. */
export function originsIn(graph: Uint8Array, tensors: ReadonlyMap<string, unknown>): Origins {
  const folded = new Map<string, readonly string[]>();
  let signature: string | undefined;
  for (const field of fields(graph)) {
    if (field.number === 13) {
      const { name, properties } = valueInfo(field.bytes);
      const of = properties.get('pkg.onnxscript.optimizer.folded_from');
      if (of !== undefined) folded.set(name, namesIn(of, /'([^']*)'/g));
    } else if (field.number === 16) {
      const [key, value] = property(field.bytes);
      if (key === 'pkg.torch.export.ExportedProgram.graph_signature') signature = value;
    }
  }
  if (signature === undefined) return { folded, isWhole: false };
  const [parameters, buffers] = [/: PARAMETER target='([^']*)'/g, /: BUFFER target='([^']*)'/g].map(
    (pattern) => new Set(namesIn(signature, pattern)),
  );
  const sources = new Set([...folded.values()].flat());
  const isWhole = [...parameters].every((name) => tensors.has(name) || sources.has(name));
  return { folded, parameters, buffers, isWhole };
}

function valueInfo(bytes: Uint8Array): { name: string; properties: Map<string, string> } {
  let name = '';
  const properties = new Map<string, string>();
  for (const field of fields(bytes)) {
    if (field.number === 1) name = field.string;
    else if (field.number === 4) properties.set(...property(field.bytes));
  }
  return { name, properties };
}

function property(bytes: Uint8Array): [key: string, value: string] {
  let [key, value] = ['', ''];
  for (const field of fields(bytes)) {
    if (field.number === 1) key = field.string;
    else if (field.number === 2) value = field.string;
  }
  return [key, value];
}

/** The parameters that the exporter has computed a tensor of; none for a parameter itself. */
export const foldedParameters = ({ folded, parameters }: Origins, name: string): readonly string[] =>
  (folded.get(name) ?? []).filter((of) => parameters?.has(of));

/** Whether a tensor of the file is a parameter, or computed of one; undefined where the file does not tell. */
export function isParameter({ origins }: Pick<GraphProto, 'origins'>, name: string): boolean | undefined {
  const { parameters, buffers, isWhole } = origins;
  if (!parameters) return undefined;
  if (parameters.has(name) || foldedParameters(origins, name).length > 0) return true;
  if (buffers?.has(name)) return false;
  return isWhole ? false : undefined; // it may be made of a parameter that is not there
}

/** Whether a tensor that the exporter has computed is, as far as names and numbers tell, but some numbers of one parameter in another order. */
export function isMoved(origins: Origins, name: string, data: ArrayLike<number>): boolean {
  const of = (origins.folded.get(name) ?? []).filter((own) => !origins.parameters?.has(own));
  if (foldedParameters(origins, name).length !== 1 || ![name, ...of].every((own) => MOVES.test(own))) return false;
  return of.length === 0 || new Set(Array.from(data)).size === data.length;
}
