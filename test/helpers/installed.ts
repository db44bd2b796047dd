import { cpSync, existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { libc, prebuiltPath } from '../../dist/prebuilt.js';

export const root = fileURLToPath(new URL('../../', import.meta.url));

/** A project with this package in its node_modules, copied as it is built here: the binary lies where prebuilt ones do. */
export class InstalledProject {
  readonly folder = mkdtempSync(join(realpathSync(tmpdir()), 'fjordnet-installed-'));
  readonly package = this.path('node_modules', 'fjordnet');
  readonly binary: string;

  constructor() {
    const { platform, arch } = process;
    this.binary = prebuiltPath({ platform, arch, libc: libc(), root: this.package });
    mkdirSync(dirname(this.binary), { recursive: true });
    for (const name of ['dist', 'data', 'scripts/examples', 'package.json'])
      cpSync(join(root, name), join(this.package, name), { recursive: true });
    this.restore();
  }

  path(...names: string[]): string {
    return join(this.folder, ...names);
  }

  /** Makes the binary whole. */
  restore(): void {
    const built = process.env.FJORDNET_NATIVE ?? join(root, 'build', 'Release', 'fjordnet.node');
    if (existsSync(built)) cpSync(built, this.binary);
    const mpi = join(dirname(built), 'mpi');
    if (existsSync(mpi)) cpSync(mpi, join(dirname(this.binary), 'mpi'), { recursive: true });
  }

  /** Makes a package of this checkout one of the project's. */
  link(name: string): void {
    const [from, to] = [root, this.folder].map((folder) => join(folder, 'node_modules', name));
    mkdirSync(dirname(to), { recursive: true });
    try {
      symlinkSync(from, to, 'junction');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOTSUP') throw error; // Wine has no links to folders
      cpSync(from, to, { recursive: true });
    }
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
