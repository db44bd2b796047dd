import { sizeOf, type Value } from '../../graph/value.js';
import type { GraphBody, NodeProto } from './decode.js';
import { folded } from './fold.js';
import { type Cell, cellOf, isZeroed, portsIn, type State } from './import-cells.js';
import type { Handler } from './import-layers.js';
import { isLogical } from './import-masks.js';
import { appliedRecurrent, recurrentLayer, sequenceOf } from './import-recurrent.js';
import { isSum, port, Step, type Sum } from './import-step.js';
import type { Importer } from './importer.js';
import { BATCH, type Computed, type Constant, computed, constant, type Tensor } from './tensors.js';
import { ops } from './untyped.js';

/** What goes from step to step. */
interface Carried {
  readonly first: Tensor | undefined;
  /** Its names before the step and behind it. */
  readonly from: string;
  readonly to: string;
}

/**
 * A recurrent layer that was written as a Loop over the steps, as tf2onnx writes those of Keras: told by what a step computes.
 * @throws RangeError for any other Loop
 */
export const loop: Handler = (c, [most, begins, ...given], attributes, node) => {
  const body = attributes.graph('body');
  const { length } = given;
  if (!body || body.inputs.length !== length + 2 || body.outputs.length < length + 1)
    throw new RangeError('its body does not fit it');
  if (body.nodes.length > MOST_NODES)
    throw new RangeError(`its body is of ${body.nodes.length} operations, more than a recurrent layer has`);
  const carried = given.map(
    (first, k): Carried => ({ first, from: body.inputs[k + 2].name, to: body.outputs[k + 1].name }),
  );
  const sequences = new Map<string, Computed>();
  const step = new Step(body, {
    outer: (name) => c.get(name),
    sequence: (name) => {
      const own = sequences.get(name) ?? sequenceOf(c, c.computed(c.get(name)));
      sequences.set(name, own);
      return port(placeOf(name), own.value.shape[1]);
    },
    budget: c.budget,
  });
  const { times, states } = begun(step, body, carried);
  const scanned = body.outputs.slice(length + 1).map(({ name }) => name);
  step.run(step.nodesFor([...states.map(({ to }) => to), ...scanned]));
  const sumOf = (name: string): Sum => {
    const known = step.get(name);
    if (!isSum(known)) throw new RangeError('its step gives what is the same in all of them');
    return known;
  };
  const ports = portsIn(states.map(({ to }) => sumOf(to)));
  const live = states.filter(({ from }) => ports.has(from));
  const found = cellOf(
    live.map(({ from, to }): State => ({ name: from, next: sumOf(to) })),
    c.budget,
  );
  if (!found) throw new RangeError(NONE);
  const x = sequences.get(nameOf(found.x));
  const mask = found.mask === undefined ? undefined : sequences.get(nameOf(found.mask));
  if (!x || (found.mask !== undefined && !mask)) throw new RangeError(NONE);
  if (mask && !isLogical(mask.value)) throw new RangeError('its steps are kept in part, by what is no mask');
  const [steps] = x.value.shape;
  if ([...sequences.values()].some(({ value }) => value.shape[0] !== steps))
    throw new RangeError('its sequences are of different lengths');
  checkSteps(c, { most, begins, steps }, body, step, times);

  const [h, cell] = found.states.map((name) => states.find(({ from }) => from === name) as Carried);
  const kept = live.filter((state) => state !== h && state !== cell);
  const isOutput = (name: string) => [h, ...kept].some(({ to }) => sumOf(to) === sumOf(name));
  const read = scanned.filter((_, k) => c.isRead(node.outputs[length + k]));
  const lastRead = states.filter((state) => c.isRead(node.outputs[carried.indexOf(state)]));
  if (
    read.some((name) => !isOutput(name) && !isZeroed(sumOf(name), found)) ||
    lastRead.some((state) => !live.includes(state) && !isOutput(state.to))
  )
    throw new RangeError("its step gives more than a recurrent layer's output");
  const [isSequenceRead, isLastRead] = [read.length > 0, lastRead.length > 0];
  const first = firstOf([h, ...(cell ? [cell] : [])], kept, found);
  const made = appliedRecurrent(c, layerOf(c, node, found, isSequenceRead, isLastRead), x.value, {
    first,
    ...(mask && { mask: mask.value }),
  });
  const [output, ...last] = made;
  return [
    ...carried.map((own) => {
      if (own === cell) return last[1] && computed(last[1]);
      if (states.includes(own)) return last[0] && computed(last[0]);
      return times.has(own) ? constant([], [steps + (times.get(own) as number)], false) : own.first;
    }),
    ...scanned.map((name) => {
      if (!isSequenceRead) return undefined;
      const zeroed = mask && !isOutput(name);
      return computed(zeroed ? ops.mul(output, mask.value) : output, [0, BATCH, 1]);
    }),
  ];
};

const NONE = 'its step is that of no recurrent layer here (simpleRNN, lstm, gru)';

/** The operations of a step: those of the largest cells of Keras are some fifty. */
const MOST_NODES = 500;

