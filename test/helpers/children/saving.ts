// What a process does to a folder that takes no more, or until it is killed.
//   full FOLDER FREE      on a disk of its own: saves to it when FREE bytes are left. Prints what happened as JSON
//   once PATH             saves one model. Prints the error's code and message as JSON, or null
//   loop PATH             saves models of growing values, for ever. Prints 'ready' after the first
import { appendFileSync, readdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { layers, NDArray, Sequential, sequential } from 'fjordnet';
import { EventFile } from '../../../dist/io/event-file.js';

type Coded = Error & { code?: string };

const [mode, path, free] = process.argv.slice(2);
const caught = (promise: Promise<unknown>) =>
  promise.then(
    () => null,
    (error: Coded) => ({ code: error.code, message: error.message }),
  );

/** A network of one weight array, all of it the same value. */
function model(units: number): { save(value: number): Promise<void> } {
  const network = sequential({ layers: [layers.dense({ units, useBias: false, inputShape: [100] })], seed: 1 });
  network.build([100]);
  return {
    async save(value) {
      network.setWeights([NDArray.from(new Float32Array(100 * units).fill(value), { shape: [100, units] })]);
      await network.save(path === undefined || mode !== 'full' ? path : join(path, 'model'));
    },
  };
}

/** The lengths of the records of a file of events, up to the first that is cut. */
function wholeRecords(bytes: Buffer): { records: number; end: number } {
  let [records, at] = [0, 0];
  while (at + 12 <= bytes.length) {
    const next = at + 12 + Number(bytes.readBigUInt64LE(at)) + 4;
    if (next > bytes.length) break;
    records++;
    at = next;
  }
  return { records, end: at };
}

async function full(): Promise<unknown> {
  const plots = await import('fjordnet/plots');
  await model(10).save(1); // some 7 KB
  const plot = plots.heatmap([[1, 2]]);
  await plot.save(join(path, 'plot.json'));
  const events = new EventFile(path);
  events.scalar(0, 'loss', 1);
  const filler = join(path, 'filler');
  const { bavail, bsize } = statfsSync(path);
  appendFileSync(filler, Buffer.alloc(bavail * bsize - Number(free)));
  const before = readdirSync(path).sort();
  const old = readFileSync(join(path, 'plot.json'));
  const big = await caught(model(500).save(2)); // 200 KB
  const left = readdirSync(path).sort();
  const [[kernel]] = [(await Sequential.load(join(path, 'model'))).getWeights()];

  const { bavail: rest } = statfsSync(path);
  appendFileSync(filler, Buffer.alloc(rest * bsize));
  const drawn = await caught(plot.save(join(path, 'plot.json')));
  let logged: Coded | undefined;
  try {
    for (let step = 1; step < 1e6; step++)
      events.scalar(step, 'a name that makes records of some length'.repeat(50), 1);
  } catch (error) {
    logged = error as Coded;
  }
  const [log] = readdirSync(path).filter((name) => name.startsWith('events'));
  const records = readFileSync(join(path, log));
  rmSync(filler);
  events.scalar(0, 'loss', 1);
  const after = readFileSync(join(path, log));
  await model(500).save(2);
  const [[again]] = [(await Sequential.load(join(path, 'model'))).getWeights()];
  return {
    big,
    drawn,
    logged: { code: logged?.code, message: logged?.message },
    sameFiles: left.join() === before.join(),
    oldModel: kernel.data.every((value) => value === 1),
    oldPlot: readFileSync(join(path, 'plot.json')).equals(old),
    wholeLog: wholeRecords(records).end === records.length,
    grownLog:
      wholeRecords(after).end === after.length && wholeRecords(after).records === wholeRecords(records).records + 1,
    newModel: again.size === 50_000 && again.data.every((value) => value === 2),
  };
}

if (mode === 'full') process.stdout.write(JSON.stringify(await full()));
else if (mode === 'once') process.stdout.write(JSON.stringify(await caught(model(10).save(3))));
else {
  const { save } = model(2000);
  for (let value = 1; ; value++) {
    await save(value);
    if (value === 1) writeFileSync(process.stdout.fd, 'ready');
  }
}
