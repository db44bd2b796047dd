// An axis of M made one of N by linear interpolation: entry n lies where the middle of a pixel n lies among M pixels
// that are N / M as wide, between the middles of two of them. Beyond those of the first and the last there is that one
// alone.
#pragma once

#include "tiles.h"

namespace fjordnet::FJORDNET_ISA {
namespace {

// The pixel in front, and the share of the one behind it.
struct Between {
  Index low;
  double share;
  Between(Index n, Index M, Index N) {
    const double at = (static_cast<double>(n) + 0.5) * static_cast<double>(M) / static_cast<double>(N) - 0.5;
    low = at > 0 ? std::min(static_cast<Index>(at), M - 1) : 0;
    share = at > 0 && low < M - 1 ? at - static_cast<double>(low) : 0;
  }
};

// y[B,A,N,C] of x[B,A,M,C]
template <typename T>
void interpolateAxis(const Cpu<T>& cpu, Index B, Index A, Index M, Index N, Index C, In<T> x, Out<T> y) {
  rows(cpu.team, B * A * N, C, [&](Index first, Index last) {
    for (Index r = first; r < last; ++r) {
      const Between at(r % N, M, N);
      const T* low = x + (r / N * M + at.low) * C;
      T* to = y + r * C;
      if (at.share == 0) {
        std::copy_n(low, C, to);
        continue;
      }
      const T share = static_cast<T>(at.share), rest = static_cast<T>(1 - at.share);
#pragma GCC ivdep
      for (Index c = 0; c < C; ++c) to[c] = rest * low[c] + share * low[C + c];
    }
  });
}

// dx: each dy in the shares that its two entries had
template <typename T>
void interpolateAxisGradient(const Cpu<T>& cpu, Index B, Index A, Index M, Index N, Index C, In<T> dy, Out<T> dx) {
  rows(cpu.team, B * A, N * C, [&](Index first, Index last) {
    std::fill(dx + first * M * C, dx + last * M * C, T(0));
    for (Index r = first * N; r < last * N; ++r) {
      const Between at(r % N, M, N);
      T* low = dx + (r / N * M + at.low) * C;
      const T* from = dy + r * C;
      const T share = static_cast<T>(at.share), rest = static_cast<T>(1 - at.share);
#pragma GCC ivdep
      for (Index c = 0; c < C; ++c) low[c] += rest * from[c];
      if (at.share == 0) continue;
#pragma GCC ivdep
      for (Index c = 0; c < C; ++c) low[C + c] += share * from[c];
    }
  });
}

}  // namespace
}  // namespace fjordnet::FJORDNET_ISA
