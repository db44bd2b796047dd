import { createReadStream } from 'node:fs';
import { textOf } from '../io/text.js';
import { CommandError, EXIT, unreadable } from './errors.js';

/** Files that hold more are none of ours. */
const MOST_BYTES = 2 ** 26;
const MOST_DEPTH = 100;

/** The JSON of a file. @throws CommandError that says why it cannot be read; `what` names what the file should be */
export async function readJson(path: string, what: string): Promise<unknown> {
  const bad = (why: string, cause?: unknown) =>
    new CommandError(EXIT.input, `Expected '${path}' to be ${what}: ${why}`, { cause });
  let content: string;
  try {
    content = await textOf(bounded(createReadStream(path), bad), `'${path}'`);
  } catch (error) {
    throw unreadable(path, error);
  }
  let value: unknown;
  try {
    value = JSON.parse(content);
  } catch (error) {
    throw bad('it is no JSON', error);
  }
  if (isDeep(value)) throw bad(`it is more than ${MOST_DEPTH} levels deep`);
  return value;
}

async function* bounded(chunks: AsyncIterable<Buffer>, bad: (why: string) => Error): AsyncGenerator<Buffer> {
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.length;
    if (bytes > MOST_BYTES) throw bad(`it has more than ${MOST_BYTES} bytes`);
    yield chunk;
  }
}

/** Level by level, so that hostile nesting cannot exhaust the stack. */
function isDeep(root: unknown): boolean {
  let level: unknown[] = [root];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > MOST_DEPTH) return true;
    const below: unknown[] = [];
    for (const value of level)
      if (typeof value === 'object' && value !== null) for (const item of Object.values(value)) below.push(item);
    level = below;
  }
  return false;
}
