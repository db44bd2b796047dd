import { sizeOf, type Value } from '../../graph/value.js';
import { quoted } from '../../io/read.js';
import { layers } from '../../layers/index.js';
import type { NodeProto } from './decode.js';
import { addedBehind, denseOf, type Handler } from './import-layers.js';
import type { Importer } from './importer.js';
import { transposed } from './onnx-graph.js';
import { BATCH, type Computed, type Constant, computed, inOrder, turned } from './tensors.js';
import { applied, ops } from './untyped.js';

type Letters = readonly string[];

/** An operand, and what its axes are called. */
interface Operand<T> {
  readonly tensor: T;
  readonly letters: Letters;
}

const areValue = (own: Operand<Computed | Constant>): own is Operand<Computed> => own.tensor.kind === 'computed';
const without = (letters: Letters, ...others: Letters[]) =>
  letters.filter((letter) => !others.some((other) => other.includes(letter)));
const common = (p: Letters, q: Letters) => p.filter((letter) => q.includes(letter));

/**
 * Sums of products over the axes that the result has not, as products of matrices: of two values, or of a value and weights, which
 * are then a dense layer's. Of one value the axes change their places.
 */
export const einsum: Handler = (c, tensors, attributes, node) => {
  const equation = attributes.string('equation', '').replaceAll(' ', '');
  const [given, result] = equation.split('->');
  const terms = given.split(',');
  const refused = () => new RangeError(`its equation is ${quoted(equation)}`);
  if (result === undefined || terms.length !== tensors.length || terms.length > 2) throw refused();
  const operands = tensors.map((tensor, i): Operand<Computed | Constant> => {
    if (tensor?.kind !== 'computed' && tensor?.kind !== 'constant')
      throw new RangeError('it multiplies what is neither a value nor weights');
    return {
      tensor,
      letters: lettersOf(terms[i], tensor.kind === 'computed' ? tensor.axes.length : tensor.shape.length),
    };
  });
  const most = Math.max(...operands.map(({ letters }) => letters.filter((letter) => letter.startsWith('.')).length));
  const output = lettersOf(result, result.replace('...', '').length + (result.includes('...') ? most : 0));
  const [x, y] = operands.filter(areValue);
  const weights = operands.find((own): own is Operand<Constant> => !areValue(own));
  if (!x) throw new RangeError('it multiplies constants');
  if (x.tensor.steps || y?.tensor.steps) throw new RangeError('it multiplies what is part of the batch');
  const batch = x.letters[x.tensor.axes.indexOf(BATCH)];
  const isOfBatch = y ? y.letters[y.tensor.axes.indexOf(BATCH)] === batch : !weights?.letters.includes(batch);
  if (!isOfBatch || !output.includes(batch)) throw new RangeError('it multiplies across the batch');
  const made = y ? productOf(x, y, output, batch) : weights ? weighted(c, x, weights, output, batch, node) : x;
  if (made.letters.toSorted().join() !== output.toSorted().join()) throw refused();
  const { tensor, letters } = made;
  return turned(
    tensor,
    output.map((letter) => letters.indexOf(letter)),
  );
};

/** The letters of a term, and for `...` names of the axes from the right. */
function lettersOf(term: string, rank: number): string[] {
  const parts = term.split('...');
  const named = parts.join('');
  const more = rank - named.length;
  if (!/^[A-Za-z]*$/.test(named) || parts.length > 2 || new Set(named).size < named.length || more < 0)
    throw new RangeError(`its equation has the term ${quoted(term)}`);
  if (parts.length === 1 && more > 0) throw new RangeError(`its equation has ${named.length} letters for ${rank} axes`);
  return [...parts[0], ...Array.from({ length: more }, (_, i) => `.${more - i}`), ...(parts[1] ?? '')];
}

