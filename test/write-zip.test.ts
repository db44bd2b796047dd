// ZIP and NPZ files that are written: read back here, by fflate, and by Python where there is one.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { unzipSync } from 'fflate';
import { NDArray, readNpz } from 'fjordnet';
import { formatNpz } from '../dist/io/write-npy.js';
import { formatZip } from '../dist/io/write-zip.js';

const home = mkdtempSync(join(tmpdir(), 'fjordnet-zip-'));
test.after.always(() => rmSync(home, { recursive: true }));

test('what is written is what fflate and Python read', (t) => {
  const text = Buffer.from('größer als nichts');
  const bytes = Buffer.concat(
    formatZip([
      ['config.json', [Buffer.from('{}')]],
      ['größe/parts.bin', [text.subarray(0, 5), text.subarray(5)]],
      ['empty', []],
    ]),
  );
  t.deepEqual(
    Object.entries(unzipSync(bytes)).map(([name, content]) => [name, Buffer.from(content).toString()]),
    [
      ['config.json', '{}'],
      ['größe/parts.bin', String(text)],
      ['empty', ''],
    ],
  );
  const path = join(home, 'a.zip');
  writeFileSync(path, bytes);
  let python: string;
  try {
    const script = 'import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); print(z.testzip(), len(z.namelist()))';
    python = execFileSync('python3', ['-c', script, path], { encoding: 'utf8' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return t.log('no Python here');
  }
  t.is(python.trim(), 'None 3');
});

test('the same files give the same bytes, and nothing beyond 4 GiB is begun', (t) => {
  const files = [['a', [Buffer.from('b')]]] as const;
  t.deepEqual(formatZip(files), formatZip(files));
  const huge = { length: 2 ** 32 } as Uint8Array;
  t.throws(() => formatZip([['a', [huge]]]), {
    message: /^Expected at most 4 GiB, which is what ZIP files hold/,
  });
});

test('NPZ', async (t) => {
  const path = join(home, 'a.npz');
  const a = NDArray.from(Float64Array.of(1, 2, 3)).reshape(3, 1);
  writeFileSync(path, Buffer.concat(formatNpz({ a, b: NDArray.from(Int32Array.of(7)) })));
  const read = await readNpz(path);
  t.deepEqual([...read.keys()], ['a', 'b']);
  t.deepEqual(read.get('a'), a);
});

test('200,000 texts in an NPZ file have the width of the longest', (t) => {
  const names = Array.from({ length: 200_000 }, (_, i) => `${i}`);
  const bytes = Buffer.concat(formatNpz({ names }));
  t.true(bytes.includes("{'descr': '<U6', 'fortran_order': False, 'shape': (200000,), }"));
  t.true(bytes.length > 4 * 6 * 200_000);
});
