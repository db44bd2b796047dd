import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import test from 'ava';

const child = fileURLToPath(new URL('./helpers/children/life-cycle.js', import.meta.url));

async function run(end: string) {
  const process_ = spawn(process.execPath, [child, end], { stdio: ['ignore', 'pipe', 'pipe'] });
  const out = { stdout: '', stderr: '' };
  process_.stdout.on('data', (text) => (out.stdout += text));
  process_.stderr.on('data', (text) => (out.stderr += text));
  const timer = setTimeout(() => process_.kill('SIGKILL'), 150_000); // it hangs
  const [code, signal] = await once(process_, 'close');
  clearTimeout(timer);
  return { code, signal, ...out };
}

const clean = { code: 0, signal: null, stderr: '' };

const endings: [end: string, what: string, stdout: string][] = [
  [
    'terminate',
    'a Worker that is terminated in the middle of a job leaves the process alive',
    `${'terminated 1\n'.repeat(5)}trained\n`,
  ],
  ['terminate-sync', 'a Worker that trains synchronously can be terminated', 'terminated\n'],
  ['exit', 'process.exit ends a process in the middle of its jobs', 'exiting\n'],
  ['exit-at-once', 'process.exit ends a process before its first job has begun', ''],
  ['exit-in-products', 'process.exit ends a process in the middle of products', ''],
  ['exit-in-worker', 'process.exit ends a Worker in the middle of its jobs', 'worker 3\n'],
  ['exit-beside-worker', 'process.exit ends a process while one of its Workers is terminated', ''],
  ['natural', 'a process lives as long as it trains, and no longer', 'trained\ntrained\n'],
  ['many-workers', 'Workers come and go', 'ended 0,0,0,0\n'.repeat(3)],
];

for (const [end, what, stdout] of endings) {
  test(what, async (t) => {
    t.deepEqual(await run(end), { ...clean, stdout });
  });
}

test('an uncaught error ends a process in the middle of a job with 1', async (t) => {
  const { code, signal, stderr } = await run('throw');
  t.deepEqual([code, signal], [1, null]);
  t.regex(stderr, /Error: uncaught/);
});
