import { statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { interpreter } from './elf.js';

export type Libc = 'glibc' | 'musl';

/** What decides which of the package's binaries fits. */
export interface System {
  /** As process.platform and process.arch name them. */
  readonly platform: string;
  readonly arch: string;
  /** Of Linux. Default: glibc */
  readonly libc?: Libc;
  /** The package's folder. */
  readonly root: string;
}

/** Where the binary for a system lies in the package, if there is one. */
export function prebuiltPath({ platform, arch, libc = 'glibc', root }: System): string {
  const name = platform === 'linux' ? `fjordnet.${libc}.node` : 'fjordnet.node';
  return join(root, 'prebuilds', `${platform}-${arch}`, name);
}

/** The package's binary for a system; undefined where there is none. Those for macOS: lib/darwin.ts */
export function prebuiltFile(system: System): string | undefined {
  const file = prebuiltPath(system);
  return exists(file) ? file : undefined;
}

/** Whether there is such a file, be it unreadable. @throws Error of Node.js' permissions, with code ERR_ACCESS_DENIED */
export function exists(file: string): boolean {
  try {
    return statSync(file, { throwIfNoEntry: false }) !== undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_ACCESS_DENIED') throw error;
    return true;
  }
}

let known: Libc | undefined;

/**
 * The C library of this process; undefined on other systems than Linux. The loader that Node.js' own binary names tells it,
 * in 0.1 ms; process.report, which takes 15 ms, where that binary may not be read.
 */
export function libc(): Libc | undefined {
  if (process.platform !== 'linux') return undefined;
  known ??= libcOf(process.execPath) ?? (glibcVersion() === '' ? 'musl' : 'glibc');
  return known;
}

/** The C library that a program was linked with; undefined where its loader tells nothing. */
export function libcOf(program: string): Libc | undefined {
  try {
    const loader = basename(interpreter(program) ?? '');
    return loader.startsWith('ld-musl') ? 'musl' : /^ld(-linux|64)?[-.\w]*\.so/.test(loader) ? 'glibc' : undefined;
  } catch {
    return undefined;
  }
}

/** The version of glibc; '' where the C library is another, undefined where the runtime does not say. */
export function glibcVersion(): string | undefined {
  const { report } = process as { report?: NodeJS.ProcessReport & { excludeNetwork?: boolean } };
  if (process.platform !== 'linux' || !report?.getReport) return undefined;
  const before = report.excludeNetwork;
  report.excludeNetwork = true; // it would look up the names of open connections, for seconds
  try {
    const { header } = report.getReport() as { header?: { glibcVersionRuntime?: string } };
    return header && (header.glibcVersionRuntime ?? '');
  } finally {
    report.excludeNetwork = before;
  }
}
