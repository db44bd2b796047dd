/** Median, quartiles and extremes of a sample. */
export function spread(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return {
    median: quantile(sorted, 0.5),
    lower: quantile(sorted, 0.25),
    upper: quantile(sorted, 0.75),
    least: sorted[0],
    most: sorted[sorted.length - 1],
  };
}

/**
 * Of the ratios of neighbours in an interleaved run: what disturbs the machine for a while disturbs both. Where one of them was
 * repeated less often, the first repetitions are the neighbours.
 */
export const ratioSpread = (theirs, ours) => spread(theirs.slice(0, ours.length).map((value, i) => value / ours[i]));

/** Linear interpolation, as NumPy's default. */
export function quantile(sorted, q) {
  const at = (sorted.length - 1) * q;
  const below = Math.floor(at);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (sorted[above] - sorted[below]) * (at - below);
}
