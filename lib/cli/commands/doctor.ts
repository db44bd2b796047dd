import { spawnSync } from 'node:child_process';
import { findings, type Report } from '../doctor.js';
import { EXIT } from '../errors.js';
import type { Values } from '../options.js';
import { Output } from '../output.js';

/** Milliseconds after which a self-test of some 0.1 s counts as one that does not end. */
const PATIENCE = 60_000;

/** @returns the exit code: 1 where something is wrong */
export async function run(values: Values): Promise<number> {
  const out = new Output({ json: values.switch('json') });
  const report = values.switch('here') ? await here() : await apart();
  out.document(report);
  for (const line of lines(report)) out.say(line);
  return report.ok ? EXIT.done : EXIT.failed;
}

/** Loads the binary and calculates with it, in this process. */
async function here(): Promise<Report> {
  const report = findings();
  if (!report.binary) return report;
  const start = performance.now();
  try {
    const { buildInfo } = await import('../../index.js');
    const { selfTest } = await import('../self-test.js');
    report.build = buildInfo();
    report.selfTest = await selfTest();
  } catch (error) {
    report.problems.push((error as Error).message);
    return report;
  }
  report.seconds = (performance.now() - start) / 1000;
  for (const { name, wrong } of report.selfTest)
    if (wrong)
      report.problems.push(
        `The self-test of ${name} is wrong: ${wrong}.\nDo not trust what this machine calculates. FJORDNET_SIMD=baseline and ` +
          'OPENBLAS_CORETYPE=Prescott in the environment tell whether its faster instructions do it; please report what this prints.',
      );
  if (report.build.blas === 'built-in')
    report.notes.push(
      "The matrix products are the package's own, which are slower than OpenBLAS'" +
        (report.binary.kind === 'prebuilt'
          ? '.'
          : ': install libopenblas-dev and build again, or use the prebuilt binary.'),
    );
  report.ok = report.problems.length === 0;
  return report;
}

/** The same in a process of its own, which a binary may end. */
async function apart(): Promise<Report> {
  const args = [...process.execArgv, process.argv[1], 'doctor', '--here', '--json'];
  const ran = spawned(args);
  if (!ran) return here();
  try {
    return JSON.parse(ran.stdout);
  } catch {
    const report = findings();
    const signal = ran.signal ?? WINDOWS[ran.status ?? 0] ?? null;
    const how = signal ?? (ran.error ? `an error: ${ran.error.message}` : `exit code ${ran.status}`);
    const said = ran.stderr.trim().split('\n').at(-1);
    report.problems.push(
      `A process that loads ${report.binary?.file ?? 'the package'} ends with ${how}${said ? `, and says: ${said}` : '.'}\n${adviceOn(signal)}`,
    );
    return report;
  }
}

/** Undefined where permissions forbid it, or the runtime takes other arguments than Node.js. */
function spawned(args: readonly string[]) {
  if (process.versions.deno || process.versions.electron) return undefined;
  try {
    return spawnSync(process.execPath, args, { encoding: 'utf8', timeout: PATIENCE });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_ACCESS_DENIED') return undefined;
    throw error;
  }
}

/** The exit codes of Windows for what other systems have signals for. */
const WINDOWS: Readonly<Record<number, NodeJS.Signals>> = {
  3221225501: 'SIGILL', // STATUS_ILLEGAL_INSTRUCTION, 0xc000001d
  3221225477: 'SIGSEGV', // STATUS_ACCESS_VIOLATION, 0xc0000005
  3221225495: 'SIGKILL', // STATUS_NO_MEMORY, 0xc0000017
};

function adviceOn(signal: string | null): string {
  if (signal === 'SIGILL')
    return (
      'The binary has an instruction that this processor has not: FJORDNET_SIMD=baseline and OPENBLAS_CORETYPE=Prescott in the environment ' +
      'may get around it; please report it.'
    );
  if (signal === 'SIGKILL') return 'The system ended it, mostly for want of memory: see the limit above.';
  if (signal === 'SIGTERM') return `It did not end within ${PATIENCE / 1000} s; please report it.`;
  return 'Install the package anew, or build it from source; if that does not help, please report it.';
}

const NO_MPI = 'no library in the usual folders (for several machines)';

const gigabytes = (bytes: number) => `${(bytes / 2 ** 30).toFixed(1)} GB`;

function lines(report: Report): string[] {
  const { binary, build, threads, memory, packages, mpi, selfTest, seconds, problems, notes } = report;
  const peers = Object.entries(packages);
  const found = peers.flatMap(([name, version]) => (version ? `${name} ${version}` : []));
  const missing = peers.flatMap(([name, version]) => (version ? [] : name));
  const limit = memory.limit === undefined ? '' : `; the limit of the control group is ${gigabytes(memory.limit)}`;
  const used = memory.used === undefined ? '' : `, ${gigabytes(memory.used)} in use`;
  const right = selfTest?.filter(({ wrong }) => !wrong).length;
  const rows: (readonly [string, string] | undefined)[] = [
    ['fjordnet', report.version],
    ['Node.js', report.node],
    ['system', report.system],
    ['binary', binary?.file ?? 'none'],
    binary && ['', binary.why],
    build && ['matrix library', `${build.blas}, ${build.blasLinkage}, kernels for ${build.blasCore}`],
    build && ['own kernels', `${build.simd}, ${build.simdBits} bits`],
    ['threads', `${build?.threads ?? threads.expected}: ${threads.why}`],
    ['memory', `${gigabytes(memory.machine)}${limit}${limit && used}`],
    ['packages', found.join(', ') || 'none of the optional ones'],
    missing.length > 0 ? ['', `not installed: ${missing.join(', ')}`] : undefined,
    ['MPI', process.platform === 'win32' ? 'not on Windows; WSL has it' : (mpi ?? NO_MPI)],
    selfTest && ['self-test', `${right} of ${selfTest.length} right, in ${seconds?.toFixed(1)} s`],
  ];
  return [
    ...rows.flatMap((row) => (row ? `${row[0].padEnd(16)}${row[1]}` : [])),
    ...notes.flatMap((note) => ['', `Note: ${note}`]),
    ...problems.flatMap((problem) => ['', `Problem: ${problem}`]),
    '',
    report.ok
      ? 'The binary loads, and its numbers are those of NumPy.'
      : 'Something is wrong; the lines above say what to do.',
  ];
}
