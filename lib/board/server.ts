import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { hostname } from 'node:os';
import { failure } from '../check.js';

/** What a page may leave unread, in bytes, before news wait for it. */
const MOST_UNREAD = 2 ** 20;
const MOST_PAGES = 100;

export interface ServedFile {
  readonly type: string;
  readonly body: string;
}

const HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

/**
 * Serves some files, and at /events what happens, as server-sent events. It keeps no process alive.
 *
 * Where it listens on this machine alone it answers no other name than the machine's, so that no page of the internet whose name
 * leads here can read it.
 */
export class LiveServer {
  readonly #files: ReadonlyMap<string, ServedFile>;
  readonly #state: () => unknown;
  readonly #server = createServer((request, response) => this.#answer(request, response));
  readonly #pages = new Set<ServerResponse>();
  /** Those that have missed news. */
  readonly #behind = new Set<ServerResponse>();
  #host = '';
  #address: AddressInfo | undefined;

  /** @param state what a page is told first */
  constructor(files: ReadonlyMap<string, ServedFile>, state: () => unknown) {
    this.#files = files;
    this.#state = state;
    this.#server.on('connection', (socket) => socket.unref());
    this.#server.unref();
    this.#server.on('error', () => {}); // no training ends for its page; `listen` looks for itself
  }

  get url(): string | undefined {
    if (!this.#address) return undefined;
    const { address, family, port } = this.#address;
    const isAny = address === '0.0.0.0' || address === '::';
    const name = isAny ? hostname() : family === 'IPv6' ? `[${address}]` : address;
    return `http://${name}:${port}/`;
  }

  /**
   * @param ports the first of them that is free
   * @throws Error with the system's code (EADDRINUSE, EACCES, ENOTFOUND …)
   */
  async listen(host: string, ports: readonly number[]): Promise<void> {
    this.#host = host;
    for (const port of ports) {
      try {
        await once(this.#server.listen(port, host), 'listening');
        this.#address = this.#server.address() as AddressInfo;
        return;
      } catch (error) {
        const { code = 'ERR_BOARD', message } = error as NodeJS.ErrnoException;
        if (code === 'EADDRINUSE' && port !== ports.at(-1)) continue;
        throw failure(code, `Expected to listen on ${host}, port ${port}: ${message}`, { cause: error });
      }
    }
  }

  /** Tells all pages. Those that do not keep up miss what comes, and are told all once they have read what they were sent. */
  send(event: string, data: unknown): void {
    if (this.#pages.size === 0) return;
    const text = eventOf(event, data);
    for (const page of this.#pages) if (!this.#behind.has(page)) this.#write(page, text);
  }

  #write(page: ServerResponse, text: string): void {
    page.write(text);
    if (page.writableLength <= MOST_UNREAD) return;
    this.#behind.add(page);
    page.once('drain', () => {
      this.#behind.delete(page);
      this.#write(page, eventOf('state', this.#state()));
    });
  }

  async close(): Promise<void> {
    if (!this.#address) return;
    this.#address = undefined;
    for (const page of this.#pages) page.end();
    const closed = once(this.#server.close(), 'close');
    this.#server.closeAllConnections();
    await closed;
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const [path] = (request.url ?? '/').split('?');
    const file = this.#files.get(path);
    const refusal = this.#refusal(request, path);
    const isHead = request.method === 'HEAD';
    if (!refusal && !file && !isHead) {
      this.#stream(response);
      return;
    }
    const body = refusal ? `${refusal[1]}\n` : (file?.body ?? '');
    const type = refusal ? 'text/plain' : (file?.type ?? 'text/event-stream');
    response.writeHead(refusal?.[0] ?? 200, {
      ...HEADERS,
      'content-type': `${type}; charset=utf-8`,
      'content-length': Buffer.byteLength(body),
    });
    response.end(isHead ? undefined : body);
  }

  #refusal({ method, headers }: IncomingMessage, path: string): [status: number, reason: string] | undefined {
    if (!this.#isOwnName(headers.host)) return [403, 'Expected the name or the address of this machine'];
    if (method !== 'GET' && method !== 'HEAD') return [405, 'Expected GET'];
    if (path !== '/events') return this.#files.has(path) ? undefined : [404, 'Expected the path /'];
    if (this.#pages.size >= MOST_PAGES) return [503, `Expected at most ${MOST_PAGES} pages to be open`];
  }

  #stream(response: ServerResponse): void {
    response.writeHead(200, { ...HEADERS, 'content-type': 'text/event-stream; charset=utf-8' });
    response.on('close', () => {
      this.#pages.delete(response);
      this.#behind.delete(response);
    });
    response.on('error', () => {}); // it is closed
    const state = eventOf('state', this.#state());
    this.#pages.add(response);
    this.#write(response, state);
  }

  #isOwnName(given = ''): boolean {
    const address = this.#address?.address ?? '';
    if (!address.startsWith('127.') && address !== '::1') return true;
    const name = given.replace(/:\d*$/, '').toLowerCase();
    return ['localhost', '127.0.0.1', '[::1]', this.#host.toLowerCase(), address].includes(name);
  }
}

/** JSON has no NaN and no Infinity: they are texts, which the page's Number() reads. */
function eventOf(event: string, data: unknown): string {
  const plain = (_: string, value: unknown) =>
    typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
  return `event: ${event}\ndata: ${JSON.stringify(data, plain)}\n\n`;
}
