import { type Dirent, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { cut, failure } from '../check.js';
import { damaged } from '../io/read.js';
import { byCodePoint } from '../labels.js';

/** By their names, as Keras and torchvision tell pictures; of those that sharp cannot read it is told, and none is left out. */
const PICTURE = /\.(jpe?g|png|gif|bmp|webp|tiff?|ppm|pgm|avif|svg)$/i;

export const isPicture = (name: string): boolean => PICTURE.test(name);

/** Folders of these names that hold folders are no classes, but parts of the data. */
const PARTS = ['train', 'test', 'val', 'valid', 'validation'];

/** What is in a folder and no sample. */
export class LeftOut {
  readonly #counts = new Map<string, number>();

  add(what: keyof typeof WORDS): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + 1);
  }

  /** '2 hidden files or folders, 1 file that is no picture'; '' where it is nothing. */
  toString(): string {
    return Object.entries(WORDS)
      .filter(([what]) => this.#counts.has(what))
      .map(([what, [one, several]]) =>
        this.#counts.get(what) === 1 ? `1 ${one}` : `${this.#counts.get(what)} ${several}`,
      )
      .join(', ');
  }
}

const WORDS = {
  other: ['file that is no picture', 'files that are no pictures'],
  hidden: ['hidden file or folder', 'hidden files or folders'],
  link: ['link to a folder', 'links to folders'],
  beside: ['picture beside the folders', 'pictures beside the folders'],
} as const;

/**
 * The pictures in a folder of `root` and those below it, by folder and name as Keras and torchvision have them, relative to `root`.
 * Links to folders are not followed, as in Keras: none leads in a circle.
 */
export function picturesIn(root: string, folder: string, leftOut: LeftOut): string[] {
  const folders = [{ path: folder, names: [] as string[] }];
  for (const { path, names } of folders) {
    for (const entry of entriesOf(join(root, path))) {
      if (entry.name.startsWith('.')) leftOut.add('hidden');
      else if (entry.isDirectory()) folders.push({ path: below(path, entry.name), names: [] });
      else if (isFolder(join(root, path), entry)) leftOut.add('link');
      else if (isPicture(entry.name)) names.push(entry.name);
      else leftOut.add('other');
    }
    names.sort(byCodePoint);
  }
  folders.sort((a, b) => byCodePoint(a.path, b.path));
  return folders.flatMap(({ path, names }) => names.map((name) => below(path, name)));
}

/** The folders in a folder that are classes, sorted: a link to one is one. */
export function classFolders(root: string, leftOut: LeftOut): string[] {
  const names: string[] = [];
  let pictures = 0;
  for (const entry of entriesOf(root)) {
    if (entry.name.startsWith('.')) leftOut.add('hidden');
    else if (isFolder(root, entry)) names.push(entry.name);
    else {
      leftOut.add(isPicture(entry.name) ? 'beside' : 'other');
      if (isPicture(entry.name)) pictures++;
    }
  }
  if (names.length === 0)
    throw damaged(
      `'${root}'`,
      `it is a folder without one for each class: it holds ${pictures === 0 ? 'no pictures' : pictures === 1 ? 'a picture' : `${pictures} pictures`}`,
    );
  return names.sort(byCodePoint);
}

/** Those of the folders that hold the classes of a part of the data: train, test, val. */
export const partsIn = (root: string): string[] =>
  PARTS.filter((part) => {
    const entries = leadsToFolder(join(root, part)) ? entriesOf(join(root, part)) : [];
    const visible = entries.filter(({ name }) => !name.startsWith('.'));
    return visible.some((entry) => isFolder(join(root, part), entry)) && !visible.some(({ name }) => isPicture(name));
  });

const below = (folder: string, name: string): string => (folder === '' ? name : `${folder}/${name}`);

const isFolder = (root: string, entry: Dirent): boolean =>
  entry.isDirectory() || (entry.isSymbolicLink() && leadsToFolder(join(root, entry.name)));

/** Whether a path is of a folder; of what leads nowhere, or in a circle, it is not. */
export function leadsToFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'ERR_IO';
    const why = code === 'ENOTDIR' ? ': it is a file' : code === 'ENOENT' ? ': there is none' : ` (${code})`;
    throw failure(code, `Cannot open the folder '${cut(folder, 200)}'${why}`, { cause: error });
  }
}
