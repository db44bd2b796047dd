// The figure of a network that is no chain: what its boxes say, and that arrows lead around them.
import test from 'ava';
import fc from 'fast-check';
import { custom, input, Layer, layers, type Model, model, ops, sequential, type Value } from 'fjordnet';
import * as plots from 'fjordnet/plots';
import { GRAPHS } from './helpers/graphs.js';

interface Point {
  readonly x: number;
  readonly y: number;
}
interface Part {
  readonly data: { readonly values: readonly (Point & { path: number; text?: string })[] };
}

/** The parts of a figure, in the order in which they are drawn. */
function read(plot: plots.Plot) {
  const [twins, arrows, heads, grey, blue, stacks, texts] = (plot.spec.layer as Part[]).map(({ data }) => data.values);
  const paths = (points: Part['data']['values']) => {
    const all: Point[][] = [];
    for (const point of points) {
      all[point.path] ??= [];
      all[point.path].push(point);
    }
    return all;
  };
  const boxes = [...paths(grey), ...paths(blue)].map((points) => {
    const [xs, ys] = [points.map(({ x }) => x), points.map(({ y }) => y)];
    return { left: Math.min(...xs), right: Math.max(...xs), top: Math.min(...ys), bottom: Math.max(...ys) };
  });
  return {
    twins: paths(twins),
    arrows: paths(arrows),
    heads: paths(heads),
    boxes,
    stacks: paths(stacks),
    texts: texts.map(({ text }) => text as string),
  };
}

/** Whether two segments cross, other than at an end that they share. */
function cross([a, b]: readonly Point[], [c, d]: readonly Point[]): boolean {
  const side = (p: Point, q: Point, r: Point) => Math.sign((q.x - p.x) * (r.y - p.y) - (q.y - p.y) * (r.x - p.x));
  return side(a, b, c) * side(a, b, d) < 0 && side(c, d, a) * side(c, d, b) < 0;
}
const segments = (arrow: readonly Point[]) => arrow.slice(1).map((to, i) => [arrow[i], to] as const);

test('a description says what a reader of the picture sees', (t) => {
  const described = (name: string) => {
    const { title, description } = plots.network(GRAPHS[name](), { width: 1600 });
    return [title, ...description.split(/; then |(?<=\.) /)];
  };
  t.deepEqual(described('residual'), [
    'Network of 10 layers',
    'input_layer 16×16×3',
    'conv2d 16×16×8 relu of input_layer',
    'conv2d_1 16×16×8 relu BatchNormalization of conv2d',
    'conv2d_2 16×16×8 of conv2d_1',
    'add 16×16×8 relu of conv2d_2 and conv2d',
    'conv2d_3 8×8×16 relu BatchNormalization of add',
    'conv2d_4 8×8×16 of conv2d_3',
    'shortcut 8×8×16 Conv2D of add',
    'add_1 8×8×16 relu of conv2d_4 and shortcut',
    'global_average_pooling2d 16 of add_1',
    'dense 10 softmax of global_average_pooling2d.',
    'Output: dense.',
  ]);
  t.deepEqual(described('siamese'), [
    'Network of 1 layer, 2 inputs and 1 output',
    'left 64',
    'encoder 8 Model of 1 layer shared weights of left',
    'right 64',
    'encoder 8 Model of 1 layer shared weights of right',
    'subtract 1 square sum sqrt of encoder and encoder.',
    'Output: subtract.',
  ]);
  t.is(described('two inputs and two outputs')[0], 'Network of 9 layers, 2 inputs and 2 outputs');
  t.is(described('nested')[2], 'base 3 Sequential of 2 layers frozen of input_layer');
});

