/** TITLE stands for the title. */
export const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>TITLE</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/board.css">
</head>
<body>
<header><h1>TITLE</h1><p id="state" role="status">Connecting …</p></header>
<main>
<section aria-label="Runs">
<table id="runs"><thead><tr><th>Run<th>State<th class="number">Epoch<th class="number">Time<th>Left</thead><tbody></tbody></table>
<label><input type="checkbox" id="log"> Losses on a log scale</label>
<label><input type="checkbox" id="smooth"> Smooth</label>
</section>
<section id="charts" aria-label="Curves"></section>
<section><table id="numbers"><caption></caption><thead><tr><th>Quantity<th class="number">Last<th class="number">Least<th class="number">Most</thead><tbody></tbody></table></section>
<details><summary>Layers</summary><table id="layers"><thead><tr><th>Name<th>Kind<th>Output</thead><tbody></tbody></table></details>
</main>
<script src="/board.js"></script>
</body>
</html>
`;

export const STYLE = `
:root { --ink: #1f2328; --muted: #59636e; --line: #dde1e6; --surface: #fff; --accent: #0072b2; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --muted: #9da7b3; --line: #30363d; --surface: #0d1117; --accent: #4aa3df; } }
body { margin: 0 auto; padding: 1rem; max-width: 80rem; font: 15px/1.45 system-ui, sans-serif; color: var(--ink); background: var(--surface); }
header { display: flex; flex-wrap: wrap; gap: 0 1rem; align-items: baseline; }
h1 { font-size: 1.4rem; margin: 0; } h2 { font-size: 1rem; margin: 0 0 .3rem; font-weight: 600; }
#state { margin: 0; color: var(--muted); }
section, details { margin: 1rem 0; overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; padding: .2rem 0; }
main > section > table th, details th { text-align: left; font-weight: 500; color: var(--muted); }
main > section > table :is(th, td), details :is(th, td) { padding: .15rem 1.2rem .15rem 0; white-space: nowrap; border-bottom: 1px solid var(--line); }
main > section > table .number { text-align: right; }
label { margin-right: 1.2rem; color: var(--muted); }
td label { color: inherit; margin: 0; }
td label::before { content: ''; display: inline-block; width: .7em; height: .7em; border-radius: 50%; margin-right: .4em; background: currentColor; }
td label span { color: var(--ink); }
progress { width: 10rem; accent-color: var(--accent); }
#charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(24rem, 100%), 1fr)); gap: 1.5rem; }
.u-legend { font-size: .8rem; text-align: left; } .u-legend th { font-weight: 400; }
`;

/** Runs in the browser, after uPlot. */
export const SCRIPT = `
'use strict';
(() => {
  const COLORS = ['#0072b2', '#d55e00', '#009e73', '#b3689a', '#9a7d0a', '#4a90d9', '#8c6d31', '#7f7f7f'];
  const LOSSES = /loss|error|entropy|(^|_)(mse|rmse|mae|mape|nll|hinge|poisson|kld?|perplexity)(_|$)/i;
  const byId = (id) => document.getElementById(id);
  const element = (tag, text, attributes = {}) =>
    Object.assign(document.createElement(tag), text === undefined ? {} : { textContent: text }, attributes);
  const runs = new Map();
  const charts = new Map();
  const rows = new Map(); // by run
  const shown = new Set(); // ids
  const chosen = new Set(); // those that the reader chose
  let connected = false;

  const colorOf = (run) => COLORS[run.id % COLORS.length];
  const short = (x) => x === undefined ? '' : !Number.isFinite(x) ? String(x)
    : x !== 0 && (Math.abs(x) < 1e-3 || Math.abs(x) >= 1e6) ? x.toExponential(3).replace(/\\.?0*e/, 'e') : String(+x.toPrecision(5));
  const time = (ms) => {
    const s = Math.max(0, Math.round(ms / 1000));
    const two = (x) => String(x).padStart(2, '0');
    return s < 3600 ? Math.floor(s / 60) + ':' + two(s % 60) : Math.floor(s / 3600) + ':' + two(Math.floor(s / 60) % 60) + ':' + two(s % 60);
  };
  const numbers = (logs) => Object.fromEntries(Object.entries(logs).map(([name, value]) => [name, Number(value)]));
  const baseOf = (name) => name.replace(/^val_/, '');

  /** What a run has to say; its points are those that are new. */
  function take(given) {
    const known = runs.get(given.id);
    const points = given.points.map(({ epoch, values }) => ({ epoch, values: numbers(values) }));
    if (!runs.has(given.id)) {
      for (const id of [...shown]) if (runs.get(id)?.ended && !chosen.has(id)) shown.delete(id);
      shown.add(given.id);
    }
    const from = known ? known.points.at(-1)?.epoch ?? -1 : -1;
    runs.set(given.id, { ...given, logs: numbers(given.logs), clock: Date.now() - given.age - (given.at - given.begun),
      points: [...(known?.points ?? []), ...points.filter(({ epoch }) => epoch > from)] });
  }

  /** A run's row, which stays the same one: what a reader clicks or has the focus on must not be another by then. */
  function newRow(id) {
    const row = element('tr');
    const [name, state, epoch, spent, left] = ['', '', 'number', 'number', ''].map((className) =>
      row.appendChild(element('td', undefined, { className })));
    const label = name.appendChild(element('label'));
    label.style.color = COLORS[id % COLORS.length];
    const box = label.appendChild(element('input', undefined, { type: 'checkbox', onchange: () => {
      for (const ids of [shown, chosen]) if (box.checked) ids.add(id); else ids.delete(id);
      draw();
    } }));
    const title = label.appendChild(element('span'));
    const bar = left.appendChild(element('progress', undefined, { max: 1, ariaLabel: 'Progress' }));
    return { row, box, title, state, epoch, spent, bar, rest: left.appendChild(element('span')) };
  }

  function drawRuns() {
    for (const [id, { row }] of rows) if (!runs.has(id)) { row.remove(); rows.delete(id); }
    for (const run of runs.values()) {
      if (!rows.has(run.id)) {
        rows.set(run.id, newRow(run.id));
        byId('runs').tBodies[0].prepend(rows.get(run.id).row);
      }
      const { box, title, state, epoch, spent, bar, rest } = rows.get(run.id);
      const silent = Date.now() - run.clock - (run.at - run.begun);
      const done = run.epoch + (run.batches ? run.batch / run.batches : 0);
      const fraction = (done - run.first) / (run.epochs - run.first); // of what this training has to do
      box.checked = shown.has(run.id);
      bar.hidden = Boolean(run.ended);
      bar.value = done / run.epochs;
      title.textContent = run.name + ' ' + (run.id + 1);
      state.textContent = run.ended ? (run.epoch < run.epochs ? 'ended early' : 'ended')
        : !connected ? 'cut off' : silent > 30000 ? 'no news for ' + time(silent) : 'training';
      epoch.textContent = run.epoch + ' / ' + run.epochs;
      spent.textContent = time(run.ended ? run.ended - run.begun : connected ? Date.now() - run.clock : run.at - run.begun);
      rest.textContent = run.ended || !(fraction > 0 && fraction < 1) ? ''
        : ' ' + time((run.at - run.begun) * (1 - fraction) / fraction);
    }
  }

  /** Each value becomes a mean of those before it, the last ones most. */
  function smoothed(values) {
    let mean = NaN;
    return values.map((x) => {
      if (x === null) return null;
      mean = Number.isNaN(mean) ? x : 0.8 * mean + 0.2 * x;
      return mean;
    });
  }

  function drawCharts() {
    const lines = [...runs.values()].filter(({ id, points }) => shown.has(id) && points.length);
    const quantities = new Set(lines.flatMap(({ points }) => points.flatMap(({ values }) => Object.keys(values).map(baseOf))));
    for (const [name, { box, plot }] of charts) if (!quantities.has(name)) { plot.destroy(); box.remove(); charts.delete(name); }
    for (const quantity of quantities) {
      const isLog = byId('log').checked && LOSSES.test(quantity);
      const series = lines.flatMap((run) => [quantity, 'val_' + quantity].filter((name) =>
        run.points.some(({ values }) => name in values)).map((name) => ({ run, name })));
      const tables = series.map(({ run, name }) => {
        const points = run.points.filter(({ values }) => name in values);
        const values = points.map(({ values }) => Number.isFinite(values[name]) && !(isLog && values[name] <= 0) ? values[name] : null);
        return [points.map(({ epoch }) => epoch + 1), byId('smooth').checked ? smoothed(values) : values];
      });
      const data = tables.length ? uPlot.join(tables, tables.map((table) => table.map(() => 2))) : [[]];
      const key = JSON.stringify([series.map(({ run, name }) => [run.id, name]), isLog]);
      const known = charts.get(quantity);
      if (known?.key === key) { known.plot.setData(data); continue; }
      const box = known?.box ?? byId('charts').appendChild(element('div'));
      known?.plot.destroy();
      box.replaceChildren(element('h2', quantity));
      const css = getComputedStyle(document.documentElement);
      const axis = { stroke: css.getPropertyValue('--muted'), grid: { stroke: css.getPropertyValue('--line'), width: 1 } };
      const several = lines.length > 1;
      const plot = new uPlot({
        width: box.clientWidth, height: 240, cursor: { drag: { x: true, y: false } },
        scales: { x: { time: false }, y: { distr: isLog ? 3 : 1 } },
        axes: [{ ...axis, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 1e5, 1e6] },
          { ...axis, size: 64, values: (_, ticks) => ticks.map((x) => x === null ? '' : short(x)) }],
        series: [{ label: 'epoch' }, ...series.map(({ run, name }) => ({
          label: (name === quantity ? 'training' : 'validation') + (several ? ' ' + (run.id + 1) : ''),
          stroke: several || name === quantity ? colorOf(run) : COLORS[(run.id + 1) % COLORS.length],
          width: 2, spanGaps: true, ...(name !== quantity && several && { dash: [6, 4] }),
          value: (_, x) => x === null ? '' : short(x),
        }))],
      }, data, box);
      charts.set(quantity, { box, plot, key });
    }
  }

  function drawNumbers() {
    const run = [...runs.values()].filter(({ id }) => shown.has(id)).at(-1) ?? [...runs.values()].at(-1);
    if (!run) return;
    const table = byId('numbers');
    table.caption.textContent = run.name + ' ' + (run.id + 1) +
      (run.batch && !run.ended ? ', epoch ' + (run.epoch + 1) + ', batch ' + run.batch + (run.batches ? ' / ' + run.batches : '') : '');
    const names = [...new Set([...Object.keys(run.points.at(-1)?.values ?? {}), ...Object.keys(run.logs)])];
    table.tBodies[0].replaceChildren(...names.map((name) => {
      const values = run.points.map(({ values }) => values[name]).filter(Number.isFinite);
      const least = values.reduce((a, b) => Math.min(a, b), Infinity);
      const most = values.reduce((a, b) => Math.max(a, b), -Infinity);
      const row = element('tr');
      row.append(element('td', name), ...[run.logs[name] ?? run.points.at(-1)?.values[name], ...(values.length ? [least, most] : [])]
        .map((x) => element('td', short(x), { className: 'number' })));
      return row;
    }));
    byId('layers').tBodies[0].replaceChildren(...run.layers.map(({ name, kind, shape }) => {
      const row = element('tr');
      row.append(element('td', name), element('td', kind), element('td', shape));
      return row;
    }));
  }

  function draw() {
    byId('state').textContent = !connected ? 'Not connected: the program has ended, or does not answer.'
      : runs.size === 0 ? 'No training has begun.'
      : [...runs.values()].some(({ ended }) => !ended) ? 'Training' : 'Nothing is being trained.';
    drawRuns();
    drawCharts();
    drawNumbers();
  }

  const events = new EventSource('/events');
  events.addEventListener('state', ({ data }) => {
    connected = true;
    const before = new Map(runs);
    const [wasShown, wasChosen] = [new Set(shown), new Set(chosen)];
    for (const ids of [runs, shown, chosen]) ids.clear();
    for (const run of JSON.parse(data)) {
      take(run);
      if (before.get(run.id)?.begun !== run.begun) continue;
      if (wasChosen.has(run.id)) chosen.add(run.id);
      if (wasShown.has(run.id)) shown.add(run.id); else shown.delete(run.id);
    }
    draw();
  });
  events.addEventListener('news', ({ data }) => {
    for (const run of JSON.parse(data)) take(run);
    draw();
  });
  events.onerror = () => {
    connected = false;
    draw();
  };
  byId('log').onchange = byId('smooth').onchange = draw;
  setInterval(drawRuns, 1000);
  const redraw = () => {
    for (const { box, plot } of charts.values()) { plot.destroy(); box.remove(); }
    charts.clear();
    draw();
  };
  let wait;
  addEventListener('resize', () => { clearTimeout(wait); wait = setTimeout(redraw, 200); });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redraw);
})();
`;
