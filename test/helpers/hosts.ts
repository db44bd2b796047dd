import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const NETWORK = '10.231.0';
/** What a shaped link lets through at once. */
const BUCKET = '64kb';

const ip = (...args: string[]) => execFileSync('ip', args, { stdio: ['ignore', 'pipe', 'pipe'], encoding: 'utf8' });

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly seconds: number;
}

/**
 * Two hosts on this machine: network namespaces with a cable between them, and what a launcher starts its daemons on the other one by.
 * Both have the machine's files and processors.
 */
export class TwoHosts {
  readonly #names = ['a', 'b'].map((host) => `fj${process.pid}${host}`);
  readonly #folder = mkdtempSync(join(tmpdir(), 'fjordnet-hosts-'));
  readonly #agent = join(this.#folder, 'agent');

  /** What is missing for them, in words. */
  static missing(): string | undefined {
    const name = `fj${process.pid}`;
    try {
      ip('netns', 'add', name);
      ip('netns', 'del', name);
      return undefined;
    } catch (error) {
      const { code, message } = error as Error & { code?: string };
      return code === 'ENOENT' ? 'no command ip: apt-get install iproute2' : `no network namespaces: ${message}`;
    }
  }

  constructor() {
    try {
      this.#make();
    } catch (error) {
      this.remove();
      throw error;
    }
  }

  #make(): void {
    const hosts = this.#names.map((name, i) => `${NETWORK}.${i + 1} ${name}`).join('\n');
    for (const name of this.#names) {
      ip('netns', 'add', name);
      mkdirSync(`/etc/netns/${name}`, { recursive: true });
      writeFileSync(`/etc/netns/${name}/hosts`, `127.0.0.1 localhost\n${hosts}\n`);
    }
    const [a, b] = this.#names;
    ip('-n', a, 'link', 'add', 'cable', 'type', 'veth', 'peer', 'name', 'cable', 'netns', b);
    for (const [i, name] of this.#names.entries()) {
      ip('-n', name, 'addr', 'add', `${NETWORK}.${i + 1}/24`, 'dev', 'cable');
      for (const link of ['lo', 'cable']) ip('-n', name, 'link', 'set', link, 'up');
    }
    // MPICH takes what is up when it starts.
    while (this.#names.some((name) => !ip('-n', name, '-br', 'link', 'show', 'cable').includes('LOWER_UP')));
    // What was sent and not confirmed is given up after 6 s, not after a quarter of an hour: Open MPI's launcher and its daemon wait for
    // that, when the ranks have long ended.
    for (const name of this.#names)
      execFileSync('ip', ['netns', 'exec', name, 'sysctl', '-qw', 'net.ipv4.tcp_retries2=4']);
    // As ssh: options, a host, a command for its shell.
    const agent =
      'for option; do case $option in -*) shift ;; *) break ;; esac; done; host=$1; shift; exec ip netns exec "$host" sh -c "$*"';
    writeFileSync(this.#agent, `#!/bin/sh\n${agent}\n`);
    chmodSync(this.#agent, 0o755);
  }

  /** Lets both send so many bits a second, as '1gbit'. */
  shape(rate: string): void {
    for (const name of this.#names)
      execFileSync('tc', [
        '-n',
        name,
        ...`qdisc replace dev cable root tbf rate ${rate} burst ${BUCKET} latency 50ms`.split(' '),
      ]);
  }

  cutCable(): void {
    ip('-n', this.#names[1], 'link', 'set', 'cable', 'down');
  }

  /** Starts a rank of a job on each host, with the launcher on the first one. */
  command(mpi: 'openmpi' | 'mpich', ...program: string[]): string[] {
    const [a, b] = this.#names;
    const network = `${NETWORK}.0/24`;
    const launcher = {
      openmpi: [
        ...['mpirun.openmpi', '--allow-run-as-root', '-H', `${a}:1,${b}:1`, '--mca', 'plm_rsh_agent', this.#agent],
        ...['--mca', 'btl', 'tcp,self', '--mca', 'pml', 'ob1', '--mca', 'btl_tcp_if_include', network],
        ...['--mca', 'oob_tcp_if_include', network, '--mca', 'mpi_yield_when_idle', '1'],
      ],
      mpich: [
        ...['mpiexec.hydra', '-launcher', 'ssh', '-launcher-exec', this.#agent, '-localhost', `${NETWORK}.1`],
        ...['-hosts', `${a},${b}`, '-genv', 'UCX_TLS', 'tcp,self', '-genv', 'UCX_NET_DEVICES', 'cable'],
      ],
    }[mpi];
    return ['ip', 'netns', 'exec', a, ...launcher, '-n', '2', ...program];
  }

  /** @param seen is told what the job has printed so far */
  async run([file, ...args]: readonly string[], seen?: (stdout: string) => void): Promise<Ended> {
    const start = performance.now();
    const { FJORDNET_MPI: _, ...env } = process.env;
    const job = spawn(file, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    const output = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const)
      job[name].setEncoding('utf8').on('data', (text) => {
        output[name] += text;
        if (name === 'stdout') seen?.(output.stdout);
      });
    const closed = new Promise((done) => job.on('close', done));
    const code = await new Promise<number | null>((done) => job.on('exit', done));
    await Promise.race([closed, new Promise((done) => setTimeout(done, 1000))]); // a daemon that is left holds the pipe
    return { code, ...output, seconds: (performance.now() - start) / 1000 };
  }

  /** What still runs on the hosts, a while after a job. */
  async left(seconds = 5): Promise<string[]> {
    const end = performance.now() + 1000 * seconds;
    let pids: string[] = [];
    do {
      pids = this.#names.flatMap((name) => ip('netns', 'pids', name).split('\n').filter(Boolean));
      if (pids.length === 0) return [];
      await new Promise((done) => setTimeout(done, 100));
    } while (performance.now() < end);
    return spawnSync('ps', ['-o', 'pid=,args=', '-p', pids.join()], { encoding: 'utf8' }).stdout.trim().split('\n');
  }

  remove(): void {
    for (const name of this.#names) {
      for (const pid of spawnSync('ip', ['netns', 'pids', name], { encoding: 'utf8' })
        .stdout.split('\n')
        .filter(Boolean)) {
        try {
          process.kill(Number(pid), 'SIGKILL');
        } catch {} // it has ended
      }
      spawnSync('ip', ['netns', 'del', name]);
      rmSync(`/etc/netns/${name}`, { recursive: true, force: true });
    }
    rmSync(this.#folder, { recursive: true });
  }
}
