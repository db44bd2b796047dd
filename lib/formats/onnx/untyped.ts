import type { Value } from '../../graph/value.js';
import type { Layer } from '../../layers/layer.js';
import { ops as typed } from '../../ops.js';

type Operation = (...operands: any[]) => Value;

/** The operations without what TypeScript knows of ranks: those of a file are not known to it. */
export const ops = typed as unknown as Readonly<Record<keyof typeof typed, Operation>>;

/** What a layer of one output makes of a value, or of several. */
export const applied = (layer: Layer<any>, inputs: Value | readonly Value[]): Value =>
  (layer as Layer).apply(inputs as never) as Value;
