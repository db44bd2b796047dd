// A network that was trained here predicts in a browser, with TensorFlow.js: this writes a folder that any web server may serve.
//   npm install @tensorflow/tfjs-core @tensorflow/tfjs-layers @tensorflow/tfjs-backend-cpu
//   node make.js web && npx http-server web
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { layers, loadDigits, sequential, toCategorical, trainTestSplit } from 'fjordnet';

const [folder = 'web'] = process.argv.slice(2);
const { images, target } = loadDigits();
const x = images.reshape(-1, 8, 8, 1);
for (let i = 0; i < x.size; i++) x.data[i] /= 16;
const [xTrain, xTest, yTrain, yTest] = trainTestSplit([x, target], { testSize: 0.2, randomState: 0 });

const model = sequential({
  layers: [
    layers.conv2d({ filters: 16, kernelSize: 3, activation: 'relu', inputShape: [8, 8, 1] }),
    layers.maxPooling2d({ poolSize: 2 }),
    layers.flatten(),
    layers.dense({ units: 10, activation: 'softmax' }),
  ],
  seed: 0,
});
model.compile({ optimizer: 'adam', loss: 'categoricalCrossentropy', metrics: ['accuracy'] });
await model.fit(xTrain, toCategorical(yTrain, 10), { epochs: 20 });
const { accuracy } = await model.evaluate(xTest, toCategorical(yTest, 10));
console.log(`test accuracy ${accuracy.toFixed(3)}`);

mkdirSync(folder, { recursive: true });
await model.export(join(folder, 'model.json'), { format: 'tfjs' });
const shown = xTest.slice([0, 60]);
const answers = await model.predict(shown);
writeFileSync(join(folder, 'digits.json'), JSON.stringify({ images: shown, labels: yTest.slice([0, 60]), answers }));
copyFileSync(fileURLToPath(new URL('index.html', import.meta.url)), join(folder, 'index.html'));
const require = createRequire(import.meta.url);
for (const part of ['core', 'backend-cpu', 'layers'])
  copyFileSync(
    join(require.resolve(`@tensorflow/tfjs-${part}/package.json`), `../dist/tf-${part}.min.js`),
    join(folder, `tf-${part}.min.js`),
  );
