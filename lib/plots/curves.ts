/** One activation function: its value and its derivative, and where either jumps. */
interface Curve {
  readonly title: string;
  readonly f: (x: number) => number;
  readonly derivative: (x: number) => number;
  /** Where the function, or its derivative, has no limit. */
  readonly jumps: 'f' | 'derivative' | 'none';
}

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

/** Keras' and the lecture's functions; leaky ReLU has the slope 0.01 below 0, and ELU the limit -1. */
export const CURVES = {
  sigmoid: { title: 'sigmoid', f: sigmoid, derivative: (x) => sigmoid(x) * (1 - sigmoid(x)), jumps: 'none' },
  step: { title: 'step', f: (x) => (x >= 0 ? 1 : 0), derivative: () => 0, jumps: 'f' },
  tanh: { title: 'tanh', f: Math.tanh, derivative: (x) => 1 - Math.tanh(x) ** 2, jumps: 'none' },
  relu: { title: 'ReLU', f: (x) => Math.max(0, x), derivative: (x) => (x > 0 ? 1 : 0), jumps: 'derivative' },
  leakyRelu: {
    title: 'leaky ReLU',
    f: (x) => (x > 0 ? x : 0.01 * x),
    derivative: (x) => (x > 0 ? 1 : 0.01),
    jumps: 'derivative',
  },
  elu: {
    title: 'ELU',
    f: (x) => (x > 0 ? x : Math.expm1(x)),
    derivative: (x) => (x > 0 ? 1 : Math.exp(x)),
    jumps: 'none',
  },
  sine: { title: 'sine', f: Math.sin, derivative: Math.cos, jumps: 'none' },
} satisfies Record<string, Curve>;
