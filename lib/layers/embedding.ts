import { checkBoolean, checkInteger } from '../check.js';
import { type Constraint, type ConstraintInput, checkConstraint } from '../constraints.js';
import { embedding } from '../graph/ops/embedding.js';
import { applyOp, type Value, withMask } from '../graph/value.js';
import { getInitializer, type Initializer, type InitializerInput } from '../initializers.js';
import { checkRegularizer, type Regularizer, type RegularizerInput } from '../regularizers.js';
import { Layer, type LayerOptions, type Weights } from './layer.js';
import { differsFrom } from './masks.js';
import type { HigherRank } from './ranks.js';

export interface EmbeddingOptions extends LayerOptions {
  /** Rows of the table: the integers are 0 .. inputDim - 1. */
  inputDim: number;
  /** Length of a row. */
  outputDim: number;
  /** Default 'randomUniform', in [-0.05, 0.05) as Keras' */
  embeddingsInitializer?: InitializerInput;
  embeddingsRegularizer?: RegularizerInput;
  embeddingsConstraint?: ConstraintInput;
  /** The integer 0 stands for a step that does not count for the layers behind it, the loss and the metrics. Default false */
  maskZero?: boolean;
}

/**
 * Integers as rows of a table that is trained, embeddings [inputDim, outputDim]: [...] to [..., outputDim]. In a larger network its
 * input is one of integers, `input({ shape, dtype: 'int32' })`. An integer that has no row is refused where it is in the data, and
 * gives NaN where it is computed.
 */
export class Embedding extends Layer<HigherRank> {
  override readonly className = 'Embedding';
  override readonly inputDtype = 'int32';
  readonly inputDim: number;
  readonly outputDim: number;
  readonly maskZero: boolean;
  readonly embeddingsInitializer: Initializer;
  readonly embeddingsRegularizer?: Regularizer;
  readonly embeddingsConstraint?: Constraint;

  constructor(options: EmbeddingOptions) {
    super(options, [
      'inputDim',
      'outputDim',
      'embeddingsInitializer',
      'embeddingsRegularizer',
      'embeddingsConstraint',
      'maskZero',
    ]);
    this.inputDim = checkInteger('inputDim', options.inputDim, 1);
    this.outputDim = checkInteger('outputDim', options.outputDim, 1);
    this.embeddingsInitializer = getInitializer(
      'embeddingsInitializer',
      options.embeddingsInitializer ?? 'randomUniform',
    );
    this.embeddingsRegularizer = checkRegularizer('embeddingsRegularizer', options.embeddingsRegularizer);
    this.embeddingsConstraint = checkConstraint('embeddingsConstraint', options.embeddingsConstraint);
    this.maskZero = checkBoolean('maskZero', options.maskZero ?? false);
  }

  override get stepPadding(): number | undefined {
    return this.maskZero ? 0 : undefined;
  }

  override build(): void {
    this.addWeight('embeddings', [this.inputDim, this.outputDim], this.embeddingsInitializer, {
      regularizer: this.embeddingsRegularizer,
      constraint: this.embeddingsConstraint,
    });
  }

  call(x: Value, { embeddings }: Weights): Value {
    const rows = applyOp(embedding, [x, embeddings], undefined);
    return withMask(rows, this.maskZero && x.shape.length > 0 ? differsFrom(x, 0) : undefined);
  }

  override getConfig(): Record<string, unknown> {
    return {
      inputDim: this.inputDim,
      outputDim: this.outputDim,
      maskZero: this.maskZero,
      embeddingsInitializer: this.embeddingsInitializer.config,
      embeddingsRegularizer: this.embeddingsRegularizer,
      embeddingsConstraint: this.embeddingsConstraint,
    };
  }
}
