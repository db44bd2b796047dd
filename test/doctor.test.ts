// fjordnet doctor: what it finds where all is well, and what it says of each thing that is not.
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { findings, type Report } from '../dist/cli/doctor.js';
import { InstalledProject } from './helpers/installed.js';

const project = new InstalledProject();
test.after.always(() => project.remove());
test.afterEach.always(() => project.restore());
const linux = process.platform === 'linux' ? test.serial : test.serial.skip;

function doctor(args: string[], flags: string[] = [], env: Record<string, string> = {}) {
  const main = join(project.package, 'dist', 'cli', 'main.js');
  const {
    FJORDNET_NATIVE: _,
    FJORDNET_SIMD: __,
    OPENBLAS_CORETYPE: ___,
    NODE_OPTIONS: ____,
    ...inherited
  } = process.env;
  return spawnSync(process.execPath, [...flags, main, 'doctor', ...args], {
    cwd: project.folder,
    encoding: 'utf8',
    env: { ...inherited, ...env },
  });
}

/** Its report, and whether the exit code says the same. */
function reported(flags: string[] = [], env: Record<string, string> = {}): Report & { agrees: boolean } {
  const { stdout, stderr, status } = doctor(['--json'], flags, env);
  if (!stdout) throw new Error(stderr);
  const report = JSON.parse(stdout);
  return { ...report, agrees: status === (report.ok ? 0 : 1) };
}

/** A file that is loaded before anything else, in the process of the self-test too. */
function preloaded(code: string): string[] {
  const file = project.path('before.cjs');
  writeFileSync(file, code);
  return ['-r', file];
}

test.serial('a whole package: what was loaded and why, with numbers that are NumPy’s', (t) => {
  const report = reported();
  t.true(report.ok && report.agrees);
  t.deepEqual(report.problems, []);
  t.deepEqual(report.binary, { file: project.binary, kind: 'prebuilt', why: 'prebuilt, for this platform' });
  t.is(report.build!.threads, report.threads.expected);
  t.is(report.selfTest!.length, 7);
  t.true(report.seconds! < 60);
  t.is(report.node, process.versions.node);

  const { stdout, stderr, status } = doctor([]);
  t.is(status, 0);
  t.is(stderr, '');
  for (const line of [
    /^fjordnet +\d+\.\d+\.\d+$/m,
    /^binary +.*fjordnet.*\.node\n +prebuilt, for this platform$/m,
    /^matrix library +(OpenBLAS|Accelerate|built-in), /m,
    /^threads +\d+: /m,
    /^memory +\d+\.\d GB/m,
    /^self-test +7 of 7 right, in \d+\.\d s$/m,
    /\n\nThe binary loads, and its numbers are those of NumPy\.\n$/,
  ])
    t.regex(stdout, line);
});

test.serial('no binary, and one that is cut off: why, and what to do', (t) => {
  rmSync(project.binary);
  const missing = reported();
  t.false(missing.ok);
  t.true(missing.agrees);
  t.is(missing.binary, undefined);
  t.regex(
    missing.problems.join(),
    /^fjordnet has no working native binary for .*\nThere is no build\/Release\/fjordnet\.node/,
  );

  project.restore();
  truncateSync(project.binary, 100_000);
  const { stdout, status } = doctor([]);
  t.is(status, 1);
  t.regex(stdout, /\n\nProblem: fjordnet has no working native binary for /);
  t.regex(stdout, /\nTo build one from source: npm --prefix /);
  t.regex(stdout, /\n\nSomething is wrong; the lines above say what to do\.\n$/);
});

linux('a binary that ends its process is named, with the signal', (t) => {
  const report = reported(preloaded("process.dlopen = () => process.kill(process.pid, 'SIGILL');"));
  t.false(report.ok);
  t.true(report.agrees);
  t.is(report.problems.length, 1);
  t.regex(
    report.problems[0],
    /^A process that loads .*fjordnet.*\.node ends with SIGILL\.\nThe binary has an instruction that/,
  );
  t.is(report.binary!.file, project.binary);

  const exits = reported(
    preloaded("process.dlopen = () => { console.error('symbol lookup error: x'); process.exit(127); };"),
  );
  t.regex(exits.problems[0], /ends with exit code 127, and says: symbol lookup error: x\nInstall the package anew/);
});

