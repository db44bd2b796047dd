import type { Predictor } from '../../tables/predictor.js';
import { type Assessed, assessAnswers } from '../answers.js';
import { assess } from '../assessment.js';
import { checkNoSource, readSourceOptions } from '../data-options.js';
import { loadFor, type Samples } from '../dataset.js';
import { CommandError, EXIT } from '../errors.js';
import type { Values } from '../options.js';
import { count, Output, percent, short } from '../output.js';
import { type Answering, loadAny, loadTrained } from '../run-file.js';
import type { SourceOptions } from '../sources.js';

/** @returns the exit code */
export async function run(values: Values): Promise<number> {
  const out = new Output({ json: values.switch('json') });
  const [path, source] = values.positionals;
  if (source === undefined) checkNoSource(values);
  const { predictor, trained } = await loadAny(path);
  const options = source === undefined ? undefined : readSourceOptions(values, source);
  const found = trained ? await ofRun(path, trained, options) : await ofCode(path, predictor, options);
  const { name, decided, classes, loss, classification, regression, samples: n } = found;
  if (decided) out.note(decided);
  out.document({
    samples: n,
    loss,
    ...(classification && {
      accuracy: classification.accuracy,
      classes,
      confusionMatrix: classification.matrix.toArray(),
    }),
    ...regression,
  });
  out.say(`${path} on ${name}: ${count(n, 'sample')}`);
  if (classification) {
    out.say(`Accuracy ${percent(classification.accuracy)}${loss === undefined ? '' : `, loss ${short(loss)}`}`);
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

async function ofRun(
  path: string,
  { model, run }: NonNullable<Answering['trained']>,
  options: SourceOptions | undefined,
): Promise<Assessed> {
  const { meaning } = run;
  const own = meaning.classes && { classes: meaning.classes };
  if (options) {
    const loaded = await loadFor(run, options, true);
    const { name, decided } = loaded;
    return { ...(await assess(model, loaded as Samples, meaning)), name, ...own, ...(decided && { decided }) };
  }
  const { name, test } = await loadTrained(path, run);
  if (!test)
    throw new CommandError(EXIT.usage, `Expected DATA, since '${path}' was trained without a test set, got none`);
  return { ...(await assess(model, test, meaning)), name: `the test set of ${name}`, ...own };
}

async function ofCode(path: string, predictor: Predictor, options: SourceOptions | undefined): Promise<Assessed> {
  if (options) return assessAnswers(predictor, options);
  throw new CommandError(EXIT.usage, `Expected DATA, since '${path}' was saved by code and names no data, got none`);
}
