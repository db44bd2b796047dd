import type { Op } from '../op.js';

/** In the order of native/kernels/image_transform.h, as the next two. */
const CHANGES = ['flip', 'rotation', 'translation', 'zoom', 'evenZoom'] as const;
export const FILL_MODES = ['reflect', 'constant', 'wrap', 'nearest'] as const;
export const INTERPOLATIONS = ['bilinear', 'nearest'] as const;

export type FillMode = (typeof FILL_MODES)[number];
export type Interpolation = (typeof INTERPOLATIONS)[number];
export type Interval = readonly [low: number, high: number];

export interface ImageTransform {
  readonly change: (typeof CHANGES)[number];
  /** What is drawn along height and along width: see the kernel imageTransforms. */
  readonly y: Interval;
  readonly x: Interval;
  readonly fillMode: FillMode;
  readonly interpolation: Interpolation;
  readonly fillValue: number;
}

const reading = ({ fillMode, interpolation }: ImageTransform) => ({
  fill: FILL_MODES.indexOf(fillMode),
  interpolation: INTERPOLATIONS.indexOf(interpolation),
});

/** Images [height, width, channels], each under a transform that every training step draws anew. */
export const imageTransform: Op<ImageTransform> = {
  name: 'imageTransform',
  shape: ([x]) => x.shape,
  forward({ t, x: [x], y, options }) {
    const [H, W, C] = x.shape;
    const [yLow, yHigh] = options.y;
    const [xLow, xHigh] = options.x;
    const transforms = t.like({ ...y, shape: [6] }, `${y.name}/transforms`);
    const drawn = { change: CHANGES.indexOf(options.change), yLow, yHigh, xLow, xHigh, seed: t.perStepSeed() };
    t.emit('imageTransforms', [transforms], { H, W }, drawn);
    // y[i, j] = x[transform(i, j)]
    t.emit('transformImage', [x, transforms, y], { H, W, C }, { ...reading(options), fillValue: options.fillValue });
    return { transforms };
  },
  backward({ t, dy, dx: [dx], saved: { transforms }, options }) {
    const [H, W, C] = dy.shape;
    if (dx) t.emit('transformImageGradient', [transforms, dy, dx], { H, W, C }, reading(options)); // dx[transform(i, j)] += dy[i, j]
  },
};

export interface Contrast {
  readonly factor: Interval;
  readonly valueRange: Interval;
}

/** (x - mean) * factor + mean of each channel, within `valueRange`, by a factor that every training step draws for each image. */
export const contrast: Op<Contrast> = {
  name: 'contrast',
  shape: ([x]) => x.shape,
  reads: () => 'x',
  inPlace: true,
  gradientInPlace: true,
  forward({ t, x: [x], y, options }) {
    const C = x.shape[x.shape.length - 1];
    const [low, high] = options.factor;
    const [least, most] = options.valueRange;
    const factor = t.like({ ...y, shape: [] }, `${y.name}/factor`);
    // y = ((x - x.mean()) * factor + x.mean()).clip(least, most)
    t.emit('contrast', [x, y, factor], { N: x.size / C, C }, { low, high, least, most, seed: t.perStepSeed() });
    return { factor };
  },
  backward({ t, x: [x], dy, dx: [dx], saved: { factor }, options }) {
    const C = x.shape[x.shape.length - 1];
    const [least, most] = options.valueRange;
    if (dx) t.emit('contrastGradient', [x, factor, dy, dx], { N: x.size / C, C }, { least, most });
  },
};
