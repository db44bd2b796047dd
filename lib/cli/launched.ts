/** By which variables launchers say how many processes they have started, which one this is, and which one of its machine's. */
const VARIABLES = [
  ['OMPI_COMM_WORLD_SIZE', 'OMPI_COMM_WORLD_RANK', 'OMPI_COMM_WORLD_LOCAL_RANK'],
  ['PMI_SIZE', 'PMI_RANK', 'MPI_LOCALRANKID'],
  ['PMI_PORT', 'PMI_ID', 'MPI_LOCALRANKID'], // of mpirun -pmi-port, which does not say how many
  ['SLURM_STEP_NUM_TASKS', 'SLURM_PROCID', 'SLURM_LOCALID'],
] as const;

/** One of several processes. */
export interface Launched {
  readonly rank: number;
  readonly localRank: number;
}

/** Which one of several processes of `mpirun` or the like this is; undefined where it is the only one. MPI is not asked. */
export function launched(): Launched | undefined {
  const names = VARIABLES.find(([size]) => process.env[size] !== undefined);
  if (!names || process.env[names[0]] === '1') return undefined;
  const [rank, localRank] = names.slice(1).map((name) => Number(process.env[name] ?? 0));
  return { rank, localRank };
}
