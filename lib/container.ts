import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';

/** What a process may use: of the machine, less what its container, service or batch job was given. */
export interface Limits {
  /** The processors that it may run on, as `taskset` and a cpuset leave them. */
  readonly processors: number;
  /** The processor time it may use, in processors, such as 1.5; undefined without a quota. */
  readonly quota?: number;
  /** How many of these keep it busy: the processors, or the quota rounded up, if that is less. At least 1. */
  readonly parallelism: number;
  /** Bytes of memory that it may use; undefined without a limit. */
  readonly memory?: number;
  /** Bytes of those in use, by all that share the limit. */
  readonly memoryUsed?: number;
}

/**
 * What this process may use: its affinity mask, and the quotas and limits of its control groups, of which each also has those
 * it lies in (Linux; versions 1 and 2, cgroups(7)). Elsewhere, and where Node.js may not read /proc, what it says itself.
 *
 * @param root of the file system, for tests
 */
export function limits(root = '/'): Limits {
  const processors = affinity(root) ?? availableParallelism();
  const groups = controlGroups(root);
  const quota = smallest([
    ...read(groups, 'cpu', 'cpu.max', (text) => share(...(text.split(' ') as [string, string]))),
    ...read(groups, 'cpu', 'cpu.cfs_quota_us', (text, folder) =>
      share(text, textOf(join(folder, 'cpu.cfs_period_us')) ?? ''),
    ),
  ]);
  const memories = [
    ...read(groups, 'memory', 'memory.max', (text, folder) => ({ bytes: bytes(text), folder, used: 'memory.current' })),
    ...read(groups, 'memory', 'memory.limit_in_bytes', (text, folder) => ({
      bytes: bytes(text),
      folder,
      used: 'memory.usage_in_bytes',
    })),
  ].filter((limit) => limit.bytes !== undefined);
  const memory = smallest(memories.map((limit) => limit.bytes));
  const tightest = memories.find((limit) => limit.bytes === memory);
  return {
    processors,
    quota,
    parallelism: Math.max(1, Math.min(processors, Math.ceil(quota ?? processors))),
    memory,
    memoryUsed: tightest && bytes(textOf(join(tightest.folder, tightest.used)) ?? ''),
  };
}

/** A folder of control groups, from the process's own up to the outermost that is seen here. */
interface Hierarchy {
  /** The controllers of version 1; [] of version 2, which has them all. */
  readonly controllers: readonly string[];
  readonly folders: readonly string[];
}

function textOf(file: string): string | undefined {
  try {
    return existsSync(file) ? readFileSync(file, 'utf8').trim() : undefined;
  } catch {
    return undefined;
  }
}

/** How many processors the mask of /proc/self/status has, such as '0-3,8'. */
function affinity(root: string): number | undefined {
  const list = /^Cpus_allowed_list:\s*([\d,-]+)$/m.exec(textOf(join(root, 'proc/self/status')) ?? '')?.[1];
  if (list === undefined) return undefined;
  return list.split(',').reduce((sum, range) => {
    const [first, last = first] = range.split('-').map(Number);
    return sum + last - first + 1;
  }, 0);
}

function controlGroups(root: string): Hierarchy[] {
  // id:controllers:path, of version 2 '0::path'
  const own = (textOf(join(root, 'proc/self/cgroup')) ?? '').split('\n').flatMap((line) => {
    const [, names, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    return path === undefined ? [] : [{ names: names === '' ? [] : names.split(','), path }];
  });
  return (textOf(join(root, 'proc/self/mountinfo')) ?? '').split('\n').flatMap((line) => {
    const [left, right] = line.split(' - ');
    const [type, , options = ''] = right?.split(' ') ?? [];
    if (type !== 'cgroup' && type !== 'cgroup2') return [];
    const [, , , mounted, point] = left.split(' ').map(unescaped);
    if (point === undefined) return [];
    const has = options.split(',');
    const group = own.find(({ names }) =>
      type === 'cgroup2' ? names.length === 0 : names.length > 0 && names.every((name) => has.includes(name)),
    );
    if (!group) return [];
    // what is mounted may be the container's own group, and the path one of the machine's
    const inner =
      mounted === '/' ? group.path : group.path.startsWith(`${mounted}/`) ? group.path.slice(mounted.length) : '/';
    const parts = inner.split('/').filter((part) => part !== '' && part !== '..');
    const folders = Array.from({ length: parts.length + 1 }, (_, i) =>
      join(root, point, ...parts.slice(0, parts.length - i)),
    );
    return [{ controllers: group.names, folders }];
  });
}

/** The values of a file in all folders of a controller that have it. */
function read<T>(
  groups: readonly Hierarchy[],
  controller: string,
  name: string,
  value: (text: string, folder: string) => T,
): T[] {
  return groups
    .filter(({ controllers }) => controllers.length === 0 || controllers.includes(controller))
    .flatMap(({ folders }) => folders)
    .flatMap((folder) => {
      const text = textOf(join(folder, name));
      return text === undefined ? [] : [value(text, folder)];
    });
}

/** A quota of microseconds in each period, in processors; undefined for 'max' and -1. */
function share(quota: string, period: string): number | undefined {
  const value = Number(quota) / Number(period);
  return value > 0 && Number.isFinite(value) ? value : undefined;
}

/** Version 1 says 'no limit' by the largest number of whole pages, version 2 by 'max'. */
function bytes(text: string): number | undefined {
  const value = text === '' ? Number.NaN : Number(text);
  return value >= 0 && value < 2 ** 62 ? value : undefined;
}

function smallest(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length > 0 ? Math.min(...known) : undefined;
}

/** Blanks in a mount point are written \040. */
const unescaped = (text: string) =>
  text.replace(/\\([0-7]{3})/g, (_, digits) => String.fromCharCode(Number.parseInt(digits, 8)));
