import type { NDArray } from '../array.js';
import { isBeyond, isInfinite, isMissing, toNumber } from '../io/cells.js';
import { isNumberCell } from '../io/csv-records.js';
import { type RowTransformer, transformed } from './table-options.js';

type Cell = number | boolean | string | null;

/** Rows of cells as columns of the kinds that a transformer was fitted to, until it makes numbers of them. */
export class TypedCells {
  readonly #transformer: RowTransformer;
  readonly #columns: Cell[][];

  constructor(transformer: RowTransformer) {
    this.#transformer = transformer;
    this.#columns = transformer.columnKinds.map(() => []);
  }

  /** Takes a row; returns which column is of another kind, if one is. */
  row(
    cells: readonly string[],
    places: readonly number[],
    row: number,
  ): { column: number; expected: string } | undefined {
    const { columnKinds } = this.#transformer;
    for (let k = 0; k < places.length; k++) {
      const cell = cells[places[k]];
      const kind = columnKinds[k];
      let value: Cell = cell;
      if (isMissing(cell)) value = null;
      else if (kind === 'number') {
        if (isInfinite(cell) || isBeyond(cell)) return { column: k, expected: 'a finite number' };
        if (!isNumberCell(cell)) return { column: k, expected: 'a number' };
        value = toNumber(cell);
      } else if (kind === 'boolean') {
        if (!/^(true|false)$/i.test(cell)) return { column: k, expected: 'true or false' };
        value = cell.toLowerCase() === 'true';
      }
      this.#columns[k][row] = value;
    }
    return undefined;
  }

  /** What the transformer makes of the first n rows since the last time. */
  take(n: number, dtype: 'float64' | 'float32'): NDArray {
    const columns = this.#columns.map((column) => column.slice(0, n));
    return transformed(this.#transformer, columns, dtype);
  }
}
