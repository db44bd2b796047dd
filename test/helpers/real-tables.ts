import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

interface Case {
  target: string;
  drop: string[];
  n: number;
  scores: number[];
}

/** Tables of vega-datasets, and the scores of scikit-learn's pipelines on them, one for each seed. */
export const golden: Record<string, Case> = JSON.parse(
  readFileSync(new URL('../../test/fixtures/real-tables.json', import.meta.url), 'utf8'),
);

export const pathOf = (name: string): string =>
  fileURLToPath(new URL(`../../node_modules/vega-datasets/data/${name}`, import.meta.url));
