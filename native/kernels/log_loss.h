// scikit-learn's losses, each together with the output activation it is the partner of: for all of them the derivative
// by z is p - y. scale is 1 over the number of samples, or over their total weight. Source:
// sklearn/neural_network/_base.py
//   z, y [B,N] -> p [B,N], loss [B], delta [B,N] = (p - y) * scale
#pragma once

#include "activation.h"
#include "softmax.h"

namespace fjordnet::FJORDNET_ISA {
namespace {

// p kept within [epsilon, 1 - epsilon], as np.clip does; NaN stays
template <typename T>
inline T clipProbability(T p) {
  constexpr T least = std::numeric_limits<T>::epsilon(), most = T(1) - least;
  return p < least ? least : p > most ? most : p;
}

// y * log(x), 0 where y is
template <typename T>
inline T xlogy(T y, T x) {
  return y == T(0) ? T(0) : y * std::log(x);
}

template <typename T>
inline void scaledDifference(const T* p, const T* y, T* delta, T scale, Index begin, Index end) {
#pragma GCC ivdep
  for (Index i = begin; i < end; ++i) delta[i] = (p[i] - y[i]) * scale;
}

// One class of several, y one-hot: p = softmax(z), loss = -log sum_j y_j p_j
template <typename T>
void softmaxLogLoss(const Cpu<T>& cpu, Index B, Index N, In<T> z, In<T> y, Out<T> p, Out<T> loss, Out<T> delta,
                    T scale) {
  rows(cpu.team, B, N, [&](Index first, Index last) {
    softmaxRows(z, p, first, last, N);
    for (Index r = first; r < last; ++r) {
      loss[r] = clipProbability(
          sum<T>(N, [=](Index j, auto lanes) { return load(y + r * N + j, lanes) * load(p + r * N + j, lanes); }));
    }
    vectors<T>(first, last, [=](Index r, auto lanes) { store(loss + r, -log_(load(loss + r, lanes)), lanes); });
    scaledDifference(p, y, delta, scale, first * N, last * N);
  });
}

// p = output(z), loss = sum_j term(p_j, y_j)
template <typename T, typename F, typename G>
void elementLogLoss(const Cpu<T>& cpu, Index B, Index N, In<T> z, In<T> y, Out<T> p, Out<T> loss, Out<T> delta, T scale,
                    const F& output, const G& term) {
  rows(cpu.team, B, N, [&](Index first, Index last) {
    vectors<T>(first * N, last * N, [=](Index i, auto lanes) { store(p + i, output(load(z + i, lanes)), lanes); });
    for (Index r = first; r < last; ++r) {
      T sum = T(0);
      for (Index j = r * N; j < (r + 1) * N; ++j) sum += term(p[j], y[j]);
      loss[r] = sum;
    }
    scaledDifference(p, y, delta, scale, first * N, last * N);
  });
}

// Two classes (N = 1), or several labels at once: p = 1 / (1 + exp(-z)),
// loss = -sum_j y_j log p_j + (1 - y_j) log(1 - p_j)
template <typename T>
void logisticLogLoss(const Cpu<T>& cpu, Index B, Index N, In<T> z, In<T> y, Out<T> p, Out<T> loss, Out<T> delta,
                     T scale) {
  elementLogLoss(
      cpu, B, N, z, y, p, loss, delta, scale, [](auto z) { return sigmoid_(z); },
      [](T p, T y) { return -(xlogy(y, clipProbability(p)) + xlogy(T(1) - y, T(1) - clipProbability(p))); });
}

// Counts: p = exp(z), loss = sum_j y_j log(y_j / p_j) - y_j + p_j, half the Poisson deviance
template <typename T>
void halfPoissonDeviance(const Cpu<T>& cpu, Index B, Index N, In<T> z, In<T> y, Out<T> p, Out<T> loss, Out<T> delta,
                         T scale) {
  elementLogLoss(
      cpu, B, N, z, y, p, loss, delta, scale, [](auto z) { return exp_(z); },
      [](T p, T y) { return xlogy(y, y / p) - y + p; });
}

// Numbers: p = z, loss = sum_j (p_j - y_j)^2 / (2 N). The mean over outputs is in the loss, and not in the delta.
// z, y [B,N] -> loss [B], delta [B,N]
template <typename T>
void halfSquaredError(const Cpu<T>& cpu, Index B, Index N, In<T> z, In<T> y, Out<T> loss, Out<T> delta, T scale) {
  rows(cpu.team, B, N, [&](Index first, Index last) {
    for (Index r = first; r < last; ++r) {
      T sum = T(0);
      for (Index j = r * N; j < (r + 1) * N; ++j) sum += (z[j] - y[j]) * (z[j] - y[j]);
      loss[r] = sum / (T(2) * static_cast<T>(N));
    }
    scaledDifference(z, y, delta, scale, first * N, last * N);
  });
}

}  // namespace
}  // namespace fjordnet::FJORDNET_ISA
