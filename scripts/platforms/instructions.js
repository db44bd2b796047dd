// The kernels are compiled once more for AVX2 and for AVX-512, each in a source of its own. A function of a header that is
// not inlined there, such as one of the standard library, is a weak symbol, of which the linker keeps one copy for all: if
// it has instructions of AVX, older processors stop at it. (Headers are read ahead of the change of target, which is what
// keeps them out.)
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

const run = (command, ...args) =>
  execFileSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 30, env: { ...process.env, LC_ALL: 'C' } });

/** VEX and EVEX, and BMI: what AVX2 and AVX-512 bring, beside their registers. */
const NEW = /^\s+[\da-f]+:\s+(v[a-z\d]+|mulx|rorx|sarx|shlx|shrx|andn|bzhi|pdep|pext|bextr)\b/;

/** The functions of an object for x64 that every object may share, and that run on newer processors alone. */
export function sharedNewFunctions(object) {
  const symbols = run('nm', '--defined-only', object)
    .split('\n')
    .map((line) => line.split(' '));
  const weak = new Set(symbols.filter(([, kind]) => /^[WVu]$/.test(kind)).map(([, , name]) => name));
  const found = new Set();
  let inside = '';
  for (const line of run('objdump', '-d', '--no-show-raw-insn', object).split('\n')) {
    const [, name] = /^[\da-f]+ <(.+)>:$/.exec(line) ?? [];
    if (name) inside = name;
    else if (weak.has(inside) && NEW.test(line)) found.add(inside);
  }
  return [...found];
}

/** What is wrong with the objects in a folder, one line each. */
export function checkObjects(folder) {
  return readdirSync(folder)
    .filter((name) => /_avx\d+\.o$/.test(name))
    .flatMap((name) =>
      sharedNewFunctions(join(folder, name)).map((symbol) => `${name} has AVX instructions in the shared ${symbol}`),
    );
}
