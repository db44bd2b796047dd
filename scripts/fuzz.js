// The driver of scripts/fuzz: each target in a process of its own, in rounds, so that a crash or a hang has a number and the
// rest goes on. A target is a module of scripts/fuzz-targets with
//   name                         that of its file
//   run(random, count, report)   tries `count` inputs made of `random` alone; may be asynchronous
// where `report(problem)` tells what is wrong, with enough of the input to see it, and `report.error(error, input)` judges
// what the library threw: sentences are fine, all else is a problem.
import { spawn } from 'node:child_process';
import { readdirSync, writeSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inspect, parseArgs } from 'node:util';

const ROUND = 50; // inputs
const HANG = 120_000; // milliseconds without a finished round
const MOST_PROBLEMS = 20;

const file = fileURLToPath(import.meta.url);
const folder = resolve(dirname(file), 'fuzz-targets');

/** Reproducible random numbers (Wellons' lowbias32 over a counter): the same for the same seed, wherever they run. */
class Random {
  #state;

  constructor(...seeds) {
    this.#state = seeds
      .join()
      .split('')
      .reduce((h, c) => Math.imul(h ^ c.charCodeAt(0), 0x01000193), 0x811c9dc5);
  }

  /** 32 random bits. */
  bits() {
    this.#state = (this.#state + 0x9e3779b9) | 0;
    let x = this.#state;
    x = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
    x = Math.imul(x ^ (x >>> 15), 0x735a2d97);
    return (x ^ (x >>> 15)) >>> 0;
  }
  /** A number in [0, 1). */
  real() {
    return this.bits() / 2 ** 32;
  }
  /** An integer in [low, high]. */
  integer(low, high) {
    return low + Math.floor(this.real() * (high - low + 1));
  }
  /** True with this probability. */
  chance(probability) {
    return this.real() < probability;
  }
  pick(array) {
    return array[this.integer(0, array.length - 1)];
  }
}

/** What an engine or a standard library says, never one of our sentences. */
const ENGINE =
  /is not a function|is not iterable|Cannot (read prop|destructure|convert|set)|Invalid (typed )?array|Invalid count|Unexpected token|not defined|Maximum call stack|Array buffer allocation|out of (range|bounds)|must be of type|std::|bad_/;

function reporter(found) {
  const report = (problem) => found(String(problem));
  report.error = (error, input) => {
    const message = error?.message;
    if (typeof message === 'string' && /^[A-Z'`"]/.test(message) && !ENGINE.test(message)) return;
    report(`no sentence: ${error?.stack ?? inspect(error)}\nof ${inspect(input, { depth: 6, breakLength: 120 })}`);
  };
  return report;
}

/** Runs rounds of one target until `count` inputs or `seconds` are over: standard output gets a line for each that ended. */
async function child(name, { seed, from, count, seconds }) {
  const target = await import(resolve(folder, `${name}.js`));
  const end = Date.now() + seconds * 1000;
  for (let round = from, left = count; left > 0 && Date.now() < end; round++, left -= ROUND) {
    writeSync(3, `${JSON.stringify({ round })}\n`);
    const report = reporter((problem) => writeSync(3, `${JSON.stringify({ round, problem })}\n`));
    try {
      await target.run(new Random(seed, name, round), Math.min(ROUND, left), report);
    } catch (error) {
      report.error(error, 'an input whose error the target did not catch');
      report(`the target itself threw: ${error?.stack ?? error}`);
    }
  }
  writeSync(3, `${JSON.stringify({ ended: true })}\n`);
  process.exit();
}

/** One child from `from` on: the rounds it began, the problems it told, and how it ended. */
function rounds(name, from, options) {
  const args = ['--no-warnings', file, '--child', name];
  for (const [key, value] of Object.entries({ ...options, from })) args.push(`--${key}`, String(value));
  const process_ = spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'pipe', 'pipe'] });
  const state = { round: from, problems: [], ended: false, stderr: '', hung: false };
  const hang = setTimeout(() => {
    state.hung = true;
    process_.kill('SIGKILL');
  }, HANG);
  process_.stderr.on('data', (data) => {
    state.stderr = (state.stderr + data).slice(-20_000);
  });
  let rest = '';
  process_.stdio[3].on('data', (data) => {
    hang.refresh();
    const lines = (rest + data).split('\n');
    rest = lines.pop();
    for (const line of lines) {
      const { round, problem, ended } = JSON.parse(line);
      if (ended) state.ended = true;
      else if (problem) state.problems.push({ round, problem });
      else state.round = round;
    }
  });
  return new Promise((done) => {
    process_.on('close', (code, signal) => {
      clearTimeout(hang);
      if (!state.ended || code !== 0) {
        const how = state.hung
          ? `no round ended in ${HANG / 1000} s`
          : `the process ended: ${signal ?? `exit code ${code}`}`;
        state.problems.push({ round: state.round, problem: `${how}\n${state.stderr}` });
      }
      done(state);
    });
  });
}

async function fuzz(name, { seed, from, count, seconds }) {
  const start = Date.now();
  const last = from + Math.ceil(count / ROUND);
  let at = from;
  let problems = 0;
  while (at < last && problems < MOST_PROBLEMS) {
    const left = seconds - (Date.now() - start) / 1000;
    if (left <= 0) break;
    const state = await rounds(name, at, { seed, count: count - (at - from) * ROUND, seconds: left });
    for (const { round, problem } of state.problems) {
      console.error(`\n${name}, round ${round}: ${problem}`);
      console.error(`again: scripts/fuzz ${name} --seed ${seed} --from ${round} --count ${ROUND}`);
    }
    problems += state.problems.length;
    at = state.round + 1;
  }
  const inputs = Math.min((at - from) * ROUND, count);
  console.log(`${name}: ${inputs} inputs in ${((Date.now() - start) / 1000).toFixed(1)} s, ${problems} problems`);
  return problems;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    count: { type: 'string', default: '2000' },
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string', default: String(Date.now() % 1e6) },
    from: { type: 'string', default: '0' },
    child: { type: 'string' },
  },
});
const options = Object.fromEntries(['count', 'seconds', 'seed', 'from'].map((key) => [key, Number(values[key])]));
for (const [key, value] of Object.entries(options))
  if (!(value >= 0)) throw new RangeError(`Expected --${key} to be a non-negative number, got ${values[key]}`);

if (values.child) await child(values.child, options);
else {
  const all = readdirSync(folder).map((name) => basename(name, '.js'));
  const unknown = positionals.find((name) => !all.includes(name));
  if (unknown) throw new RangeError(`Expected targets among ${all.join(', ')}, got ${unknown}`);
  console.log(`seed ${options.seed}`);
  let problems = 0;
  for (const name of positionals.length ? positionals : all) problems += await fuzz(name, options);
  process.exitCode = problems > 0 ? 1 : 0;
}
