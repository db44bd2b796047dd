import { failure } from '../check.js';
import type { Exported } from '../formats/export.js';
import type { Graph } from '../graph/graph.js';
import { Arena, checkBetweenBatches } from '../graph/held.js';
import { allLayers, frozenOf } from '../graph/weights.js';
import layerNames from '../layers/index.js';
import type { Layer } from '../layers/layer.js';
import { isOfMadeClass } from '../made.js';
import type { Plan } from '../plan.js';
import { RandomState } from '../random.js';
import type { FloatType } from '../tape.js';
import { JobWatch, type Training } from '../train.js';
import type { Port } from '../training/data.js';
import { advise, adviseFrozen } from './advice.js';
import { Mirror } from './mirror.js';
import { type Compiled, type Network, recordNetwork } from './network.js';
import { Server } from './serving.js';

/** The tape and the arena of a network, how it is trained, and whether it is at work. */
export class Engine {
  readonly dtype: FloatType;
  readonly random: RandomState;
  #seed: number | undefined;
  readonly progress = { iterations: 0 };
  readonly #jobs = new JobWatch();
  #compiled?: Compiled;
  /** The layers that were looked at for whether they are frozen. */
  #known?: WeakSet<Layer>;
  #network?: Network;
  /** Whether it lost a layer since `compile`. */
  #isShorter = false;
  /** Why the network that it is now cannot be judged as it was compiled: it predicts alone. */
  #misfit?: unknown;
  #arena?: Arena;
  #busy = false;
  /** Calls that run in turn and have not ended, and the end of the last of them. */
  #turns = 0;
  #last?: Promise<void> | undefined;
  #serving?: { readonly by: Network; readonly server: Server; readonly isBeside: boolean };

  constructor(dtype: FloatType, seed: number | undefined) {
    this.dtype = dtype;
    this.random = new RandomState(seed);
    this.#seed = seed;
  }

  /** What its generator began with; undefined of a network that has none of its own, or was loaded. */
  get seed(): number | undefined {
    return this.#seed;
  }

  get compiled(): Compiled | undefined {
    return this.#compiled;
  }

  get network(): Network | undefined {
    return this.#network;
  }

  get busy(): boolean {
    return this.#busy;
  }