/** The axes of groups of letters in this order, those of each group as one. */
function grouped({ tensor, letters }: Operand<Computed>, groups: readonly Letters[]): Value {
  const { value, axes } = tensor;
  const order = groups.flat().map((letter) => axes[letters.indexOf(letter)]);
  const sizes = groups.map((group) => sizeOf(group.map((letter) => value.shape[axes[letters.indexOf(letter)]])));
  const moved = order.every((axis, i) => axis === i) ? value : ops.transpose(value, order);
  return reshaped(moved, sizes);
}

const reshaped = (value: Value, shape: readonly number[]): Value =>
  value.shape.join() === shape.join() ? value : applied(layers.reshape({ targetShape: [...shape] }), value);

const sizesOf = ({ tensor, letters }: Operand<Computed | Constant>, of: Letters) =>
  of.map((letter) => {
    const at = letters.indexOf(letter);
    return tensor.kind === 'constant' ? tensor.shape[at] : tensor.value.shape[tensor.axes[at]];
  });

function checkAlike(x: Operand<Computed>, y: Operand<Computed | Constant>, both: Letters): void {
  if (sizesOf(x, both).join() !== sizesOf(y, both).join()) throw new RangeError('its operands do not fit each other');
}

/** What has these letters behind the batch. */
const ofLetters = (value: Value, batch: string, letters: Letters): Operand<Computed> => ({
  tensor: computed(value, inOrder(value.shape)),
  letters: [batch, ...letters],
});

function productOf(x: Operand<Computed>, y: Operand<Computed>, output: Letters, batch: string): Operand<Computed> {
  const both = without(common(x.letters, y.letters), [batch]);
  const [kept, summed] = [common(both, output), without(both, output)];
  const [p, q] = [without(x.letters, y.letters), without(y.letters, x.letters)];
  checkAlike(x, y, both);
  const each = kept.map((letter) => [letter]);
  const product = ops.matmul(grouped(x, [...each, p, summed]), grouped(y, [...each, summed, q]));
  const shape = [...sizesOf(x, [...kept, ...p]), ...sizesOf(y, q)];
  return ofLetters(reshaped(product, shape), batch, [...kept, ...p, ...q]);
}

/** A dense layer, whose bias may have the axes of its units, too. */
function weighted(
  c: Importer,
  x: Operand<Computed>,
  w: Operand<Constant>,
  output: Letters,
  batch: string,
  node: NodeProto,
): Operand<Computed> {
  const summed = common(w.letters, x.letters);
  if (common(summed, output).length > 0) throw new RangeError('it multiplies weights value by value');
  checkAlike(x, w, summed);
  const free = without(x.letters, w.letters, [batch]);
  const units = without(w.letters, x.letters);
  const order = [...summed, ...units].map((letter) => w.letters.indexOf(letter));
  const { shape, data, name, ...from } = w.tensor;
  const isAsItIs = order.every((axis, i) => axis === i);
  const matrix = [sizeOf(sizesOf(w, summed)), sizeOf(sizesOf(w, units))];
  const kernel: Constant = isAsItIs
    ? { ...w.tensor, shape: matrix }
    : {
        ...(name !== undefined && { of: name }),
        ...from,
        shape: matrix,
        data: transposed({ shape, data } as never, order).data,
      };
  const rows = grouped(x, [...free.map((letter) => [letter]), summed]);
  const result = [batch, ...free, ...units];
  const isLast = result.join() === output.join();
  const input = computed(rows, inOrder(rows.shape));
  const shapeOfUnits = sizesOf(w, units);
  const added = isLast ? addedBehind(c, node.outputs[0], shapeOfUnits, output.length) : undefined;
  const bias = added && { ...added.bias, shape: [matrix[1]] };
  // what comes behind the node comes behind the axes of its units
  const own = { ...node, outputs: [`${node.outputs[0]} as a matrix`] };
  const made = c.computed(denseOf(c, input, kernel, own, bias));
  const whole = ofLetters(reshaped(made.value, [...sizesOf(x, free), ...shapeOfUnits]), batch, result.slice(1));
  if (added) c.set(added.node.outputs[0], whole.tensor);
  return whole;
}
