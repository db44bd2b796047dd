import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import test from 'ava';

const child = fileURLToPath(new URL('./helpers/children/little-memory.js', import.meta.url));
const limited = process.platform === 'linux' ? test : test.skip;

/**
 * The work's output in so many KB of address space; it has to end. Without V8's own threads: where they get no memory to
 * collect garbage or to compile with, they end the process, now and then without a word.
 */
async function run(
  work: string,
  kilobytes: number,
): Promise<{ signal: string | null; lines: string[]; stderr: string }> {
  const command = [
    '-c',
    `ulimit -v ${kilobytes} && exec "$0" "$@"`,
    process.execPath,
    '--single-threaded',
    child,
    work,
  ];
  const process_ = spawn('sh', command, { stdio: ['ignore', 'pipe', 'pipe'], timeout: 120_000, killSignal: 'SIGKILL' });
  const [[, signal], stdout, stderr] = await Promise.all([
    once(process_, 'close'),
    text(process_.stdout),
    text(process_.stderr),
  ]);
  return { signal, lines: stdout.trim().split('\n'), stderr };
}

const OUTCOME = /^(done|ERR_MEMORY: Expected enough memory .*|ERR_THREAD: Expected the system to start a thread, .*)$/;
/** Node itself takes some 700 MB to start, and as much for each Worker; then there may be no room to load the addon. */
const NODE =
  /failed to map segment|Fatal process (OOM|out of memory)|FATAL ERROR|heap out of memory|ERR_WORKER_INIT_FAILED|ERR_WORKER_OUT_OF_MEMORY/;

for (const [work, sizes] of Object.entries({
  train: [400_000, 800_000, 900_000, 1_000_000, 1_500_000, 3_000_000],
  threads: [1_000_000, 1_500_000, 2_000_000, 3_000_000],
  workers: [2_000_000, 2_500_000, 3_000_000],
})) {
  limited(`in little address space, training ends: ${work}`, async (t) => {
    for (const size of sizes) {
      const { signal, lines, stderr } = await run(work, size);
      t.not(signal, 'SIGKILL', `${size} KB: it hangs`);
      if (NODE.test(stderr) || NODE.test(lines.join())) continue;
      t.is(signal, null, `${size} KB: ${stderr}`);
      for (const line of lines) t.regex(line, OUTCOME, `${size} KB`);
    }
  });
}

limited('where memory is wanting, everything says ERR_MEMORY, and works when there is some again', async (t) => {
  const { signal, lines, stderr } = await run('full', 3_000_000);
  t.is(signal, null, stderr);
  const attempts = ['runSync', 'run', 'the output', 'kernel', 'zeros', 'randn', 'from', 'take'];
  attempts.push('sampleWeight', 'classWeight', 'targets', 'accuracyScore', 'logLoss', 'meanSquaredError');
  attempts.push('KFold', 'trainTestSplit');
  t.is(lines.length, attempts.length + 2, lines.join('\n'));
  attempts.forEach((name, i) => {
    t.regex(
      lines[i],
      new RegExp(
        `^${name}: (ERR_MEMORY: Expected enough memory|ERR_THREAD: Expected the system to start) .*, busy: false$`,
      ),
    );
  });
  t.deepEqual(lines.slice(attempts.length), ['done', 'done']);
});

limited('where memory is wanting for what a file holds, reading says ERR_MEMORY', async (t) => {
  const { signal, lines, stderr } = await run('file', 3_000_000);
  t.is(signal, null, stderr);
  t.regex(lines.join(), /^ERR_MEMORY: Cannot read '.*': there is no memory for \d+ bytes$/);
});
