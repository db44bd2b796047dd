// Where the files of a release come from: an in-toto statement with SLSA's provenance as predicate, not signed.
// https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md, https://slsa.dev/spec/v1.0/provenance
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { openblasOf, openblasUrl, sha256 } from './bill-of-materials.js';
import { binariesOf } from './platforms/index.js';
import { root } from './platforms/root.js';

const said = (command, ...args) => execFileSync(command, args, { cwd: root, encoding: 'utf8' }).trim();

export const commit = () => said('git', 'rev-parse', 'HEAD');
export const commitDate = () =>
  new Date(Number(said('git', 'show', '-s', '--format=%ct', 'HEAD')) * 1000).toISOString();

/** The compilers that left their names in a binary; none where these were stripped with the rest. */
export function compilersOf(file) {
  const names = readFileSync(file, 'latin1').match(/GCC: \([^()]+\) [\d.]+|clang version [\d.]+[^\0\n]*/g);
  return [...new Set(names)];
}

/** The system as /etc/os-release names it. */
function system() {
  try {
    return /^PRETTY_NAME="?(.+?)"?$/m.exec(readFileSync('/etc/os-release', 'utf8'))[1];
  } catch {
    return `${process.platform} ${release()}`;
  }
}

/**
 * The statement of a release.
 *
 * @param files of the release besides the binaries, by name, such as its tarball
 * @param started, finished when it was built
 */
export function provenance({ platforms, files, started, finished }) {
  const { repository } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const address = repository.url.replace(/\.git$/, '');
  const binaries = platforms.flatMap((platform) =>
    binariesOf(platform).map((file) => ({ file, name: file.slice(root.length + 1), platform })),
  );
  const versions = [...new Set(binaries.map(({ file }) => openblasOf(file)))].filter((version) => version);
  const named = ([name, file]) => ({ name, digest: { sha256: sha256(file) } });
  return {
    _type: 'https://in-toto.io/Statement/v1',
    subject: [...Object.entries(files), ...binaries.map(({ name, file }) => [name, file])].map(named),
    predicateType: 'https://slsa.dev/provenance/v1',
    predicate: {
      buildDefinition: {
        buildType: `${address.replace(/^git\+/, '')}/blob/${commit()}/scripts/release.js`,
        externalParameters: { commands: ['scripts/setup --release', 'npm run release'] },
        internalParameters: {
          compilers: Object.fromEntries(
            binaries.map(({ name, file, platform }) => [name, platform.compilers?.() ?? compilersOf(file)]),
          ),
        },
        resolvedDependencies: [
          { uri: address, digest: { gitCommit: commit() } },
          { uri: 'package-lock.json', digest: { sha256: sha256(join(root, 'package-lock.json')) } },
          ...versions.map((version) => ({ uri: openblasUrl(version) })),
        ],
      },
      runDetails: {
        builder: {
          id: process.env.GITHUB_ACTIONS ? 'https://github.com/actions/runner' : `${address}#scripts/release.js`,
          version: { system: system(), node: process.versions.node, npm: said('npm', '--version') },
        },
        metadata: {
          ...(process.env.GITHUB_RUN_ID && {
            invocationId: `${address.replace(/^git\+/, '')}/actions/runs/${process.env.GITHUB_RUN_ID}`,
          }),
          startedOn: started.toISOString(),
          finishedOn: finished.toISOString(),
        },
      },
    },
  };
}
