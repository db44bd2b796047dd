// What reads tables from files: loaded when one is read, as a start without it is shorter.
export { CsvCursor } from '../data/csv-cursor.js';
export { ParquetCursor } from '../data/parquet-cursor.js';
export { RecordSink } from './csv-records.js';
export { readJsonRecords } from './json-records.js';
export { readParquet } from './parquet.js';
export { readRows, readTable } from './read-csv.js';
