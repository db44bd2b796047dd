import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test from 'ava';

const run = promisify(execFile);
const folder = fileURLToPath(new URL('../scripts/examples/', import.meta.url));

/** What every example prints, and the least that it must reach. */
const EXAMPLES: Readonly<Record<string, readonly [pattern: RegExp, least: number, ...args: string[]]>> = {
  tensorflow: [/test accuracy ([\d.]+)/, 0.93],
  keras: [/test accuracy ([\d.]+)/, 0.95],
  ranks: [/test accuracy ([\d.]+)/, 0.95],
  cnn: [/test accuracy ([\d.]+)/, 0.97],
  graph: [/test accuracy ([\d.]+)/, 0.95],
  regression: [/test R² ([\d.]+)/, 0.97],
  binary: [/test accuracy ([\d.]+)/, 0.96],
  rows: [/least test accuracy ([\d.]+)/, 0.94],
  forecast: [/LSTM: ([\d.]+) % below persistence/, 8],
  fastify: [/answered right: ([\d.]+) %/, 95],
  writer: [/guessed right: ([\d.]+) %/, 45, '3'],
};

for (const [name, [pattern, least, ...args]] of Object.entries(EXAMPLES))
  test.serial(`scripts/examples/${name}.js runs, and learns`, async (t) => {
    const { stdout, stderr } = await run(process.execPath, [`${folder}${name}.js`, ...args]);
    const [, value] = pattern.exec(stdout) ?? [];
    t.true(Number(value) >= least, `${stdout}\n${stderr}`);
    t.is(stderr, '');
  });
