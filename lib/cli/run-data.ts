import { facts, type Section, table } from '../report/index.js';
import type { Meaning, Split } from './dataset.js';
import { percent } from './output.js';
import type { Run } from './run-file.js';

/** What a network was trained and tested on. */
export function dataSection({ samples, data, seed, transformer }: Run, { name, meaning, hasOwnTest }: Split): Section {
  const total = samples.train + samples.validation + samples.test;
  const share = (n: number) => `${n.toLocaleString('en-US')} (${percent(n / total)})`;
  const { classes, features, scaling, target } = meaning;
  const lines = transformer?.describe().split('\n') ?? [];
  const HOW = {
    none: 'none',
    standard: 'every feature to mean 0 and variance 1 of the training samples',
    minmax: 'every feature from its training range into 0 … 1',
    max: 'divided by the largest training value',
  };
  return {
    title: 'Data',
    content: [
      facts([
        ['Source', name],
        ['Samples', total.toLocaleString('en-US')],
        ['Shape of one', shapeOf(meaning)],
        ...(features && !transformer ? ([['Features', shortList(features)]] as const) : []),
        ...(classes ? ([['Classes', `${classes.length}: ${shortList(classes.map(String))}`]] as const) : []),
        ...(target ? ([[classes ? 'Label' : 'Target', target]] as const) : []),
        ['To train on', share(samples.train)],
        ...(samples.validation ? ([['To validate on', share(samples.validation)]] as const) : []),
        ...(samples.test ? ([['To test on', share(samples.test)]] as const) : []),
        [
          'Split',
          data.testData
            ? 'the test samples are a file of their own'
            : hasOwnTest
              ? 'the data bring their test samples along'
              : `drawn at random from seed ${seed}`,
        ],
        ...(transformer ? [] : ([['Scaling', HOW[scaling.name]]] as const)),
      ]),
      ...(transformer
        ? [
            table(
              ['Column', 'What becomes of it'],
              lines.map((line) => [line.slice(0, line.indexOf(': ')), line.slice(line.indexOf(': ') + 2)]),
              { caption: 'Columns of the table' },
            ),
          ]
        : []),
    ],
  };
}

function shapeOf({ inputShape, imageShape }: Meaning): string {
  if (!imageShape) return inputShape.join(' × ');
  const image = `image of ${imageShape.join(' × ')}`;
  return imageShape.join() === inputShape.join() ? image : `${inputShape.join(' × ')} (${image})`;
}

const shortList = (names: readonly string[]) =>
  names.length > 20 ? `${names.slice(0, 20).join(', ')} and ${names.length - 20} more` : names.join(', ');
