import { join } from 'node:path';
import { requireHere } from './package-root.js';

/** 'node:crypto', which is loaded where it is needed: a start without it is 3 ms shorter, of some 50. */
export const crypto = (): typeof import('node:crypto') => requireHere()('node:crypto');

/** A file in this folder that no other process writes. */
export const temporaryIn = (folder: string): string =>
  join(folder, `.fjordnet-${crypto().randomBytes(8).toString('hex')}.tmp`);
