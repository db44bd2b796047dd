// Every block of the README and of docs/ does what it says. The js blocks of a page are one program, in the order of the page,
// and print what stands after `// =>`; a picture that they save is the page's; each ts block compiles; each line of a sh block is
// run, or what it names exists.
import { execFile, spawnSync } from 'node:child_process';
import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test from 'ava';
import {
  activations,
  callbacks,
  constraints,
  initializers,
  layers,
  losses,
  metrics,
  ops,
  optimizers,
  regularizers,
  schedules,
} from 'fjordnet';
import { csvOf, flowersCsv } from './helpers/cli.js';
import { InstalledProject } from './helpers/installed.js';

const root = fileURLToPath(new URL('../', import.meta.url));
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const project = new InstalledProject();
test.after.always(() => project.remove());
test.before(() => {
  for (const name of [...Object.keys(manifest.peerDependencies), '@types'])
    if (name !== 'fjordnet-darwin') project.link(name);
  mkdirSync(project.path('node_modules', '.bin'));
  chmodSync(join(project.package, manifest.bin.fjordnet), 0o755); // as npm does
  symlinkSync(join(project.package, manifest.bin.fjordnet), project.path('node_modules', '.bin', 'fjordnet'));
  writeFileSync(project.path('package.json'), '{ "private": true, "type": "module" }');
  // what the command lines read
  writeFileSync(project.path('flowers.csv'), flowersCsv(150));
  const penguins = JSON.parse(readFileSync(join(root, 'node_modules/vega-datasets/data/penguins.json'), 'utf8'));
  writeFileSync(project.path('penguins.csv'), csvOf(penguins));
  writeFileSync(project.path('new-penguins.csv'), csvOf([penguins[4], penguins.at(-2)]));
  const header = "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 64), }".padEnd(117);
  writeFileSync(project.path('new-digits.npy'), `\x93NUMPY\x01\0v\0${header}\n${'\0'.repeat(128)}`, 'latin1');
  writeFileSync(project.path('app.mjs'), "import { getThreads } from 'fjordnet';\nconsole.log(getThreads());\n");
});

const inDocs = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' });
const pages = [
  ...readdirSync(root).filter((name) => name.endsWith('.md')),
  ...inDocs.filter((name) => name.endsWith('.md')).map((name) => join('docs', name)),
];

const LANGUAGES = ['js', 'ts', 'sh', ''];

const blocksOf = (text: string) =>
  Array.from(text.matchAll(/^```(.*)\n([\s\S]*?)^```$/gm), ([, language, code]) => ({ language, code }));

const run = promisify(execFile);

/** Products of one kind, which most processors have: the pixels of a network's images are those of its last bits. */
const SAME_PRODUCTS = { ...process.env, OPENBLAS_CORETYPE: 'Haswell' };

/** Does what a line of a shell says, or checks what it names. */
async function checkLine(line: string): Promise<void> {
  const [command, ...words] = line.split(/\s+/);
  if (/^npm explore fjordnet -- npm run /.test(line) || /^npm run /.test(line)) {
    const script = words.at(-1)!;
    if (!(script in manifest.scripts)) throw new Error(`there is no script ${script} in package.json`);
  } else if (/^npm install /.test(line)) {
    for (const name of words.slice(1))
      if (name !== 'fjordnet' && !(name.replace(/(.)@.*/, '$1') in manifest.peerDependencies))
        throw new Error(`${name} is no package of ours`);
  } else if (command.startsWith('scripts/')) accessSync(join(root, command), constants.X_OK);
  else if (/^(npx fjordnet|node) /.test(line)) {
    const old = process.versions.node.startsWith('20.');
    await run('/bin/sh', ['-ec', old ? line.replace('--permission', '--experimental-permission') : line], {
      cwd: project.folder,
      env: { ...process.env, npm_config_offline: 'true' },
    });
  } else throw new Error(`nobody checks this line of a sh block: ${line}`);
}