/** What a step takes of a sequence of the graph around it; other names of a step have no blank in front. */
const placeOf = (name: string) => ` ${name}`;
const nameOf = (place: string) => place.slice(1);

/** Says what a step begins with: its number, what stays the same, and states. */
function begun(step: Step, body: GraphBody, carried: readonly Carried[]) {
  const makers = new Map(body.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  const before = (name: string): string => {
    let own = name;
    for (let k = 0; k < body.nodes.length; k++) {
      const maker = makers.get(own);
      if (maker?.type !== 'Identity' || maker.domain !== '') break;
      own = maker.inputs[0];
    }
    return own;
  };
  step.known.set(body.inputs[0].name, { kind: 'time', from: 0 });
  const times = new Map<Carried, number>();
  const states: Carried[] = [];
  for (const own of carried) {
    const { first, from, to } = own;
    if (!first || first.kind === 'labels') throw new RangeError('it begins with nothing');
    if (before(to) === from) step.known.set(from, first);
    else if (first.kind === 'constant' && !first.isFloat && sizeOf(first.shape) === 1) {
      const next = makers.get(before(to));
      const others = next?.inputs.filter((name) => before(name) !== from) ?? [];
      const by = others.length === 1 ? step.known.get(others[0]) : undefined;
      const isOne = by && !isSum(by) && by.kind === 'constant' && sizeOf(by.shape) === 1 && by.data[0] === 1;
      if (next?.type !== 'Add' || !isOne) throw new RangeError('it counts otherwise than from step to step');
      times.set(own, first.data[0]);
      step.known.set(from, { kind: 'time', from: first.data[0] });
    } else {
      const shape = first.kind === 'computed' ? first.value.shape : first.shape;
      const width = shape.at(-1);
      if (width === undefined || first.kind === 'dims') throw new RangeError('its states are no vectors');
      states.push(own);
      step.known.set(from, port(from, width));
    }
  }
  return { times, states };
}

/** Whether it runs over all steps of its sequences, and no others. @throws RangeError if not */
function checkSteps(
  c: Importer,
  { most, begins, steps }: { most: Tensor | undefined; begins: Tensor | undefined; steps: number },
  body: GraphBody,
  step: Step,
  times: ReadonlyMap<Carried, number>,
): void {
  const limit = most ? c.constant(most, 'its number of steps').data[0] : Number.POSITIVE_INFINITY;
  const goesOn = body.outputs[0].name;
  const nodes = step.nodesFor([goesOn]);
  const starts = [...times].map(([{ from }, first]) => [from, first] as const);
  const number = (value: number) => constant([], [value], false);
  let count = 0;
  let isOn = begins ? c.constant(begins, 'its condition').data[0] !== 0 : true;
  while (isOn && count < limit && count <= steps) {
    const known = new Map<string, Constant>([
      [body.inputs[0].name, number(count)],
      [body.inputs[1].name, number(1)],
      ...starts.map(([name, first]) => [name, number(first + count)] as const),
    ]);
    const knownAs = (name: string): Constant => {
      const own = known.get(name) ?? step.get(name);
      return c.constant(isSum(own) || own.kind === 'time' ? undefined : own, 'whether it goes on');
    };
    for (const node of nodes) {
      c.budget.take(1);
      const own = folded(node.type, node.inputs.map(knownAs), node.attributes, c.budget);
      if (own?.kind !== 'constant') throw new RangeError('whether it goes on is not known before the network runs');
      known.set(node.outputs[0], own);
    }
    isOn = knownAs(goesOn).data[0] !== 0;
    count++;
  }
  if (count !== steps)
    throw new RangeError(`it does not run over all ${steps} steps of its sequences, and these alone`);
}

/** What the layer begins with: nothing where that is zeros. */
function firstOf(own: readonly Carried[], kept: readonly Carried[], { units, mask }: Cell): Value[] {
  const isZero = ({ first }: Carried) => first?.kind === 'constant' && Array.from(first.data).every((n) => n === 0);
  if (own.every(isZero) && kept.every(isZero)) return [];
  if (mask !== undefined) throw new RangeError('its masked steps begin with states that are no zeros');
  return own.map(({ first }) => {
    if (
      first?.kind !== 'computed' ||
      first.steps ||
      first.axes.join() !== [BATCH, 0].join() ||
      first.value.shape[0] !== units
    )
      throw new RangeError('its initial states are not of its units');
    return first.value;
  });
}

function layerOf(c: Importer, node: NodeProto, found: Cell, isSequenceRead: boolean, isLastRead: boolean) {
  const { type, units, activation, recurrentActivation, resetAfter, numbers } = found;
  return recurrentLayer(
    c,
    type,
    {
      units,
      activation,
      ...(recurrentActivation && { recurrentActivation }),
      ...(resetAfter !== undefined && { resetAfter }),
      useBias: numbers.bias !== undefined,
      returnSequences: isSequenceRead,
      returnState: isLastRead,
      name: c.nameFor(node),
    },
    numbers,
  );
}
