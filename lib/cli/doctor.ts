import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Limits, limits } from '../container.js';
import { DARWIN_PACKAGE } from '../darwin.js';
import type { BuildInfo } from '../info.js';
import { findAddon } from '../load.js';
import { systemName } from '../load-failure.js';
import { packageRoot } from '../package-root.js';
import type { Trial } from './self-test.js';

/** What `fjordnet doctor` finds. */
export interface Report {
  /** Whether the binary loads and calculates NumPy's numbers. */
  ok: boolean;
  version: string;
  node: string;
  system: string;
  binary?: { file: string; kind: string; why: string };
  /** Of the loaded binary. */
  build?: BuildInfo;
  threads: { expected: number; why: string };
  memory: { machine: number; limit?: number; used?: number };
  /** Optional packages: their versions; null where one is not installed. */
  packages: Record<string, string | null>;
  /** The file of an MPI library; null where none is found. */
  mpi: string | null;
  selfTest?: readonly Trial[];
  seconds?: number;
  /** What is wrong, and what to do. */
  problems: string[];
  /** What is worth knowing, and no fault. */
  notes: string[];
}

interface Manifest {
  name?: string;
  version: string;
  peerDependencies?: Record<string, string>;
}

const manifestOf = (folder: string): Manifest => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));

/** All that can be told without loading the binary. @param fileSystem its root, for tests */
export function findings(fileSystem = '/'): Report {
  const { version, peerDependencies = {} } = manifestOf(packageRoot() ?? '.');
  const allowed = limits(fileSystem);
  const report: Report = {
    ok: false,
    version,
    node: runtime(),
    system: systemName(),
    threads: { expected: allowed.parallelism, why: whyThreads(allowed) },
    memory: { machine: totalmem(), limit: allowed.memory, used: allowed.memoryUsed },
    packages: {},
    mpi: mpiLibrary(fileSystem),
    problems: [],
    notes: [],
  };
  for (const [name, range] of Object.entries(peerDependencies)) {
    if (name === DARWIN_PACKAGE && process.platform !== 'darwin') continue;
    const found = installed(name);
    report.packages[name] = found ?? null;
    if (found && !fits(found, range)) report.notes.push(`${name} ${found} is installed, and ${range} is what works.`);
  }
  for (const name of ['FJORDNET_SIMD', 'OPENBLAS_CORETYPE'])
    if (process.env[name])
      report.notes.push(`The environment sets ${name}=${process.env[name]}, which may hold the processor back.`);
  try {
    const { file, kind } = findAddon();
    report.binary = { file, kind, why: WHY[kind] };
  } catch (error) {
    report.problems.push((error as Error).message);
  }
  return report;
}

const WHY = {
  named: 'the environment variable FJORDNET_NATIVE names it',
  source: 'built from source, which goes before the prebuilt binaries',
  prebuilt: 'prebuilt, for this platform',
} as const;

function runtime(): string {
  const { versions } = process;
  const others = ['bun', 'deno', 'electron'].flatMap((name) => (versions[name] ? `, ${name} ${versions[name]}` : []));
  return `${versions.node}${others.join('')}`;
}

function whyThreads({ processors, quota, parallelism }: Limits): string {
  if (quota !== undefined && parallelism < processors)
    return `the quota of the control group is ${Number(quota.toFixed(2))} processors of ${processors}`;
  const all = cpus().length;
  return processors < all
    ? `the process may run on ${processors} of the machine's ${all} processors`
    : 'one for each processor';
}

/** The version of an installed package, by where an import would find it. */
function installed(name: string): string | undefined {
  try {
    let folder = dirname(fileURLToPath(import.meta.resolve(name)));
    for (let above = dirname(folder); above !== folder; [folder, above] = [above, dirname(above)]) {
      if (!existsSync(join(folder, 'package.json'))) continue;
      const manifest = manifestOf(folder);
      if (manifest.name === name) return manifest.version;
    }
  } catch {
    return undefined;
  }
}

/** Whether a version is in a range such as ^1.2.3. */
function fits(version: string, range: string): boolean {
  const [a, b] = [version, range.replace('^', '')].map((text) =>
    text.split('.').map((part) => Number.parseInt(part, 10)),
  );
  const fixed = b.findIndex((n) => n > 0);
  if (a.slice(0, fixed + 1).some((n, i) => n !== b[i])) return false;
  const at = a.findIndex((n, i) => n !== b[i]);
  return at < 0 || a[at] > b[at];
}

/** As native/mpi/library.cc asks for them. */
const MPI =
  /^lib(mpi_abi\.so\.1|mpi\.so\.12|mpich\.so\.12|mpi_cray\.so\.12|mpi\.so\.40|mpi_abi\.1\.dylib|mpi(ch)?\.12\.dylib|mpi\.40\.dylib)$/;

/** The file of an MPI library in the folders of the system's loader, none of which is started. */
function mpiLibrary(root: string): string | null {
  const { FJORDNET_MPI, LD_LIBRARY_PATH, DYLD_LIBRARY_PATH } = process.env;
  if (FJORDNET_MPI) return FJORDNET_MPI;
  const configured = list(join(root, 'etc/ld.so.conf.d')).flatMap((name) => {
    const text = readFileSync(join(root, 'etc/ld.so.conf.d', name), 'utf8');
    return text.split('\n').filter((line) => line.startsWith('/'));
  });
  const named = `${LD_LIBRARY_PATH ?? ''}${delimiter}${DYLD_LIBRARY_PATH ?? ''}`
    .split(delimiter)
    .filter((path) => path);
  const usual = ['/usr/local/lib', '/usr/lib64', '/usr/lib', '/lib', '/opt/homebrew/lib'];
  for (const folder of [...named, ...[...configured, ...usual].map((path) => join(root, path.trim()))]) {
    const found = list(folder).find((name) => MPI.test(name));
    if (found) return join(folder, found);
  }
  return null;
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}
