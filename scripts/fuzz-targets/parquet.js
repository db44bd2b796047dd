// Parquet files: whole ones, whose values are known, and such as were damaged in their bytes: those that hyparquet-writer writes, and
// pyarrow's of other types, encodings and compressions.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as zlib from 'node:zlib';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { readParquet } from '../../dist/io/parquet.js';
import { attempt, damaged, writeWord } from '../fuzz-bytes.js';

export const name = 'parquet';

const folder = new URL('../../test/fixtures/parquet/', import.meta.url);
// fzstd, without which Node.js before 22.15 reads no Zstandard, is stopped after seconds on some damaged bytes
const left = zlib.zstdDecompressSync ? [] : ['zstd.parquet', 'v2.parquet'];
const fixtures = readdirSync(folder)
  .filter((file) => file.endsWith('.parquet') && !left.includes(file))
  .map((file) => readFileSync(new URL(file, folder)));

const KINDS = {
  DOUBLE: (random) => random.pick([0, 1.5, 1e300, -2, 3]),
  FLOAT: (random) => random.pick([0, 1.5, -2, 0.25]),
  INT32: (random) => random.integer(-(2 ** 31), 2 ** 31 - 1),
  INT64: (random) => BigInt(random.integer(-(2 ** 53) + 1, 2 ** 53 - 1)),
  BOOLEAN: (random) => random.chance(0.5),
  STRING: (random) => random.pick(['a', 'b', 'père', '', 'x'.repeat(300), '漢']),
  TIMESTAMP: (random) => new Date(random.integer(-1e12, 1e12)),
};

/** A file of some columns, and what it holds. */
function written(random) {
  const n = random.integer(1, random.chance(0.2) ? 400 : 20);
  const columnData = Array.from({ length: random.integer(1, 4) }, (_, k) => {
    const type = random.pick(Object.keys(KINDS));
    const missing = random.pick([0, 0.2, 1]);
    const data = Array.from({ length: n }, () => (random.chance(missing) ? null : KINDS[type](random)));
    return { name: `c${k}`, type, data, nullable: true };
  });
  const options = { rowGroupSize: random.integer(1, 500), pageSize: random.pick([40, 1000, 2 ** 20]) };
  const codec = random.pick(['UNCOMPRESSED', 'UNCOMPRESSED', 'SNAPPY']);
  return { columnData, bytes: Buffer.from(parquetWriteBuffer({ columnData, codec, ...options })) };
}

const plain = (value) => (typeof value === 'bigint' ? Number(value) : value instanceof Date ? value.getTime() : value);
const isSame = (a, b) => a.length === b.length && a.every((value, i) => Object.is(plain(value), plain(b[i])));

export async function run(random, count, report) {
  const home = mkdtempSync(join(tmpdir(), 'fjordnet-fuzz-parquet-'));
  const path = join(home, 'x.parquet');
  try {
    for (let i = 0; i < count; i++) {
      const { columnData, bytes: own } = written(random);
      const isWhole = random.chance(0.2);
      let bytes = random.chance(0.5) || isWhole ? own : random.pick(fixtures);
      if (!isWhole) bytes = random.chance(0.7) ? damaged(random, bytes) : atEdge(random, bytes);
      writeFileSync(path, bytes);
      const read = await attempt(report, bytes, () => readParquet(path), 400);
      if (isWhole)
        for (const [k, { data, type }] of columnData.entries())
          if (!read || !isSame(read.columns[k], data))
            report(`other values of ${type}: ${data} became ${read?.columns[k]}`);
      for (const column of read?.columns ?? [])
        if (column.length !== read.n) report(`${column.length} of ${read.n} rows`);
    }
  } finally {
    rmSync(home, { recursive: true });
  }
}

/** A copy in which a size is another. */
function atEdge(random, bytes) {
  const out = Buffer.from(bytes);
  for (let left = random.integer(1, 3); left > 0; left--) {
    const at = random.integer(0, out.length - 1);
    if (random.chance(0.5)) writeWord(random, out, at);
    else out[at] = random.pick([0, 1, 0x7f, 0x80, 0xff]);
  }
  return out;
}
