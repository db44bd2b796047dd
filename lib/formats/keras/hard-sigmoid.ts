import { wrongValue } from '../../check.js';
import type { JsonObject } from '../../io/model-file.js';
import { isPlain } from '../../kind.js';
import type { Reading } from './model-in.js';

/** Keras 2 had another hard sigmoid. */
export function checkVersion(place: string, config: JsonObject, reading: Reading): void {
  if (!reading.isKeras2 || reading.takesHardSigmoid) return;
  for (const [key, value] of Object.entries(config)) {
    if (!isPlain(value)) continue;
    if (value.name === 'hardSigmoid' && /activation$/i.test(key))
      throw wrongValue(`the ${key} of ${place}`, 'none of Keras 2 that is another one here', 'hard_sigmoid');
    if (isPlain(value.config)) checkVersion(place, value.config, reading);
  }
}
