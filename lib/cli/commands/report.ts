import { assess } from '../assessment.js';
import { checkApart } from '../destinations.js';
import { EXIT, usage } from '../errors.js';
import { loadGrid } from '../grid-file.js';
import type { Values } from '../options.js';
import { Output } from '../output.js';
import { loadOwnRun, loadTrained } from '../run-file.js';
import { checkReport, writeGridReport, writeRunReport } from '../run-report.js';

/** @returns the exit code */
export async function run(values: Values): Promise<number> {
  const out = new Output({ json: values.switch('json') });
  const [path] = values.positionals;
  const file = values.text('out');
  const gridFile = values.text('grid');
  if (file === undefined) throw usage('Expected --out FILE, the report to write, got none');
  if (path === undefined && gridFile === undefined)
    throw usage('Expected MODEL or --grid FILE, got neither; fjordnet report --help shows an example');
  await checkApart({ '--out': file }, { MODEL: path, '--grid': gridFile });
  await checkReport('--out', file);
  const grid = gridFile === undefined ? undefined : await loadGrid(gridFile);
  if (path === undefined) {
    if (grid) await writeGridReport(file, grid);
  } else {
    const { model, run } = await loadOwnRun(path);
    const split = await loadTrained(path, run);
    const assessment = split.test && (await assess(model, split.test, split.meaning));
    await writeRunReport(file, { model, run, split, ...(assessment && { assessment }), ...(grid && { grid }) });
  }
  out.document({ report: file });
  out.say(`Report: ${file}`);
  return EXIT.done;
}
