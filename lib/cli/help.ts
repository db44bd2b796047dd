import { type CommandSpec, HELP, type OptionSpec } from './options.js';

const WIDTH = 100;

/** The help of one command. */
export function commandHelp(spec: CommandSpec): string {
  const groups = [...spec.groups, ['Other', { help: HELP }] as const];
  const rows = groups.map(([heading, options]) => [heading, Object.entries(options).map(row)] as const);
  const all = [...rows.flatMap(([, list]) => list), ...spec.arguments];
  const column = Math.min(30, Math.max(...all.map(([left]) => left.length)) + 2);
  return [
    `Usage: fjordnet ${spec.name} ${spec.usage}`,
    '',
    ...wrap(`${spec.summary}.`, WIDTH),
    ...(spec.arguments.length > 0 ? ['', 'Arguments:', ...table(spec.arguments, column)] : []),
    ...rows.flatMap(([heading, list]) => ['', `${heading}:`, ...table(list, column)]),
    '',
    spec.examples.length > 1 ? 'Examples:' : 'Example:',
    ...spec.examples.flatMap(([what, command]) => [`  # ${what}`, `  ${command}`]),
    '',
  ].join('\n');
}

/** The help of the whole command. */
export function mainHelp(commands: readonly CommandSpec[], codes: readonly (readonly [number, string])[]): string {
  return [
    'Usage: fjordnet COMMAND [ARGUMENTS] [OPTIONS]',
    '',
    'Trains neural networks natively, on data from CSV, NPY, NPZ and IDX files.',
    '',
    'Commands:',
    ...table(
      commands.map(({ name, summary }) => [name, summary] as const),
      12,
    ),
    '',
    'Options:',
    ...table(
      [
        ['-h, --help', 'Show this help, or that of a command: fjordnet train --help'],
        ['-V, --version', 'Print the version'],
      ],
      16,
    ),
    '',
    'Exit codes:',
    ...table(
      codes.map(([code, meaning]) => [String(code), meaning] as const),
      6,
    ),
    '',
    'Example:',
    '  # Train on the digits that come with fjordnet, keep the network, write a report',
    '  fjordnet train digits --epochs 30 --save digits.safetensors --report digits.html',
    '',
  ].join('\n');
}

function row([name, { value, help, short, aliases = [] }]: [string, OptionSpec]): readonly [string, string] {
  const names = [...(short ? [`-${short}`] : []), `--${name}`].join(', ');
  const also = aliases.length > 0 ? ` (also ${aliases.map((alias) => `--${alias}`).join(', ')})` : '';
  return [`${names}${value ? ` ${value}` : ''}`, `${help}${also}`];
}

function table(rows: readonly (readonly [string, string])[], column: number): string[] {
  return rows.flatMap(([left, right]) => {
    const lines = wrap(right, WIDTH - column - 2);
    const fits = left.length <= column - 2;
    const head = fits ? [`  ${left.padEnd(column)}${lines[0]}`] : [`  ${left}`, `  ${' '.repeat(column)}${lines[0]}`];
    return [...head, ...lines.slice(1).map((line) => `  ${' '.repeat(column)}${line}`)];
  });
}

function wrap(text: string, width: number): string[] {
  const lines = [''];
  for (const word of text.split(' ')) {
    const last = lines[lines.length - 1];
    if (last !== '' && last.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`;
  }
  return lines;
}
