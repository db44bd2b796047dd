import { layers } from '../../layers/index.js';
import { Attributes } from './attributes.js';
import { isFloat, type NodeProto } from './decode.js';
import { scalar } from './import-activations.js';
import { numbersOf } from './import-layers.js';
import { isWhole, unmaskedRows } from './import-masks.js';
import type { Importer } from './importer.js';
import { type Computed, type Constant, computed, orders, type Tensor } from './tensors.js';
import { ops } from './untyped.js';

/** Rows of a table. @throws RangeError for indices that are not among the network's inputs */
export function embeddingOf(c: Importer, table: Constant, node: NodeProto): Tensor {
  const of = unwrapped(c, node.inputs[1], table.shape[0]);
  const index = c.computed(c.get(of), 'its indices');
  if (index.value.dtype !== 'int32') return rowsOf(c, index, table, node);
  const tied = c.parameters.matrix(table, numbersOf(table));
  if (tied) {
    const rows = ops.gather(tied, index.value);
    return computed(rows, [...index.axes, rows.shape.length - 1], index.steps ? { steps: index.steps } : {});
  }
  const [inputDim, outputDim] = table.shape;
  const maskZero = index.value.shape.length === 1 && !index.steps && isForMasks(c, of);
  const layer = c.layerOf(
    ['embedding', maskZero],
    [table],
    () => {
      const name = c.nameFor(node, table);
      return layers.embedding({ inputDim, outputDim, maskZero, ...(name && { name }) });
    },
    { embeddings: numbersOf(table) },
  );
  const made = c.apply(layer, index);
  const value = maskZero ? unmaskedRows(c, made, index.value) : made;
  return computed(value, [...index.axes, value.shape.length - 1], index.steps ? { steps: index.steps } : {});
}

/** The same for a part of the inputs' integers, as a product: NaN where there is no such row. */
function rowsOf(c: Importer, index: Computed, table: Constant, node: NodeProto): Tensor {
  if (!isWhole(index.value)) throw new RangeError('its indices are computed numbers, and not of the inputs');
  const [depth, units] = table.shape;
  c.budget.take(depth);
  const places = ops.oneHot(index.value, depth);
  const only = ops.div(places, ops.sum(places, { axis: -1, keepDims: true }));
  const layer = c.layerOf(
    ['rows'],
    [table],
    () => {
      const name = c.nameFor(node, table);
      return layers.dense({ units, useBias: false, ...(name && { name }) });
    },
    { kernel: numbersOf(table) },
  );
  const value = c.apply(layer, index, only);
  return computed(value, [...index.axes, value.shape.length - 1], index.steps ? { steps: index.steps } : {});
}

/** No one writes more in a row. */
const MOST_CASTS = 8;

/** A name before casts. */
function source(c: Importer, name: string): string {
  let own = name;
  for (let k = 0; k < MOST_CASTS; k++) {
    const maker = c.maker(own);
    if (maker?.type !== 'Cast' && maker?.type !== 'Identity') break;
    [own] = maker.inputs;
  }
  return own;
}

/**
 * The integers that indices are of: Keras adds the number of rows to those below 0, which count from the end there. The name of the
 * indices themselves where that is not done.
 */
function unwrapped(c: Importer, index: string, rows: number): string {
  const whole = source(c, index);
  const node = c.maker(whole);
  const isLow = (name: string, of: string) => {
    const less = c.maker(source(c, name));
    return less?.type === 'Less' && source(c, less.inputs[0]) === of && scalar(c, less.inputs[1]) === 0;
  };
  const isShifted = (name: string, of: string) => {
    const add = c.maker(source(c, name));
    return add?.type === 'Add' && orders(add.inputs).some(([x, n]) => source(c, x) === of && scalar(c, n) === rows);
  };
  if (node?.type === 'Where') {
    const [low, shifted, own] = node.inputs;
    const of = source(c, own);
    return isLow(low, of) && isShifted(shifted, of) ? of : index;
  }
  const products = node?.type === 'Add' ? node.inputs.map((name) => c.maker(source(c, name))) : [];
  if (products.length !== 2 || products.some((product) => product?.type !== 'Mul')) return index;
  for (const [wrapped, kept] of orders(products as NodeProto[]))
    for (const [low, shifted] of orders(wrapped.inputs))
      for (const [own, high] of orders(kept.inputs)) {
        const of = source(c, own);
        const not = c.maker(source(c, high));
        if (not?.type === 'Not' && isLow(not.inputs[0], of) && isLow(low, of) && isShifted(shifted, of)) return of;
      }
  return index;
}

/** Whether masked steps are told by the same integers, in a network that has a loop over steps. */
function isForMasks(c: Importer, index: string): boolean {
  if (!c.graph.nodes.some(({ type }) => type === 'Loop' || type === 'Scan')) return false;
  const of = source(c, index);
  const readers = c.readersOf(of).flatMap((node) => (node.type === 'Cast' ? c.readersOf(node.outputs[0]) : node));
  return readers.some(({ type }) => type === 'Equal' || type === 'Sign');
}

/** Whether an input of floats is of integers, which are all that is made of it, and looked at. */
export function isOfIntegers(c: Importer, name: string): boolean {
  const readers = c.readersOf(name);
  const isCast = (node: NodeProto) =>
    node.type === 'Cast' &&
    !isFloat(new Attributes(node.attributes).number('to', 0)) &&
    node.attributes.get('to') !== 9;
  return readers.some(isCast) && readers.every((node) => isCast(node) || ['Equal', 'Less'].includes(node.type));
}
