import { isFloat, type NodeProto, type TensorProto } from './decode.js';
import { digest } from './holders.js';
import type { Importer } from './importer.js';
import { transposed } from './onnx-graph.js';
import type { Numbers } from './tensors.js';

/** What operations give on as it is, or transposed. */
const KEEP: ReadonlySet<string> = new Set(['Cast', 'Identity', 'Transpose']);

/** The matrices of the file that nodes read, or a copy of which they read. */
function matricesOf(c: Importer, readBy: (node: NodeProto) => readonly string[]): TensorProto[] {
  const names = new Set(c.graph.nodes.flatMap(readBy));
  for (const name of names) {
    const maker = c.maker(name);
    if (maker && KEEP.has(maker.type)) names.add(maker.inputs[0]);
  }
  return [...c.graph.tensors.values()].filter(
    ({ name, shape, type }) => names.has(name) && shape.length === 2 && isFloat(type),
  );
}

/** The same for equal matrices alone. */
const keyOf = ({ shape, data }: Numbers): string => `${shape} ${digest(Float64Array.from(data))}`;

/**
 * The tables of embeddings that are matrices of products, too, by the names of both: exporters write a transposed copy. Equal by accident
 * is no matrix that anything has trained.
 */
export function tiedIn(c: Importer): Map<string, string> {
  const products = matricesOf(c, ({ type, inputs }) =>
    type === 'MatMul' || type === 'Gemm' ? inputs.slice(0, 2) : [],
  );
  const tables = matricesOf(c, ({ type, inputs }) => (type === 'Gather' ? inputs.slice(0, 1) : []));
  const isTrained = ({ data }: Numbers) => data.some((x) => x !== data[0]);
  const ofSameSize = (others: readonly Numbers[]) => {
    const sizes = new Set(others.map(({ data }) => data.length));
    return (matrix: Numbers) => sizes.has(matrix.data.length) && isTrained(matrix);
  };
  const named = new Map<string, string>();
  for (const table of tables.filter(ofSameSize(products)))
    for (const each of [table, transposed(table, [1, 0])]) named.set(keyOf(each), table.name);
  const tied = new Map<string, string>();
  for (const matrix of products.filter(ofSameSize(tables))) {
    const table = named.get(keyOf(matrix));
    if (table !== undefined) tied.set(table, table).set(matrix.name, table);
  }
  return tied;
}
