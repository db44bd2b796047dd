// Trains on a file of 400 MB, which is sparse and takes no room on the disk, and says by how much memory grew at most.
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { data, layers, sequential } from 'fjordnet';

const [rows, width] = [200_000, 500];
const path = join(process.argv[2], 'sparse.npy');
const header = `{'descr': '<f4', 'fortran_order': False, 'shape': (${rows}, ${width}), }`.padEnd(117);
const file = await open(path, 'w');
await file.write(Buffer.from(`\x93NUMPY\x01\0v\0${header}\n`, 'latin1'));
await file.truncate(128 + rows * width * 4);
await file.close();

const net = sequential({ layers: [layers.dense({ units: 1, inputShape: [width] })], seed: 1 });
net.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
let seen = 0;
const dataset = data.npy(path).batch(100);
const batches = dataset.map((x) => {
  seen += x.length;
  return [x, Array(x.length).fill(1)] as const;
});
await net.fit(batches.take(100)); // whatever is loaded and allocated once
const before = process.memoryUsage().rss;
let most = before;
const timer = setInterval(() => {
  most = Math.max(most, process.memoryUsage().rss);
}, 5);
seen = 0;
await net.fit(batches);
clearInterval(timer);
console.log(JSON.stringify({ rows: seen, bytes: rows * width * 4, grown: most - before }));