test('boxes hold name, activation, shape and parameters; where they have no room, numbers, and a list below', (t) => {
  const wide = read(plots.network(GRAPHS['two inputs and two outputs'](), { width: 1200 }));
  for (const text of ['image', '8×8×1', 'edges', 'Conv2D', 'relu', '40 params', '2,592 params', 'softmax'])
    t.true(wide.texts.includes(text), text);
  const narrow = read(plots.network(GRAPHS['two inputs and two outputs'](), { width: 400 }));
  t.deepEqual(narrow.texts.slice(0, 3), ['1', '2', '3']);
  t.true(narrow.texts.includes('2 edges, Conv2D, relu, 8×8×4, 40 params'), narrow.texts.join('\n'));
  t.is(narrow.boxes.length, wide.boxes.length);
});

test('the longest way is straight, and skip connections curve around it without crossing', (t) => {
  for (const width of [1600, 640]) {
    const { boxes, arrows } = read(plots.network(GRAPHS['U-shaped'](), { width }));
    const middles = boxes.map(({ top, bottom }) => (top + bottom) / 2);
    t.true(Math.max(...middles) - Math.min(...middles) < 1e-9);
    const curved = arrows.filter((arrow) => arrow.some(({ y }) => Math.abs(y - middles[0]) > 1));
    const skips = curved.map((arrow) => ({
      arrow,
      from: arrow[0].x,
      to: arrow[arrow.length - 1].x,
      height: Math.min(...arrow.map(({ y }) => y)),
    }));
    t.is(skips.length, 2);
    for (const { from, to, height } of skips)
      for (const { left, right, top } of boxes) if (left > from + 1 && right < to - 1) t.true(height < top);
    const [inner, outer] = skips.toSorted((a, b) => a.to - a.from - (b.to - b.from));
    t.true(outer.height < inner.height);
  }
  for (const [name, make] of Object.entries(GRAPHS)) {
    const { arrows } = read(plots.network(make(), { width: 1600 }));
    const crossing = arrows.flatMap((arrow, i) =>
      arrows.slice(i + 1).filter((other) => segments(arrow).some((a) => segments(other).some((b) => cross(a, b)))),
    );
    t.is(crossing.length, 0, name);
  }
});

test('a layer that is applied twice is two boxes with a dashed line; a network has a second box behind its own', (t) => {
  const siamese = read(plots.network(GRAPHS.siamese()));
  t.deepEqual([siamese.twins.length, siamese.stacks.length, siamese.boxes.length], [1, 2, 5]);
  const nested = read(plots.network(GRAPHS.nested()));
  t.deepEqual([nested.twins.length, nested.stacks.length, nested.boxes.length], [0, 1, 3]);
});

test('constants are left out, and what makes shapes fit; operations in a row are one box', (t) => {
  const split = custom.layer(
    'DrawnSplit',
    class extends Layer {
      call(x: Value) {
        return [ops.slice(x, [0], [2]), ops.slice(x, [2], [-1])];
      }
    },
  );
  const x = input({ shape: [4], name: 'x' });
  const [a, b] = split({ name: 'split' }).apply(ops.mul(x, [1, 2, 3, 4]));
  const shared = layers.dense({ units: 2, name: 'shared' });
  const weight = ops.sigmoid(ops.neg(ops.mean(a, { keepDims: true })));
  const h = ops.add(shared.apply(a), ops.mul(shared.apply(b), weight));
  const { description } = plots.network(model({ inputs: x, outputs: [shared.apply(h), x] }));
  t.deepEqual(description.split(/; then |(?<=\.) /), [
    'x 4',
    'multiply 4 of x',
    'split 2 and 2 DrawnSplit of multiply',
    'shared 2 Dense shared weights of split',
    'shared 2 Dense shared weights of split',
    'mean 1 scale sigmoid of split',
    'multiply 2 of shared and mean',
    'add 2 of shared and multiply',
    'shared 2 Dense shared weights of add.',
    'Outputs: shared and x.',
  ]);
});

