// A search, as a rank of a job has it and as a process alone. Its arguments: what to do, a folder for what each rank has found, a journal.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  crossValScore,
  type GridResult,
  GridSearchCV,
  gridSearch,
  halvingRandomSearch,
  MLPClassifier,
  RandomState,
  randomizedSearch,
} from 'fjordnet';
import { mpi } from 'fjordnet/mpi';

process.removeAllListeners('warning'); // of few iterations
const [, , how, folder, journal] = process.argv;
const distributed = how === 'alone' ? undefined : await mpi.init({ timeout: 60_000 });
const rank = distributed?.rank ?? 0;
const more = { threads: 1, ...(distributed && { distributed }) };

const random = new RandomState(3);
const rows = Array.from({ length: 60 }, (_, i) => [random.normal(i % 2, 0.7) as number, random.normal() as number]);
const labels = rows.map((_, i) => i % 2);
const train = [rows, labels] as const;
const estimator = () => new MLPClassifier({ hiddenLayerSizes: [4], maxIter: 12, randomState: 1 });
const alpha = [1e-4, 1e-3, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30];
const withoutSeconds = ({ results }: { results: GridResult[] }) => results.map(({ seconds, ...rest }) => rest);

const whole = (given: object = {}) =>
  gridSearch({ estimator: estimator(), grid: { alpha }, train, cv: 3, ...more, ...given });

async function all() {
  const distributions = { alpha: (own: RandomState) => 10 ** own.uniform(-4, 1) };
  const drawn = { estimator: estimator(), distributions, train, cv: 3, randomState: 4, ...more };
  const search = new GridSearchCV({ estimator: estimator(), grid: { alpha: alpha.slice(0, 3) }, cv: 3, ...more });
  return [
    withoutSeconds(await whole()),
    withoutSeconds(await randomizedSearch({ ...drawn, nIter: 4 })),
    withoutSeconds(await halvingRandomSearch({ ...drawn, nCandidates: 6, minResources: 20 })),
    await crossValScore(estimator(), rows, labels, { cv: 4, ...more }),
    (await search.fit(rows, labels)).predictProba(rows),
  ];
}

/** Rank 0 is stuck with its sixth point, and rank 1 dies with its first one, when the others are in the journal. */
function deadly(trained: number): Promise<unknown> | undefined {
  if (rank === 0) return trained < 6 ? undefined : sleep(2 ** 31 - 1);
  return (async () => {
    while (readFileSync(journal, 'utf8').split('\n').length < 7) await sleep(5);
    process.kill(process.pid, 'SIGKILL');
    await sleep(10_000);
  })();
}

async function journalled() {
  let trained = 0;
  let reported = 0;
  const build = (params: object) => {
    const model = new MLPClassifier({ hiddenLayerSizes: [4], maxIter: 12, randomState: 1, ...params });
    const train = model.fit.bind(model);
    if (how === 'killed')
      model.fit = async (...args) => {
        await deadly(++trained);
        return train(...args);
      };
    return model;
  };
  const onResult = () => reported++;
  const found = await gridSearch({ build, grid: { alpha }, train, ...more, journal, onResult });
  return [withoutSeconds(found), reported];
}

/** @returns what it was refused with */
async function refused() {
  try {
    await whole(rank === 1 ? { grid: { alpha: [1, 2] } } : {});
  } catch (error) {
    return (error as Error).message;
  }
}

const found = how === 'refused' ? await refused() : journal ? await journalled() : await all();
writeFileSync(join(folder, `${rank}.json`), JSON.stringify(found));
