import { NDArray } from '../array.js';

/** Weights are whole numbers of 2^-22, as Pillow's. */
const ONE = 2 ** 22;

/**
 * A picture of whole numbers at a larger size, to the number as Pillow's `BILINEAR` makes it: along rows, then along columns. sharp's
 * own would lie half a pixel to the right and below.
 */
export function enlarged(picture: NDArray, height: number, width: number): NDArray {
  const [rows, columns, channels] = picture.shape;
  const wide = width === columns ? picture : along(picture, [rows, columns, channels], width);
  const tall = height === rows ? wide : along(wide, [1, rows, width * channels], height);
  return tall.reshape(height, width, channels);
}

/** [before, n, after] as [before, m, after]. */
function along({ data }: NDArray, [before, n, after]: readonly number[], m: number): NDArray {
  const larger = NDArray.zeros([before, m, after], 'float32');
  for (let j = 0; j < m; j++) {
    const place = Math.min(Math.max(((j + 0.5) * n) / m - 0.5, 0), n - 1);
    const left = Math.floor(place);
    const right = Math.min(left + 1, n - 1);
    const share = Math.round((place - left) * ONE);
    for (let i = 0; i < before; i++)
      for (let k = 0; k < after; k++) {
        const sum = data[(i * n + left) * after + k] * (ONE - share) + data[(i * n + right) * after + k] * share;
        larger.data[(i * m + j) * after + k] = (sum + ONE / 2) >> 22;
      }
  }
  return larger;
}
