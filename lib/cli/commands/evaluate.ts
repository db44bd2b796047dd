import { assess } from '../assessment.js';
import { readSourceOptions } from '../data-options.js';
import { loadFor, type Samples } from '../dataset.js';
import { CommandError, EXIT } from '../errors.js';
import type { Values } from '../options.js';
import { count, Output, percent, short } from '../output.js';
import { loadOwnRun, loadTrained } from '../run-file.js';

/** @returns the exit code */
export async function run(values: Values): Promise<number> {
  const out = new Output({ json: values.switch('json') });
  const [path, source] = values.positionals;
  const { model, run } = await loadOwnRun(path);
  const { meaning } = run;
  let name: string;
  let samples: Samples;
  if (source === undefined) {
    const split = await loadTrained(path, run);
    if (!split.test)
      throw new CommandError(EXIT.usage, `Expected DATA, since '${path}' was trained without a test set, got none`);
    [name, samples] = [`the test set of ${split.name}`, split.test];
  } else {
    const loaded = await loadFor(run, readSourceOptions(values, source), true);
    [name, samples] = [loaded.name, loaded as Samples];
    if (loaded.decided) out.note(loaded.decided);
  }
  const { loss, classification, regression, samples: n } = await assess(model, samples, meaning);
  out.document({
    samples: n,
    loss,
    ...(classification && {
      accuracy: classification.accuracy,
      classes: meaning.classes,
      confusionMatrix: classification.matrix.toArray(),
    }),
    ...regression,
  });
  out.say(`${path} on ${name}: ${count(n, 'sample')}`);
  if (classification) {
    out.say(`Accuracy ${percent(classification.accuracy)}, loss ${short(loss)}`);
    out.say();
    out.say(classification.report);
  }
  if (regression) {
    out.say(
      `R² ${short(regression.r2)}, mean absolute error ${short(regression.meanAbsoluteError)}, root mean squared error ${short(regression.rootMeanSquaredError)}`,
    );
  }
  return EXIT.done;
}
