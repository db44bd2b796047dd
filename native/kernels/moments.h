// Further parameter updates by running moments of the gradient, as Keras writes them: one pass over each parameter.
#pragma once

#include "algebra.h"
#include "update.h"

namespace fjordnet::FJORDNET_ISA {
namespace {

// Adam with the largest v so far (Reddi, Kale and Kumar 2018), which Keras takes before the bias correction:
//   m = beta1 * m + (1 - beta1) * g;  v = beta2 * v + (1 - beta2) * g^2;  most = max(most, v)
//   w -= rate * m / (sqrt(most) + epsilon)
template <typename T>
void amsgrad(const Cpu<T>& cpu, Index N, In<T> dw, InOut<T> m, InOut<T> v, InOut<T> most, InOut<T> w, T rate,
             double beta1, double beta2, T epsilon, T decay) {
  const T b1 = static_cast<T>(beta1), b2 = static_cast<T>(beta2);
  const T c1 = static_cast<T>(1.0 - beta1), c2 = static_cast<T>(1.0 - beta2);
  update(cpu, N, dw, w, decay, [=](Index i, T g, T w) {
    m[i] = b1 * m[i] + c1 * g;
    v[i] = b2 * v[i] + c2 * (g * g);
    most[i] = max_(most[i], v[i]);
    return w - rate * m[i] / (std::sqrt(most[i]) + epsilon);
  });
}

// Adam in the infinity norm (Kingma and Ba 2015, section 7.1):
//   m = beta1 * m + (1 - beta1) * g;  u = max(beta2 * u, |g|);  w -= rate * m / (u + epsilon)
// where rate is learningRate / (1 - beta1^t)
template <typename T>
void adamax(const Cpu<T>& cpu, Index N, In<T> dw, InOut<T> m, InOut<T> u, InOut<T> w, T rate, double beta1, T beta2,
            T epsilon, T decay) {
  const T b1 = static_cast<T>(beta1), c1 = static_cast<T>(1.0 - beta1);
  update(cpu, N, dw, w, decay, [=](Index i, T g, T w) {
    m[i] = b1 * m[i] + c1 * g;
    u[i] = max_(beta2 * u[i], std::abs(g));
    return w - rate * m[i] / (u[i] + epsilon);
  });
}

// The sign of a momentum that is interpolated twice (Chen et al. 2023):
//   w -= rate * sign(beta1 * m + (1 - beta1) * g);  m = beta2 * m + (1 - beta2) * g
template <typename T>
void lion(const Cpu<T>& cpu, Index N, In<T> dw, InOut<T> m, InOut<T> w, T rate, double beta1, double beta2, T decay) {
  const T b1 = static_cast<T>(beta1), b2 = static_cast<T>(beta2);
  const T c1 = static_cast<T>(1.0 - beta1), c2 = static_cast<T>(1.0 - beta2);
  update(cpu, N, dw, w, decay, [=](Index i, T g, T w) {
    const T direction = signOf(b1 * m[i] + c1 * g);
    m[i] = b2 * m[i] + c2 * g;
    return w - rate * direction;
  });
}

// The exponential moving average of a weight: average = momentum * average + (1 - momentum) * w
template <typename T>
void movingAverage(const Cpu<T>& cpu, Index N, In<T> w, InOut<T> average, double momentum) {
  const T kept = static_cast<T>(momentum), rest = static_cast<T>(1.0 - momentum);
  elements(cpu.team, N, [&](Index begin, Index end) {
#pragma GCC ivdep
    for (Index i = begin; i < end; ++i) average[i] = kept * average[i] + rest * w[i];
  });
}

}  // namespace
}  // namespace fjordnet::FJORDNET_ISA