for (const page of pages) {
  const text = readFileSync(join(root, page), 'utf8');
  const blocks = blocksOf(text);
  const of = (language: string) => blocks.filter((block) => block.language === language).map(({ code }) => code);

  test(`${page}: its blocks have a language, and its links lead somewhere`, (t) => {
    const wrong = blocks.map(({ language }) => language).filter((language) => !LANGUAGES.includes(language));
    for (const [, link] of text.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g))
      if (!/^https?:/.test(link) && !existsSync(join(root, dirname(page), link))) wrong.push(link);
    for (const [, file, anchor] of text.matchAll(/\]\(([^)#\s:]+)?#([^)]*)\)/g)) {
      const target = file ? readFileSync(join(root, dirname(page), file), 'utf8') : text;
      const anchors = Array.from(target.matchAll(/^#+ (.*)$/gm), ([, title]) =>
        title
          .toLowerCase()
          .replace(/[^\w -]/g, '')
          .replaceAll(' ', '-'),
      );
      if (!anchors.includes(anchor)) wrong.push(`${file ?? ''}#${anchor}`);
    }
    t.deepEqual(wrong, []);
  });

  if (of('js').length > 0)
    test.serial(`${page}: its js blocks, one after the other, run`, async (t) => {
      const code = of('js').join('\n');
      const file = project.path(page.replaceAll(/[\\/]/g, '-').replace(/md$/, 'mjs'));
      writeFileSync(file, code);
      const { stdout } = await run(process.execPath, [file], { cwd: project.folder, env: SAME_PRODUCTS });
      const expected = Array.from(code.matchAll(/^(?:.*console\.log.* )?\/\/ => (.*)$/gm), ([, output]) => output);
      if (expected.length > 0) t.deepEqual(stdout.trimEnd().split('\n'), expected);
      else t.not(stdout, '');
      for (const [, picture] of text.matchAll(/!\[[^\]]*\]\(([\w-]+\.svg)\)/g))
        if (existsSync(project.path(picture)))
          t.is(readFileSync(project.path(picture), 'utf8'), readFileSync(join(root, dirname(page), picture), 'utf8'));
    });

  if (of('ts').length > 0)
    test.serial(`${page}: its ts blocks compile`, (t) => {
      const files = of('ts').map((code, i) => {
        const name = `${page.replaceAll(/[\\/]/g, '-')}-${i}.ts`;
        writeFileSync(project.path(name), code);
        return name;
      });
      const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
      const options =
        '--strict --exactOptionalPropertyTypes --noEmit --target es2022 --module nodenext --types node'.split(' ');
      const { status, stdout } = spawnSync(process.execPath, [tsc, ...options, ...files], {
        cwd: project.folder,
        encoding: 'utf8',
      });
      t.is(status, 0, stdout);
    });

  if (of('sh').length > 0)
    test.serial(`${page}: its sh blocks do what they say`, async (t) => {
      const lines = of('sh').flatMap((code) => code.trim().split('\n'));
      for (const line of lines) await t.notThrowsAsync(checkLine(line.replace(/ +#.*/, '')), line);
    });
}

test('the optional packages of README.md and docs/install.md are those there are, in the versions that are asked for', (t) => {
  for (const page of ['README.md', 'docs/install.md']) {
    const [, section] =
      /\n(?:## Optional packages|CSV takes)\b(.*?)(?:\n## |\n\[docs)/s.exec(readFileSync(join(root, page), 'utf8')) ??
      [];
    const named = [...section.matchAll(/(?<=[\s`])(@?[a-z][\w/-]*)@([\d.]+)/g)].map(([, name, version]) => [
      name,
      version,
    ]);
    // the binaries for macOS have a section of their own
    const expected = Object.keys(manifest.peerDependencies).filter((name) => name !== 'fjordnet-darwin');
    t.deepEqual(named.map(([name]) => name).sort(), expected.sort(), page);
    for (const [name, version] of named) t.true(manifest.peerDependencies[name].startsWith(`^${version}.`), name);
  }
});

test('every layer, loss, metric and the like is named in docs/', (t) => {
  const named = new Set(
    ['layers', 'training', 'own'].flatMap((page) =>
      Array.from(
        readFileSync(join(root, 'docs', `${page}.md`), 'utf8').matchAll(/`(?:\w+\.)?(\w+)/g),
        ([, name]) => name,
      ),
    ),
  );
  const parts = {
    activations,
    callbacks,
    constraints,
    initializers,
    layers,
    losses,
    metrics,
    ops,
    optimizers,
    regularizers,
    schedules,
  };
  for (const [part, of] of Object.entries(parts))
    t.deepEqual(
      Object.keys(of).filter((name) => !named.has(name)),
      [],
      `docs/ says nothing of these ${part}`,
    );
});

test('every code of an error is in docs/troubleshooting.md, and no other', (t) => {
  const files = ['lib', 'native'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.(ts|cc|h)$/.test(name))
      .map((name) => join(root, folder, name)),
  );
  const ours = (text: string, pattern: RegExp) => Array.from(text.matchAll(pattern), ([, code]) => code);
  const made = files.flatMap((file) =>
    ours(readFileSync(file, 'utf8'), /(?:failure\(|coded\(env,|\?\?)\s*['"](ERR_\w+)['"]/g),
  );
  const told = ours(readFileSync(join(root, 'docs', 'troubleshooting.md'), 'utf8'), /^\| `(ERR_\w+)` \|/gm);
  t.deepEqual([...new Set(told)].sort(), [...new Set(made)].sort());
});
