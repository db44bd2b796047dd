import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { commandLine } from '../../dist/cli/command-line.js';

export const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

export interface Finished {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** A folder of its own, with the command to run in it. */
export class Workplace {
  readonly folder = mkdtempSync(join(tmpdir(), 'fjordnet-cli-'));

  path(name: string): string {
    return join(this.folder, name);
  }

  write(name: string, content: string | Uint8Array): string {
    writeFileSync(this.path(name), content);
    return this.path(name);
  }

  /** Starts the command; what it prints is collected. */
  start(args: readonly string[], input?: string): { child: ChildProcess; finished: Promise<Finished> } {
    const child = spawn(process.execPath, [MAIN, ...args], {
      cwd: this.folder,
      env: { ...process.env, NO_COLOR: '1' },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    child.stdin?.on('error', () => {});
    child.stdin?.end(input ?? '');
    let stdout = '';
    let stderr = '';
    child.stdout?.on('data', (text) => {
      stdout += text;
    });
    child.stderr?.on('data', (text) => {
      stderr += text;
    });
    const finished = new Promise<Finished>((resolve) => {
      child.on('close', (code) => resolve({ code, stdout, stderr }));
    });
    return { child, finished };
  }

  run(...args: string[]): Promise<Finished> {
    return this.start(args).finished;
  }

  /** The same in this process: for tests that call one after the other. Paths are those of this process. */
  async call(...args: string[]): Promise<Finished> {
    const said = { stdout: '', stderr: '' };
    const names = ['stdout', 'stderr'] as const;
    const writes = names.map((name) => process[name].write);
    for (const name of names)
      process[name].write = (text: string | Uint8Array, ...rest: any[]) => {
        said[name] += text;
        rest.at(-1)?.();
        return true;
      };
    try {
      return { code: await commandLine(args), ...said };
    } finally {
      for (const [i, name] of names.entries()) process[name].write = writes[i];
    }
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** `fjordnet serve` of a file on a free port. */
export async function serving(path: string, ...options: string[]) {
  const child = spawn(process.execPath, [MAIN, 'serve', path, '--port', '0', '--json', ...options], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = await once(createInterface({ input: child.stdout }), 'line');
  const { url } = JSON.parse(line);
  const ask = async (path: string, body?: unknown, more: RequestInit = {}) => {
    const request = body === undefined ? more : { method: 'POST', body: JSON.stringify(body), ...more };
    const response = await fetch(url + path, request);
    const text = await response.text();
    return { status: response.status, body: text ? JSON.parse(text) : undefined };
  };
  const stop = async () => {
    child.kill('SIGTERM');
    const [code] = await once(child, 'exit');
    return code;
  };
  return { url, ask, stop };
}

/** Columns as CSV: text as it is, what is missing as nothing. */
export function csvOf(rows: readonly Record<string, unknown>[]): string {
  const quoted = (cell: unknown) =>
    /[",]/.test(String(cell)) ? `"${String(cell).replaceAll('"', '""')}"` : String(cell ?? '');
  const names = Object.keys(rows[0]);
  const lines = [names, ...rows.map((row) => names.map((name) => row[name]))].map((cells) =>
    cells.map(quoted).join(','),
  );
  return `${lines.join('\n')}\n`;
}

/** Four features and three classes in text, that a network learns within a few epochs. */
export function flowersCsv(rows: number, { header = true, label = true } = {}): string {
  const names = ['tepal', 'sepal', '"petal, long"', 'petal'];
  const lines = header ? [[...names, ...(label ? ['species'] : [])].join(',')] : [];
  for (let i = 0; i < rows; i++) {
    const kind = i % 3;
    const noise = (k: number) => (((i * 7919 + k * 104729) % 101) / 101 - 0.5) * 0.8;
    const cells = [0, 1, 2, 3].map((k) => (kind === k % 3 ? 2 : 0) + noise(k));
    lines.push(
      [...cells.map((v) => v.toFixed(4)), ...(label ? [['lily', '"rose, wild"', 'iris'][kind]] : [])].join(','),
    );
  }
  return `${lines.join('\n')}\n`;
}

/** The last JSON document of several lines. */
export function lastDocument(stdout: string): Record<string, any> {
  return JSON.parse(stdout.trimEnd().split('\n').at(-1) as string);
}
