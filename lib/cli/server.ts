import { isUtf8 } from 'node:buffer';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate } from 'node:zlib';
import type { NDArray } from '../array.js';
import { isError, isNDArray, isPlain } from '../kind.js';
import type { Predictor } from '../tables/predictor.js';

export interface ServerOptions {
  /** Bytes of a request's body at most. */
  readonly maxBody: number;
  /** Milliseconds that a request may take to arrive. */
  readonly timeout: number;
  /** Rows of one request at most. */
  readonly maxRows: number;
}

/** What a client did wrong, with the status that says so. */
class Refusal extends Error {
  readonly status: number;
  /** The method that there is. */
  readonly allow?: string;

  constructor(status: number, message: string, allow?: string) {
    super(message);
    this.status = status;
    this.allow = allow;
  }
}

type Answer = { readonly status: number; readonly body: object };

/**
 * A server of predictions: `GET /health`, `GET /schema`, and `POST /predict` of one row, `{ "island": "Dream", … }`, or several,
 * `[{ … }, { … }]`; with `?probabilities` the probability of each class as well.
 */
export function predictionServer(predictor: Predictor, options: ServerOptions): Server {
  const schema = {
    ...(predictor.target !== undefined && { target: predictor.target }),
    ...(predictor.inputNames && { inputs: predictor.inputNames }),
    ...(predictor.classes.length > 0 && { classes: predictor.classes }),
    description: predictor.describe(),
  };
  const checked = { connectionsCheckingInterval: Math.min(1000, options.timeout) };
  const server = createServer({ requestTimeout: options.timeout, ...checked }, (request, response) => {
    answer(request, predictor, schema, options).then(
      ({ status, body }) => send(response, status, body),
      (error: Error) => {
        if (error instanceof Refusal && error.allow && !response.destroyed) response.setHeader('allow', error.allow);
        send(response, ...failureOf(error));
      },
    );
  });
  server.headersTimeout = options.timeout;
  return server;
}

async function answer(
  request: IncomingMessage,
  predictor: Predictor,
  schema: object,
  options: ServerOptions,
): Promise<Answer> {
  const { pathname, searchParams } = urlOf(request);
  const allowed: Record<string, string> = { '/health': 'GET', '/schema': 'GET', '/predict': 'POST' };
  const method = allowed[pathname];
  if (method === undefined)
    throw new Refusal(404, `Expected one of ${Object.keys(allowed).join(', ')}, got ${pathname.slice(0, 100)}`);
  if (request.method !== method && !(method === 'GET' && request.method === 'HEAD'))
    throw new Refusal(405, `Expected ${method} ${pathname}, got ${request.method}`, method);
  if (pathname === '/health') return { status: 200, body: { status: 'ok' } };
  if (pathname === '/schema') return { status: 200, body: schema };
  return {
    status: 200,
    body: await predict(predictor, await readJson(request, options.maxBody), searchParams, options),
  };
}

function urlOf({ url = '/' }: IncomingMessage): URL {
  try {
    return new URL(url, 'http://localhost');
  } catch {
    throw new Refusal(400, 'Expected a path, such as /predict');
  }
}

async function predict(
  predictor: Predictor,
  body: unknown,
  query: URLSearchParams,
  { maxRows }: ServerOptions,
): Promise<object> {
  const other = [...query.keys()].find((name) => name !== 'probabilities');
  if (other !== undefined)
    throw new Refusal(400, `Expected no parameter but probabilities, got ${other.slice(0, 100)}`);
  const isOne =
    isPlain(body) || (Array.isArray(body) && body.some((cell) => cell !== null) && body.every((cell) => !isRow(cell)));
  const rows = isOne ? [body] : body;
  if (!Array.isArray(rows) || rows.length === 0)
    throw new Refusal(400, 'Expected a row, { "column": value, … }, or a list of rows');
  if (rows.length > maxRows)
    throw new Refusal(413, `Expected at most ${maxRows} rows in a request, got ${rows.length}`);
  const withProbabilities = query.has('probabilities') && query.get('probabilities') !== 'false';
  if (withProbabilities && predictor.classes.length === 0 && predictor.pipeline.estimatorType !== 'classifier')
    throw new Refusal(400, 'Expected no probabilities of a model that predicts numbers');
  const { answers, probabilities: p } = withProbabilities
    ? await predictor.predictWithProba(rows)
    : { answers: await predictor.predict(rows), probabilities: undefined };
  for (const given of [answers, p]) if (isNDArray(given)) checkAnswers(given);
  const predictions = isNDArray(answers) ? answers.toArray<number[]>() : answers;
  const probabilities = p && rows.map((_, i) => sharesOf(p, i, predictor));
  if (!isOne) return { predictions, ...(probabilities && { probabilities }) };
  return { prediction: predictions[0], ...(probabilities && { probabilities: probabilities[0] }) };
}

