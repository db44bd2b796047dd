// The highest temperature of the next seven days in Seattle, from the four weeks before: an LSTM with quantiles, beside persistence (the
// last day goes on) and a linear model.
//   npm install vega-datasets
//   node scripts/examples/forecast.js [forecast.svg]

import { readFileSync } from 'node:fs';
import { custom, data, layers, NDArray, ops, StandardScaler, sequential } from 'fjordnet';

const csv = new URL('../data/seattle-weather.csv', import.meta.resolve('vega-datasets'));
const days = readFileSync(csv, 'utf8')
  .trim()
  .split('\n')
  .slice(1)
  .map((line) => line.split(','));
const [window, horizon, year] = [28, 7, 365];

// temperatures, rain, wind, and the time of the year as a point on a circle
const features = days.map(([, rain, high, low, wind], day) => {
  const angle = (2 * Math.PI * day) / 365.25;
  return [high, low, Math.sqrt(rain), wind, Math.sin(angle), Math.cos(angle)].map(Number);
});
// cut in time before it is cut into windows; the scaler knows the first three years alone
const [past, future] = [features.slice(0, -year), features.slice(-year - window)];
const scaler = new StandardScaler().fit(past);
const cut = (rows) => data.timeSeries(scaler.transform(rows), { window, horizon, targets: 0 });
const [train, test] = [cut(past), cut(future)];
const toDegrees = (z) => z * scaler.scale.data[0] + scaler.mean.data[0];

/** Of the 10th, 50th and 90th percentile of each day, [7, 3]. */
const QUANTILES = [0.1, 0.5, 0.9];
const pinball = custom.loss('quantiles', (yTrue, yPred) => {
  const e = ops.sub(yTrue, yPred);
  return ops.mean(
    ops.maximum(
      ops.mul(QUANTILES, e),
      ops.mul(
        QUANTILES.map((q) => q - 1),
        e,
      ),
    ),
  );
});
const three = (y) => NDArray.from(Array.from(y.data, (value) => [value, value, value])).reshape(-1, horizon, 3);

async function trained(...own) {
  const model = sequential({
    layers: [...own, layers.dense({ units: horizon * 3 }), layers.reshape({ targetShape: [horizon, 3] })],
    seed: 1,
  });
  model.compile({ optimizer: 'adam', loss: pinball });
  await model.fit(train.x, three(train.y), { epochs: 30, batchSize: 32 });
  return model.predict(test.x);
}

/** Of predictions [n, 7, 3]: the mean error of the middle one in degrees, and the share of days within the outer ones. */
function judge(name, p) {
  const n = test.y.size;
  let [error, within] = [0, 0];
  for (let i = 0; i < n; i++) {
    const [low, middle, high] = p.data.subarray(3 * i, 3 * i + 3);
    error += Math.abs(toDegrees(middle) - toDegrees(test.y.data[i])) / n;
    within += (low <= test.y.data[i] && test.y.data[i] <= high) / n;
  }
  console.log(
    `${name.padEnd(24)} mean error ${error.toFixed(3)} degrees, ${(100 * within).toFixed(0)} % of days within 80 %`,
  );
  return error;
}

const lastDay = NDArray.from(
  Array.from({ length: test.x.shape[0] }, (_, i) => {
    const today = test.x.data[(i * window + window - 1) * 6];
    return Array.from({ length: horizon }, () => [today, today, today]);
  }),
);
const persistence = judge('persistence', lastDay);
const linear = judge('linear', await trained(layers.flatten({ inputShape: [window, 6] })));
const predicted = await trained(layers.lstm({ units: 32, inputShape: [window, 6] }));
const own = judge('LSTM', predicted);
const below = (other) => `${(100 * (1 - own / other)).toFixed(1)} %`;
console.log(`LSTM: ${below(persistence)} below persistence, ${below(linear)} below the linear model`);

if (process.argv[2]) {
  const { forecast } = await import('fjordnet/plots');
  const at = 200; // a week in the test year
  const quantile = (q) =>
    Array.from({ length: horizon }, (_, day) => toDegrees(predicted.data[(at * horizon + day) * 3 + q]));
  const observed = future.slice(at, at + window + horizon).map(([high]) => high);
  const picture = { observed, start: window, forecast: quantile(1), lower: quantile(0), upper: quantile(2) };
  await forecast(picture, { title: 'Highest temperature in Seattle', xLabel: 'day', yLabel: 'degrees Celsius' }).save(
    process.argv[2],
  );
}
