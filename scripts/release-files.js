// What npm run release leaves in release/: the tarballs, a bill of materials of each, where all comes from, and checksums.
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { billOfMaterials, sha256 } from './bill-of-materials.js';
import { binariesOf, packageOf } from './platforms/index.js';
import { root } from './platforms/root.js';
import { commitDate, provenance } from './provenance.js';

/**
 * Writes the files of a release into `folder`, anew, and gives their names.
 *
 * @param tarballs of npm pack, by the package's name, fjordnet's first
 * @param started when the build began
 */
export function writeReleaseFiles({ platforms, tarballs, started, folder = join(root, 'release') }) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const write = (file, text) => writeFileSync(join(folder, file), text);
  const json = (value) => `${JSON.stringify(value, null, 2)}\n`;

  const names = Object.entries(tarballs).flatMap(([name, tarball]) => {
    const [packed, bill] = ['tgz', 'cdx.json'].map((end) => `${basename(tarball, '.tgz')}.${end}`);
    cpSync(tarball, join(folder, packed));
    const held = platforms.filter((platform) => packageOf(platform) === name);
    write(bill, json(billOfMaterials({ name, platforms: held, tarball, date: commitDate() })));
    return [packed, bill];
  });
  const files = Object.fromEntries(names.map((file) => [file, join(folder, file)]));
  const statement = `${basename(tarballs.fjordnet, '.tgz')}.provenance.json`;
  write(statement, json(provenance({ platforms, files, started, finished: new Date() })));
  names.push(statement);

  // the binaries as they lie where the tarballs were unpacked: sha256sum --check checks them there
  const sums = [
    ...names.map((file) => [join(folder, file), file]),
    ...platforms.flatMap((platform) =>
      binariesOf(platform).map((file, place) => [file, `package/prebuilds/${platform.files[place]}`]),
    ),
  ].map(([file, listed]) => `${sha256(file)}  ${listed}\n`);
  write('SHASUMS256.txt', sums.join(''));
  return [...names, 'SHASUMS256.txt'];
}
