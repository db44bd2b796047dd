// Posts the parameters that a network has after trainSync and after train.
import { parentPort, workerData } from 'node:worker_threads';
import { parametersOf, small } from '../lecture.js';

const bits = [small(1, workerData).network.trainSync(), await small(1, workerData).network.train()].map((network) =>
  parametersOf(network).map(({ data }) => Buffer.from(data.buffer).toString('base64')),
);
parentPort!.postMessage(bits);
