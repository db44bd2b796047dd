import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

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

  constructor() {
    const bin = this.path('bin');
    mkdirSync(bin);
    symlinkSync(process.execPath, join(bin, 'node'));
    mkdirSync(this.path('home'));
    this.env = { PATH: bin, HOME: this.path('home') };
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

  /** The tarballs of this package, as `npm pack` makes it, and of its one dependency. */
  pack(): { fjordnet: string; nodeGypBuild: string } {
    const pack = (folder: string) => {
      const output = execFileSync(process.execPath, [npm, 'pack', folder, '--json', '--loglevel=error'], {
        cwd: this.folder,
        encoding: 'utf8',
      });
      return this.path(JSON.parse(output.slice(output.indexOf('[')))[0].filename);
    };
    return { fjordnet: pack(root), nodeGypBuild: pack(join(root, 'node_modules', 'node-gyp-build')) };
  }

  /** A project with the programs of test/fixtures/app in it, and no packages. */
  project(name: string, manifest: object = {}): string {
    const folder = this.path(name);
    cpSync(join(root, 'test', 'fixtures', 'app'), folder, { recursive: true });
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ name, private: true, ...manifest }));
    return folder;
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

/** The newest change under a folder, in milliseconds. */
export function newest(folder: string, time: (file: string) => number): number {
  return Math.max(
    ...readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => time(join(entry.parentPath, entry.name))),
  );
}
