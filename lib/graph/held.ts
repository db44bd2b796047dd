import { NDArray } from '../array.js';
import { failure } from '../check.js';
import type { Plan } from '../plan.js';
import type { RandomState } from '../random.js';
import type { Buffer } from '../tape.js';
import { firstValues } from './first-values.js';
import type { Weight } from './value.js';
import { checkRange } from './weights.js';

/** Where the numbers of a weight are. */
export interface Held {
  /** The arena that moved it last. Absent until a network is built of its layer. */
  arena?: Arena;
  /** What was set before that. */
  values?: NDArray;
  /** Counts the times it was moved. */
  version: number;
  /** Builds the first network that was made of its layer, which draws the numbers. Absent once there are some. */
  draw?: () => void;
}

/** A weight of a network. */
export interface Tenant {
  /** Such as 'dense/kernel'. */
  readonly name: string;
  readonly weight: Weight;
  readonly buffer: Buffer;
  /** Whether training moves it: not where its layer is frozen. */
  readonly moves: boolean;
}

/**
 * The weights of one network. Layers may be in several: the numbers of a weight are in the arena that moved it last, and the
 * others copy them from there before they compute.
 */
export class Arena {
  readonly plan: Plan;
  readonly tenants: readonly Tenant[];
  readonly buffers: ReadonlyMap<Weight, Buffer>;
  /** Whether a call is under way that moves the weights. */
  training = false;
  /** Whether a batch is being computed. */
  readonly isRunning: () => boolean;
  readonly #seen = new Map<Weight, number>();

  /** @throws TypeError if a layer is in a network of another dtype, whose numbers this one could not hold */
  constructor(plan: Plan, tenants: readonly Tenant[], isRunning: () => boolean) {
    for (const { name, weight } of tenants) {
      const other = weight.held.arena?.plan.dtype;
      if (other !== undefined && other !== plan.dtype)
        throw new TypeError(
          `Expected networks that share a layer to have one dtype, got ${plan.dtype} for '${name}', which a ${other} network has`,
        );
    }
    this.plan = plan;
    this.tenants = tenants;
    this.buffers = new Map(tenants.map(({ weight, buffer }) => [weight, buffer]));
    this.isRunning = isRunning;
  }

  /**
   * Finds a place for all weights: those that no network has get their first values, drawn in order, and live here; so do
   * those of `before`, the arena that this one replaces.
   */
  settle(random: RandomState, before?: Arena): void {
    const newcomers = this.tenants.filter(({ weight }) => !weight.held.arena);
    const state = random.getState();
    try {
      for (const { name, weight, buffer } of newcomers) {
        const { values } = weight.held;
        if (values) checkRange(name, values, this.plan.dtype);
        this.plan.write(buffer, values ?? firstValues(name, weight, random));
      }
    } catch (error) {
      random.setState(state); // an initializer of one's own may fail once
      throw error;
    }
    for (const { weight } of newcomers) this.#claim(weight);
    this.sync();
    for (const { weight } of this.tenants) if (weight.held.arena === before) this.#claim(weight);
  }

  /** Takes over what other networks have moved. */
  sync(): void {
    if (this.tenants.every(({ weight }) => weight.held.arena === this)) return;
    const stale = this.tenants.filter(({ weight: { held }, weight }) => {
      if (held.arena === this) return false;
      return held.arena?.training || held.version !== this.#seen.get(weight);
    });
    if (stale.length === 0) return;
    const values = readHeld(stale.map(({ weight }) => weight));
    for (const [i, { weight, buffer }] of stale.entries()) {
      this.plan.write(buffer, values[i]);
      this.#seen.set(weight, weight.held.version);
    }
  }

  /** Begins to move the weights. @throws Error with code ERR_BUSY while another network does, which shares some */
  begin(): void {
    for (const { name, weight, moves } of this.tenants)
      if (moves && weight.held.arena !== this && weight.held.arena?.training)
        throw failure(
          'ERR_BUSY',
          `Expected no other network to be training '${name}', which this one trains too: await that call first`,
        );
    this.sync();
    for (const { weight, moves } of this.tenants) if (moves) this.#claim(weight);
    this.training = true;
  }

  end(): void {
    if (!this.training) return;
    this.training = false;
    for (const { weight, moves } of this.tenants) if (moves) this.#claim(weight);
  }

  #claim({ held }: Weight): void {
    held.arena = this;
    held.values = undefined;
    held.draw = undefined;
    held.version++; // others find that they have an older one; this arena looks again once it is another's
  }
}

/** Whether a weight was drawn or set. */
export const hasNumbers = ({ held }: Weight): boolean => held.arena !== undefined || held.values !== undefined;

/** Copies of weights; of those in one arena, all of one moment. @throws Error with code ERR_NOT_BUILT for one without numbers yet */
export function readHeld(weights: readonly Weight[]): NDArray[] {
  const byArena = new Map<Arena, Weight[]>();
  for (const weight of weights) {
    if (!hasNumbers(weight)) weight.held.draw?.();
    const { arena, values } = weight.held;
    if (arena) {
      const own = byArena.get(arena);
      if (own) own.push(weight);
      else byArena.set(arena, [weight]);
    } else if (!values)
      throw failure(
        'ERR_NOT_BUILT',
        `Expected '${weight.name}' to have numbers, but no network was made of its layer yet`,
      );
  }
  const read = new Map<Weight, NDArray>();
  for (const [{ plan, buffers }, own] of byArena) {
    const values = plan.readTogether(own.map((weight) => buffers.get(weight) as Buffer));
    own.forEach((weight, i) => {
      read.set(weight, values[i]);
    });
  }
  return weights.map((weight) => read.get(weight) ?? copyOf(weight.held.values as NDArray));
}

/** Sets weights, for every network that has them. @throws Error with code ERR_BUSY while one of these computes a batch */
export function writeHeld(weights: readonly Weight[], values: readonly NDArray[]): void {
  for (const { held } of weights) checkBetweenBatches(held.arena?.isRunning() ?? false);
  for (const [i, weight] of weights.entries()) {
    const { held } = weight;
    held.version++;
    if (held.arena) held.arena.plan.write(held.arena.buffers.get(weight) as Buffer, values[i]);
    else held.values = copyOf(values[i]);
  }
}

/** @throws Error with code ERR_BUSY if a batch is being computed, whose weights are not to be changed meanwhile */
export function checkBetweenBatches(isRunning: boolean): void {
  if (isRunning)
    throw failure(
      'ERR_BUSY',
      'Expected the network to be between two batches, but one is being computed: set its weights in a callback of fit, or await the call first',
    );
}

const copyOf = (array: NDArray): NDArray => NDArray.wrap(array.data.slice(), array.shape);
