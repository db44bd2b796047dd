// npm run prebuild: the binaries that are published, in prebuilds/ (scripts/platforms/), and deps/ with the headers and the
// binding.gyp that a source build of the published package needs.
//   node scripts/prebuild.js [PART...]      those whose names have PART in them, such as linux-x64-glibc, arm64 or win32,
//                                           or all; without one, this machine's. What is of these sources is left alone.
import { mkdirSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { binariesOf, folderOf, isFresh, noteSources, platformsOf, sourcesHash } from './platforms/index.js';

const { copyDeps } = createRequire(import.meta.url)('./headers.cjs');

if (process.platform !== 'linux') {
  console.log('The binaries that are published are made on Linux.');
  process.exit();
}
copyDeps();
for (const platform of platformsOf(process.argv.length > 2 ? process.argv.slice(2) : [`linux-${process.arch}-glibc`])) {
  if (isFresh(platform)) continue;
  const sources = sourcesHash(platform);
  const folder = folderOf(platform);
  mkdirSync(folder, { recursive: true });
  await platform.build(folder);
  for (const file of binariesOf(platform)) {
    const problems = platform.check(file);
    if (problems.length > 0) {
      rmSync(file);
      throw new Error(`${file} cannot be published:\n  ${problems.join('\n  ')}`);
    }
    console.log(`${file}: ${(statSync(file).size / 1e6).toFixed(1)} MB`);
  }
  noteSources(platform, sources);
}
