// What the name of a file says of what is in it.

export const isParquet = (path: string): boolean => /\.(parquet|pq)$/i.test(path);

/** Files of records: a JSON list of them, or one a line; gzipped or not. */
export const isRecords = (path: string): boolean => /\.(json|ndjson|jsonl)(\.gz)?$/i.test(path);

/** What stands between the cells of a file where nothing was said. */
export const separatorOf = (path: string): string => (/\.tsv(\.gz)?$/i.test(path) ? '\t' : ',');
