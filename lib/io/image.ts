import { checkAttached } from '../array/memory.js';
import { NDArray } from '../array.js';
import { checkInteger, checkOneOf, checkOptions, cut, wrongType } from '../check.js';
import { isUint8Array, isURL } from '../kind.js';
import { loadPeer } from './peer.js';
import { damaged, readWhole, sourceOf } from './read.js';

export interface ImageOptions {
  /**
   * [height, width] in pixels to scale to, whatever the proportions; reduced pictures are filtered (bilinear, antialiased).
   * Default: the picture's own
   */
  size?: readonly [height: number, width: number];
  /** 'rgb': three channels; 'grayscale': one, `0.299 R + 0.587 G + 0.114 B`, rounded (ITU-R 601, as Pillow's). Default 'rgb' */
  colorMode?: 'rgb' | 'grayscale';
}

/** What is used of sharp. */
interface Sharp {
  metadata(): Promise<{ autoOrient: { width: number; height: number } }>;
  autoOrient(): Sharp;
  resize(options: { width: number; height: number; fit: 'fill'; kernel: 'linear' }): Sharp;
  toColourspace(name: 'srgb'): Sharp;
  removeAlpha(): Sharp;
  raw(): Sharp;
  toBuffer(options: { resolveWithObject: true }): Promise<{
    data: Uint8Array;
    info: { width: number; height: number; channels: number };
  }>;
}
type MakeSharp = (bytes: Uint8Array) => Sharp;

const PACKAGE: string = 'sharp';

/**
 * Reads a picture: JPEG, PNG, WebP, GIF (its first frame), AVIF, TIFF or SVG. It is turned upright, as its EXIF data say;
 * transparency is left out, 16 bits become 8, other colours sRGB. Needs the package sharp.
 *
 * @param image a file, or the bytes of one
 * @returns float32 [height, width, channels] of whole numbers 0 .. 255, as Keras' `img_to_array(load_img(…))`
 * @throws Error with code ERR_FORMAT and the reason if it is no picture or damaged; ERR_MEMORY; ERR_MISSING_PEER; the file
 *   system's code (ENOENT …)
 */
export async function readImage(image: string | URL | Uint8Array, options: ImageOptions = {}): Promise<NDArray> {
  checkOptions('options', options, ['size', 'colorMode']);
  const { size, colorMode = 'rgb' } = options;
  checkOneOf('colorMode', colorMode, ['rgb', 'grayscale']);
  const fit = size === undefined ? undefined : checkSize(size);
  if (typeof image !== 'string' && !isURL(image) && !isUint8Array(image))
    throw wrongType('image', 'a file name or URL, or the bytes of a picture', image);
  if (isUint8Array(image)) checkAttached('image', image);
  const sharp = await loadSharp();
  const source = isUint8Array(image) ? 'the bytes' : sourceOf(image);
  // of this realm, which sharp asks for
  const bytes = isUint8Array(image)
    ? new Uint8Array(image.buffer, image.byteOffset, image.byteLength)
    : await readWhole(image);
  try {
    const upright = sharp(bytes).autoOrient();
    const sized = fit ? upright.resize({ ...fit, fit: 'fill', kernel: 'linear' }) : upright;
    const { data, info } = await sized.toColourspace('srgb').removeAlpha().raw().toBuffer({ resolveWithObject: true });
    return pixels(data, info.height, info.width, info.channels, colorMode);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw code === 'ERR_MEMORY' ? error : damaged(source, cut(message, 200), error);
  }
}

/** The size of a picture, upright, by its header. @throws as `readImage` */
export async function imageSize(path: string): Promise<[height: number, width: number]> {
  const sharp = await loadSharp();
  const source = sourceOf(path);
  const bytes = await readWhole(path);
  try {
    const { width, height } = (await sharp(bytes).metadata()).autoOrient;
    return [height, width];
  } catch (error) {
    throw damaged(source, cut((error as Error).message, 200), error);
  }
}

async function loadSharp(): Promise<MakeSharp> {
  return (await loadPeer(PACKAGE, () => import(PACKAGE) as Promise<{ default: MakeSharp }>)).default;
}

/** [height, width] of pictures. */
export function checkSize(size: unknown): { height: number; width: number } {
  if (!Array.isArray(size) || size.length !== 2) throw wrongType('size', '[height, width]', size);
  return { height: checkInteger('size[0]', size[0], 1), width: checkInteger('size[1]', size[1], 1) };
}

/** Of one or three channels of bytes. */
function pixels(
  bytes: Uint8Array,
  height: number,
  width: number,
  channels: number,
  colorMode: 'rgb' | 'grayscale',
): NDArray {
  const array = NDArray.zeros([height, width, colorMode === 'rgb' ? 3 : 1], 'float32');
  const { data } = array;
  if (colorMode === 'rgb')
    for (let i = 0; i < data.length; i++) data[i] = bytes[channels === 3 ? i : Math.floor(i / 3)];
  else if (channels === 1) data.set(bytes);
  // in 65,536ths, as Pillow
  else
    for (let i = 0, at = 0; i < data.length; i++, at += 3)
      data[i] = (19595 * bytes[at] + 38470 * bytes[at + 1] + 7471 * bytes[at + 2] + 32768) >> 16;
  return array;
}
