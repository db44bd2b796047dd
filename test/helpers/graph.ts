import { NDArray, type RandomState } from 'fjordnet';
import { Lowered } from '../../dist/graph/lower.js';
import { Recorder } from '../../dist/graph/recorder.js';
import type { Value } from '../../dist/graph/value.js';
import { valuesOf } from '../../dist/plan.js';
import type { Buffer, FloatType } from '../../dist/tape.js';

/** The value of `output`, and the gradients of its sum over all samples by each input: one row of it for each sample. */
export interface Evaluated {
  readonly value: NDArray;
  readonly gradients: readonly NDArray[];
}

/**
 * Runs a graph once, on inputs whose first axis counts samples; those that are not batched are given as they are. Arrays of
 * int32 are integers, of which there is no gradient.
 */
export function evaluate(
  dtype: FloatType,
  output: Value,
  inputs: readonly (readonly [Value, NDArray])[],
  training = true,
): Evaluated {
  const t = new Recorder(dtype);
  const buffers = new Map<Value, Buffer>();
  const gradients = new Map<Value, Buffer>();
  for (const [value, { dtype: given }] of inputs) {
    const kind = given === 'int32' ? 'int32' : 'real';
    buffers.set(
      value,
      value.batched ? t.batched('x', value.shape, kind) : t.fixed('parameter', 'w', value.shape, kind),
    );
    if (kind === 'int32') continue;
    gradients.set(value, value.batched ? t.batched('dx', value.shape) : t.fixed('gradient', 'dw', value.shape));
  }
  const lowered = new Lowered(t, [output], { training, buffers, gradients, nameOf: ({ op }) => op.name });
  t.program('run');
  lowered.forward();
  const y = lowered.buffer(output);
  // reading a buffer in place of the last one would read what was written over it
  const seen = y.batched ? t.batched('seen', y.shape) : t.fixed('state', 'seen', y.shape);
  t.emit('copy', [y, seen], { N: y.size });
  const dy = y.batched ? t.batched('dy', y.shape) : t.fixed('state', 'dy', y.shape);
  t.emit('fill', [dy], { N: y.size }, { value: 1 });
  const found = training ? lowered.backward(new Map([[output, dy]])) : new Map<Value, Buffer>();
  const plan = t.compile();
  const samples = inputs.find(([value]) => value.batched)?.[1].shape[0] ?? 1;
  for (const [value, array] of inputs) if (!value.batched) plan.write(buffers.get(value)!, array);
  const data = inputs.filter(([value]) => value.batched);
  const collect = (buffer: Buffer): NDArray => {
    const result = plan.runSync({
      program: 'run',
      inputs: data.map(([value, array]) => {
        const buffer = buffers.get(value)!;
        return [buffer, valuesOf(array, buffer.dtype === 'int32' ? 'int32' : dtype)] as const;
      }),
      first: 0,
      count: samples,
      batchSize: samples,
      ...(buffer.batched ? { outputs: [buffer] } : {}),
    });
    if (!buffer.batched) return plan.read(buffer);
    return NDArray.wrap((result.outputs as [Float64Array])[0], [samples, ...buffer.shape]);
  };
  return {
    value: collect(seen),
    gradients: inputs.map(([value, array]) => {
      const buffer = found.get(value);
      return buffer ? collect(buffer) : NDArray.zeros(array.shape);
    }),
  };
}

const sum = (x: Iterable<number>) => [...x].reduce((a, b) => a + b, 0);

/**
 * The derivatives along a direction of the sum of `output`, by the graph and by differences of the values; what is `fixed` does not
 * move.
 */
export function alongDirection(
  output: Value,
  inputs: readonly (readonly [Value, NDArray])[],
  r: RandomState,
  fixed: readonly (readonly [Value, NDArray])[] = [],
): [number, number] {
  const { gradients } = evaluate('float64', output, [...inputs, ...fixed]);
  const directions = inputs.map(([, x]) => r.normal(0, 1, [...x.shape]) as NDArray);
  const total = (h: number) => {
    const moved = inputs.map(
      ([value, x], k) =>
        [
          value,
          NDArray.wrap(
            (x.data as Float64Array).map((a, i) => a + h * directions[k].data[i]),
            x.shape,
          ),
        ] as const,
    );
    return sum(Array.from(evaluate('float64', output, [...moved, ...fixed], false).value.data));
  };
  const h = 2 ** -12;
  const numeric = (8 * (total(h) - total(-h)) - (total(2 * h) - total(-2 * h))) / (12 * h);
  const exact = gradients
    .slice(0, inputs.length)
    .reduce((s, g, k) => s + sum(Array.from(g.data, (d, i) => d * directions[k].data[i])), 0);
  return [exact, numeric];
}
