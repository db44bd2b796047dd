import { formatSafetensors } from '../io/safetensors.js';
import { stateDictOf } from '../models/layouts.js';
import type { Exported, ExportOptions, Format } from './export.js';

/**
 * PyTorch's state_dict as a safetensors file, by the table of `layouts.pytorch`.
 * @throws TypeError naming the layer that PyTorch has no module for
 */
function parts({ model, weights }: Exported, { names }: ExportOptions): readonly Uint8Array[] {
  const tensors = stateDictOf(model, weights, { ...(names && { names }) });
  return formatSafetensors(tensors, { format: 'pt' });
}

export const safetensorsTorch: Format = { options: ['names'], parts };
