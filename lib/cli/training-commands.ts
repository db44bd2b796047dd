import { DATA_ARGUMENT, DATA_OPTIONS } from './data-options.js';
import type { CommandSpec } from './options.js';
import { RECIPE_OPTIONS, TRAINING_OPTIONS } from './recipe-options.js';

const SEED = { value: 'N', help: 'Decides split, first weights, shuffles and dropout. Default: 0' } as const;

export const train: CommandSpec = {
  name: 'train',
  summary: 'Train a network, test it, and keep it',
  usage: '[DATA] [OPTIONS]',
  arguments: [DATA_ARGUMENT],
  least: 0,
  most: 1,
  groups: [
    DATA_OPTIONS,
    RECIPE_OPTIONS,
    [
      'Training',
      {
        ...TRAINING_OPTIONS,
        validation: {
          value: 'SHARE',
          help: 'The share of the training samples to validate on after every epoch. Default: 0.1',
        },
        'class-weight': { value: 'HOW', help: "'balanced': rare classes weigh more, as if all were equally frequent" },
        patience: { value: 'N', help: 'Stop after N epochs without a better validation, with the best weights' },
        seed: SEED,
        threads: { value: 'N', help: 'Changes the speed, never a result. Default: the processors' },
      },
    ],
    [
      'Output',
      {
        save: { value: 'FILE', help: 'Keep the network, with all that predicting and resuming need (.safetensors)' },
        resume: { value: 'FILE', help: 'Go on with a saved training; its data and options are in the file' },
        report: { value: 'FILE', help: 'Write an HTML report' },
        tensorboard: { value: 'FOLDER', help: 'Write event files for TensorBoard' },
        board: { value: 'PORT', help: 'Show the curves in the browser while it trains; 0: any port that is free' },
        json: { help: 'One JSON document a line on standard output: every epoch, then the result' },
        quiet: { help: 'Only results and errors', short: 'q' },
      },
    ],
  ],
  examples: [
    [
      'The digits, with the convolutional network of the lecture, and a report',
      'fjordnet train digits --model cnn --save digits.safetensors --report digits.html',
    ],
    [
      'A table whose column "species" holds the classes',
      'fjordnet train iris.csv --label species --learning-rate 0.01 --save iris.safetensors',
    ],
    [
      'A table with text and missing values, of which a column of numbers is to be predicted',
      'fjordnet train cars.json --label Miles_per_Gallon --regression --drop Name --save cars.safetensors',
    ],
    [
      'Pictures, in a folder for each class or in such folders within train and test',
      'fjordnet train photos --size 64x64 --save photos.safetensors --report photos.html',
    ],
    ['20 more epochs of what was saved', 'fjordnet train --resume iris.safetensors --epochs 50'],
  ],
  isOfRanks: true,
  load: () => import('./commands/train.js'),
};

export const grid: CommandSpec = {
  name: 'grid',
  summary: 'Train one network for every combination of options, and compare them',
  usage: 'DATA [OPTIONS]',
  arguments: [DATA_ARGUMENT],
  least: 1,
  most: 1,
  groups: [
    [
      'Grid',
      {
        search: {
          value: 'NAME=VALUES',
          multiple: true,
          short: 's',
          help: 'Values of one option: a list such as 0.1,0.01 or FIRST:LAST:COUNT for decades. Of hidden layers 50,100x50 are one and two. Default: learning-rate=1e-5:10:7 and l2=1e-5:10:7, as the lecture',
        },
      },
    ],
    DATA_OPTIONS,
    RECIPE_OPTIONS,
    [
      'Training',
      {
        ...TRAINING_OPTIONS,
        seed: SEED,
        threads: { value: 'N', help: 'Networks in training at a time. Default: the processors' },
      },
    ],
    [
      'Output',
      {
        save: { value: 'FILE', help: 'Keep the scores (.json), for plots and reports' },
        report: { value: 'FILE', help: 'Write an HTML report with heatmaps' },
        journal: {
          value: 'FILE',
          help: 'Keep each network’s scores as it is done (.jsonl): the same command goes on from there after a stop. Not with --model lecture',
        },
        json: { help: 'One JSON document a line on standard output: every network, then the best' },
        quiet: { help: 'Only results and errors', short: 'q' },
      },
    ],
  ],
  examples: [
    ["The lecture's grid of 49 networks", 'fjordnet grid digits --model lecture --report grid.html'],
    [
      'Two options of your own choice',
      'fjordnet grid iris.csv --label species --search hidden=8,16,32x16 --search learning-rate=0.001:0.1:3',
    ],
    ['One that may be stopped, and started again', 'fjordnet grid digits --journal grid.jsonl'],
  ],
  isOfRanks: true,
  load: () => import('./commands/grid.js'),
};
