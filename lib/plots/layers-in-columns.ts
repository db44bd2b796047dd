/**
 * Where the boxes of a graph stand, after Sugiyama, Tagawa and Toda 1981: columns by depth, an order in each column that
 * lets few edges cross, then heights that keep the longest way and long edges level (Brandes and Köpf 2001).
 */

/** What a box needs above and below its middle, in px. */
export interface Extent {
  readonly up: number;
  readonly down: number;
}

export interface Spot {
  readonly column: number;
  readonly y: number;
}

export interface Arrangement {
  readonly columns: number;
  readonly height: number;
  readonly boxes: readonly Spot[];
  /** For each edge the columns that it passes between its ends. */
  readonly ways: readonly (readonly Spot[])[];
}

type Edge = readonly [from: number, to: number];

/** A box, or the place where a long edge passes a column. */
interface Vertex extends Extent {
  readonly column: number;
  /** The edge that passes here. */
  readonly edge?: number;
  readonly before: Vertex[];
  readonly after: Vertex[];
  /** On one of the longest ways through the graph. */
  readonly isOnTrunk: boolean;
  /** Its place in its column. */
  order: number;
  y: number;
}

/** Room between a box and what is above it. */
const GAP = 16;

/** @param edges from boxes to later ones; each box but the first column's has one */
export function inColumns(extents: readonly Extent[], edges: readonly Edge[]): Arrangement {
  const columns = columnsOf(extents.length, edges);
  const boxes = extents.map((extent, i) => vertex(extent, columns.place[i], columns.isOnTrunk[i]));
  const ways = edges.map(([from, to], edge) => {
    const way: Vertex[] = [];
    let last = boxes[from];
    for (let column = columns.place[from] + 1; column < columns.place[to]; column++) {
      const next = vertex({ up: 0, down: 0 }, column, false, edge);
      link(last, next);
      way.push(next);
      last = next;
    }
    link(last, boxes[to]);
    return way;
  });
  const count = Math.max(...columns.place) + 1;
  const grid: Vertex[][] = Array.from({ length: count }, () => []);
  // The longest of those that pass come first: they curve around the others.
  const passing = ways.toSorted((a, b) => b.length - a.length).flat();
  for (const each of [...passing, ...boxes]) grid[each.column].push(each);
  for (const column of grid) number(column);
  uncross(grid);
  setHeights(grid, runsOf(grid));

  const all = grid.flat();
  const top = Math.min(...all.map(({ y, up }) => y - up));
  const spot = ({ column, y }: Vertex): Spot => ({ column, y: y - top });
  return {
    columns: count,
    height: Math.max(...all.map(({ y, down }) => y + down)) - top,
    boxes: boxes.map(spot),
    ways: ways.map((way) => way.map(spot)),
  };
}

const vertex = (extent: Extent, column: number, isOnTrunk: boolean, edge?: number): Vertex => ({
  ...extent,
  column,
  isOnTrunk,
  before: [],
  after: [],
  order: 0,
  y: 0,
  ...(edge !== undefined && { edge }),
});

function link(from: Vertex, to: Vertex): void {
  from.after.push(to);
  to.before.push(from);
}

function number(column: Vertex[]): void {
  for (const [order, each] of column.entries()) each.order = order;
}

/** What reads nothing in the first column, ends in the last, and what has room between its neighbours in the middle of it. */
function columnsOf(count: number, edges: readonly Edge[]) {
  const earliest = new Array<number>(count).fill(0);
  // Boxes stand behind those that they read, so that one pass in order is enough.
  for (const [from, to] of edges.toSorted((a, b) => a[0] - b[0]))
    earliest[to] = Math.max(earliest[to], earliest[from] + 1);
  const last = Math.max(...earliest);
  const latest = new Array<number>(count).fill(last);
  for (const [from, to] of edges.toSorted((a, b) => b[1] - a[1])) latest[from] = Math.min(latest[from], latest[to] - 1);
  const hasInput = new Set(edges.map(([, to]) => to));
  const goesOn = new Set(edges.map(([from]) => from));
  // What makes an output and nothing else stands right before it.
  const hasRoom = new Set(edges.filter(([, to]) => goesOn.has(to)).map(([from]) => from));
  const place = earliest.map((first, i) => {
    if (!hasInput.has(i)) return 0;
    return hasRoom.has(i) ? Math.floor((first + latest[i]) / 2) : latest[i];
  });
  return { place, isOnTrunk: earliest.map((first, i) => first === latest[i]) };
}

const SWEEPS = 24;

/** Orders each column by the mean place of the neighbours on one side, left and right in turn; the best order stays. */
function uncross(grid: Vertex[][]): void {
  const copy = () => grid.map((column) => [...column]);
  let [best, least] = [copy(), crossings(grid)];
  for (let sweep = 0; sweep < SWEEPS && least > 0; sweep++) {
    const isForward = sweep % 2 === 0;
    for (const column of isForward ? grid : grid.toReversed()) {
      const wanted = new Map(
        column.map((each) => {
          const beside = isForward ? each.before : each.after;
          return [each, beside.length > 0 ? mean(beside.map(({ order }) => order)) : each.order] as const;
        }),
      );
      column.sort((a, b) => (wanted.get(a) as number) - (wanted.get(b) as number));
      number(column);
    }
    exchange(grid);
    const found = crossings(grid);
    if (found < least) [best, least] = [copy(), found];
  }
  for (const [i, column] of best.entries()) {
    grid[i] = column;
    number(column);
  }
}

