// What npm run release leaves in release/: the tarball, a bill of materials, where all comes from, and checksums.
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { billOfMaterials, sha256 } from './bill-of-materials.js';
import { binariesOf } from './platforms/index.js';
import { root } from './platforms/root.js';
import { commitDate, provenance } from './provenance.js';

/**
 * Writes the files of a release into `folder`, anew, and gives their names.
 *
 * @param tarball of npm pack
 * @param started when the build began
 */
export function writeReleaseFiles({ platforms, tarball, started, folder = join(root, 'release') }) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const name = basename(tarball, '.tgz');
  cpSync(tarball, join(folder, `${name}.tgz`));
  const write = (file, text) => writeFileSync(join(folder, file), text);
  const json = (value) => `${JSON.stringify(value, null, 2)}\n`;

  const bill = `${name}.cdx.json`;
  write(bill, json(billOfMaterials({ platforms, tarball, date: commitDate() })));
  const files = Object.fromEntries([`${name}.tgz`, bill].map((file) => [file, join(folder, file)]));
  const statement = `${name}.provenance.json`;
  write(statement, json(provenance({ platforms, files, started, finished: new Date() })));

  // the binaries as they lie where the tarball was unpacked: sha256sum --check checks them there
  const sums = [
    ...[`${name}.tgz`, bill, statement].map((file) => [join(folder, file), file]),
    ...platforms.flatMap(binariesOf).map((file) => [file, `package/${file.slice(root.length + 1)}`]),
  ].map(([file, listed]) => `${sha256(file)}  ${listed}\n`);
  write('SHASUMS256.txt', sums.join(''));
  return [`${name}.tgz`, bill, statement, 'SHASUMS256.txt'];
}
