import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test from 'ava';

const script = fileURLToPath(new URL('../scripts/endurance.js', import.meta.url));
const folder = new URL('../scripts/endurance-kinds/', import.meta.url);

// Few rounds here; `scripts/endurance KIND --rounds 300` does more.
for (const file of readdirSync(folder)) {
  const kind = file.replace(/\.js$/, '');
  test(`endurance: ${kind}`, async (t) => {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [script, kind, '--rounds', '6']);
    t.regex(stdout, new RegExp(`^${kind}: 6 rounds, 0 failed`));
    t.is(stderr, '');
  });
}
