import { failure } from '../check.js';

/** Loads an optional package. @throws Error with code ERR_MISSING_PEER that says how to install it */
export async function loadPeer<T>(name: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== 'ERR_MODULE_NOT_FOUND' || !message.includes(`'${name}'`)) throw error;
    throw failure('ERR_MISSING_PEER', `Expected the package ${name} to be installed: npm install ${name}`, {
      cause: error,
    });
  }
}
