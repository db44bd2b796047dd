import { isPlain } from '../../kind.js';
import { readNode, referencesIn } from './calls-in.js';

/** Layers that pass integers on as they are. */
const VIEWS = ['Flatten', 'Reshape', 'InputLayer'];
const MAX_DEPTH = 16;
/** Views of views: no one writes more. */
const MAX_VIEWS = 16;

/**
 * Which inputs of a network go into embeddings: Keras makes integers of them there, our inputs are told so. Of what is no network
 * nothing, as whoever reads it says what is wrong.
 */
export function integerInputs(given: unknown, depth = 0): boolean[] {
  if (!isPlain(given) || !isPlain(given.config) || depth > MAX_DEPTH) return [];
  const { layers, input_layers: inputs } = given.config;
  const entries = Array.isArray(layers) ? layers.filter(isPlain) : [];
  if (given.class_name === 'Sequential') {
    const first = entries.find((entry) => !VIEWS.includes(entry.class_name as string));
    return [first?.class_name === 'Embedding' || (first !== undefined && integerInputs(first, depth + 1)[0] === true)];
  }
  const byName = new Map(
    entries.map((entry) => [(entry.name ?? (entry.config as { name?: unknown })?.name) as unknown, entry]),
  );
  const found = new Set<unknown>();
  for (const entry of entries) {
    const own = entry.class_name === 'Embedding' ? [true] : integerInputs(entry, depth + 1);
    if (!own.includes(true)) continue;
    for (const node of nodesOf(entry)) {
      const references = referencesIn(node);
      for (const [i, isInteger] of own.entries()) {
        let name: unknown = isInteger ? references[i]?.layer : undefined;
        for (let steps = 0; name !== undefined && steps < MAX_VIEWS; steps++) {
          const from = byName.get(name);
          if (from && from.class_name === 'InputLayer') found.add(name);
          if (!from || from.class_name === 'InputLayer' || !VIEWS.includes(from.class_name as string)) break;
          name = nodesOf(from).flatMap(referencesIn)[0]?.layer;
        }
      }
    }
  }
  const isOne = Array.isArray(inputs) && typeof inputs[0] === 'string';
  const places = isOne ? [inputs] : isPlain(inputs) ? Object.values(inputs) : Array.isArray(inputs) ? inputs : [];
  return places.map((place) => Array.isArray(place) && found.has(place[0]));
}

function nodesOf({ inbound_nodes: nodes }: { readonly [name: string]: unknown }) {
  return Array.isArray(nodes) ? nodes.map((node) => readNode('a node', node)) : [];
}
