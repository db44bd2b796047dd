import { readFile } from 'node:fs/promises';
import type { Callback, CallbackModel, CallbackParams } from '../callbacks/callback.js';
import { checkVerbose } from '../callbacks/callback.js';
import { checkInteger, checkOptions, wrongType, wrongValue } from '../check.js';
import { loadPeer } from '../io/peer.js';
import { requireHere } from '../package-root.js';
import { learningRateAt } from '../schedules.js';
import { PAGE, SCRIPT, STYLE } from './page.js';
import { Runs } from './runs.js';
import { LiveServer, type ServedFile } from './server.js';

/** Milliseconds from one news to the next. */
const PAUSE = 250;
const FIRST_PORT = 6007;
const PORTS = 20;

export interface BoardOptions {
  /** 0: one that is free. Default 6007, or the next that is free */
  port?: number;
  /**
   * The address to listen on. Default '127.0.0.1': for this machine alone. '0.0.0.0' shows the page to everyone who reaches the machine
   */
  host?: string;
  /** Above the page. Default 'Fjordnet' */
  title?: string;
  /** 1: print the page's address when it opens. Default 1 */
  verbose?: 0 | 1;
}

/** A page in the browser that shows trainings while they run; and the callback that tells it of them. */
export interface Board extends Callback {
  /** The page's address, such as 'http://127.0.0.1:6007/'; undefined while it is closed. */
  readonly url: string | undefined;
  /**
   * Opens the page, which the first training does else.
   *
   * @returns its address
   * @throws Error with the system's code if the port is taken (EADDRINUSE) or the host is none of this machine's (EADDRNOTAVAIL …);
   *   with code ERR_MISSING_PEER if the package `uplot` is not installed
   */
  open(): Promise<string>;
  /** A callback for one training at a time, named `name` on the page: for several that run together. */
  run(name: string): Callback;
  /** Closes the page, and all connections to it. What a browser shows by then stays there. */
  close(): Promise<void>;
}

/**
 * A page that shows loss, metrics, learning rate and progress of trainings while they run, to this machine's browsers: give it to `fit`
 * as a callback. Each `fit` is a run of its own; runs can be laid over each other. It listens until `close`, and keeps no process alive.
 * A run has 1,024 epochs on the page at most, of longer trainings every second, fourth …; a board the last 100 runs.
 *
 * Needs the optional package `uplot`, which draws the curves.
 *
 * @example
 * await model.fit(x, y, { epochs: 100, validationSplit: 0.1, callbacks: [board()] });
 */
export function board(options: BoardOptions = {}): Board {
  checkOptions('options', options, ['port', 'host', 'title', 'verbose']);
  const { host = '127.0.0.1', title = 'Fjordnet' } = options;
  const ports =
    options.port === undefined ? Array.from({ length: PORTS }, (_, i) => FIRST_PORT + i) : [checkPort(options.port)];
  if (typeof host !== 'string' || host === '') throw wrongType('host', 'a name or address of this machine', host);
  if (typeof title !== 'string') throw wrongType('title', 'a string', title);
  const verbose = checkVerbose(options.verbose ?? 1);

  const runs = new Runs();
  let server: Promise<LiveServer> | undefined;
  let opened: LiveServer | undefined;
  let timer: NodeJS.Timeout | undefined;

  async function start(): Promise<LiveServer> {
    const live = new LiveServer(await filesOf(title), () => {
      tell(live);
      return runs.all();
    });
    await live.listen(host, ports);
    timer = setInterval(() => tell(live), PAUSE).unref();
    if (verbose === 1) process.stdout.write(`Board: ${live.url}\n`);
    opened = live;
    return live;
  }
  function tell(live: LiveServer): void {
    const news = runs.news();
    if (news.length > 0) live.send('news', news);
  }
  async function open(): Promise<string> {
    server ??= start();
    try {
      return (await server).url as string;
    } catch (error) {
      server = undefined;
      throw error;
    }
  }
  async function close(): Promise<void> {
    const live = await server?.catch(() => undefined);
    server = opened = undefined;
    clearInterval(timer);
    if (!live) return;
    tell(live);
    await live.close();
  }

  function run(name?: string): Callback {
    let model: CallbackModel;
    let params: CallbackParams;
    let told: ReturnType<Runs['begin']> | undefined;
    return {
      firstRankOnly: true,
      setModel(given) {
        model = given;
      },
      setParams(given) {
        params = given;
      },
      onTrainBegin() {
        told?.ends(); // an error or a signal has ended the one before, which is told to no callback
        told = runs.begin(name ?? model.name, model, params);
        return opened ? undefined : open();
      },
      onEpochBegin: (epoch) => told?.epochBegins(epoch),
      onProgress: (batches, logs) => told?.progress(batches, params.steps, logs),
      onEpochEnd(epoch, logs) {
        const learningRate = learningRateAt(model.optimizer.learningRate, model.iterations);
        told?.epochEnds(epoch, { ...logs, ...(Number.isFinite(learningRate) && { learningRate }) }); // 'lbfgs' has none
      },
      onTrainEnd() {
        told?.ends();
        told = undefined;
      },
    };
  }
  return {
    ...run(),
    get url() {
      return opened?.url;
    },
    open,
    close,
    run(name) {
      if (typeof name !== 'string' || name === '') throw wrongType('name', 'a name', name);
      return run(name);
    },
  };
}

function checkPort(port: unknown): number {
  const n = checkInteger('port', port, 0);
  if (n > 65535) throw wrongValue('port', 'at most 65535', n);
  return n;
}

async function filesOf(title: string): Promise<Map<string, ServedFile>> {
  const require = requireHere();
  const [script, style] = await loadPeer('uplot', () =>
    Promise.all(
      ['uPlot.iife.min.js', 'uPlot.min.css'].map((name) => readFile(require.resolve(`uplot/dist/${name}`), 'utf8')),
    ),
  );
  const text = title.replace(/[&<>]/g, (c) => ({ '&': '&amp;', '<': '&lt;' })[c] ?? '&gt;');
  return new Map([
    ['/', { type: 'text/html', body: PAGE.replaceAll('TITLE', () => text) }],
    ['/board.js', { type: 'text/javascript', body: script + SCRIPT }],
    ['/board.css', { type: 'text/css', body: style + STYLE }],
  ]);
}
