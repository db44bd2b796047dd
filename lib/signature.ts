/** A buffer in the signature of a kernel. */
export interface Operand {
  readonly name: string;
  /** Its length as a product of dimensions, a letter each, and digits: `BO`, `BU4`; `1` for one value. */
  readonly length: string;
  /** Numbers of the network's dtype; integers where the name has the prefix `i:`. */
  readonly dtype: 'real' | 'int32';
  readonly isOutput: boolean;
  /** Is what it holds read? True for inputs, and for outputs marked `!`. */
  readonly isRead: boolean;
  /** May it lie on an input? True for outputs marked `~`. */
  readonly mayLieOnInput: boolean;
}

/** The parts of a kernel's signature, such as `N : dw N -> v! N, w! N | rate momentum` (native/kernel.h). */
export interface Signature {
  readonly dims: readonly string[];
  /** Inputs and then outputs. */
  readonly operands: readonly Operand[];
  readonly scalars: readonly string[];
}

export function parseSignature(signature: string): Signature {
  const [dims, buffers, scalars = ''] = signature.split(/ : | \| /);
  const operands = buffers.split('->').flatMap((side, i) =>
    side
      .split(',')
      .filter((operand) => operand.trim() !== '')
      .map((operand): Operand => {
        const [name, length] = operand.trim().split(' ');
        const isOutput = i === 1;
        return {
          name: name.replace(/^i:|[?!~+*]+$/g, ''),
          length,
          dtype: name.startsWith('i:') ? 'int32' : 'real',
          isOutput,
          isRead: !isOutput || name.includes('!'),
          mayLieOnInput: name.includes('~'),
        };
      }),
  );
  const words = (text: string) => text.split(/[ ,]+/).filter(Boolean);
  return { dims: words(dims), operands, scalars: words(scalars) };
}

/** Values in a buffer of this length. */
export function lengthOf({ length }: Operand, dims: Readonly<Record<string, number>>): number {
  return [...length].reduce((n, factor) => n * (/\d/.test(factor) ? Number(factor) : dims[factor]), 1);
}