/** Exchanges neighbours in a column wherever fewer edges cross then. */
function exchange(grid: Vertex[][]): void {
  for (const column of grid)
    for (let i = 0; i + 1 < column.length; i++) {
      const [a, b] = [column[i], column[i + 1]];
      const now = crossed(a.before, b.before) + crossed(a.after, b.after);
      const then = crossed(b.before, a.before) + crossed(b.after, a.after);
      if (then >= now) continue;
      [column[i], column[i + 1]] = [b, a];
      number(column);
    }
}

/** The pairs of edges that cross, of a box above another one. */
const crossed = (above: readonly Vertex[], below: readonly Vertex[]) =>
  above.reduce((sum, { order }) => sum + below.filter((other) => other.order < order).length, 0);

const crossings = (grid: readonly Vertex[][]) =>
  grid.reduce(
    (sum, column) =>
      sum +
      column.reduce(
        (own, above, i) => own + column.slice(i + 1).reduce((all, below) => all + crossed(above.after, below.after), 0),
        0,
      ),
    0,
  );

const mean = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b) / numbers.length;

const distance = (above: Vertex, below: Vertex) => above.down + GAP + below.up;

/** What stands at one height: boxes of which each is all that the one before it leads to, and the way of a long edge. */
interface Run {
  readonly parts: Vertex[];
  y: number;
}

/** Packs runs upward, then downward, takes the mean, and moves each toward its neighbours as far as there is room. */
function setHeights(grid: readonly Vertex[][], runs: ReadonlyMap<Vertex, Run>): void {
  const all = [...new Set(grid.flat().map((each) => runs.get(each) as Run))];
  const runOf = (each: Vertex) => runs.get(each) as Run;
  const above = (each: Vertex): Vertex | undefined => grid[each.column][each.order - 1];
  const below = (each: Vertex): Vertex | undefined => grid[each.column][each.order + 1];
  const least = (run: Run, y: (run: Run) => number) =>
    run.parts.reduce((most, each) => {
      const other = above(each);
      return other ? Math.max(most, y(runOf(other)) + distance(other, each)) : most;
    }, Number.NEGATIVE_INFINITY);
  const most = (run: Run, y: (run: Run) => number) =>
    run.parts.reduce((least, each) => {
      const other = below(each);
      return other ? Math.min(least, y(runOf(other)) - distance(each, other)) : least;
    }, Number.POSITIVE_INFINITY);

  const down = new Map<Run, number>();
  const fromTop = (run: Run): number => {
    if (!down.has(run)) down.set(run, Math.max(least(run, fromTop), ...run.parts.map(({ up }) => up)));
    return down.get(run) as number;
  };
  const height = Math.max(...all.map((run) => fromTop(run) + Math.max(...run.parts.map((each) => each.down))));
  const up = new Map<Run, number>();
  const fromBottom = (run: Run): number => {
    if (!up.has(run)) up.set(run, Math.min(most(run, fromBottom), ...run.parts.map((each) => height - each.down)));
    return up.get(run) as number;
  };
  for (const run of all) run.y = (fromTop(run) + fromBottom(run)) / 2;

  const y = (run: Run) => run.y;
  for (let sweep = 0; sweep < SWEEPS; sweep++)
    for (const run of sweep % 2 === 0 ? all : all.toReversed()) {
      const beside = run.parts.flatMap((each) => guides(each)).filter((other) => runOf(other) !== run);
      if (beside.length === 0) continue;
      const wanted = mean(beside.map((other) => runOf(other).y));
      run.y = Math.min(Math.max(wanted, least(run, y)), most(run, y));
    }
  for (const run of all) for (const each of run.parts) each.y = run.y;
}

/** The neighbours that decide a height: those on the longest way, so that it is straight, else boxes, else all. */
function guides({ isOnTrunk, edge, before, after }: Vertex): readonly Vertex[] {
  const beside = [...before, ...after];
  if (edge !== undefined) return beside;
  const trunk = isOnTrunk ? beside.filter((other) => other.isOnTrunk) : [];
  if (trunk.length > 0) return trunk;
  const boxes = beside.filter((other) => other.edge === undefined);
  return boxes.length > 0 ? boxes : beside;
}

/** The runs of all columns; pairs that would cross one that is joined already stay apart. */
function runsOf(grid: readonly Vertex[][]): Map<Vertex, Run> {
  const runs = new Map(grid.flat().map((each) => [each, { parts: [each], y: 0 } as Run]));
  const joined: [Vertex, Vertex][][] = grid.map(() => []);
  const only = (all: readonly Vertex[]) => {
    const trunk = all.filter(({ isOnTrunk }) => isOnTrunk);
    return trunk.length === 1 ? trunk[0] : all.length === 1 ? all[0] : undefined;
  };
  const pairs = grid.flat().flatMap((from) => from.after.map((to) => [from, to] as const));
  const isTrunk = ([from, to]: (typeof pairs)[number]) => from.isOnTrunk && to.isOnTrunk;
  const passes = ([from, to]: (typeof pairs)[number]) => from.edge !== undefined && to.edge !== undefined;
  for (const kind of [isTrunk, passes, () => true])
    for (const pair of pairs.filter(kind)) {
      const [from, to] = pair;
      const isAlone = only(from.after) === to && only(to.before) === from;
      const [one, other] = [runs.get(from) as Run, runs.get(to) as Run];
      const crosses = joined[from.column].some(([a, b]) => (a.order - from.order) * (b.order - to.order) <= 0);
      if (!isAlone || one === other || crosses) continue;
      joined[from.column].push([from, to]);
      one.parts.push(...other.parts);
      for (const each of other.parts) runs.set(each, one);
    }
  return runs;
}
