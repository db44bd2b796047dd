// Saving to a folder that takes no file, to a file that may not be changed in one that does, and to both as they should be.
// Root may write everywhere, and so becomes nobody for this.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const child = fileURLToPath(new URL('../../build-test/helpers/children/saving.js', import.meta.url));
const NOBODY = 65534;
const user = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};

export async function round(i) {
  const [folderMode, fileMode] = [
    [0o555, 0o644],
    [0o755, 0o444],
    [0o755, 0o644],
  ][i % 3];
  const folder = mkdtempSync(join(tmpdir(), 'fjordnet-read-only-'));
  const path = join(folder, 'model');
  try {
    writeFileSync(path, 'old');
    chmodSync(path, fileMode);
    if (user.uid) for (const place of [path, folder]) chownSync(place, user.uid, user.gid);
    chmodSync(folder, folderMode);
    const error = JSON.parse(execFileSync(process.execPath, [child, 'once', path], { encoding: 'utf8', ...user }));
    const refused = { code: 'EACCES', message: `Cannot write '${path}': permission denied (EACCES)` };
    assert.deepEqual(error, i % 3 === 2 ? null : refused);
    assert.equal(readFileSync(path, 'utf8') === 'old', i % 3 !== 2);
    assert.deepEqual(readdirSync(folder), ['model']);
    assert.equal(statSync(path).mode & 0o777, fileMode);
  } finally {
    chmodSync(folder, 0o755);
    rmSync(folder, { recursive: true });
  }
}
