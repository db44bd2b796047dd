// The package of the binaries for macOS: most users have no use for them, and beside the others they would be too much.
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DARWIN_PACKAGE } from './darwin.js';
import { root } from './root.js';

const COPIED = ['LICENSE', 'NOTICE', 'THIRD_PARTY_NOTICES'];

const README = `# fjordnet-darwin

The binaries of [fjordnet](https://www.npmjs.com/package/fjordnet) for macOS 11 and later, on Apple silicon and Intel, of the same
version. They were cross-built on Linux, and **not run by us**: nothing loads them before \`npx fjordnet try-darwin\` has found that one
works on your Mac, or \`FJORDNET_TRY_DARWIN=1\` asks for it.

They contain LLVM's libc++ and libc++abi (Apache-2.0 WITH LLVM-exception) and compiled headers of node-addon-api (MIT). OpenBLAS is not
in them: matrix products are Accelerate's.
`;

/** Writes all of it but the binaries, which `npm run prebuild darwin` places. @param folder from which it is packed */
export function writeDarwinPackage(folder = join(root, DARWIN_PACKAGE)) {
  const { version, license, author, homepage, repository, bugs, engines } = JSON.parse(
    readFileSync(join(root, 'package.json'), 'utf8'),
  );
  const manifest = {
    name: DARWIN_PACKAGE,
    version,
    description: "fjordnet's binaries for macOS, built and not run",
    ...{ license, author, homepage, repository, bugs, engines },
    os: ['darwin'],
    files: ['prebuilds/*/fjordnet.node', 'prebuilds/*/mpi/fjordnet_mpi.node', ...COPIED],
  };
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  writeFileSync(join(folder, 'README.md'), README);
  for (const name of COPIED) copyFileSync(join(root, name), join(folder, name));
}
