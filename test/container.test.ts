// What control groups and the affinity mask leave a process: of made-up machines, and of this one where a group can be made.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { limits } from '../dist/container.js';

const folder = mkdtempSync(join(realpathSync(tmpdir()), 'fjordnet-container-'));
test.after.always(() => rmSync(folder, { recursive: true, force: true }));

let made = 0;
/** The root of a machine that has these files. */
function machine(files: Record<string, string>): string {
  const root = join(folder, String(made++));
  for (const [name, text] of Object.entries({
    'proc/self/status': 'Name:\tnode\nCpus_allowed_list:\t0-7\n',
    ...files,
  })) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
  return root;
}

const V2 = '30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n';
const V1 = [
  '25 23 0:22 / /sys rw shared:7 - sysfs sysfs rw',
  '32 25 0:29 / /sys/fs/cgroup/cpu,cpuacct rw shared:10 - cgroup cgroup rw,cpu,cpuacct',
  '35 25 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory',
  '38 25 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n',
].join('\n');
const V1_OWN = '9:memory:/batch/job 7\n4:cpu,cpuacct:/batch/job 7\n1:name=systemd:/\n0::/\n';
const NONE = { quota: undefined, memory: undefined, memoryUsed: undefined };
const is = (t: ExecutionContext, files: Record<string, string>, expected: Partial<ReturnType<typeof limits>>) =>
  t.like(limits(machine(files)), expected);

test('without a quota it is the processors of the mask', (t) => {
  for (const [list, processors] of [
    ['0-7', 8],
    ['3', 1],
    ['0,2-4,63', 5],
    ['0-63,128-191', 128],
  ] as const)
    is(
      t,
      { 'proc/self/status': `Cpus_allowed:\tff\nCpus_allowed_list:\t${list}\nMems_allowed_list:\t0\n` },
      {
        ...NONE,
        processors,
        parallelism: processors,
      },
    );
  t.is(limits(join(folder, 'none')).parallelism, availableParallelism());
});

test('a quota is rounded up, and is no more than the processors', (t) => {
  for (const [cpu, quota, parallelism] of [
    ['150000 100000', 1.5, 2],
    ['200000 100000', 2, 2],
    ['1000 100000', 0.01, 1],
    ['5000 10000', 0.5, 1],
    ['1600000 100000', 16, 8],
    ['max 100000', undefined, 8],
  ] as const)
    is(
      t,
      { 'proc/self/cgroup': '0::/\n', 'proc/self/mountinfo': V2, 'sys/fs/cgroup/cpu.max': `${cpu}\n` },
      {
        processors: 8,
        quota,
        parallelism,
      },
    );
});

test('version 2: the smallest quota and limit on the way up', (t) => {
  const files = {
    'proc/self/cgroup': '0::/kubepods.slice/pod 1/container\n',
    'proc/self/mountinfo': V2,
    'sys/fs/cgroup/kubepods.slice/cpu.max': '600000 100000\n',
    'sys/fs/cgroup/kubepods.slice/memory.max': '8589934592\n',
    'sys/fs/cgroup/kubepods.slice/pod 1/cpu.max': '250000 100000\n',
    'sys/fs/cgroup/kubepods.slice/pod 1/memory.max': '1073741824\n',
    'sys/fs/cgroup/kubepods.slice/pod 1/memory.current': '1000000\n',
    'sys/fs/cgroup/kubepods.slice/pod 1/container/cpu.max': 'max 100000\n',
    'sys/fs/cgroup/kubepods.slice/pod 1/container/memory.max': 'max\n',
    'sys/fs/cgroup/kubepods.slice/pod 2/cpu.max': '100000 100000\n', // another's
  };
  is(t, files, { quota: 2.5, parallelism: 3, memory: 2 ** 30, memoryUsed: 1e6 });
});

