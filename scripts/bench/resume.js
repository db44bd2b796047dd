/** What of two runs must be the same for one to go on with the other's rows, and what differs: 'commit', or undefined. */
export function sameRun(before, now) {
  const identity = ({ machine: m, peers, ...run }) => ({
    processor: m.processor,
    'number of cores': m.cores,
    'Node.js': m.node,
    commit: m.commit,
    'number of repetitions': run.repetitions,
    'length of repetitions': run.seconds,
    budget: run.budget,
    'set of peers': peers.map(({ id, name, kernel, skip }) => [id, name, kernel, skip]),
  });
  const [a, b] = [identity(before), identity(now)];
  return Object.keys(a).find((key) => JSON.stringify(a[key]) !== JSON.stringify(b[key]));
}
