import type { Op } from '../op.js';

/** y = table[index], rows of table [V, E] that the integers index [...] name: [..., E]; NaN where there is no such row */
export const embedding: Op = {
  name: 'embedding',
  shape: ([index, table]) => [...index.shape, table.shape[1]],
  integers: [0],
  reads: () => 'x',
  forward({ t, x: [index, table], y }) {
    const [V, E] = table.shape;
    t.emit('embedding', [index, table, y], { J: index.size, V, E }); // y = table[index]
  },
  backward({ t, x: [index, table], dy, dx: [, dtable] }) {
    const [V, E] = table.shape;
    if (dtable) t.emit('embeddingGradient', [index, dy, dtable], { J: index.size, V, E }); // np.add.at(dtable, index, dy)
  },
};