test.serial('a wrong number is an error that says which', (t) => {
  const wrong = `
    const { dlopen } = process;
    process.dlopen = (module, ...rest) => {
      dlopen.call(process, module, ...rest);
      const { RandomState } = module.exports;
      module.exports.RandomState = class extends RandomState {
        doubles(out) { super.doubles(out); out[1] += 1e-6; }
      };
    };`;
  const report = reported(preloaded(wrong));
  t.false(report.ok);
  t.true(report.agrees);
  t.deepEqual(report.selfTest!.map(({ wrong }) => wrong !== undefined).slice(0, 3), [true, true, false]);
  t.regex(
    report.problems[0],
    /^The self-test of random numbers is wrong: number 2 of 16 is 0\.95071530\d*, and 0\.95071430\d* in NumPy\.\nDo not trust/,
  );
});

test.serial('where no other process may be started, it loads the binary in this one', (t) => {
  const permission = process.versions.node.startsWith('20.') ? '--experimental-permission' : '--permission';
  const report = reported([permission, '--allow-fs-read=*', '--allow-addons', '--no-warnings']);
  t.deepEqual(report.problems, []);
  t.true(report.ok && report.agrees);
  t.regex(reported([permission, '--allow-fs-read=*', '--no-warnings']).problems.join(), /add --allow-addons\.$/);
});

test.serial('optional packages: their versions, and one that is of the wrong version', (t) => {
  project.link('csv-parse');
  const vega = project.path('node_modules', 'vega');
  mkdirSync(vega);
  writeFileSync(
    join(vega, 'package.json'),
    '{ "name": "vega", "version": "5.33.0", "exports": { "import": "./index.js" } }',
  );
  const { packages, notes } = reported();
  t.regex(packages['csv-parse']!, /^\d+\.\d+\.\d+$/);
  t.is(packages.vega, '5.33.0');
  t.is(packages.sharp, null);
  t.deepEqual(notes, ['vega 5.33.0 is installed, and ^6.2.0 is what works.']);
  rmSync(vega, { recursive: true });
});

test.serial('variables that hold the processor back are named', (t) => {
  const { notes, build, ok } = reported([], { FJORDNET_SIMD: 'baseline' });
  t.true(ok);
  t.deepEqual(notes, ['The environment sets FJORDNET_SIMD=baseline, which may hold the processor back.']);
  t.not(build!.simd, 'AVX-512');
});

test('threads, memory and an MPI library, of a made-up machine', (t) => {
  for (const name of ['FJORDNET_MPI', 'LD_LIBRARY_PATH', 'DYLD_LIBRARY_PATH']) delete process.env[name];
  const root = project.path('machine');
  const files = {
    'proc/self/status': 'Cpus_allowed_list:\t0-63\n',
    'proc/self/cgroup': '0::/\n',
    'proc/self/mountinfo': '30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n',
    'sys/fs/cgroup/cpu.max': '250000 100000\n',
    'sys/fs/cgroup/memory.max': '2147483648\n',
    'sys/fs/cgroup/memory.current': '1048576\n',
    'etc/ld.so.conf.d/cluster.conf': '# modules\n/opt/mpi/lib\n',
    'opt/mpi/lib/libmpi.so.40': '',
    'usr/lib/libmpi.so.12': '',
  };
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(root, name, '..'), { recursive: true });
    writeFileSync(join(root, name), text);
  }
  const { threads, memory, mpi } = findings(root);
  t.deepEqual(threads, { expected: 3, why: 'the quota of the control group is 2.5 processors of 64' });
  t.is(memory.limit, 2 ** 31);
  t.is(memory.used, 2 ** 20);
  t.is(mpi, join(root, 'opt/mpi/lib/libmpi.so.40'));
  rmSync(join(root, 'opt'), { recursive: true });
  t.is(findings(root).mpi, join(root, 'usr/lib/libmpi.so.12'));
});
