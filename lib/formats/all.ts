// What reads and writes the files of other programs, loaded when it is asked for: a single file, which the package has.
export { exportBytes, exportModel } from './export.js';
export { h5Reader, kerasReader } from './keras/import.js';
export { onnxReader } from './onnx/import.js';
export { exportOnnx, onnxBytes } from './onnx/predictor.js';
export { ownReader } from './own.js';
export { sklearnReader } from './sklearn-import.js';
export { tfjsReader } from './tfjs/import.js';