test('version 1: the groups of each controller, and no limit where the file says so', (t) => {
  const files = {
    'proc/self/cgroup': V1_OWN,
    'proc/self/mountinfo': V1,
    'sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us': '-1\n',
    'sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us': '100000\n',
    'sys/fs/cgroup/cpu,cpuacct/batch/job 7/cpu.cfs_quota_us': '50000\n',
    'sys/fs/cgroup/cpu,cpuacct/batch/job 7/cpu.cfs_period_us': '20000\n',
    'sys/fs/cgroup/memory/memory.limit_in_bytes': '9223372036854771712\n',
    'sys/fs/cgroup/memory/batch/memory.limit_in_bytes': '314572800\n',
    'sys/fs/cgroup/memory/batch/memory.usage_in_bytes': '4096\n',
    'sys/fs/cgroup/memory/batch/job 7/memory.limit_in_bytes': '9223372036854771712\n',
  };
  is(t, files, { quota: 2.5, parallelism: 3, memory: 314572800, memoryUsed: 4096 });
  const { 'sys/fs/cgroup/memory/batch/memory.limit_in_bytes': _, ...free } = files;
  is(t, { ...free, 'sys/fs/cgroup/cpu,cpuacct/batch/job 7/cpu.cfs_quota_us': '-1\n' }, { ...NONE, parallelism: 8 });
});

test('a container without a namespace of groups sees its own group as the root', (t) => {
  const id = '/docker/0123abcd';
  const v1 = `32 25 0:29 ${id} /sys/fs/cgroup/cpu ro - cgroup cgroup rw,cpu\n`;
  is(
    t,
    {
      'proc/self/cgroup': `4:cpu:${id}\n0::/\n`,
      'proc/self/mountinfo': v1,
      'sys/fs/cgroup/cpu/cpu.cfs_quota_us': '300000',
      'sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000',
    },
    { parallelism: 3 },
  );
  is(
    t,
    {
      'proc/self/cgroup': `0::${id}/inner\n`,
      'proc/self/mountinfo': V2.replace(' / ', ` ${id} `),
      'sys/fs/cgroup/cpu.max': '300000 100000',
      'sys/fs/cgroup/inner/cpu.max': '400000 100000',
      [`sys/fs/cgroup${id}/cpu.max`]: '100000 100000', // as the machine would name it
    },
    { parallelism: 3 },
  );
  // a group outside what is mounted: of the mount's root
  is(
    t,
    { 'proc/self/cgroup': '0::/../other\n', 'proc/self/mountinfo': V2, 'sys/fs/cgroup/cpu.max': '100000 100000' },
    {
      parallelism: 1,
    },
  );
});

test('mount points with blanks', (t) => {
  is(
    t,
    {
      'proc/self/cgroup': '0::/a\n',
      'proc/self/mountinfo': V2.replace('/sys/fs/cgroup', '/my\\040groups'),
      'my groups/a/cpu.max': '200000 100000',
    },
    { parallelism: 2 },
  );
});

test('whatever the files hold, it is at least one thread and at most the processors, and memory is a number or none', (t) => {
  const text = fc.oneof(fc.string(), fc.constantFrom('', '0', '-1', 'max', '0 0', '1e400', 'max max', '100000'));
  fc.assert(
    fc.property(text, text, text, text, (cpu, memory, cgroup, mounts) => {
      const files = { 'sys/fs/cgroup/cpu.max': cpu, 'sys/fs/cgroup/memory.max': memory };
      const broken = [
        { ...files, 'proc/self/cgroup': '0::/\n', 'proc/self/mountinfo': V2 },
        { ...files, 'proc/self/cgroup': cgroup, 'proc/self/mountinfo': V2 },
        { ...files, 'proc/self/cgroup': '0::/\n', 'proc/self/mountinfo': `${mounts}\n${V2}${mounts} - cgroup2` },
      ];
      for (const each of broken) {
        const { parallelism, memory: bytes } = limits(machine(each));
        t.true(Number.isInteger(parallelism) && parallelism >= 1 && parallelism <= 8, `${parallelism}`);
        t.true(bytes === undefined || bytes >= 0);
      }
    }),
    { numRuns: 50 },
  );
});

