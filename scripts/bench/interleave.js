// The interleaved measurement of one workload: everyone in turn, again and again, so that a drifting machine hurts all alike.

/** Of a peer's slower settings (threads, mode), so many repetitions do; slower means by this factor. */
const FEW = 3;
const CLEARLY_SLOWER = 1.3;

/**
 * Runs every cell `repetitions` times in turn, A B C A B C, each for about `seconds`, or for its smallest piece of work where
 * that takes longer. A cell that would take longer than `budget` seconds in all gets fewer repetitions, one at least: where
 * one takes longer than the budget, the trial run itself is it.
 *
 * @param cells { session, mode }[]: who runs, and how, where a peer has several ways
 * @param budgets of single peers, by id
 * @param stepsPerEpoch for peers that can be asked for less than an epoch
 * @returns measured: seconds a unit of work, for each cell and repetition; failures: { error } or { skip } of a cell
 */
export async function interleave(cells, { repetitions, seconds, budget, budgets, stepsPerEpoch }) {
  const plans = new Map();
  const failures = new Map();
  for (const cell of cells) {
    const trial = await calibrate(cell, seconds * (cell.session.adapter.patience ?? 1), stepsPerEpoch);
    if (trial.seconds === undefined) failures.set(cell, trial);
    else plans.set(cell, trial);
  }
  const least = new Map();
  for (const [{ session }, { unit }] of plans)
    least.set(session.adapter, Math.min(unit, least.get(session.adapter) ?? Number.POSITIVE_INFINITY));
  const measured = new Map();
  for (const [cell, plan] of plans) {
    const most =
      plan.unit > CLEARLY_SLOWER * least.get(cell.session.adapter) ? Math.min(FEW, repetitions) : repetitions;
    plan.repetitions = Math.min(most, Math.floor((budgets?.[cell.session.adapter.id] ?? budget) / plan.seconds));
    measured.set(cell, plan.repetitions < 1 ? [plan.unit] : []);
  }
  for (let i = 0; i < repetitions; i++)
    for (const [cell, plan] of plans) {
      if (i >= plan.repetitions) continue;
      const answer = await run(cell, plan.request);
      if (answer.seconds === undefined) {
        failures.set(cell, answer);
        measured.delete(cell);
        plans.delete(cell);
        continue;
      }
      measured.get(cell).push(answer.seconds / answer.units);
      await new Promise((resolve) => setTimeout(resolve, 5)); // threads of this one stop spinning
    }
  return { measured, failures };
}

const run = ({ session, mode }, request) => session.ask({ op: 'run', mode, ...request });

/** How much work takes about `wanted` seconds: { request, seconds it takes, seconds a unit }, or how it failed. */
async function calibrate(cell, wanted, stepsPerEpoch) {
  if (cell.session.adapter.steps && stepsPerEpoch > 1) {
    const one = await run(cell, { steps: 1 });
    if (one.seconds === undefined) return one;
    if (one.seconds * stepsPerEpoch > wanted) {
      const steps = Math.max(1, Math.min(stepsPerEpoch, Math.round(wanted / one.seconds)));
      return { request: { steps }, seconds: one.seconds * steps, unit: one.seconds };
    }
  }
  let count = 1;
  let answer = await run(cell, { count });
  for (let i = 0; i < 3 && answer.seconds < wanted / 4; i++) {
    count = Math.ceil(count * Math.min(100, wanted / 2 / answer.seconds));
    answer = await run(cell, { count });
  }
  if (answer.seconds === undefined) return answer;
  const scaled = Math.max(1, Math.round((wanted / answer.seconds) * count));
  return {
    request: { count: scaled },
    seconds: (answer.seconds * scaled) / count,
    unit: answer.seconds / answer.units,
  };
}
