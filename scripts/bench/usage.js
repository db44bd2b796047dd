import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The lines that a program begins with, which say what it does. */
export function usageOf(url) {
  const lines = readFileSync(fileURLToPath(url), 'utf8').split('\n');
  return lines
    .slice(
      0,
      lines.findIndex((line) => !line.startsWith('//')),
    )
    .map((line) => line.slice(3))
    .join('\n');
}
