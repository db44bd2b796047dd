import { activate } from '../graph/ops/activation.js';
import type { Value } from '../graph/value.js';
import { FilterLayer, type FilterLayerOptions } from './filter-layer.js';
import type { Shape, Weights } from './layer.js';
import type { OfSequences } from './ranks.js';
import {
  asImage,
  asSequence,
  checkSequencePadding,
  checkSteps,
  type SequencePadding,
  type StepsInput,
  slideSequence,
} from './window.js';

export interface Conv1DOptions extends FilterLayerOptions {
  /** Steps that the kernel sees. */
  kernelSize: StepsInput;
  /** Steps from one place of the kernel to the next. Default 1 */
  strides?: StepsInput;
  /**
   * 'same': ceil(n / stride) places, zeros around the sequence. 'causal': as many, the zeros all in front, so that a place
   * sees no later step (WaveNet, van den Oord et al. 2016). Default 'valid': those inside the sequence
   */
  padding?: SequencePadding;
  /** Steps from one value of the kernel to the next. Default 1 */
  dilationRate?: StepsInput;
}

/**
 * A convolution of sequences [steps, channels] with a kernel [steps, channels / groups, filters], plus a bias for each filter.
 * As Keras' Conv1D.
 */
export class Conv1D extends FilterLayer<OfSequences> {
  override readonly className = 'Conv1D';
  readonly kernelSize: number;
  readonly strides: number;
  readonly padding: SequencePadding;
  readonly dilationRate: number;

  constructor(options: Conv1DOptions) {
    super(options, ['kernelSize', 'strides', 'padding', 'dilationRate']);
    this.kernelSize = checkSteps('kernelSize', options.kernelSize);
    this.strides = checkSteps('strides', options.strides ?? 1);
    this.padding = checkSequencePadding(options.padding ?? 'valid');
    this.dilationRate = checkSteps('dilationRate', options.dilationRate ?? 1);
  }

  override build(inputShape: Shape): void {
    this.#slide(inputShape);
    this.addFilters([this.kernelSize], inputShape, 'sequences');
  }

  call(x: Value, { kernel, bias }: Weights): Value {
    const z = this.convolve(asImage(x), asImage(kernel), bias, this.#slide(x.shape));
    return activate(asSequence(z), this.activation);
  }

  override getConfig(): Record<string, unknown> {
    const { filters, kernelSize, strides, padding, dilationRate, groups } = this;
    return { filters, kernelSize, strides, padding, dilationRate, groups, ...super.getConfig() };
  }

  #slide(inputShape: Shape) {
    const { kernelSize: size, strides, dilationRate: dilations, padding } = this;
    return slideSequence(this, 'kernel', { size, strides, dilations, padding }, inputShape);
  }
}
