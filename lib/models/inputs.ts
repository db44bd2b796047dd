import { wrongType } from '../check.js';
import { type Graph, graphOf, isSource } from '../graph/graph.js';
import { applyOp, isCall, isValue, topological, type Value } from '../graph/value.js';
import { input } from '../layers/shape.js';

/**
 * The graph of a network, from what its user gave.
 * @throws TypeError for what are no values, RangeError for a graph that is not whole (see `graphOf`)
 */
export function readGraph(inputs: unknown, outputs: unknown): Graph {
  const from = readValues('inputs', inputs);
  const to = readValues('outputs', outputs);
  if (new Set(from).size !== from.length) throw new RangeError('Expected inputs to be different values, got one twice');
  for (const [i, value] of from.entries())
    if (!value.batched)
      throw new RangeError(`Expected inputs[${i}] to have one value a sample, got a weight or a constant`);
  return from.every(isSource) ? graphOf(from, to) : graphOf(...cut(from, to));
}

function readValues(name: string, given: unknown): readonly Value[] {
  const list = Array.isArray(given) ? given : [given];
  if (list.length === 0) throw wrongType(name, 'a value or a list of values', given);
  for (const [i, value] of list.entries())
    if (!isValue(value))
      throw wrongType(Array.isArray(given) ? `${name}[${i}]` : name, 'a value, as input() and apply() give it', value);
  return list;
}

/** The same graph from new inputs on, in place of values that layers make. */
function cut(inputs: readonly Value[], outputs: readonly Value[]): [Value[], Value[]] {
  const values = new Map<Value, Value>();
  for (const value of inputs) {
    const { shape, dtype } = value;
    values.set(value, isSource(value) ? value : input({ shape, ...(dtype && { dtype }) }));
  }
  const mapped = (value: Value) => values.get(value) ?? value;
  for (const from of topological(outputs, values)) {
    const given = from.inputs.map(mapped);
    if (given.every((value, i) => value === from.inputs[i])) continue;
    if (isCall(from)) {
      const made = from.layer.callOn(from.list ? given : given[0]).outputs;
      from.outputs.forEach((output, i) => {
        values.set(output, made[i]);
      });
    } else {
      values.set(from.output, applyOp(from.op, given, from.options));
    }
  }
  return [inputs.map(mapped), outputs.map(mapped)];
}
