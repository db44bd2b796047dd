// Programs that are compiled with `declaration: true`: what they export must have a name that the package exports (TS2742).
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import * as fjordnet from '../dist/index.js';
import * as plots from '../dist/plots/index.js';
import { InstalledProject, root } from './helpers/installed.js';

const project = new InstalledProject();
test.after.always(() => project.remove());

const isClass = (value: unknown) => /^class\b/.test(Function.prototype.toString.call(value));

/** A program that exports what each function, and each function of a vocabulary such as `layers`, returns. */
function program(): string {
  const calls = Object.entries({ ...fjordnet, ...plots }).flatMap(([name, value]) => {
    const from = name in fjordnet ? 'fjordnet' : 'plots';
    if (typeof value === 'function') return isClass(value) ? [] : [`${from}.${name}`];
    if (name === 'kernels') return [];
    const members = Object.entries(value as object).filter(([, member]) => typeof member === 'function');
    return members.map(([member]) => `${from}.${name}.${member}`);
  });
  return [
    "import * as fjordnet from 'fjordnet';",
    "import * as plots from 'fjordnet/plots';",
    ...calls.map((call, i) => `export const of${i} = (...given: Parameters<typeof ${call}>) => ${call}(...given);`),
    'const { input, layers, model, sequential } = fjordnet;',
    'export const dense = layers.dense({ units: 2 });',
    'export const network = sequential({ layers: [dense] });',
    'export const x = input({ shape: [3] });',
    "export const y = layers.dense({ units: 2, name: 'y' }).apply(x);",
    'export const graph = model({ inputs: x, outputs: [y, y] });',
    'export const states = layers.lstm({ units: 3, returnState: true }).apply(input({ shape: [4, 3] }));',
    'export const pipe = new fjordnet.Pipeline([["scale", new fjordnet.StandardScaler()], ["network", network]]);',
    'export const precision = fjordnet.metrics.precision();',
  ].join('\n');
}

test('the declarations of a program name what it exports', (t) => {
  writeFileSync(project.path('program.ts'), program());
  const compilerOptions = {
    strict: true,
    declaration: true,
    emitDeclarationOnly: true,
    outDir: 'declared',
    target: 'ES2022',
    module: 'NodeNext',
    types: ['node'],
    typeRoots: [join(root, 'node_modules', '@types')],
  };
  writeFileSync(project.path('package.json'), '{ "type": "module" }');
  writeFileSync(project.path('tsconfig.json'), JSON.stringify({ compilerOptions, files: ['program.ts'] }));
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const { status, stdout } = spawnSync(process.execPath, [tsc, '-p', project.folder], { encoding: 'utf8' });
  t.is(status, 0, stdout);
  const declared = readFileSync(project.path('declared', 'program.d.ts'), 'utf8');
  t.regex(declared, / dense: fjordnet\.Dense &/);
  t.notRegex(declared, /fjordnet\/dist/);
});
