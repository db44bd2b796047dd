// Checks the C++ sources against .clang-format; --fix rewrites them.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const files = readdirSync(resolve(root, 'native'), { recursive: true })
  .filter((name) => /\.(h|cc)$/.test(name))
  .map((name) => `native/${name}`);
const mode = process.argv.includes('--fix') ? ['-i'] : ['--dry-run', '-Werror'];

const { status, error } = spawnSync('clang-format', [...mode, ...files], { cwd: root, stdio: 'inherit' });
if (error)
  console.log('clang-format is not installed (apt-get install clang-format): the C++ sources were not checked.');
else process.exitCode = status;
