// Parameter updates: one pass over each parameter.
//
// lmbd is scikit-learn's and the lecture's L2 term, a part of the gradient; decay = learningRate * weightDecay is
// Keras': what every weight loses of itself before the update (Loshchilov and Hutter 2019).
#pragma once

#include "tiles.h"
#include "vmath.h"

namespace fjordnet::FJORDNET_ISA {
namespace {

// Gradient descent with the lecture's L2 term: w -= eta * (dw + lmbd * w)
template <typename T>
void sgd(const Cpu<T>& cpu, Index N, In<T> dw, InOut<T> w, T eta, T lmbd) {
  elements(cpu.team, N, [&](Index begin, Index end) {
#pragma GCC ivdep
    for (Index i = begin; i < end; ++i) w[i] -= eta * (dw[i] + lmbd * w[i]);
  });
}

// w = fn(i, g, w) for all parameters, with their gradient and the weight that is kept of them.
template <typename T, typename G, typename W, typename F>
void eachParameter(const Cpu<T>& cpu, Index N, InOut<T> w, const G& gradient, const W& kept, const F& fn) {
  elements(cpu.team, N, [&](Index begin, Index end) {
#pragma GCC ivdep
    for (Index i = begin; i < end; ++i) w[i] = fn(i, gradient(i), kept(i));
  });
}

// The same with g = dw, and w after its decay.
template <typename T, typename F>
void update(const Cpu<T>& cpu, Index N, In<T> dw, InOut<T> w, T decay, const F& fn) {
  eachParameter(
      cpu, N, w, [=](Index i) { return dw[i]; }, [=](Index i) { return w[i] - w[i] * decay; }, fn);
}

// The same with g = dw + lmbd * w. Terms that are 0 are left out: of Adam over 3,200 weights they would take a tenth.
template <typename T, typename F>
void update(const Cpu<T>& cpu, Index N, In<T> dw, InOut<T> w, T lmbd, T decay, const F& fn) {
  if (lmbd == T(0)) return update(cpu, N, dw, w, decay, fn);
  const auto gradient = [=](Index i) { return dw[i] + lmbd * w[i]; };
  if (decay == T(0))
    return eachParameter(
        cpu, N, w, gradient, [=](Index i) { return w[i]; }, fn);
  eachParameter(
      cpu, N, w, gradient, [=](Index i) { return w[i] - w[i] * decay; }, fn);
}

// Momentum, as Keras and scikit-learn write it:
//   v = momentum * v - rate * g;  w += nesterov ? momentum * v - rate * g : v
template <typename T>
void momentum(const Cpu<T>& cpu, Index N, In<T> dw, InOut<T> v, InOut<T> w, T rate, T momentum, bool nesterov, T lmbd,
              T decay) {
  update(cpu, N, dw, w, lmbd, decay, [=](Index i, T g, T w) {
    const T step = rate * g;
    const T velocity = momentum * v[i] - step;
    v[i] = velocity;
    return w + (nesterov ? momentum * velocity - step : velocity);
  });
}

// Adam (Kingma and Ba, 2015, the "epsilon hat" form of section 2, as Keras and scikit-learn):
//   m = beta1 * m + (1 - beta1) * g;  v = beta2 * v + (1 - beta2) * g^2;  w -= rate * m / (sqrt(v) + epsilon)
// where rate is learningRate * sqrt(1 - beta2^t) / (1 - beta1^t). Not m += (1 - beta1) * (g - m): where beta is near 0
// and g far below m, that leaves what g - m lost.
template <typename T>
void adam(const Cpu<T>& cpu, Index N, In<T> dw, InOut<T> m, InOut<T> v, InOut<T> w, T rate, double beta1, double beta2,
          T epsilon, T lmbd, T decay) {
  const T b1 = static_cast<T>(beta1), b2 = static_cast<T>(beta2);
  const T c1 = static_cast<T>(1.0 - beta1), c2 = static_cast<T>(1.0 - beta2);
  update(cpu, N, dw, w, lmbd, decay, [=](Index i, T g, T w) {
    m[i] = b1 * m[i] + c1 * g;
    v[i] = b2 * v[i] + c2 * (g * g);
    return w - rate * m[i] / (std::sqrt(v[i]) + epsilon);
  });
}

// m and v as Adam's;  w -= (rateM * m + rateG * g) / (sqrt(v * correction) + epsilon)
template <typename T>
void nadam(const Cpu<T>& cpu, Index N, In<T> dw, InOut<T> m, InOut<T> v, InOut<T> w, T rateM, T rateG, T correction,
           double beta1, double beta2, T epsilon, T decay) {
  const T b1 = static_cast<T>(beta1), b2 = static_cast<T>(beta2);
  const T c1 = static_cast<T>(1.0 - beta1), c2 = static_cast<T>(1.0 - beta2);
  update(cpu, N, dw, w, decay, [=](Index i, T g, T w) {
    m[i] = b1 * m[i] + c1 * g;
    v[i] = b2 * v[i] + c2 * (g * g);
    return w - (rateM * m[i] + rateG * g) / (std::sqrt(v[i] * correction) + epsilon);
  });
}

// v = rho * v + (1 - rho) * g^2;  step = rate * g / sqrt(v + epsilon), centered: rate * g / sqrt(v - mean^2 + epsilon)
// with mean = rho * mean + (1 - rho) * g;  velocity = momentum * velocity + step;  w -= velocity.
// Touches mean only where centered, and velocity only where momentum > 0. Without a mean it is never centered, without
// a velocity there is no momentum.
template <typename T>
void rmsprop(const Cpu<T>& cpu, Index N, In<T> dw, InOut<T> v, InOut<T> mean, InOut<T> velocity, InOut<T> w, T rate,
             double rho, T momentum, T epsilon, bool centered, T decay) {
  const T r = static_cast<T>(rho), c = static_cast<T>(1.0 - rho);
  const auto stepOf = [=](Index i, T g) {
    v[i] = r * v[i] + c * (g * g);
    return rate * g / std::sqrt(v[i] + epsilon);
  };
  const auto centeredStepOf = [=](Index i, T g) {
    v[i] = r * v[i] + c * (g * g);
    mean[i] = r * mean[i] + c * g;
    return rate * g / std::sqrt(v[i] - mean[i] * mean[i] + epsilon);
  };
  const auto run = [&](const auto& step) {
    if (momentum == T(0) || velocity == nullptr) {
      update(cpu, N, dw, w, decay, [=](Index i, T g, T w) { return w - step(i, g); });
    } else {
      update(cpu, N, dw, w, decay, [=](Index i, T g, T w) {
        velocity[i] = momentum * velocity[i] + step(i, g);
        return w - velocity[i];
      });
    }
  };
  if (centered && mean != nullptr) {
    run(centeredStepOf);
  } else {
    run(stepOf);
  }
}

// v += g^2;  w -= rate * g / sqrt(v + epsilon), where epsilon includes what v is to start with
template <typename T>
void adagrad(const Cpu<T>& cpu, Index N, In<T> dw, InOut<T> v, InOut<T> w, T rate, T epsilon, T decay) {
  update(cpu, N, dw, w, decay, [=](Index i, T g, T w) {
    v[i] += g * g;
    return w - rate * g / std::sqrt(v[i] + epsilon);
  });
}

// v = rho * v + (1 - rho) * g^2;  step = sqrt(u + epsilon) / sqrt(v + epsilon) * g;  u = rho * u + (1 - rho) * step^2
// w -= rate * step
template <typename T>
void adadelta(const Cpu<T>& cpu, Index N, In<T> dw, InOut<T> v, InOut<T> u, InOut<T> w, T rate, double rho, T epsilon,
              T decay) {
  const T r = static_cast<T>(rho), c = static_cast<T>(1.0 - rho);
  update(cpu, N, dw, w, decay, [=](Index i, T g, T w) {
    v[i] = r * v[i] + c * (g * g);
    const T step = std::sqrt(u[i] + epsilon) * g / std::sqrt(v[i] + epsilon);
    u[i] = r * u[i] + c * (step * step);
    return w - rate * step;
  });
}

// g[G] = its sum over all ranks of a job, which plans see to; of one process what it is.
template <typename T>
void allReduce(const Cpu<T>&, Index G, InOut<T> g) {
  static_cast<void>(G);
  static_cast<void>(g);
}

// total[1] = before[1] + sum(g^2), tile by tile in order
inline Scratch sumSquaresScratch(Index N) { return {(N + kElementTile - 1) / kElementTile, 0}; }

template <typename T>
void sumSquares(const Cpu<T>& cpu, Index N, In<T> before, In<T> g, Out<T> total) {
  T* partial = cpu.shared;
  elements(cpu.team, N, [&](Index begin, Index end) {
    partial[begin / kElementTile] = sum<T>(end - begin, [&](Index i, auto lanes) {
      const auto x = load(g + begin + i, lanes);
      return x * x;
    });
  });
  double squares = static_cast<double>(before[0]);
  for (Index t = 0; t * kElementTile < N; ++t) squares += static_cast<double>(partial[t]);
  total[0] = static_cast<T>(squares);
}

// g scaled down to the norm `limit` where sqrt(squares[1]) is larger; NaN where it is infinite, as TensorFlow's
// clip_by_global_norm: gradients of 0 would hide it
template <typename T>
void clipNorm(const Cpu<T>& cpu, Index N, In<T> squares, In<T> g, Out<T> clipped, T limit) {
  const T norm = std::sqrt(squares[0]);
  const T scale = (norm <= limit ? T(1) : limit / norm) + (norm - norm);
  elements(cpu.team, N, [&](Index begin, Index end) {
#pragma GCC ivdep
    for (Index i = begin; i < end; ++i) clipped[i] = g[i] * scale;
  });
}

// g within [-limit, limit]
template <typename T>
void clipValue(const Cpu<T>& cpu, Index N, In<T> g, Out<T> clipped, T limit) {
  elements(cpu.team, N, [&](Index begin, Index end) {
#pragma GCC ivdep
    for (Index i = begin; i < end; ++i) clipped[i] = min_(limit, max_(-limit, g[i]));
  });
}

}  // namespace
}  // namespace fjordnet::FJORDNET_ISA
