import { existsSync } from 'node:fs';
import { totalmem } from 'node:os';
import { basename, dirname, join, relative } from 'node:path';
import { NDArray } from '../array.js';
import { generator } from '../data/from.js';
import { imageFolder } from '../data/image-folder.js';
import { isPicture, LeftOut, leadsToFolder, partsIn, picturesIn } from '../data/picture-files.js';
import { readImage } from '../io/image.js';
import { uniqueLabels } from '../labels.js';
import type { FloatType } from '../tape.js';
import { CommandError, EXIT, unreadable, usage } from './errors.js';
import { count } from './output.js';
import type { SourceOptions, Table } from './sources.js';

/** How pictures are read. Plain JSON. */
export interface PictureOptions {
  /** [height, width] that they are scaled to. */
  readonly size?: readonly number[];
  readonly colorMode?: 'rgb' | 'grayscale';
  /** Whether damaged ones are left out. */
  readonly skipDamaged?: boolean;
}

/** Bytes of pictures in memory at most, which a training holds some three times. */
const MOST = Math.min(2 ** 31, totalmem() / 4);

/** Pictures that are decoded at a time. */
const CONCURRENCY = 8;

export const isFolder = (source: string): boolean => source !== 'digits' && source !== '-' && leadsToFolder(source);

/** A folder of pictures, or one of them. */
export const isOfPictures = (source: string): boolean => isFolder(source) || (isPicture(source) && existsSync(source));

/** The pictures of a folder by class and, where it has folders train and test, those of both; or all pictures, to be predicted. */
export async function readPictures(options: SourceOptions, dtype: FloatType): Promise<Table> {
  const { source, labelOptional } = options;
  if (labelOptional) return unlabelled(options, dtype);
  if (!isFolder(source))
    throw usage(`Expected a folder with a folder of pictures for each class, got the picture '${source}'`);
  const parts = partsIn(source);
  if (parts.length < 2) return labelled(options, dtype);
  if (!parts.includes('train') || !parts.includes('test'))
    throw usage(
      `Expected '${source}' to hold classes, or the folders train and test, got ${parts.join(', ')}: train on '${join(source, parts[0])}' with --test-data '${join(source, parts[1])}'`,
    );
  // a network that is trained already is tested
  if (options.expected) return labelled(options, dtype, 'test');
  const own = await labelled(options, dtype, 'train');
  const test = await labelled({ ...options, expected: { classes: uniqueLabels(own.y as string[]) } }, dtype, 'test');
  const decided = [own.decided, test.decided].filter(Boolean).join('; ');
  return { ...own, test, ...(decided && { decided }) };
}

async function labelled(options: SourceOptions, dtype: FloatType, split?: string): Promise<Table> {
  const { source, expected } = options;
  // a test set need not have pictures of all of them
  const known = expected?.classes?.map(String) ?? [];
  const own = { ...(split && { split }), ...(known.length > 1 && { classes: known }) };
  const { files, labels, classes } = imageFolder(source, { size: [1, 1], ...own }); // it is listed only
  return decoded(options, dtype, files, (i) => classes[labels.data[i]]);
}

async function unlabelled(options: SourceOptions, dtype: FloatType): Promise<Table> {
  const { source } = options;
  if (!isFolder(source)) return decoded(options, dtype, [source]);
  const names = picturesIn(source, '', new LeftOut());
  if (names.length === 0) throw new CommandError(EXIT.input, `Cannot read '${source}': it holds no pictures`);
  return decoded(
    options,
    dtype,
    names.map((name) => join(source, name)),
  );
}

/** Pictures in one array, for which there must be room before the first one is read. */
async function decoded(
  { source, size, colorMode = 'rgb', skipDamaged }: SourceOptions,
  dtype: FloatType,
  files: readonly string[],
  labelOf?: (i: number) => string,
): Promise<Table> {
  if (!size)
    throw usage(
      `Expected --size HEIGHTxWIDTH, what the pictures of '${source}' are scaled to, such as 32x32, got none`,
    );
  const [height, across] = size;
  const shape = [height, across, colorMode === 'rgb' ? 3 : 1];
  const width = shape.reduce((product, side) => product * side, 1);
  checkRoom(source, files.length, shape, files.length * width * (dtype === 'float32' ? 4 : 8));
  const x = NDArray.zeros([files.length, ...shape], dtype);
  const read = async (file: string) => {
    try {
      return await readImage(file, { size: [height, across], colorMode });
    } catch (error) {
      if (skipDamaged && (error as NodeJS.ErrnoException).code === 'ERR_FORMAT') return undefined;
      throw unreadable(file, error);
    }
  };
  const kept: number[] = [];
  let i = 0;
  for await (const picture of generator(() => files).map(read, { concurrency: CONCURRENCY })) {
    if (picture) x.data.set(picture.data, width * kept.push(i) - width);
    i++;
  }
  if (kept.length === 0) throw new CommandError(EXIT.input, `Cannot read '${source}': its pictures are all damaged`);
  const own = new Set(kept);
  const damaged = files.filter((_, k) => !own.has(k));
  const base = isFolder(source) ? source : dirname(source);
  return {
    name: basename(source),
    x: damaged.length === 0 ? x : x.slice([0, kept.length]),
    ...(labelOf && { y: kept.map(labelOf) }),
    imageShape: shape,
    files: kept.map((k) => relative(base, files[k])),
    ...(damaged.length > 0 && { decided: `${count(damaged.length, 'damaged picture')} left out: ${listed(damaged)}` }),
  };
}

function checkRoom(source: string, n: number, shape: readonly number[], bytes: number): void {
  if (bytes <= MOST) return;
  const gigabytes = (value: number) => `${(value / 2 ** 30).toFixed(1)} GiB`;
  throw new CommandError(
    EXIT.input,
    `Expected the pictures of '${source}' to take at most ${gigabytes(MOST)} of memory, where the command line holds all of them, got ${n.toLocaleString('en-US')} of ${shape.join('x')} (${gigabytes(bytes)}): give a smaller --size, or train in code, where data.imageFolder reads them as they are needed`,
  );
}

const listed = (names: readonly string[]) => names.slice(0, 5).join(', ') + (names.length > 5 ? ', …' : '');
