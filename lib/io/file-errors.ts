import { failure } from '../check.js';
import { sourceOf } from './read.js';

/** What a message may say of a value in the file. */
const MAX_MESSAGE = 400;

/** Runs `make`; what it throws becomes an error of the file, unless memory is what is missing. */
export function ofFile<T>(path: string | URL, make: () => T): T {
  return ofSource(sourceOf(path), make);
}

/** The same of what messages call `source`. */
export function ofSource<T>(source: string, make: () => T): T {
  try {
    return make();
  } catch (error) {
    if ((error as { code?: string }).code === 'ERR_MEMORY') throw error;
    const reason = reasonOf(error);
    const shown = reason.length > MAX_MESSAGE ? `${reason.slice(0, MAX_MESSAGE)} …` : reason;
    throw failure('ERR_FORMAT', `Cannot load a model from ${source}: ${shown}`, { cause: error });
  }
}

/** The same for one place in the file. */
export function at<T>(place: string, make: () => T): T {
  try {
    return make();
  } catch (error) {
    throw failure('ERR_FORMAT', `${place}: ${reasonOf(error)}`, { cause: error });
  }
}

/** Our own sentences say what is wrong; an engine's do not. */
function reasonOf(error: unknown): string {
  const { code, message } = error as Error & { code?: string };
  return code === 'ERR_FORMAT' || message.startsWith('Expected ') ? message : 'Expected what save writes';
}
