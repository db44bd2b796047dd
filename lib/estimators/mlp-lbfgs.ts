import { allocate } from '../allocate.js';
import { joined } from '../array/memory.js';
import { NDArray } from '../array.js';
import type { Training } from '../train.js';
import { Pace, type Sweep, sweep } from '../training/sweep.js';
import { type Iteration, type LbfgsResult, lbfgs } from './lbfgs.js';
import { readAll, writeAll } from './mlp-network.js';
import type { Parameters } from './mlp-parameters.js';
import { range } from './mlp-split.js';
import { callbacksOf, type Fit, programOf, SAMPLES_A_STEP, weightOf } from './mlp-training.js';

/** scikit-learn's `_fit_lbfgs`: loss and gradient over all samples natively, L-BFGS over them here. */
export function* trainLbfgs(fit: Fit): Training<void> {
  const { network, samples, parameters: p, progress, watched } = fit;
  const [{ scalar: scale }] = network.stepScalars;
  const all = range(samples.n);
  const total = weightOf(samples, all, 0, samples.n);
  const ofAll: Sweep = {
    ...programOf(fit),
    rows: { first: 0, count: samples.n },
    batchSize: Math.min(samples.n, SAMPLES_A_STEP),
    pace: new Pace(),
    prepare: (steps) => ({ scalars: [scale], values: allocate(Float64Array, steps).fill(1 / total) }),
  };
  const callbacks = callbacksOf(fit, { epochs: p.maxIter, steps: 1, samples: samples.n, batchSize: samples.n });
  const iterations: Iteration[] = [];
  const onIteration = (done: Iteration) => {
    iterations[0] = done;
  };
  const options = { maxIter: p.maxIter, maxFun: p.maxFun, gtol: p.tol, onIteration };
  const minimizer = lbfgs(pack(readAll(network, network.parameters)), options);
  yield* callbacks.onTrainBegin();
  yield* callbacks.onEpochBegin(0);
  let wanted = minimizer.next();
  for (let evaluations = 1; !wanted.done && !watched.stopTraining; evaluations++) {
    const { f, gradient } = yield* evaluate(wanted.value);
    if (p.verbose) console.log(`Evaluation ${evaluations}, loss = ${f.toFixed(8)}`);
    wanted = minimizer.next({ f, gradient });
    const [done] = iterations;
    if (!done || done.nIter === watched.iterations) continue;
    watched.iterations = done.nIter;
    const logs = { loss: done.f };
    yield* callbacks.onProgress(1, logs);
    yield* callbacks.onEpochEnd(done.nIter - 1, logs);
    if (!wanted.done && !watched.stopTraining) yield* callbacks.onEpochBegin(done.nIter);
  }
  const end = wanted.done ? wanted.value : iterations[0];
  if (end) {
    writeAll(network, network.parameters, unpack(end.x));
    progress.loss = end.f;
  }
  progress.nIter = end?.nIter ?? 0;
  if (wanted.done && wanted.value.status !== 0) warnOf(wanted.value, p);
  yield* callbacks.onTrainEnd();

  function* evaluate(point: Float64Array): Training<{ f: number; gradient: Float64Array }> {
    writeAll(network, network.parameters, unpack(point));
    writeAll(network, network.states);
    let f = 0;
    yield* sweep(ofAll, ({ result }) => {
      for (const loss of network.plan.reported(result, network.judged.loss)) f += loss / total;
      return undefined;
    });
    const gradient = pack(readAll(network, network.states));
    const penalised = network.coefs.reduce((size, w) => size + w.size, 0);
    let squares = 0;
    for (let i = 0; i < penalised; i++) {
      squares += point[i] * point[i];
      gradient[i] += (p.alpha * point[i]) / total;
    }
    return { f: f + (0.5 * p.alpha * squares) / total, gradient };
  }

  function pack(arrays: readonly NDArray[]): Float64Array {
    return joined(arrays.map(({ data }) => data)) as Float64Array;
  }

  function unpack(flat: Float64Array): NDArray[] {
    let at = 0;
    return network.parameters.map(({ size, shape }) => {
      at += size;
      return NDArray.wrap(flat.slice(at - size, at), shape);
    });
  }
}

function warnOf({ status, message, nIter, nFun }: LbfgsResult, { maxIter, maxFun }: Parameters): void {
  const advice =
    status === 2
      ? 'scale the data.'
      : nIter >= maxIter
        ? `increase maxIter (${maxIter}) or scale the data.`
        : `increase maxFun (${maxFun}) or scale the data.`;
  process.emitWarning(
    `lbfgs failed to converge (status=${status}):\n${message}.\n\nAfter ${nIter} iterations and ${nFun} evaluations: ${advice}`,
    'ConvergenceWarning',
  );
}
