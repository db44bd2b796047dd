// The layout of memory: the lowest free place for each buffer, as the plain way finds it.
import test from 'ava';
import { RandomState } from 'fjordnet';
import { aligned, type Life, layOut } from '../dist/graph/lives.js';

interface Sized {
  readonly index: number;
  readonly size: number;
}

/** Each buffer looks at all that lie before it. */
function plainly(
  buffers: readonly Sized[],
  lives: ReadonlyMap<number, Life[]>,
): { offsets: number[]; rowSize: number } {
  const offsets: number[] = [];
  let rowSize = 0;
  const meet = (a: readonly Life[], b: readonly Life[]) =>
    a.some((x) => b.some((y) => x.program === y.program && x.first <= y.last && y.first <= x.last));
  const placed: { begin: number; end: number; life: Life[] }[] = [];
  for (const { index, size } of [...buffers].sort((a, b) => b.size - a.size || a.index - b.index)) {
    const life = lives.get(index) ?? [];
    const taken = placed.filter((other) => meet(life, other.life)).sort((a, b) => a.begin - b.begin);
    let begin = 0;
    for (const other of taken) {
      if (begin + aligned(size) <= other.begin) break;
      begin = Math.max(begin, other.end);
    }
    const end = begin + aligned(size);
    placed.push({ begin, end, life });
    offsets[index] = begin;
    rowSize = Math.max(rowSize, end);
  }
  return { offsets, rowSize };
}

const same = (buffers: readonly Sized[], lives: Map<number, Life[]>) => {
  const offsets: number[] = [];
  const rowSize = layOut(buffers, lives, offsets);
  return JSON.stringify({ offsets, rowSize }) === JSON.stringify(plainly(buffers, lives));
};

test('every buffer lies where the plain way puts it', (t) => {
  const r = new RandomState(0);
  const draw = (n: number) => r.randint(0, n) as number;
  for (let round = 0; round < 1500; round++) {
    const [programs, moments, sizes] = [1 + draw(3), 1 + draw(40), 1 + draw(200)];
    const buffers = Array.from({ length: draw(40) }, (_, index) => ({ index: 2 * index, size: draw(sizes) }));
    const lives = new Map<number, Life[]>();
    for (const { index } of buffers) {
      const own: Life[] = [];
      for (let program = 0; program < programs; program++) {
        if (draw(4) === 0) continue;
        const first = draw(moments) - 1;
        own.push({ program: 5 * program, first, last: first + draw(draw(3) === 0 ? moments : 4) });
      }
      if (own.length > 0) lives.set(index, own);
    }
    t.true(same(buffers, lives), `round ${round}`);
  }
});

test('so it is where thousands live within one another, without a look at each', (t) => {
  const n = 1000;
  const buffers = Array.from({ length: 2 * n }, (_, index) => ({ index, size: 1 + (index % 7) * 16 }));
  const nested = (i: number): Life => ({ program: 0, first: i, last: 4 * n - i });
  const short = (i: number): Life => ({ program: 0, first: 2 * n + i, last: 2 * n + i + 1 });
  t.true(same(buffers, new Map(buffers.map(({ index }) => [index, [index < n ? nested(index) : short(index)]]))));
  const many = Array.from({ length: 60_000 }, (_, index) => ({ index, size: 1 + (index % 3) * 16 }));
  const ends = new Map(many.map(({ index }) => [index, [{ program: 0, first: index, last: 120_000 - index }]]));
  const offsets: number[] = [];
  layOut(many, ends, offsets); // longer than a test may take, by the plain way
  t.is(new Set(offsets).size, many.length);
});
