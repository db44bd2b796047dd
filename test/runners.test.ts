import { execFile, execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { InstalledProject, root } from './helpers/installed.js';

// The built package under Jest and vitest, whose test files run in realms of their own: helpers/children/runner-spec.ts.

const helpers = fileURLToPath(new URL('./helpers/', import.meta.url));
const runners = join(root, 'test/runners/node_modules');
const project = new InstalledProject();
const { folder } = project;

const jest = [
  '--experimental-vm-modules',
  join(runners, 'jest/bin/jest.js'),
  '--rootDir',
  folder,
  '--testTimeout=60000',
  '--detectOpenHandles',
];
const vitest = (pool: string) => [join(runners, 'vitest/vitest.mjs'), 'run', '--root', folder, `--pool=${pool}`];

test.before(() => {
  mkdirSync(join(folder, 'tests'));
  project.link('csv-parse');
  cpSync(join(helpers, 'scenario.js'), join(folder, 'scenario.js'));
  cpSync(join(helpers, 'children/runner-spec.js'), join(folder, 'tests/fjordnet.test.js'));
  writeFileSync(
    join(folder, 'expected.json'),
    execFileSync(process.execPath, [join(helpers, 'children/realm.js'), 'own'], { maxBuffer: 1e7 }),
  );
  writeFileSync(
    join(folder, 'package.json'),
    JSON.stringify({ private: true, type: 'module', jest: { transform: {}, testMatch: ['**/tests/*.test.js'] } }),
  );
  writeFileSync(
    join(folder, 'vitest.config.js'),
    'export default { test: { globals: true, testTimeout: 60000, server: { deps: { inline: process.env.INLINE ? [/fjordnet/] : [] } } } };',
  );
});
test.after.always(() => project.remove());

const runs: [what: string, args: string[], env?: Record<string, string>][] = [
  ['Jest, with nothing left open,', jest],
  ['vitest in threads', vitest('threads')],
  ['vitest in forks', vitest('forks')],
  ['vitest in threads with a context each', vitest('vmThreads')],
  ['vitest in forks with a context each', vitest('vmForks')],
  ['vitest that transforms the package', vitest('vmThreads'), { INLINE: '1' }],
];

for (const [what, args, env] of runs) {
  const declare = existsSync(runners) ? test : test.skip; // scripts/setup --test installs them
  declare(`${what} gives what the main realm gives`, async (t) => {
    const { code, output } = await new Promise<{ code: unknown; output: string }>((resolve) => {
      const options = { cwd: folder, env: { ...process.env, NO_COLOR: '1', ...env }, timeout: 120_000 };
      execFile(process.execPath, args, options, (error, stdout, stderr) =>
        resolve({ code: error ? (error.code ?? error.signal) : 0, output: stdout + stderr }),
      );
    });
    t.is(code, 0, output);
    t.regex(output, /Tests:? +4 passed/);
    t.notRegex(output, /open handle|did not exit|hanging/i);
  });
}
