import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { NDArray } from '../array.js';
import {
  checkBoolean,
  checkInteger,
  checkInterval,
  checkOneOf,
  checkOptions,
  wrongType,
  wrongValue,
} from '../check.js';
import { absolutePath, filePath } from '../io/atomic.js';
import { checkSize, type ImageOptions, readImage } from '../io/image.js';
import { damaged } from '../io/read.js';
import { isPlain } from '../kind.js';
import { trainTestSplit } from '../model-selection/splits.js';
import { checkRandomState, RandomState } from '../random.js';
import { ahead } from './ahead.js';
import { Items } from './block.js';
import { type Cursor, filtered, over } from './cursor.js';
import { Dataset } from './dataset.js';
import { classFolders, LeftOut, partsIn, picturesIn } from './picture-files.js';
import type { Share } from './share.js';

/** A share of the pictures: both parts together are all of them, and none is in both. */
export interface ImageFolderShare {
  part: 'train' | 'test';
  /** The share that is tested on, of each class alike. Default 0.2 */
  testSize?: number;
  /** Both parts are to be drawn from the same seed. Default 0 */
  randomState?: number;
}

export interface ImageFolderOptions {
  /** [height, width] in pixels that pictures are scaled to, whatever their proportions. */
  size: readonly [height: number, width: number];
  /** 'rgb': three channels; 'grayscale': one. Default 'rgb' */
  colorMode?: 'rgb' | 'grayscale';
  /** The name of a folder in `dir` that holds the classes, such as 'train'; or a share of all pictures. Default: all of them */
  split?: string | ImageFolderShare;
  /**
   * The classes in the order of their numbers, such as those of another folder. One of them may have no folder; a folder that is none
   * of them is refused. Default: the sorted names of the folders
   */
  classes?: readonly string[];
  /** All pictures in a new order in each pass. Default false: by class and name */
  shuffle?: boolean;
  /** All orders follow from it. Default: unpredictable ones */
  randomState?: number | RandomState;
  /** Pictures that are read and decoded at a time, while others are in use. Default: twice the processors */
  concurrency?: number;
  /** Leave out what cannot be decoded, and keep its name in `damaged`. Default false: such a picture is an error */
  skipDamaged?: boolean;
}

const OPTIONS: readonly (keyof ImageFolderOptions)[] = [
  ...(['size', 'colorMode', 'split', 'classes', 'shuffle', 'randomState', 'concurrency', 'skipDamaged'] as const),
];

/** The pictures that a folder holds, by class; see `data.imageFolder`. */
export class ImageFolder extends Dataset<[NDArray, number]> {
  /** The names of the classes, in the order of their numbers. */
  readonly classes: readonly string[];
  /** The files of the pictures, by class and name. */
  readonly files: readonly string[];
  /** The class number of each of them, int32 [n]. */
  readonly labels: NDArray;
  readonly #damaged: Set<string>;
  readonly #leftOut: LeftOut;

  /** @internal */
  constructor({ classes, files, codes, leftOut }: Listed, reading: Reading) {
    const broken = new Set<string>();
    super((share) => decoding(files, codes, reading, broken, share), codes);
    this.classes = classes;
    this.files = files;
    this.labels = NDArray.wrap(codes.slice());
    this.#damaged = broken;
    this.#leftOut = leftOut;
  }

  /** How many pictures there are. */
  get length(): number {
    return this.files.length;
  }

