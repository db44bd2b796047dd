import type { CallbackModel, CallbackParams, Logs } from '../callbacks/callback.js';

/** A run keeps this many epochs at most: beyond, every second one, every fourth … */
const MOST_POINTS = 1024;
/** Earlier runs are forgotten. */
const MOST_RUNS = 100;

/** The end of an epoch. */
export interface Point {
  readonly epoch: number;
  /** Loss, metrics and `learningRate`. */
  readonly values: Logs;
}

/** One training as the page shows it. */
export interface Run {
  readonly id: number;
  readonly name: string;
  readonly layers: readonly { readonly name: string; readonly kind: string; readonly shape: string }[];
  /** Milliseconds since 1970. */
  readonly begun: number;
  ended?: number;
  /** Of its last news. */
  at: number;
  /** The epoch that it began with. */
  first: number;
  /** Training ends before the epoch of this number. */
  epochs: number;
  epoch: number;
  /** Batches of the epoch done so far, and all of them where that is known. */
  batch: number;
  batches: number | null;
  /** Means over the epoch so far; after it those of its end. */
  logs: Logs;
  points: readonly Point[];
}

/** What a page is told of a run, whose clock may be another. */
export interface ToldRun extends Run {
  /** Milliseconds since its last news. */
  readonly age: number;
}

const told = (run: Run): ToldRun => ({ ...run, age: Date.now() - run.at });

/** A run and what the page needs to know of it beside its own fields. */
interface Kept {
  readonly run: Run;
  stride: number;
  /** Epochs so far. */
  count: number;
  /** The last epoch that pages were told of. */
  told: number;
  isNews: boolean;
}

/** The trainings that a board has seen, in bounded memory. */
export class Runs {
  readonly #kept: Kept[] = [];
  #next = 0;

  /** @returns what the training's news are given to */
  begin(name: string, model: CallbackModel, params: CallbackParams) {
    const now = Date.now();
    const kept: Kept = {
      run: {
        id: this.#next++,
        name,
        layers: layersOf(model),
        begun: now,
        at: now,
        epochs: params.epochs,
        first: params.initialEpoch,
        epoch: params.initialEpoch,
        batch: 0,
        batches: params.steps ?? null,
        logs: {},
        points: [],
      },
      stride: 1,
      count: 0,
      told: -1,
      isNews: true,
    };
    if (this.#kept.push(kept) > MOST_RUNS) this.#kept.shift();
    const { run } = kept;
    const news = (fields: Partial<Run>) => {
      Object.assign(run, fields, { at: Date.now() });
      kept.isNews = true;
    };
    return {
      epochBegins: (epoch: number) => news({ epoch, batch: 0, ...(kept.count === 0 && { first: epoch }) }),
      progress: (batch: number, batches: number | undefined, logs: Logs) =>
        news({ batch, batches: batches ?? null, logs: { ...logs } }),
      epochEnds(epoch: number, logs: Logs) {
        const values = numbersOf(logs);
        news({ epoch: epoch + 1, batch: 0, logs: values });
        if (kept.count++ % kept.stride === 0) keep(kept, { epoch, values });
      },
      ends() {
        const last = run.points.at(-1);
        if (run.epoch > (last ? last.epoch + 1 : run.epoch)) keep(kept, { epoch: run.epoch - 1, values: run.logs });
        news({ ended: run.at });
      },
    };
  }

  /** All runs, as a page that opens needs them. */
  all(): ToldRun[] {
    return this.#kept.map(({ run }) => told(run));
  }

  /** The runs with news since the last call; of their points those that are new. */
  news(): ToldRun[] {
    return this.#kept.flatMap((kept) => {
      if (!kept.isNews) return [];
      const { points } = kept.run;
      const first = points.findLastIndex(({ epoch }) => epoch <= kept.told) + 1;
      kept.told = points.at(-1)?.epoch ?? -1;
      kept.isNews = false;
      return [{ ...told(kept.run), points: points.slice(first) }];
    });
  }
}

function keep(kept: Kept, point: Point): void {
  const { run } = kept;
  const points = run.points as Point[];
  if (points.push(point) <= MOST_POINTS) return;
  kept.stride *= 2;
  run.points = points.filter((_, i) => i % 2 === 0);
}

/** A callback may add what it likes to the logs. */
const numbersOf = (logs: Logs): Logs =>
  Object.fromEntries(Object.entries(logs).filter(([, value]) => typeof value === 'number'));

function layersOf({ layers = [], layerNames, outputShapes = [] }: CallbackModel): Run['layers'] {
  return layers.map(({ className }, i) => ({
    name: layerNames[i],
    kind: className,
    shape: outputShapes[i] ? `(${['batch', ...outputShapes[i]].join(', ')})` : '',
  }));
}
