// Trains four networks, or waits as long ('idle'), and prints percentiles of the event loop's delay in milliseconds.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadDigits, NeuralNetwork, toCategorical } from 'fjordnet';

const { data, target } = loadDigits();
const y = toCategorical(target, 10);
const networks = [0, 1, 2, 3].map((seed) => new NeuralNetwork(data, y, { epochs: 150, eta: 1e-3, randomState: seed }));
await sleep(100);
const delay = monitorEventLoopDelay({ resolution: 1 });
delay.enable();
if (process.argv[2] === 'idle') await sleep(600);
else await Promise.all(networks.map((network) => network.train()));
delay.disable();
console.log(JSON.stringify({ p99: delay.percentile(99) / 1e6, count: delay.count }));
