import { NDArray } from '../array.js';
import { checkInteger, checkOneOf, checkOptions, cut, wrongType } from '../check.js';
import { isUint8Array, isURL } from '../kind.js';
import { checkBytes } from './bytes.js';
import { enlarged } from './enlarge.js';
import { loadPeer } from './peer.js';
import { damaged, readWhole, sourceOf } from './read.js';

export interface ImageOptions {
  /**
   * [height, width] in pixels to scale to, whatever the proportions: bilinear. Pictures that are made smaller are filtered, those
   * that are enlarged have the numbers of Pillow's.
   * Default: the picture's own
   */
  size?: readonly [height: number, width: number];
  /** 'rgb': three channels; 'grayscale': one, `0.299 R + 0.587 G + 0.114 B`, rounded (ITU-R 601, as Pillow's). Default 'rgb' */
  colorMode?: 'rgb' | 'grayscale';
}

/** What is used of sharp. */
interface Sharp {
  metadata(): Promise<{ format?: string; hasAlpha: boolean; autoOrient: { width: number; height: number } }>;
  autoOrient(): Sharp;
  resize(options: { width: number; height: number; fit: 'fill'; kernel: 'linear'; withoutEnlargement: boolean }): Sharp;
  toColourspace(name: 'srgb'): Sharp;
  removeAlpha(): Sharp;
  raw(): Sharp;
  toBuffer(options: { resolveWithObject: true }): Promise<{ data: Uint8Array; info: RawInfo }>;
}
interface RawInfo {
  width: number;
  height: number;
  channels: number;
}
type MakeSharp = (bytes: Uint8Array, options?: { raw: RawInfo }) => Sharp;

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
  if (typeof image !== 'string' && !isURL(image))
    checkBytes('image', image, 'a file name or URL, or the bytes of a picture as a Uint8Array');
  const sharp = await loadSharp();
  const source = isUint8Array(image) ? 'the bytes' : sourceOf(image);
  // of this realm, which sharp asks for
  const bytes = isUint8Array(image)
    ? new Uint8Array(image.buffer, image.byteOffset, image.byteLength)
    : await readWhole(image);
  try {
    const { data, info } = fit ? await resized(sharp, bytes, fit) : await decoded(sharp(bytes).autoOrient());
    const picture = pixels(data, info.height, info.width, info.channels, colorMode);
    return fit ? enlarged(picture, fit.height, fit.width) : picture;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw code === 'ERR_MEMORY' ? error : damaged(source, cut(message, 200), error);
  }
}

const decoded = (image: Sharp) => image.toColourspace('srgb').removeAlpha().raw().toBuffer({ resolveWithObject: true });

/** Made smaller where it is larger; drawings are drawn at that size. */
async function resized(sharp: MakeSharp, bytes: Uint8Array, { height, width }: Size) {
  const { format, hasAlpha } = await sharp(bytes).metadata();
  const isDrawn = format === 'svg';
  const upright = () => sharp(bytes).autoOrient();
  const resize = (image: Sharp) =>
    decoded(image.resize({ width, height, fit: 'fill', kernel: 'linear', withoutEnlargement: !isDrawn }));
  if (isDrawn || !hasAlpha) return resize(upright());
  // sharp resizes colours times opacity, and what is transparent would turn black
  const { data, info } = await decoded(upright());
  return resize(sharp(data, { raw: info }));
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

interface Size {
  height: number;
  width: number;
}

/** [height, width] of pictures. */
export function checkSize(size: unknown): Size {
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