  /** How the network is trained, and copies of what training has come to; undefined before it was compiled. */
  get training(): Exported['training'] {
    if (!this.#compiled || this.#misfit) return undefined;
    const { recorder, plan } = this.#network ?? {};
    const state = (recorder?.states ?? []).map((buffer) => [buffer.name, (plan as Plan).read(buffer)] as const);
    return { compiled: this.#compiled, iterations: this.progress.iterations, state };
  }

  get jobs(): JobWatch {
    return this.#jobs;
  }

  /** The network of a graph; records it, and draws the weights that no other network has, if that was not done yet. */
  build(graph: Graph): Network {
    if (this.#network) return this.#network;
    const network = this.#recordAsItFits(graph);
    if (this.#compiled) advise(graph);
    return network;
  }

  /** Records a graph, anew where it was recorded; weights stay. Nothing is changed if it cannot be. */
  record(graph: Graph): Network {
    this.#freezeNew(graph.layers);
    return this.#record(graph, this.#compiled);
  }

  /** The same, for predictions alone where what is left of a network does not fit its loss. */
  #recordAsItFits(graph: Graph): Network {
    try {
      return this.record(graph);
    } catch (error) {
      if (!this.#isShorter) throw error;
      const network = this.#record(graph, undefined);
      this.#misfit = error;
      return network;
    }
  }

  #record(graph: Graph, compiled: Compiled | undefined): Network {
    const network = recordNetwork(graph, this.dtype, compiled);
    const arena = new Arena(network.plan, network.weights, () => this.#jobs.running || this.#isServing);
    arena.settle(this.random, this.#arena);
    // What a layer says of itself in a file is to be what was recorded. Those of one's own may keep what they like in fields.
    for (const layer of graph.layers)
      if (isOfMadeClass(layer) && layerNames.includes(layer.className)) Object.freeze(layer);
    this.#network = network;
    this.#arena = arena;
    this.#misfit = undefined;
    return network;
  }

  /**
   * Layers that were added since `compile`, or that others turned out to be made of, are frozen where they say so now, or what holds
   * them is: as it was then, where it was known.
   */
  #freezeNew(layers: readonly Layer[]): void {
    const known = this.#known;
    if (this.#compiled && known) {
      const { frozen, isFrozen } = this.#compiled;
      const stays = (layer: Layer) => (known.has(layer) ? frozen.has(layer) : !layer.trainable);
      const more = [...frozenOf(layers, isFrozen, stays)].filter((layer) => !known.has(layer) && !frozen.has(layer));
      if (more.length > 0) this.#compiled = { ...this.#compiled, frozen: new Set([...frozen, ...more]) };
    }
    this.#known = new WeakSet(allLayers(layers));
  }

  /** Records a graph that has become another; the optimizer begins anew. */
  change(graph: Graph): void {
    this.#recordAsItFits(graph);
    this.progress.iterations = 0;
  }

  /** Trains as `compiled` says from now on. `graph`: of the network, where it is known. Nothing is changed if it cannot be. */
  compile(compiled: Compiled, graph: Graph | undefined, layers: readonly Layer[]): void {
    const before = this.#compiled;
    this.#compiled = compiled;
    this.#known = new WeakSet(allLayers(layers));
    try {
      if (graph) adviseFrozen(this.record(graph).weights);
    } catch (error) {
      this.#compiled = before;
      throw error;
    }
    if (graph) advise(graph);
    this.#isShorter = false;
    this.progress.iterations = 0;
  }

  /** Forgets the tape of a network that loses a layer: recorded again when it is needed; weights stay, the optimizer begins anew. */
  forget(): void {
    this.#network = undefined;
    this.#misfit = undefined;
    this.#isShorter = true;
    this.progress.iterations = 0;
  }

  /** As a file says it was trained, for `record`. */
  restore(compiled: Compiled | undefined): void {
    this.#compiled = compiled;
    this.#seed = undefined; // a file has the generator's state alone
  }

  needCompiled(): Compiled {
    if (!this.#compiled)
      throw failure('ERR_NOT_COMPILED', 'Expected the network to be compiled: call compile({ optimizer, loss }) first');
    return this.#compiled;
  }

  /**
   * The network of a graph, with what others that share its layers have learnt; `moves`: to train it.
   * @throws Error with code ERR_BUSY while another network trains a layer that this one is to train
   */
  enter(graph: Graph, moves: boolean): Network {
    const network = this.build(graph);
    if (moves) this.#arena?.begin();
    else this.#arena?.sync();
    return network;
  }

  /** The same to train or judge it. @throws as `compile` does where the loss does not fit the network any longer */
  enterJudged(graph: Graph, moves: boolean): Network {
    this.build(graph);
    if (this.#misfit) throw this.#misfit;
    return this.enter(graph, moves);
  }

  /**
   * What answers predictions of a graph: the network itself, or beside one that may be training another arena, with the
   * weights after its last job, or an earlier one.
   */
  server(graph: Graph, ports: readonly Port[]): Server {
    const by = this.build(graph);
    if (this.#serving?.by !== by) {
      const isBeside = this.#compiled !== undefined;
      const server = isBeside
        ? this.#besideTraining(graph, ports)
        : new Server(by, ports, () => void (this.#network === by && this.enter(graph, false)));
      this.#serving = { by, server, isBeside };
    }
    return this.#serving.server;
  }

  /** Whether predictions are being computed from the weights that training moves. */
  get #isServing(): boolean {
    return this.#serving !== undefined && !this.#serving.isBeside && this.#serving.server.isWorking;
  }

  #besideTraining(graph: Graph, ports: readonly Port[]): Server {
    const network = recordNetwork(graph, this.dtype);
    const mirror = new Mirror(network, () => this.#arena, this.#jobs);
    return new Server(network, ports, () => mirror.refresh());
  }

  /** Refuses a second call while one is running. */
  *exclusively<R>(training: Training<R>): Training<R> {
    this.checkIdle();
    return yield* this.#alone(training);
  }

  /** The same, but that calls wait for each other, in their order. */
  *inTurn<R>(training: Training<R>): Training<R> {
    if (this.#turns === 0)
      this.checkIdle('take predictSync in its callbacks, from whose states the next batch then goes on');
    const before = this.#last;
    let end = (_?: Promise<void>) => {};
    this.#last = new Promise((resolve) => {
      end = resolve;
    });
    this.#turns++;
    try {
      if (before) yield before;
      return yield* this.#alone(training);
    } finally {
      end(before); // which goes on where this call was aborted
      if (--this.#turns === 0) this.#last = undefined;
    }
  }

  *#alone<R>(training: Training<R>): Training<R> {
    this.#busy = true;
    try {
      return yield* this.#jobs.watch(training);
    } finally {
      this.#busy = false;
      this.#arena?.end();
    }
  }

  /** As callbacks are called; not between two batches of a prediction, which goes on from its states. */
  get #isBetweenBatches(): boolean {
    return this.#busy && !this.#jobs.running && this.#turns === 0;
  }

  /** For what changes nothing, and is done when it returns: callbacks may have it too. */
  betweenBatches<R>(training: Training<R>): Training<R> {
    return this.#isBetweenBatches ? training : this.exclusively(training);
  }

  /** The same for what takes one job on this thread. */
  now<R>(run: () => R): R {
    if (!this.#isBetweenBatches) this.checkIdle();
    return run();
  }

  /** For what moves the states that calls go on from. */
  checkBetweenCalls(): void {
    if (this.#turns > 0) this.checkIdle();
    checkBetweenBatches(this.#jobs.running);
  }

  checkIdle(advice = 'take predict, predictSync or evaluateSync in its callbacks'): void {
    if (this.#turns > 0)
      throw failure(
        'ERR_BUSY',
        'Expected the network to be idle, but predictions of its stateful layers, each of which goes on from the one before, have not ended: await them first',
      );
    if (this.#busy)
      throw failure(
        'ERR_BUSY',
        `Expected the network to be idle, but it is training or evaluating already: await that call first, ${advice}, or load a second network from a saved file`,
      );
  }
}
