import { mkdir, readdir, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { checkBoolean, checkOptions, wrongType, wrongValue } from '../check.js';
import { absolutePath, writeFailure } from '../io/atomic.js';
import { patiently } from '../io/windows.js';
import type { Callback, CallbackModel, CallbackParams, TrainingState } from './callback.js';

export interface BackupAndRestoreOptions {
  /**
   * A folder for the backup, made where it is missing, from the current folder when the callback is made: of one training, for
   * nothing else.
   */
  path: string;
  /** Remove the backup once training is complete. Default true */
  deleteCheckpoint?: boolean;
}

const BACKUP = /^epoch-(\d+)\.safetensors$/;

/**
 * Has a training that was interrupted go on: saves the network at the end of each epoch and, where `fit` begins and finds such
 * a backup, takes up its weights, its optimizer's memory and its generator and begins at the epoch behind it, with the same bits as
 * if nothing had happened. Keras' BackupAndRestore. What other callbacks remember is not saved, nor how far a source of batches
 * had come, nor states of stateful layers; before swapEmaWeights in the list, it saves the weights themselves. Takes promises,
 * so `fitSync` cannot have this callback.
 */
export function backupAndRestore(options: BackupAndRestoreOptions): Callback {
  checkOptions('options', options, ['path', 'deleteCheckpoint']);
  const { path: given } = options;
  if (typeof given !== 'string') throw wrongType('path', 'a string', given);
  if (given === '' || given.includes('\0')) throw wrongValue('path', 'the name of a folder', given);
  const path = absolutePath(given);
  const deleteCheckpoint = checkBoolean('deleteCheckpoint', options.deleteCheckpoint ?? true);
  let model: CallbackModel;
  let params: CallbackParams;
  let training: TrainingState;
  const fileOf = (epochs: number) => join(path, `epoch-${epochs}.safetensors`);

  return {
    firstRankOnly: true,
    setModel(given) {
      model = given;
    },
    setParams(given) {
      params = given;
    },
    setTraining(given) {
      training = given;
    },
    async onTrainBegin() {
      const last = Math.max(...(await backups(path)));
      if (last === Number.NEGATIVE_INFINITY) return;
      await training.restore(fileOf(last));
      params.initialEpoch = last;
    },
    async onEpochEnd(epoch) {
      const done = epoch + 1;
      try {
        await mkdir(path, { recursive: true });
      } catch (error) {
        throw writeFailure(path, error);
      }
      await model.save(fileOf(done)); // whole, or not at all: the one before is removed only then
      for (const other of await backups(path)) if (other !== done) await remove(fileOf(other));
    },
    async onTrainEnd() {
      if (!deleteCheckpoint) return;
      for (const epochs of await backups(path)) await remove(fileOf(epochs));
      await rmdir(path).catch(() => {}); // it stays if there is something else in it
    },
  };
}

const remove = (file: string): Promise<void> => patiently(file, () => rm(file, { force: true }));

/** Of the backups in a folder, which may not be there, how many epochs were done. */
async function backups(path: string): Promise<number[]> {
  try {
    return (await readdir(path)).flatMap((name) => (BACKUP.test(name) ? [Number(BACKUP.exec(name)?.[1])] : []));
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return [];
    throw error;
  }
}
