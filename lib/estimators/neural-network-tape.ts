import type { Plan } from '../plan.js';
import { type Buffer, Tape } from '../tape.js';

export type ParameterName = 'wh' | 'bh' | 'wo' | 'bo';

/** The buffers and programs of `record`. */
export interface Network {
  plan: Plan;
  x: Buffer;
  y: Buffer;
  wh: Buffer;
  bh: Buffer;
  wo: Buffer;
  bo: Buffer;
  dwh: Buffer;
  dbh: Buffer;
  dwo: Buffer;
  dbo: Buffer;
  p: Buffer;
}

/** The lecture's network on a tape, line by line. */
export function record(I: number, H: number, O: number, eta: number, lmbd: number): Network {
  const t = new Tape('float64');
  const wh = t.fixed('parameter', 'hiddenWeights', [I, H]);
  const bh = t.fixed('parameter', 'hiddenBias', [H]);
  const wo = t.fixed('parameter', 'outputWeights', [H, O]);
  const bo = t.fixed('parameter', 'outputBias', [O]);
  const dwh = t.fixed('gradient', 'hiddenWeightsGradient', [I, H]);
  const dbh = t.fixed('gradient', 'hiddenBiasGradient', [H]);
  const dwo = t.fixed('gradient', 'outputWeightsGradient', [H, O]);
  const dbo = t.fixed('gradient', 'outputBiasGradient', [O]);
  const loss = t.fixed('report', 'loss', [1]);
  const x = t.batched('x', [I]);
  const y = t.batched('y', [O]);
  const ah = t.batched('aH', [H]);
  const z = t.batched('zO', [O]);
  const p = t.batched('probabilities', [O]);
  const losses = t.batched('losses', [1]);
  const dO = t.batched('errorOutput', [O]);
  const dH = t.batched('errorHidden', [H]);

  const forward = () => {
    t.emit('affine', [x, wh, bh, ah], { O: H, I }); // z_h = X @ W_h + b_h
    t.emit('sigmoid', [ah, ah], { N: H }); // a_h = sigmoid(z_h)
    t.emit('affine', [ah, wo, bo, z], { O, I: H }); // z_o = a_h @ W_o + b_o
  };
  const backward = () => {
    t.emit('softmaxCrossentropy', [z, y, p, losses, dO], { N: O }, { mean: 0 }); // error_o = p - Y
    t.emit('inputGradient', [dO, wo, dH], { O, I: H }); // error_h = error_o @ W_o.T
    t.emit('sigmoidGradient', [ah, dH, dH], { N: H }); //            * a_h * (1 - a_h)
    t.emit('weightGradient', [ah, dO, dwo], { O, I: H }); // a_h.T @ error_o
    t.emit('biasGradient', [dO, dbo], { O }); // error_o.sum(0)
    t.emit('weightGradient', [x, dH, dwh], { O: H, I }); // X.T @ error_h
    t.emit('biasGradient', [dH, dbh], { O: H }); // error_h.sum(0)
  };

  t.program('predict');
  forward();
  t.emit('softmax', [z, p], { M: 1, N: O });

  t.program('gradients');
  forward();
  backward();

  t.program('train');
  forward();
  backward();
  t.emit('sumRows', [losses, loss], {});
  t.emit('sgd', [dwo, wo], { N: H * O }, { eta, lmbd }); // W_o -= eta * (dW_o + lmbd * W_o)
  t.emit('sgd', [dbo, bo], { N: O }, { eta, lmbd: 0 });
  t.emit('sgd', [dwh, wh], { N: I * H }, { eta, lmbd });
  t.emit('sgd', [dbh, bh], { N: H }, { eta, lmbd: 0 });

  return { plan: t.compile(), x, y, wh, bh, wo, bo, dwh, dbh, dwo, dbo, p };
}
