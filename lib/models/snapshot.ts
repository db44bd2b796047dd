import type { NDArray } from '../array.js';
import type { Graph } from '../graph/graph.js';
import type { Ports } from '../training/data.js';
import { checked, outputsNow, patienceOf } from './calls.js';
import { type Network, recordNetwork } from './network.js';
import type { DataOf, Outputs, Predicted, PredictNowOptions, PredictOptions } from './options.js';
import { Server } from './serving.js';

/** A network as it was at one moment: it predicts, and nothing changes it. */
export class Snapshot<O extends Outputs = Outputs, I extends Outputs = Outputs> {
  readonly #network: Network;
  readonly #ports: Ports;
  readonly #isListed: boolean;
  readonly #server: Server;

  /** @internal */
  constructor(
    graph: Graph,
    dtype: 'float32' | 'float64',
    weights: readonly NDArray[],
    ports: Ports,
    isListed: boolean,
  ) {
    this.#network = recordNetwork(graph, dtype);
    this.#ports = ports;
    this.#isListed = isListed;
    for (const [i, { buffer }] of this.#network.weights.entries()) this.#network.plan.write(buffer, weights[i]);
    this.#server = new Server(this.#network, ports.inputs, () => undefined);
  }

  /** As `Model.predict`. */
  async predict(x: DataOf<I>, options: PredictOptions = {}): Promise<Predicted<O>> {
    const { arrays, batchSize } = checked({ ports: () => this.#ports }, x, options);
    return this.#structured(await this.#server.predict(arrays, batchSize, patienceOf(options)));
  }

  /** As `Model.predictSync`. @throws Error with code ERR_BUSY while a `predict` is on its way */
  predictSync(x: DataOf<I>, options: PredictNowOptions<O> = {}): Predicted<O> {
    const { arrays, inputs, batchSize } = checked({ ports: () => this.#ports }, x, options, ['batchSize', 'out']);
    return this.#structured(outputsNow(this.#network, arrays, inputs, () => batchSize, options.out));
  }

  #structured(arrays: NDArray[]): Predicted<O> {
    return (this.#isListed ? arrays : arrays[0]) as Predicted<O>;
  }
}
