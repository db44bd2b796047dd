// Saving to a folder that takes no file, to a file that may not be changed in one that does, and to both as they should be.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { unprivileged } from '../../build-test/helpers/unprivileged.js';

const child = fileURLToPath(new URL('../../build-test/helpers/children/saving.js', import.meta.url));

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
    chmodSync(folder, folderMode);
    const [file, ...args] = [...unprivileged, process.execPath, child, 'once', path];
    const error = JSON.parse(execFileSync(file, args, { encoding: 'utf8' }));
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
