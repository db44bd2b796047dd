import test from 'ava';
import { NDArray } from 'fjordnet';
import { COMMANDS } from '../dist/cli/commands.js';
import { CommandError } from '../dist/cli/errors.js';
import { commandHelp } from '../dist/cli/help.js';
import { type CommandSpec, optionsOf, parse, readInteger, readNumber } from '../dist/cli/options.js';
import { applyScaling, fitScaling, undoScaling } from '../dist/cli/scaling.js';

const train = COMMANDS.find(({ name }) => name === 'train') as CommandSpec;
const grid = COMMANDS.find(({ name }) => name === 'grid') as CommandSpec;

const refused = (spec: CommandSpec, ...args: string[]) => {
  try {
    parse(spec, args);
  } catch (error) {
    return error instanceof CommandError ? `${error.exitCode} ${error.message}` : String(error);
  }
  return 'accepted';
};

test('options may stand anywhere, with = or without, and -- ends them', (t) => {
  const values = parse(train, ['--epochs', '3', 'digits', '--hidden=10,5', '-q']);
  t.deepEqual(values.positionals, ['digits']);
  t.is(values.integer('epochs', 1), 3);
  t.deepEqual(
    values.list('hidden', (name, text) => readInteger(name, text, 1)),
    [10, 5],
  );
  t.true(values.switch('quiet'));
  t.false(values.switch('json'));
  t.deepEqual(parse(train, ['--', '--odd.csv']).positionals, ['--odd.csv']);
});

test('options have other names', (t) => {
  t.is(parse(train, ['digits', '--eta', '0.5']).number('learning-rate', 0), 0.5);
  t.is(parse(train, ['digits', '--lr', '0.5']).number('learning-rate', 0), 0.5);
  t.is(parse(train, ['digits', '--lmbd', '0.1']).number('l2', 0), 0.1);
});

test('some options may be given several times, others may not', (t) => {
  t.deepEqual(parse(grid, ['digits', '-s', 'l2=0,1', '--search', 'epochs=1,2']).texts('search'), [
    'l2=0,1',
    'epochs=1,2',
  ]);
  t.is(
    refused(train, 'digits', '--epochs', '1', '--epochs', '2'),
    '2 Expected --epochs to be given once, got it twice',
  );
});

test('a wrong command line is told in one sentence', (t) => {
  t.is(
    refused(train, 'digits', '--epoch', '3'),
    "2 Expected no option --epoch (did you mean '--epochs'?); fjordnet train --help lists those there are",
  );
  t.is(refused(train, 'digits', '-x'), '2 Expected no option -x; fjordnet train --help lists those there are');
  t.is(refused(train, 'digits', '--epochs'), '2 Expected --epochs to have a value (--epochs N), got none');
  t.is(refused(train, 'digits', '--epochs='), '2 Expected --epochs to have a value (--epochs N), got none');
  t.is(
    refused(train, 'digits', '--epochs', '--seed', '3'),
    '2 Expected --epochs to have a value (--epochs N), got the option --seed',
  );
  t.is(refused(train, 'digits', '--json=yes'), "2 Expected --json to stand alone, got the value 'yes'");
  t.regex(refused(train, 'a.csv', 'b.csv'), /Expected no argument 'b.csv' after the others/);
  t.regex(refused(grid), /^2 Expected DATA \('digits'.*\), got none/);
  const values = parse(train, ['digits', '--task', 'clasification', '--epochs', '2.5', '--validation', '-1']);
  t.throws(() => values.choice('task', ['classification', 'regression']), {
    message:
      "Expected --task to be one of classification, regression (did you mean 'classification'?), got 'clasification'",
  });
  t.throws(() => values.integer('epochs', 1), { message: "Expected --epochs to be a positive integer, got '2.5'" });
  t.throws(() => values.number('validation', 0, 0.9), {
    message: "Expected --validation to be a number >= 0 and <= 0.9, got '-1'",
  });
});

test('numbers are numbers, all of them', (t) => {
  t.is(readNumber('x', '1e-5', 0), 1e-5);
  t.is(readInteger('x', '1e3', 1), 1000);
  for (const text of ['', ' ', 'NaN', 'Infinity', '0x', '1,5', 'one'])
    t.throws(() => readNumber('x', text, 0), undefined, text);
  for (const text of ['', '1.5', '0', '0x10', '9007199254740993'])
    t.throws(() => readInteger('x', text, 1), undefined, text);
});

test('every command has help that names all of its options, and an example that parses', (t) => {
  for (const spec of COMMANDS) {
    const help = commandHelp(spec);
    for (const [name, { help: words }] of Object.entries(optionsOf(spec))) {
      t.true(help.includes(`--${name}`), `${spec.name} --${name}`);
      t.true(help.replaceAll(/\s+/g, ' ').includes(words.split(' ').slice(0, 4).join(' ')));
    }
    for (const line of help.split('\n')) t.true(line.length <= 104 || line.startsWith('  fjordnet '), line);
    t.true(spec.examples.length > 0, spec.name);
    for (const [, command] of spec.examples) {
      const [program, name, ...args] = command.split(' ');
      t.is(program, 'fjordnet');
      t.is(name, spec.name);
      t.notThrows(() => parse(spec, args), command);
    }
  }
});

test('scalings do what they say, and are undone', (t) => {
  const x = () =>
    NDArray.from([
      [0, 10, 5],
      [2, 20, 5],
      [4, 60, 5],
    ]);
  const scaled = (name: 'none' | 'standard' | 'minmax' | 'max') => {
    const array = x();
    const scaling = JSON.parse(JSON.stringify(fitScaling(name, array)));
    applyScaling(scaling, array);
    const values = Array.from(array.data);
    undoScaling(scaling, array);
    array.data.forEach((v, i) => t.true(Math.abs(v - x().data[i]) < 1e-12));
    return values;
  };
  t.deepEqual(scaled('none'), Array.from(x().data));
  t.deepEqual(
    scaled('max').map((v) => v * 60),
    Array.from(x().data),
  );
  t.deepEqual(
    scaled('minmax').map((v) => Number(v.toFixed(6))),
    [0, 0, 0, 0.5, 0.2, 0, 1, 1, 0],
  );
  const standard = scaled('standard');
  for (const k of [0, 1]) {
    const column = [0, 1, 2].map((i) => standard[3 * i + k]);
    t.true(Math.abs(column[0] + column[1] + column[2]) < 1e-12);
    t.true(Math.abs(column.reduce((sum, v) => sum + v * v, 0) / 3 - 1) < 1e-12);
  }
  t.deepEqual(
    [2, 5, 8].map((i) => standard[i]),
    [0, 0, 0],
  );
});
