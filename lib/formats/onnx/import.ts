import type { Reader } from '../import.js';

/** ONNX. */
export const onnxReader: Reader = {
  read() {
    throw new Error('not yet');
  },
};
