import { checkOptions, checkOptionsAlone } from './check.js';
import { brandFactories } from './kind.js';

const MADE = Symbol.for('fjordnet.made');

/**
 * Marks what this package made, for all copies of it in the process, so that `save` knows what `load` can make again. A
 * spread copy, with a part of its own perhaps, does not have the mark; the original cannot be changed.
 */
export function made<T extends object>(thing: T): T {
  Object.freeze((thing as { config?: unknown }).config);
  return Object.freeze(Object.defineProperty(thing, MADE, { value: true }));
}

/**
 * Has the functions of a table such as `losses` mark what they make, and `bare` ones refuse options, of which they have none; `kind`
 * is what they are known by, each passed uncalled.
 */
export function markMakers<T extends Record<string, (...options: never[]) => object>>(
  kind: string,
  table: T,
  bare: readonly (keyof T)[] = [],
): void {
  for (const [name, make] of Object.entries(table)) {
    const marking = (...given: never[]) => {
      checkOptionsAlone(`${kind}.${name}`, given);
      if (given[0] !== undefined && bare.includes(name)) checkOptions(`the options of ${name}`, given[0], []);
      return made(make(...given));
    };
    Object.assign(table, { [name]: Object.defineProperty(marking, 'name', { value: name }) });
  }
  brandFactories(kind, table);
}

/** Marks classes; not those that extend them. */
export function markClasses(classes: Readonly<Record<string, { readonly prototype: object }>>): void {
  for (const { prototype } of Object.values(classes)) Object.defineProperty(prototype, MADE, { value: true });
}

export const isMade = (thing: object): boolean => Object.hasOwn(thing, MADE);

/** Whether it is of one of our classes, not of one that extends it, and has no methods but those of the class. */
export function isOfMadeClass(thing: object): boolean {
  const prototype = Object.getPrototypeOf(thing) ?? {};
  return (
    isMade(prototype) && !Object.getOwnPropertyNames(thing).some((name) => name !== 'className' && name in prototype)
  );
}
