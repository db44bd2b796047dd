// The digits, trained by several processes as one network; alone it is an ordinary training.
//   node scripts/examples/ranks.js
//   mpirun -n 4 node scripts/examples/ranks.js
import { layers, loadDigits, optimizers, schedules, sequential, trainTestSplit } from 'fjordnet';
import { mpi } from 'fjordnet/mpi';

const world = await mpi.init().catch((error) => {
  if (error.code !== 'ERR_MPI' || isLaunched()) throw error;
  return undefined; // there is no MPI here, and nobody to train with
});
const size = world?.size ?? 1;

const { data, target } = loadDigits();
const [xTrain, xTest, yTrain, yTest] = trainTestSplit([data, target], { testSize: 0.2, randomState: 0 });

const model = sequential({ seed: 0 });
model.add(layers.rescaling({ scale: 1 / 16, inputShape: [64] }));
model.add(layers.dense({ units: 100, activation: 'relu' }));
model.add(layers.dense({ units: 10, activation: 'softmax' }));
// the batch is as large as all ranks together: so is the step, once the training is under way
const eta = 0.05;
const learningRate = schedules.warmup({ initialLearningRate: eta, learningRate: eta * size, warmupSteps: 100 });
model.compile({ optimizer: optimizers.sgd({ learningRate, momentum: 0.9 }), loss: 'sparseCategoricalCrossentropy' });

const { history } = await model.fit(xTrain, yTrain, { epochs: 40, batchSize: 32, distributed: world });

if (!world || world.rank === 0) {
  const right = (await model.predict(xTest)).argmax(1).data.filter((digit, i) => digit === yTest.data[i]).length;
  console.log(`${size} rank${size > 1 ? 's' : ''}, loss ${history.loss.at(-1).toFixed(4)}`);
  console.log(`test accuracy ${(right / yTest.size).toFixed(4)}`);
}

/** Whether this is one of several processes of a job. */
function isLaunched() {
  return ['OMPI_COMM_WORLD_SIZE', 'PMI_SIZE', 'PMI_PORT', 'SLURM_STEP_NUM_TASKS'].some((name) => name in process.env);
}
