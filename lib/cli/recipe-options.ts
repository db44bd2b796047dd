import { type OptionGroup, readInteger, type Values } from './options.js';
import type { RecipeOverrides } from './recipe.js';

export const RECIPE_OPTIONS: OptionGroup = [
  'Network',
  {
    model: {
      value: 'MODEL',
      help: 'mlp (dense layers), cnn (convolution, pooling, dense), lecture (the NumPy network of the lecture), sklearn (its MLPClassifier or MLPRegressor) or FILE.json of { "layers": [{ "type": "dense", "units": 10 }, …] }. Default: cnn for a folder of pictures, else mlp',
    },
    hidden: { value: 'SIZES', help: 'Neurons of the dense hidden layers, such as 100,50' },
    activation: {
      value: 'NAME',
      help: 'Of the hidden layers: relu, sigmoid, tanh …; with sklearn relu, logistic, tanh or identity',
    },
    filters: { value: 'NUMBERS', help: 'cnn: filters of each convolution, such as 10 or 32,64. Default: 10' },
    kernel: { value: 'SIZE', help: 'cnn: height and width of a convolution. Default: 3' },
    dropout: { value: 'RATE', help: 'Dropout after every dense hidden layer. Default: 0' },
    l2: {
      value: 'WEIGHT',
      help: "L2 regularization: Keras' l2, the lecture's lambda, scikit-learn's alpha",
      aliases: ['lmbd', 'alpha'],
    },
    dtype: { value: 'TYPE', help: 'float32 or float64. Default: float32; float64 with lecture and sklearn' },
  },
];

export const TRAINING_OPTIONS = {
  epochs: { value: 'N', help: 'Passes over the data. Default: 30; lecture 100, sklearn 200 at most' },
  'batch-size': { value: 'N', help: 'Samples for each update. Default: 32; lecture 100, sklearn auto' },
  optimizer: {
    value: 'NAME',
    help: 'sgd, adam, adamW, nadam, adamax, lion, rmsprop, adagrad, adadelta; with sklearn sgd, adam, lbfgs. Default: adam',
  },
  'learning-rate': { value: 'RATE', help: "Default: the optimizer's own; lecture 0.001", aliases: ['eta', 'lr'] },
  momentum: { value: 'M', help: 'Of sgd and rmsprop' },
} as const;

/** What was given, checked; the rest is the model's default. */
export function readOverrides(values: Values): RecipeOverrides {
  const batchSize = values.text('batch-size');
  return {
    hidden: values.list('hidden', (name, text) => readInteger(name, text, 1)),
    activation: values.text('activation'),
    filters: values.list('filters', (name, text) => readInteger(name, text, 1)),
    kernel: values.integer('kernel', 1),
    dropout: values.number('dropout', 0, 0.99),
    optimizer: values.text('optimizer'),
    learningRate: values.number('learning-rate', 0),
    momentum: values.number('momentum', 0, 1),
    l2: values.number('l2', 0),
    epochs: values.integer('epochs', 1),
    batchSize: batchSize === undefined || batchSize === 'auto' ? batchSize : values.integer('batch-size', 1),
    dtype: values.choice('dtype', ['float32', 'float64']),
  };
}
