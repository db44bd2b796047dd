// node scripts/endurance.js [KIND ...] [--rounds N]    each kind, or those named, N times (10)
//
// A kind is a file of scripts/endurance-kinds/ that exports `round(i)`: one ending with all that must hold after it, which
// throws where it does not. Rounds differ by their number alone, so that a failed one can be run again.
import { readdirSync } from 'node:fs';
import { parseArgs } from 'node:util';

const folder = new URL('endurance-kinds/', import.meta.url);
const kinds = readdirSync(folder).map((file) => file.replace(/\.js$/, ''));
const { positionals, values } = parseArgs({ allowPositionals: true, options: { rounds: { type: 'string' } } });
const rounds = Number(values.rounds ?? 10);
if (!Number.isSafeInteger(rounds) || rounds < 1)
  throw new Error(`Expected --rounds to be a positive integer, got ${values.rounds}`);
for (const kind of positionals)
  if (!kinds.includes(kind)) throw new Error(`Expected KIND to be one of ${kinds.join(', ')}, got ${kind}`);

for (const kind of positionals.length > 0 ? positionals : kinds) {
  const { round } = await import(new URL(`${kind}.js`, folder));
  const start = performance.now();
  let failed = 0;
  for (let i = 0; i < rounds; i++) {
    try {
      await round(i);
    } catch (error) {
      failed++;
      console.error(`${kind}, round ${i}:`, error);
    }
  }
  console.log(`${kind}: ${rounds} rounds, ${failed} failed (${((performance.now() - start) / 1000).toFixed(1)} s)`);
  if (failed > 0) process.exitCode = 1;
}