/** A new control group of this machine that has one of these files, with this text; undefined where none can be made. */
function realGroup(files: readonly (readonly [base: string, file: string, text: string])[]): string | undefined {
  if (process.platform !== 'linux') return undefined;
  for (const [base, file, text] of files) {
    const group = join(base, `fjordnet-test-${process.pid}`);
    try {
      mkdirSync(group);
      if (existsSync(join(group, file))) {
        writeFileSync(join(group, file), text);
        return group;
      }
      rmdirSync(group);
    } catch {
      // no such version, or not as this user
    }
  }
}

/** What a program prints, as JSON, in a control group. */
function printed(program: string, group?: string) {
  const before = group ? ['sh', '-c', 'echo $$ > "$0/cgroup.procs" && exec "$@"', group] : [];
  const [command, ...args] = [...before, process.execPath, '-e', program];
  const { stdout, stderr, signal } = spawnSync(command, args, { encoding: 'utf8' });
  return stdout === '' ? `${signal} ${stderr}` : JSON.parse(stdout);
}

const COUNT = `
  const { once } = require('node:events');
  const { Worker } = require('node:worker_threads');
  const library = ${JSON.stringify(new URL('../dist/index.js', import.meta.url).href)};
  const inWorker = \`import('\${library}').then(({ getThreads }) => require('node:worker_threads').parentPort.postMessage(getThreads()))\`;
  import(library).then(async ({ getThreads, setThreads }) => {
    const here = getThreads();
    setThreads(5); // of this thread alone
    const [there] = await once(new Worker(inWorker, { eval: true }), 'message');
    console.log(JSON.stringify([here, there]));
  });`;

test('a process in a real control group of half a processor computes with one thread, in Workers too', (t) => {
  const { parallelism } = limits();
  t.deepEqual(printed(COUNT), [parallelism, parallelism]);
  const group = realGroup([
    ['/sys/fs/cgroup/cpu', 'cpu.cfs_quota_us', '50000'],
    ['/sys/fs/cgroup', 'cpu.max', '50000 100000'],
  ]);
  if (!group) return t.log('skipped: no control group can be made here');
  try {
    t.deepEqual(printed(COUNT, group), [1, 1]);
  } finally {
    rmdirSync(group);
  }
});

const TOO_MUCH = `
  import(${JSON.stringify(new URL('../dist/index.js', import.meta.url).href)}).then(async ({ NDArray, layers, sequential }) => {
    const said = [];
    const tell = ({ code, message }) => said.push([code, message]);
    try { NDArray.zeros([2 ** 27]); } catch (error) { tell(error); }
    const wide = sequential({ layers: [layers.dense({ units: 200_000, inputShape: [1] })] });
    await wide.predict(NDArray.zeros([1024, 1]), { batchSize: 1024 }).catch(tell);
    const [row] = (await wide.predict([[0]])).shape;
    console.log(JSON.stringify([...said, row]));
  });`;

test('what is more than the memory of a real control group is refused, and does not end the process', (t) => {
  const bytes = String(400 * 2 ** 20);
  const group = realGroup([
    ['/sys/fs/cgroup/memory', 'memory.limit_in_bytes', bytes],
    ['/sys/fs/cgroup', 'memory.max', bytes],
  ]);
  if (!group) return t.log('skipped: no control group can be made here');
  try {
    t.deepEqual(printed(TOO_MUCH, group), [
      [
        'ERR_MEMORY',
        `Expected enough memory for ${2 ** 30} bytes, but the limit of this container (the control group) is ${bytes}`,
      ],
      [
        'ERR_MEMORY',
        'Expected a network, a batch size and data that fit into the limit of memory of this container (the control group), but they need more',
      ],
      1,
    ]);
  } finally {
    rmdirSync(group);
  }
});