const isRow = (value: unknown) => typeof value === 'object' && value !== null;

/** By their classes, or by their numbers where these are not known. */
function sharesOf(p: NDArray, row: number, { classes }: Predictor): object {
  const [, width] = p.shape;
  return Object.fromEntries(
    Array.from({ length: width }, (_, k) => [String(classes[k] ?? k), p.data[row * width + k]]),
  );
}

/** JSON has no NaN and no Infinity, and null would be no answer. */
function checkAnswers({ data, size, shape }: NDArray): void {
  const i = data.findIndex((value: number) => !Number.isFinite(value));
  if (i >= 0)
    throw new Refusal(422, `Expected row ${Math.floor(i / (size / shape[0]))} to give finite numbers, got ${data[i]}`);
}

/** The JSON of a body, of which no more is read than may be there. */
async function readJson(request: IncomingMessage, most: number): Promise<unknown> {
  const tooLarge = () => new Refusal(413, `Expected a body of at most ${most} bytes, got more`);
  if (Number(request.headers['content-length'] ?? 0) > most) throw tooLarge();
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > most) throw tooLarge();
    chunks.push(chunk);
  }
  const body = await plain(Buffer.concat(chunks), request.headers['content-encoding'], most, tooLarge);
  if (!isUtf8(body)) throw new Refusal(400, 'Expected the body to be JSON in UTF-8');
  try {
    return JSON.parse(new TextDecoder().decode(body)); // without a mark of UTF-8
  } catch {
    throw new Refusal(400, 'Expected the body to be JSON');
  }
}

type Decoder = (body: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>;
const DECODERS = new Map<string, Decoder>([
  ['gzip', promisify(gunzip)],
  ['deflate', promisify(inflate)],
  ['br', promisify(brotliDecompress)],
]);

/** A body as it was before it was compressed. */
async function plain(body: Buffer, encoding = 'identity', most: number, tooLarge: () => Refusal): Promise<Buffer> {
  const name = encoding.toLowerCase();
  if (name === 'identity') return body;
  const decoded = DECODERS.get(name);
  if (!decoded)
    throw new Refusal(
      415,
      `Expected content-encoding to be one of ${[...DECODERS.keys()].join(', ')}, got ${encoding}`,
    );
  try {
    return await decoded(body, { maxOutputLength: most });
  } catch (error) {
    if (isError(error) && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge();
    throw new Refusal(400, `Expected the body to be compressed as content-encoding says, ${encoding}`);
  }
}

/** What the library refuses is the client's row; what else fails is ours, and is not told. */
function failureOf(error: Error): [status: number, body: object] {
  if (error instanceof Refusal) return [error.status, { error: error.message }];
  if (error.message.startsWith('Expected ')) return [422, { error: error.message }];
  return [500, { error: 'The prediction failed' }];
}

function send(response: ServerResponse, status: number, body: object): void {
  if (response.destroyed) return;
  const text = `${JSON.stringify(body)}\n`;
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(text),
    // what is left of a body that was too large is not read
    ...(status === 413 && { connection: 'close' }),
  });
  response.end(response.req.method === 'HEAD' ? undefined : text);
}
