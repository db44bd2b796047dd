// Constructs networks, trains each for an epoch and drops it. Prints the resident memory after every hundredth, in bytes.
// Run with --expose-gc.
import { setTimeout as sleep } from 'node:timers/promises';
import { loadDigits, NeuralNetwork, toCategorical } from 'fjordnet';
import { binding } from '../../../dist/binding.js';

const [mode, count] = [process.argv[2], Number(process.argv[3])];
const { data, target } = loadDigits();
const y = toCategorical(target, 10);
const resident: number[] = [];
let held = 0;

for (let i = 1; i <= count; i++) {
  const network = new NeuralNetwork(data, y, { epochs: 1, eta: 1e-4, randomState: i });
  if (mode === 'sync') network.trainSync();
  else await network.train();
  held = Math.max(held, binding.memory().bytes);
  if (i % 100 !== 0) continue;
  if (mode === 'async') {
    // What V8 has not collected yet is no leak.
    for (let turn = 0; turn < 3; turn++) {
      globalThis.gc!();
      await sleep(5);
    }
  }
  resident.push(process.memoryUsage.rss());
}
console.log(JSON.stringify({ resident, held }));