test('a chain is drawn as a Sequential of the same layers', (t) => {
  const own = () => [
    layers.conv2d({ filters: 4, kernelSize: 3, activation: 'relu' }),
    layers.dropout({ rate: 0.5 }),
    layers.flatten(),
    layers.dense({ units: 3, activation: 'softmax' }),
  ];
  const x = input({ shape: [8, 8, 1] });
  const chain = model({ inputs: x, outputs: own().reduce<Value>((value, layer) => layer.apply(value), x) });
  const list = sequential({ layers: [layers.inputLayer({ shape: [8, 8, 1] }), ...own()] });
  t.deepEqual(plots.network(chain).spec, plots.network(list).spec);
  t.is(plots.network(chain).description, plots.network(list).description);
  t.is(
    plots.network(chain).description,
    'Input 8×8×1; then Conv2D 6×6×4 relu Dropout; then Flatten 144; then Dense 3 softmax.',
  );
});

test('drawing changes nothing: a network within has the weights that it would have had', (t) => {
  const make = () => {
    const z = input({ shape: [3] });
    const inner = model({ inputs: z, outputs: layers.dense({ units: 2 }).apply(z), name: 'inner' });
    const x = input({ shape: [3] });
    return model({ inputs: x, outputs: layers.dense({ units: 2 }).apply(inner.apply(x)), seed: 5 });
  };
  const [drawn, other] = [make(), make()];
  plots.network(drawn);
  t.deepEqual(
    drawn.getWeights().map(({ data }) => [...data]),
    other.getWeights().map(({ data }) => [...data]),
  );
});

/** A network of dense layers, sums and differences, each of which reads some of what was made before. */
const graphs = fc
  .record({
    steps: fc.array(
      fc.record({ kind: fc.constantFrom('dense', 'add', 'sub', 'dropout'), reads: fc.tuple(fc.nat(), fc.nat()) }),
      {
        minLength: 2,
        maxLength: 25,
      },
    ),
    width: fc.integer({ min: 240, max: 2400 }),
  })
  .map(({ steps, width }) => {
    const values: Value[] = [input({ shape: [4] })];
    for (const { kind, reads } of steps) {
      const [a, b] = reads.map((n) => values[n % values.length]);
      if (kind === 'dense') values.push(layers.dense({ units: 4 }).apply(a));
      else if (kind === 'dropout') values.push(layers.dropout({ rate: 0.5 }).apply(a));
      else if (kind === 'add') values.push(layers.add().apply([a, b]));
      else values.push(ops.sub(a, b));
    }
    const outputs = [values[values.length - 1], values[values.length - 2]];
    return { net: model({ inputs: values[0], outputs }) as Model, width };
  });

test('of any graph: boxes lie apart, arrows run to the right and past the boxes between their ends', (t) => {
  fc.assert(
    fc.property(graphs, ({ net, width }) => {
      const { boxes, arrows, heads } = read(plots.network(net, { width }));
      if (arrows.length !== heads.length) throw new Error('an arrow without a head');
      for (const [i, a] of boxes.entries())
        for (const b of boxes.slice(i + 1))
          if (a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom)
            throw new Error(`boxes overlap: ${JSON.stringify([a, b])}`);
      const holds = ({ left, right, top, bottom }: (typeof boxes)[number], { x, y }: Point) =>
        left - 5 < x && x < right + 5 && top - 1 < y && y < bottom + 1;
      for (const arrow of arrows) {
        const others = boxes.filter((box) => !holds(box, arrow[0]) && !holds(box, arrow[arrow.length - 1]));
        for (const [from, to] of segments(arrow)) {
          if (!(to.x >= from.x)) throw new Error(`an arrow goes back: ${JSON.stringify(arrow)}`);
          const [top, bottom] = [Math.min(from.y, to.y), Math.max(from.y, to.y)];
          for (const box of others)
            if (from.x < box.right - 0.5 && to.x > box.left + 0.5 && top < box.bottom - 0.5 && bottom > box.top + 0.5)
              throw new Error(`an arrow meets a box: ${JSON.stringify([from, to, box])}`);
        }
      }
    }),
    { numRuns: 200, seed: 4, includeErrorInReport: true },
  );
  t.pass();
});