  /** The files that passes have found damaged until now, with `skipDamaged`. */
  get damaged(): readonly string[] {
    return [...this.#damaged];
  }

  /** How many pictures there are of which classes, and what in the folder is none, in words. */
  describe(): string {
    const counts = this.classes.map(() => 0);
    for (const code of this.labels.data) counts[code]++;
    const classes = this.classes.map((name, code) => `${name} (${counts[code].toLocaleString('en-US')})`);
    const left = `${this.#leftOut}`;
    return `${this.length.toLocaleString('en-US')} pictures of ${classes.length} classes: ${classes.join(', ')}${left && `; left out: ${left}`}`;
  }
}

interface Listed {
  readonly classes: readonly string[];
  readonly files: readonly string[];
  readonly codes: Int32Array;
  readonly leftOut: LeftOut;
}

interface Reading {
  readonly image: ImageOptions;
  /** The folder that relative names of files are of. */
  readonly home: string;
  /** Where orders are drawn from. */
  readonly seeds?: RandomState;
  readonly concurrency: number;
  readonly skipDamaged: boolean;
}

/**
 * The pictures of a folder that has a folder for each class, as Keras' `image_dataset_from_directory` and torchvision's `ImageFolder`
 * read it: samples are [x, y], x float32 [height, width, channels] of 0 .. 255 and y the number of the class, from 0 in the order of
 * the sorted names. Folders below those of classes belong to them. Hidden files, files that are no pictures by their names, and links
 * to folders within a class are left out; `describe` counts them. The folder is listed at once, and pictures are decoded as they
 * are needed, some ahead: memory does not grow with the folder. Needs the package sharp.
 *
 * @param dir from the current folder when the dataset is made
 * @throws Error with code ERR_FORMAT and the reason for a folder of no classes or of one, and a class without pictures; the file
 *   system's (ENOENT …). When it is read: Error with code ERR_FORMAT and the file for a damaged picture; ERR_MISSING_PEER
 */
export function imageFolder(dir: string | URL, options: ImageFolderOptions): ImageFolder {
  const root = filePath(dir);
  checkOptions('options', options, OPTIONS);
  const { size, colorMode = 'rgb', split, classes, shuffle = false, randomState, skipDamaged = false } = options;
  const { height, width } = checkSize(size);
  checkOneOf('colorMode', colorMode, ['rgb', 'grayscale']);
  checkBoolean('shuffle', shuffle);
  checkBoolean('skipDamaged', skipDamaged);
  if (!shuffle && randomState !== undefined)
    throw wrongValue('randomState', 'undefined when shuffle is false', randomState);
  const concurrency = checkInteger('concurrency', options.concurrency ?? 2 * availableParallelism(), 1);
  const share = isPlain(split) ? checkShare(split) : undefined;
  const folder = split === undefined || share ? root : join(root, checkPart(split));
  checkClasses(classes);
  const listed = listedIn(folder, classes, typeof split !== 'string');
  return new ImageFolder(share ? sharedOut(listed, folder, share) : listed, {
    ...{ image: { size: [height, width], colorMode }, concurrency, skipDamaged, home: process.cwd() },
    ...(shuffle && { seeds: checkRandomState(randomState) }),
  });
}

function checkShare(split: object): Required<ImageFolderShare> {
  checkOptions('split', split, ['part', 'testSize', 'randomState']);
  const { part, testSize = 0.2, randomState = 0 } = split as ImageFolderShare;
  return {
    part: checkOneOf('split.part', part, ['train', 'test']),
    testSize: checkInterval('split.testSize', testSize, 0, 1, 'both'),
    randomState: checkInteger('split.randomState', randomState, 0),
  };
}

function checkPart(split: unknown): string {
  const expected = "the name of a folder in it, or { part: 'train' | 'test' }";
  if (typeof split !== 'string') throw wrongType('split', expected, split);
  if (split === '' || split.startsWith('.') || /[\\/]/.test(split)) throw wrongValue('split', expected, split);
  return split;
}

function checkClasses(classes: unknown): void {
  if (classes === undefined) return;
  if (!Array.isArray(classes)) throw wrongType('classes', 'an array of names', classes);
  if (classes.length < 2) throw wrongValue('classes', 'two or more', classes);
  for (const [k, name] of classes.entries()) {
    if (typeof name !== 'string') throw wrongType(`classes[${k}]`, 'a name', name);
    if (classes.indexOf(name) < k) throw wrongValue(`classes[${k}]`, 'a class of its own', name);
  }
}

function listedIn(folder: string, given: readonly string[] | undefined, isWhole: boolean): Listed {
  const leftOut = new LeftOut();
  const names = classFolders(folder, leftOut);
  const parts = isWhole && !given ? partsIn(folder) : [];
  if (parts.length > 1)
    throw damaged(
      `'${folder}'`,
      `its folders ${parts.join(', ')} hold the classes of parts of it, one of which split: '${parts[0]}' takes`,
    );
  const classes = given ? [...given] : names;
  const other = names.find((name) => !classes.includes(name));
  if (other !== undefined)
    throw damaged(`'${folder}'`, `its folder '${other}' is none of the classes ${classes.join(', ')}`);
  if (classes.length === 1)
    throw damaged(`'${folder}'`, `it holds one class, '${names[0]}', and two are the least to tell apart`);
  const files: string[] = [];
  const codes: number[] = [];
  for (const [code, name] of classes.entries()) {
    if (!names.includes(name)) continue;
    const pictures = picturesIn(folder, name, leftOut);
    if (pictures.length === 0) throw damaged(`'${join(folder, name)}'`, 'it holds no pictures');
    for (const picture of pictures) {
      files.push(join(folder, picture));
      codes.push(code);
    }
  }
  return { classes, files, codes: Int32Array.from(codes), leftOut };
}

/** One part of a stratified split, by class and name again. */
function sharedOut({ files, codes, ...rest }: Listed, folder: string, share: Required<ImageFolderShare>): Listed {
  const { part, testSize, randomState } = share;
  const counts = new Map<number, number>();
  for (const code of codes) counts.set(code, (counts.get(code) ?? 0) + 1);
  for (const [code, count] of counts)
    if (count < 2)
      throw damaged(`'${folder}'`, `its class '${rest.classes[code]}' has one picture, which cannot be in both parts`);
  const rows = NDArray.wrap(Int32Array.from(codes, (_, row) => row));
  const [train, test] = trainTestSplit([rows], { testSize, randomState, stratify: NDArray.wrap(codes) });
  const own = (part === 'train' ? train : test).data.slice().sort() as Int32Array;
  return { ...rest, files: Array.from(own, (row) => files[row]), codes: own.map((row) => codes[row]) };
}

/** One pass: files are shuffled, not pictures. */
function decoding(
  files: readonly string[],
  codes: Int32Array,
  { image, home, seeds, concurrency, skipDamaged }: Reading,
  broken: Set<string>,
  { count, index }: Pick<Share, 'count' | 'index'> = { count: 1, index: 0 },
): Cursor<[NDArray, number]> {
  const own = Int32Array.from(codes, (_, row) => row).filter((row) => row % count === index);
  if (seeds) new RandomState(seeds.randint(0, 2 ** 32)).shuffle(own);
  const decode = async (row: number): Promise<[NDArray, number] | undefined> => {
    try {
      return [await readImage(absolutePath(files[row], home), image), codes[row]];
    } catch (error) {
      if (!skipDamaged || (error as NodeJS.ErrnoException).code !== 'ERR_FORMAT') throw error;
      broken.add(files[row]);
      return undefined;
    }
  };
  const decoded = ahead(over([new Items(Array.from(own))]), concurrency, decode);
  return filtered(decoded, (sample) => sample !== undefined) as Cursor<[NDArray, number]>;
}
