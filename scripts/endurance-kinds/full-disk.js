// Saving to a disk that is full, with another number of bytes left each round: the old files are whole, nothing else is
// left, and saving works again when there is room. The disk is a small tmpfs of its own, where the system lets us mount
// one; else the process may write files up to a size only.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { unshare } from '../../build-test/helpers/unshare.js';

const child = fileURLToPath(new URL('../../build-test/helpers/children/saving.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'fjordnet-disk-'));
process.on('exit', () => rmSync(folder, { recursive: true }));

const mount = [...unshare, '--mount', 'sh', '-c', `mount -t tmpfs -o size=1m tmpfs '${folder}' && exec "$0" "$@"`];
const run = (command, ...args) =>
  execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });

let mounts = true;
try {
  run(...mount, 'true');
} catch {
  mounts = false;
}

export async function round(i) {
  const free = String((i * 7919) % 150_000);
  if (mounts) {
    const { big, drawn, logged, ...holds } = JSON.parse(run(...mount, process.execPath, child, 'full', folder, free));
    assert.deepEqual([big.code, drawn.code, logged.code], ['ENOSPC', 'ENOSPC', 'ENOSPC']);
    for (const [what, value] of Object.entries(holds)) assert.equal(value, true, `${what}, ${free} bytes left`);
  } else {
    // Blocks of 512 bytes. The signal that comes with the limit would end the process.
    const limit = `trap '' XFSZ; ulimit -f ${1 + (i % 12)}; exec "$0" "$@"`;
    const path = join(folder, 'model');
    const error = JSON.parse(run('sh', '-c', limit, process.execPath, child, 'once', path));
    assert.equal(error?.code, 'EFBIG');
    assert.equal(error.message, `Cannot write '${path}': file too large (EFBIG)`);
  }
}
