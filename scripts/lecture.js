// The lecture "Neural networks, from the simple perceptron to deep learning" (M. Hjorth-Jensen, University of Oslo), part by
// part: what its text says should happen beside what happens here, on the terminal and in one HTML report.
//   node scripts/lecture.js [report.html]
import { writeFileSync } from 'node:fs';
import { buildInfo, RandomState } from 'fjordnet';
import { beside, facts, html, note, numbers, paragraph, renderPage } from '../dist/report/index.js';
import { boltzmann } from './lecture-parts/boltzmann.js';
import { convolution } from './lecture-parts/convolution.js';
import { deepBoltzmann } from './lecture-parts/deep-boltzmann.js';
import { frameworks } from './lecture-parts/frameworks.js';
import { ising } from './lecture-parts/ising.js';
import { numpy } from './lecture-parts/numpy.js';
import { perceptron } from './lecture-parts/perceptron.js';
import { pictures } from './lecture-parts/pictures.js';
import { radial } from './lecture-parts/radial.js';

const path = process.argv[2] ?? 'lecture.html';
writeFileSync(path, ''); // a path that cannot be written is told now
process.removeAllListeners('warning'); // many networks of the grids stop at their last epoch

// np.random.seed(0): parts 3 to 8 draw from it in the lecture's order
const lecture = { random: new RandomState(0) };
const parts = [
  ...perceptron,
  ...pictures,
  ...numpy,
  ...frameworks,
  ...convolution,
  ...boltzmann,
  ...deepBoltzmann,
  ...radial,
  ...ising,
];
const sections = [];
const begun = performance.now();
const VERDICTS = {
  true: { words: 'As the text says', sign: '✓', kind: 'yes' },
  false: { words: 'Not as the text says', sign: '✗', kind: 'no' },
  partly: { words: 'Partly as the text says', sign: '≈', kind: 'no' },
};
const verdicts = [];
for (const [i, { title, says, run }] of parts.entries()) {
  const name = `${i + 1}. ${title}`;
  console.log(`\n${name}\n${'-'.repeat(name.length)}`);
  print('The text', says);
  const start = performance.now();
  const { here, holds, figures = [] } = await run(lecture);
  const seconds = (performance.now() - start) / 1000;
  print('Here', here);
  const { words, sign, kind } = VERDICTS[holds];
  console.log(`${words}. (${seconds.toFixed(1)} s)`);
  verdicts.push(holds);
  sections.push({
    title: name,
    content: [
      beside(
        ['The text', says.map((line) => paragraph(line))],
        ['Here', [...here.map((line) => paragraph(line)), html`<p class="verdict ${kind}">${sign} ${words}</p>`]],
      ),
      ...figures,
      note(`Took ${seconds.toFixed(1)} s.`),
    ],
  });
}

const total = (performance.now() - begun) / 1000;
const { version, blas, blasCore, blasLinkage, simd, threads } = buildInfo();
const agreed = verdicts.filter((holds) => holds === true).length;
const partly = verdicts.filter((holds) => holds === 'partly').length;
const summary = {
  title: 'In short',
  content: [
    numbers([
      [`${agreed} of ${parts.length}`, `parts as the text says${partly ? `, ${partly} partly` : ''}`],
      [`${lecture.networks ?? 0}`, 'networks trained'],
      [`${total.toFixed(0)} s`, 'for everything'],
    ]),
    facts([
      ['fjordnet', version],
      ['Matrix library', `${blas} (${blasCore}, ${blasLinkage})`],
      ['Instruction set', simd],
      ['Threads', String(threads)],
      ['Node.js', process.versions.node],
      ['Seed', '0'],
    ]),
  ],
};
writeFileSync(
  path,
  renderPage({
    title: 'The lecture, part by part',
    lead: 'M. Hjorth-Jensen, “Neural networks, from the simple perceptron to deep learning” (University of Oslo), with fjordnet',
    sections: [summary, ...sections],
    footer: `fjordnet ${version}, ${new Date().toISOString().slice(0, 10)}`,
  }),
);
console.log(
  `\n${agreed} of ${parts.length} parts as the text says${partly ? ` (and ${partly} partly)` : ''}, ${total.toFixed(1)} s. Report: ${path}`,
);

function print(heading, lines) {
  const indent = ' '.repeat(10);
  const text = lines.flatMap((line) => wrap(line, 100 - indent.length));
  console.log(text.map((line, i) => (i === 0 ? `${heading}:`.padEnd(10) : indent) + line).join('\n'));
}

function wrap(text, width) {
  const lines = [''];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== '' && last.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`;
  }
  return lines;
}
