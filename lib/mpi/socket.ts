import { fstatSync } from 'node:fs';
import { failure } from '../check.js';

/**
 * MPICH ends the process where the socket to its mpirun is closed, as npm and npx close it for what they start.
 * @throws Error with code ERR_MPI
 */
export function checkSocket(): void {
  const { PMI_FD: number, PMI_PORT: port, PMI_SIZE: size, I_MPI_HYDRA_UUID: intel } = process.env;
  if (number === undefined || port !== undefined || isSocket(Number(number))) return;
  throw failure(
    'ERR_MPI',
    `Expected the socket to mpirun, number ${number}, to be open: npm and npx close it. Start what they would start, such as ` +
      `mpirun -n ${size} node_modules/.bin/fjordnet` +
      // Intel's launcher has no such option
      (intel ? '' : `, or have mpirun take a port, which goes through them: mpirun -pmi-port -n ${size} npx fjordnet`),
  );
}

function isSocket(number: number): boolean {
  try {
    return fstatSync(number).isSocket();
  } catch {
    return false;
  }
}
