import { wrongType } from '../check.js';
import { ofSource } from '../io/file-errors.js';
import { parseModel } from '../io/model-file.js';
import { modelFrom } from '../models/architecture.js';
import type { Model } from '../models/model.js';
import { objectIn } from '../saved.js';
import type { ImportFile, ImportOptions, Reader } from './import.js';
import { withNumbers } from './made.js';

/** Our own files, so that whoever takes files of networks takes them, too: the network alone, where preprocessing is around it. */
function read({ bytes, source }: ImportFile, { dtype }: ImportOptions): Model {
  const { object, ...file } = parseModel(bytes, source);
  const { architecture, weights = [], metadata = {} } = file;
  return ofSource(source, () => {
    if (!architecture) throw wrongType('the file', 'that of a network', object?.json.className);
    const model = objectIn(file) as Model;
    if (dtype === undefined || dtype === model.dtype) return model;
    const other = modelFrom('architecture', { ...architecture, dtype });
    const values = new Map(weights);
    const names = other.weightNames;
    return withNumbers(other, (_, i) => values.get(names[i])?.data, { metadata });
  });
}

export const ownReader: Reader = { read: async (file, options) => read(file, options) };
