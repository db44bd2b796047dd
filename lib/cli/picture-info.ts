import { basename } from 'node:path';
import { generator } from '../data/from.js';
import { type ImageFolder, imageFolder } from '../data/image-folder.js';
import { partsIn } from '../data/picture-files.js';
import { imageSize } from '../io/image.js';
import { isCommandError } from '../kind.js';
import { unreadable } from './errors.js';
import { count, type Output } from './output.js';

/** Pictures whose sizes are looked at; of more, so many all over the folder. */
const MOST = 2000;
const CONCURRENCY = 8;

/** The classes of a folder, or of its parts train and test, and the sizes of its pictures. */
export async function pictures(out: Output, path: string): Promise<void> {
  const parts = partsIn(path);
  const found: object[] = [];
  for (const part of parts.length > 1 ? parts : [undefined]) {
    const folder = listed(path, part);
    const { range, damaged, looked } = await sizesOf(folder);
    const classes = folder.classes.map((name, code) => [
      name,
      folder.labels.data.filter((label) => label === code).length,
    ]);
    const name = part === undefined ? basename(path) : part;
    found.push({
      name,
      samples: folder.length,
      classes: Object.fromEntries(classes),
      ...(range && { height: [range[0][0], range[1][0]], width: [range[0][1], range[1][1]] }),
      damaged,
    });
    out.say(`${name}: ${folder.describe()}`);
    const of = looked < folder.length ? ` (${looked.toLocaleString('en-US')} of them)` : '';
    if (range) out.say(`Sizes${of}: ${sizes(range)}`);
    if (damaged.length > 0)
      out.say(
        `${count(damaged.length, 'picture')} cannot be read: ${damaged.slice(0, 5).join(', ')}${damaged.length > 5 ? ', …' : ''}`,
      );
  }
  out.document(parts.length > 1 ? { name: basename(path), parts: found } : found[0]);
}

function listed(path: string, split: string | undefined): ImageFolder {
  try {
    return imageFolder(path, { size: [1, 1], ...(split !== undefined && { split }) });
  } catch (error) {
    throw unreadable(path, error);
  }
}

type Range = readonly [least: readonly [number, number], largest: readonly [number, number]];

async function sizesOf({ files }: ImageFolder) {
  const looked = Math.min(files.length, MOST);
  const some = Array.from({ length: looked }, (_, i) => files[Math.floor((i * files.length) / looked)]);
  const read = (file: string) =>
    imageSize(file).catch((error) => {
      if (!isCommandError(unreadable(file, error))) throw error;
      return file;
    });
  const damaged: string[] = [];
  let range: Range | undefined;
  for await (const size of generator(() => some).map(read, { concurrency: CONCURRENCY })) {
    if (typeof size === 'string') damaged.push(size);
    else range = [merged(Math.min, size, range?.[0]), merged(Math.max, size, range?.[1])];
  }
  return { range, damaged, looked };
}

const merged = (pick: typeof Math.min, [h, w]: [number, number], known: readonly [number, number] = [h, w]) =>
  [pick(h, known[0]), pick(w, known[1])] as const;

function sizes([least, largest]: Range): string {
  const sides = ([height, width]: readonly [number, number]) => `${height} x ${width}`;
  if (sides(least) === sides(largest)) return `all ${sides(least)} (height x width)`;
  return `heights ${least[0]} to ${largest[0]}, widths ${least[1]} to ${largest[1]}`;
}
