import { csv } from './csv.js';
import { npy, safetensors } from './files.js';
import { fromArrays, generator } from './from.js';
import { imageFolder } from './image-folder.js';
import { parquet } from './parquet.js';
import { timeSeries } from './time-series.js';

/** What makes samples of data. */
export const data = { fromArrays, generator, csv, parquet, npy, safetensors, imageFolder, timeSeries };
