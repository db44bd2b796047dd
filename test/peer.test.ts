// The line that installs an optional package is one for the package manager and the place that need it.
import { execFileSync } from 'node:child_process';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { InstalledProject } from './helpers/installed.js';

const project = new InstalledProject();
test.after.always(() => project.remove());

const PROGRAM = `
import { heatmap } from 'fjordnet/plots';
await heatmap([[1, 2]]).svg().catch(({ message }) => console.log(message));`;

/** The error of a plot drawn by a program in `folder`, without vega. */
function message(folder: string, env: Record<string, string> = {}): string {
  mkdirSync(folder, { recursive: true });
  const program = join(folder, 'plot.mjs');
  writeFileSync(program, PROGRAM);
  const { npm_config_user_agent: _, ...inherited } = process.env;
  const options = { cwd: folder, encoding: 'utf8' as const, env: { ...inherited, ...env } };
  return execFileSync(process.execPath, [program], options).trimEnd();
}

const expected = (line: string) => `Expected the package vega to be installed: ${line}`;

for (const [file, command] of Object.entries({
  'package-lock.json': 'npm install',
  'pnpm-lock.yaml': 'pnpm add',
  'yarn.lock': 'yarn add',
  'bun.lock': 'bun add',
  'bun.lockb': 'bun add',
}))
  test.serial(`${file} of the project or above it: ${command}`, (t) => {
    const folder = project.path(command.replace(' ', '-'), 'packages', 'plots');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, '..', '..', file), '');
    t.is(message(folder, { npm_config_user_agent: 'npm/11.0.0 node/v24' }), expected(`${command} vega vega-lite`));
  });

test.serial('without a lockfile: who runs it, else npm', (t) => {
  const folder = project.path('none');
  t.is(message(folder), expected('npm install vega vega-lite'));
  for (const name of ['pnpm', 'yarn', 'bun'])
    t.is(
      message(folder, { npm_config_user_agent: `${name}/4.1.0 npm/? node/v24` }),
      expected(`${name} add vega vega-lite`),
    );
});

test.serial('installed by npx, and for all users', (t) => {
  const moved = (...names: string[]) => {
    const modules = project.path(...names, 'node_modules');
    mkdirSync(join(modules, '..'), { recursive: true });
    renameSync(project.path('node_modules'), modules);
    try {
      return message(join(modules, '..'));
    } finally {
      renameSync(modules, project.path('node_modules'));
    }
  };
  t.is(moved('.npm', '_npx', 'abc'), expected('npx -p fjordnet -p vega -p vega-lite fjordnet'));
  t.is(moved('prefix', 'lib'), expected('npm install -g vega vega-lite'));
});
