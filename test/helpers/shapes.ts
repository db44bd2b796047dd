import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { RandomState } from 'fjordnet';
import sharp from 'sharp';

/** What is drawn: a disc or a square, of a colour, on a background of noise. */
const SHAPES = {
  'blue disc': { isDisc: true, colour: [40, 70, 200] },
  'red disc': { isDisc: true, colour: [200, 50, 40] },
  'red square': { isDisc: false, colour: [200, 50, 40] },
} as const;
export type Shape = keyof typeof SHAPES;
export const SHAPE_NAMES = Object.keys(SHAPES) as Shape[];

/** A picture of random place and size, as PNG, or as the name of the file ends. */
export async function drawShape(path: string, shape: Shape, random: RandomState, side = 24): Promise<void> {
  const { isDisc, colour } = SHAPES[shape];
  const pixels = Uint8Array.from(random.randint(90, 170, [side * side * 3]).data);
  const [radius, cx, cy] = random.uniform(0, 1, [3]).data;
  const r = side * (0.2 + 0.12 * radius);
  const [x0, y0] = [cx, cy].map((place) => r + place * (side - 1 - 2 * r));
  for (let y = 0; y < side; y++)
    for (let x = 0; x < side; x++) {
      const [dx, dy] = [Math.abs(x - x0), Math.abs(y - y0)];
      if (isDisc ? dx * dx + dy * dy > r * r : Math.max(dx, dy) > r) continue;
      for (let c = 0; c < 3; c++)
        pixels[3 * (y * side + x) + c] = Math.max(0, colour[c] + pixels[3 * (y * side + x) + c] - 130);
    }
  mkdirSync(dirname(path), { recursive: true });
  await sharp(pixels, { raw: { width: side, height: side, channels: 3 } }).toFile(path);
}

/** A folder of a folder for each shape, with `n` pictures each, or so many as it says. */
export async function drawShapes(folder: string, n: number | Record<string, number>, seed: number): Promise<void> {
  const random = new RandomState(seed);
  for (const shape of SHAPE_NAMES)
    for (let i = 0; i < (typeof n === 'number' ? n : n[shape]); i++)
      await drawShape(join(folder, shape, `${String(i).padStart(3, '0')}.png`), shape, random);
}
