// What is put on top of a loss: penalties of weights, and the weights of samples.
#pragma once

#include "tiles.h"
#include "vmath.h"

namespace fjordnet::FJORDNET_ISA {
namespace {

inline Scratch penaltyScratch(Index N) { return {(N + kElementTile - 1) / kElementTile, 0}; }

// Keras' l1_l2: value[1] = l1 * sum|w| + l2 * sum(w^2), tile by tile in order
template <typename T>
void penalty(const Cpu<T>& cpu, Index N, In<T> w, Out<T> value, T l1, T l2) {
  T* partial = cpu.shared;
  elements(cpu.team, N, [&](Index begin, Index end) {
    partial[begin / kElementTile] = sum<T>(end - begin, [&](Index i, auto lanes) {
      const auto x = load(w + begin + i, lanes);
      return splat(l1, x) * max_(x, -x) + splat(l2, x) * x * x;
    });
  });
  double total = 0.0;
  for (Index t = 0; t * kElementTile < N; ++t) total += static_cast<double>(partial[t]);
  value[0] = static_cast<T>(total);
}

// dw += l1 * sign(w) + 2 * l2 * w
template <typename T>
void penaltyGradient(const Cpu<T>& cpu, Index N, In<T> w, InOut<T> dw, T l1, T l2) {
  elements(cpu.team, N, [&](Index begin, Index end) {
#pragma GCC ivdep
    for (Index i = begin; i < end; ++i) {
      const T sign = w[i] > T(0) ? T(1) : w[i] < T(0) ? T(-1) : T(0);
      dw[i] += l1 * sign + T(2) * l2 * w[i];
    }
  });
}

// y[B,N] = x[B,N] * weight[B]
template <typename T>
void weightRows(const Cpu<T>& cpu, Index B, Index N, In<T> x, In<T> weight, Out<T> y) {
  rows(cpu.team, B, N, [&](Index first, Index last) {
    for (Index r = first; r < last; ++r) {
#pragma GCC ivdep
      for (Index i = r * N; i < (r + 1) * N; ++i) y[i] = x[i] * weight[r];
    }
  });
}

}  // namespace
}  // namespace fjordnet::FJORDNET_ISA
