import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { loadPredictor } from '../../tables/predictor.js';
import { CommandError, EXIT, reason, unreadable } from '../errors.js';
import { exitCode, interruptible } from '../interrupt.js';
import type { Values } from '../options.js';
import { Output } from '../output.js';
import { predictionServer } from '../server.js';

/** Milliseconds in which what has arrived is read. */
const UNREAD = 100;

/** @returns the exit code */
export async function run(values: Values): Promise<number> {
  const out = new Output({ json: values.switch('json'), quiet: values.switch('quiet') });
  const [path] = values.positionals;
  const port = values.integer('port', 0, 65535) ?? 8080;
  const host = values.text('host') ?? '127.0.0.1';
  const maxBody = values.integer('max-body', 1, 2 ** 30) ?? 2 ** 20;
  const timeout = 1000 * (values.number('timeout', 0.1, 3600) ?? 10);
  const maxRows = values.integer('max-rows', 1) ?? 10_000;
  const predictor = await loadPredictor(path).catch((error) => {
    throw unreadable(path, error);
  });
  const server = predictionServer(predictor, { maxBody, timeout, maxRows });
  const { by } = await interruptible(
    () => {
      // connections may hold requests that were not read yet: they are not idle, but look so
      setTimeout(() => {
        server.close();
        server.closeIdleConnections();
      }, UNREAD);
      server.keepAliveTimeout = 1; // once they are answered
      // a request that has not arrived by then is not waited for
      setTimeout(() => server.closeAllConnections(), timeout).unref();
    },
    async () => {
      server.listen(port, host);
      await once(server, 'listening').catch((error) => {
        throw new CommandError(EXIT.failed, `Cannot listen on ${host}:${port}: ${reason(error)}`, { cause: error });
      });
      const address = server.address() as AddressInfo;
      const url = `http://${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`;
      out.document({ type: 'listening', url });
      out.say(`Serving ${path} on ${url}: GET /health, GET /schema, POST /predict`);
      await once(server, 'close');
    },
  );
  return by ? exitCode(by) : EXIT.done;
}
