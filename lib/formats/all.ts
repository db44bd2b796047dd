// What reads and writes the files of other programs, loaded when it is asked for: a single file, which the package has.
export { exportBytes, exportModel } from './export.js';
export { exportOnnx, onnxBytes } from './onnx/predictor.js';
export { imported } from './readers.js';
