import { execFileSync, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { unshare } from './unshare.js';

export const root = fileURLToPath(new URL('../../', import.meta.url));

/** npm's own script, so that it can be run without a PATH. */
export const npm = process.env
  .PATH!.split(delimiter)
  .map((folder) => join(folder, 'npm'))
  .flatMap((file) => {
    try {
      return [realpathSync(file)];
    } catch {
      return [];
    }
  })[0];

export interface Ran {
  status: number | null;
  stdout: string;
  stderr: string;
}

/** A folder that a test may fill, and an environment with nothing in it: a PATH with node alone, and an empty home. */
export class Sandbox {
  readonly folder = mkdtempSync(join(realpathSync(tmpdir()), 'fjordnet-package-'));
  readonly env: Record<string, string>;
  /** The same with a compiler, and no registry. */
  readonly toolchain: Record<string, string | undefined>;

  constructor() {
    const bin = this.path('bin');
    mkdirSync(bin);
    symlinkSync(process.execPath, join(bin, 'node'));
    mkdirSync(this.path('home'));
    this.env = { PATH: bin, HOME: this.path('home') };
    const { PATH, LANG, CCACHE_DIR, CCACHE_IGNOREOPTIONS } = process.env;
    this.toolchain = { ...this.env, PATH, LANG, CCACHE_DIR, CCACHE_IGNOREOPTIONS, npm_config_offline: 'true' };
  }

  path(...names: string[]): string {
    return join(this.folder, ...names);
  }

  run(command: string, args: string[], options: { cwd?: string; env?: Record<string, string | undefined> } = {}): Ran {
    return spawnSync(command, args, { cwd: this.folder, encoding: 'utf8', env: this.env, ...options });
  }

  node(args: string[], options: { cwd?: string; env?: Record<string, string | undefined> } = {}): Ran {
    return this.run(process.execPath, args, options);
  }

  /** The tarball of a package, by default of this one, as `npm pack` makes it. */
  pack(from = root): string {
    const output = execFileSync(process.execPath, [npm, 'pack', from, '--json', '--loglevel=error'], {
      cwd: this.folder,
      encoding: 'utf8',
    });
    return this.path(JSON.parse(output.slice(output.indexOf('[')))[0].filename);
  }

  /** A project with the programs of test/fixtures/app in it, and no packages. */
  project(name: string, manifest: object = {}): string {
    const folder = this.path(name);
    cpSync(join(root, 'test', 'fixtures', 'app'), folder, { recursive: true });
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ name, private: true, ...manifest }));
    return folder;
  }

  /** Installs the tarball as a user would, without the registry. */
  install(tarball: string, cwd: string, ...options: string[]): Ran {
    return this.node([npm, 'install', tarball, '--offline', '--no-audit', '--no-fund', ...options], { cwd });
  }

  /** Runs a command where the system's OpenBLAS is hidden, in a mount namespace of its own. */
  withoutOpenblas(command: string[], options: { cwd: string; env?: Record<string, string | undefined> }): Ran {
    const hide = 'for folder in /usr/lib/*/openblas-*; do mount -t tmpfs none "$folder" || exit 99; done; exec "$@"';
    return this.run(unshare[0], [...unshare.slice(1), '--mount', '/bin/sh', '-c', hide, 'sh', ...command], {
      ...options,
      env: { ...(options.env ?? this.env), PATH: `${(options.env ?? this.env).PATH}:/usr/bin:/bin` },
    });
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Bytes of all files under a folder. */
export function bytesOf(folder: string): number {
  const du = execFileSync('du', ['-s', '--apparent-size', '-B1', folder], { encoding: 'utf8' });
  return Number(du.split('\t')[0]);
}

/** Processor time of all processes that this one has started and that have ended, but for the system's: cutime of proc(5), in seconds. */
export function childSeconds(): number {
  const fields = readFileSync('/proc/self/stat', 'utf8').split(') ').at(-1)!.split(' ');
  return Number(fields[13]) / 100;
}

/** What a program of test/fixtures/app printed. */
export function result({ status, stdout, stderr }: Ran) {
  if (status !== 0) throw new Error(`exit code ${status}\n${stdout}\n${stderr}`);
  return JSON.parse(stdout);
}

interface Platform {
  name: string;
  check(file: string): string[];
}

/** The published binaries of a platform of scripts/platforms: the addon, and that of MPI. @throws Error where there is none, or one of other sources. */
export async function published(name: string): Promise<{ platform: Platform; files: string[] }> {
  const script = join(root, 'scripts', 'platforms', 'index.js');
  const { binariesOf, isFresh, platforms } = await import(script);
  const platform = platforms.find((one: Platform) => one.name === name);
  if (!isFresh(platform)) throw new Error(`Expected prebuilds/ to hold ${name} of these sources: npm run prebuild`);
  return { platform, files: binariesOf(platform) };
}

/** The published addon for glibc and an architecture. @throws as `published` */
export const prebuilt = async (arch: string): Promise<string> => (await published(`linux-${arch}-glibc`)).files[0];

/** A binary of test/runtimes, such as node-22. @throws Error where it is not installed. */
export function runtime(name: string): string {
  const file = join(root, 'test', 'runtimes', 'node_modules', name, 'bin', 'node');
  if (!existsSync(file)) throw new Error(`Expected ${name} in test/runtimes: scripts/setup --test`);
  return file;
}
