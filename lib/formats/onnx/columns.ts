import { type Attributes, type ElementType, type OnnxGraph, TYPES } from './onnx-graph.js';

/** Columns side by side as one tensor [batch, width]: numbers, float64, or texts. */
export interface Block {
  readonly name: string;
  readonly width: number;
  readonly isText: boolean;
}

/** The columns of a table as transformers hand them on, in a graph of ONNX. */
export class Columns {
  readonly graph: OnnxGraph;
  /** Of the numbers that come in: float64 are made of them at once. */
  readonly type: 'float' | 'double';
  readonly blocks: readonly Block[];
  /** What the nodes that are added are called by. */
  readonly path: string;

  constructor(graph: OnnxGraph, type: 'float' | 'double', blocks: readonly Block[], path = '') {
    this.graph = graph;
    this.type = type;
    this.blocks = blocks;
    this.path = path;
  }

  get width(): number {
    return this.blocks.reduce((sum, { width }) => sum + width, 0);
  }

  of(blocks: readonly Block[]): Columns {
    return new Columns(this.graph, this.type, blocks, this.path);
  }

  at(path: string): Columns {
    return new Columns(this.graph, this.type, this.blocks, path);
  }

  emit(type: string, inputs: readonly string[], attributes?: Attributes): string {
    return this.graph.node(type, inputs, attributes, this.path);
  }

  cast(name: string, type: ElementType): string {
    return this.emit('Cast', [name], { to: { int: TYPES[type] } });
  }

  /** Numbers that stay, one for each of some columns. */
  row(base: string, values: readonly number[]): string {
    return this.graph.tensor(base, 'double', [values.length], values);
  }

  /** Some columns of a block. */
  part(block: Block, columns: readonly number[]): Block {
    if (columns.length === block.width && columns.every((k, i) => k === i)) return block;
    const name = this.emit('Gather', [block.name, this.graph.ints(columns)], { axis: { int: 1 } });
    return { ...block, name, width: columns.length };
  }

  /** One column. */
  column(k: number): Block {
    let first = 0;
    for (const block of this.blocks) {
      if (k < first + block.width) return this.part(block, [k - first]);
      first += block.width;
    }
    throw new RangeError(`Expected the number of one of ${first} columns, got ${k}`);
  }

  select(columns: readonly number[]): Columns {
    const [only] = this.blocks;
    if (this.blocks.length === 1) return this.of([this.part(only, columns)]);
    return this.of(columns.map((k) => this.column(k)));
  }

  /** The same in as few tensors as there can be. */
  merged(): Columns {
    const runs: Block[][] = [];
    for (const block of this.blocks) {
      if (runs.at(-1)?.[0].isText === block.isText) (runs.at(-1) as Block[]).push(block);
      else runs.push([block]);
    }
    return this.of(
      runs.map((run) => {
        const names = run.map(({ name }) => name);
        const name = run.length === 1 ? names[0] : this.emit('Concat', names, { axis: { int: 1 } });
        return { name, width: this.of(run).width, isText: run[0].isText };
      }),
    );
  }

  /** All of them as one tensor of numbers. @throws TypeError where there is text among them */
  numbers(): string {
    const { blocks } = this.merged();
    if (blocks.length !== 1 || blocks[0].isText)
      throw new TypeError(
        `Expected numbers for the step '${this.path}', as ONNX reads none in text, got a column of text (OneHotEncoder makes numbers of it)`,
      );
    return blocks[0].name;
  }
}
