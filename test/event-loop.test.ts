import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import test from 'ava';

const child = fileURLToPath(new URL('./helpers/children/event-loop.js', import.meta.url));
const measure = (what: 'training' | 'idle'): { p99: number; count: number } =>
  JSON.parse(execFileSync(process.execPath, [child, what], { encoding: 'utf8' }));

test('while four networks train the event loop is delayed by less than 10 ms at p99', (t) => {
  // Other processes delay it as well: on a busy machine the best of some trials is what belongs to the training.
  const trials = [];
  for (let trial = 0; trial < 8; trial++) {
    const training = measure('training');
    t.true(training.count > 50, 'too few samples');
    trials.push(training.p99);
    if (training.p99 < 10) break;
  }
  t.true(Math.min(...trials) < 10, `p99 ${trials.join(', ')} ms; without training ${measure('idle').p99} ms`);
});
