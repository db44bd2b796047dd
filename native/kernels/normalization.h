// Batch normalization (Ioffe and Szegedy, 2015) over the last axis: R = B * N rows of C channels.
#pragma once

#include "tiles.h"

namespace fjordnet::FJORDNET_ISA {
namespace {

// out[C] = sum over rows of term(row, block), where term(first, n, sum[C]) adds those of some rows. partial [tiles, C]
template <typename T, typename Term>
void sumOverRows(Team& team, const RowTiles& split, Index C, T* partial, const Term& term, T* out) {
  team.parallel_for(static_cast<int>(split.tiles), [&](int tile, int) {
    T* sum = partial + tile * C;
    std::fill_n(sum, C, T(0));
    const Index end = std::min((tile + 1) * split.size, split.rows);
    for (Index first = tile * split.size; first < end; first += kRowBlock)
      term(first, std::min(kRowBlock, end - first), sum);
  });
  for (Index c = 0; c < C; ++c) {
    double total = 0.0;
    for (Index tile = 0; tile < split.tiles; ++tile) total += static_cast<double>(partial[tile * C + c]);
    out[c] = static_cast<T>(total);
  }
}

// sum[C] += value(i, c) summed over rows first .. first + n - 1 of [R,C], i = row * C + c
template <typename T, typename Value>
inline void addValues(Index first, Index n, Index C, T* sum, const Value& value) {
  T block[256];
  for (Index begin = 0; begin < C; begin += 256) {
    const Index width = std::min<Index>(256, C - begin);
    std::fill_n(block, width, T(0));
    for (Index r = first; r < first + n; ++r) {
      const Index at = r * C + begin;
#pragma GCC ivdep
      for (Index c = 0; c < width; ++c) block[c] += value(at + c, begin + c);
    }
#pragma GCC ivdep
    for (Index c = 0; c < width; ++c) sum[begin + c] += block[c];
  }
}

// mean[C], variance (that of the batch, divided by R), scale = 1 / sqrt(variance + epsilon), y = gamma (x - mean) scale
// + beta; the moving averages become momentum * average + (1 - momentum) * value. x[B,N,C], gamma[C], beta[C] ->
// movingMean[C], movingVariance[C], mean[C], scale[C], y[B,N,C]
template <typename T>
void batchNormalization(const Cpu<T>& cpu, Index B, Index N, Index C, In<T> x, In<T> gamma, In<T> beta,
                        InOut<T> movingMean, InOut<T> movingVariance, Out<T> mean, Out<T> scale, Out<T> y, T momentum,
                        T epsilon) {
  const Index R = B * N;
  const T count = static_cast<T>(R);
  if (R == 0) return;
  const RowTiles split(R, C);
  sumOverRows(
      cpu.team, split, C, cpu.shared,
      [&](Index first, Index n, T* sum) { addValues(first, n, C, sum, [x](Index i, Index) { return x[i]; }); }, mean);
  for (Index c = 0; c < C; ++c) mean[c] /= count;
  sumOverRows(
      cpu.team, split, C, cpu.shared,
      [&](Index first, Index n, T* sum) {
        addValues(first, n, C, sum, [x, mean](Index i, Index c) { return (x[i] - mean[c]) * (x[i] - mean[c]); });
      },
      scale);
  for (Index c = 0; c < C; ++c) {
    const T variance = scale[c] / count;
    movingMean[c] = momentum * movingMean[c] + (T(1) - momentum) * mean[c];
    movingVariance[c] = momentum * movingVariance[c] + (T(1) - momentum) * variance;
    scale[c] = T(1) / std::sqrt(variance + epsilon);
  }
  rows(cpu.team, R, C, [&](Index begin, Index end) {
    for (Index r = begin; r < end; ++r) {
#pragma GCC ivdep
      for (Index c = 0; c < C; ++c) y[r * C + c] = (x[r * C + c] - mean[c]) * scale[c] * gamma[c] + beta[c];
    }
  });
}
inline Scratch batchNormalizationScratch(Index B, Index N, Index C) { return {RowTiles::most(B * N, C) * C, 0}; }

// y = gamma (x - movingMean) / sqrt(movingVariance + epsilon) + beta
// x[B,N,C], gamma[C], beta[C], movingMean[C], movingVariance[C] -> y[B,N,C]
template <typename T>
void batchNormalizationInference(const Cpu<T>& cpu, Index B, Index N, Index C, In<T> x, In<T> gamma, In<T> beta,
                                 In<T> movingMean, In<T> movingVariance, Out<T> y, T epsilon) {
  const Index R = B * N;
  T* scale = cpu.shared;
  for (Index c = 0; c < C; ++c) scale[c] = T(1) / std::sqrt(movingVariance[c] + epsilon);
  rows(cpu.team, R, C, [&](Index begin, Index end) {
    for (Index r = begin; r < end; ++r) {
#pragma GCC ivdep
      for (Index c = 0; c < C; ++c) y[r * C + c] = (x[r * C + c] - movingMean[c]) * scale[c] * gamma[c] + beta[c];
    }
  });
}
inline Scratch batchNormalizationInferenceScratch(Index, Index, Index C) { return {C, 0}; }

// With n = (x - mean) scale: dbeta = dy.sum, dgamma = (dy n).sum, dx = gamma scale (dy - dbeta / R - n dgamma / R).
// x[B,N,C], dy[B,N,C], gamma[C], mean[C], scale[C] -> dgamma[C], dbeta[C], dx[B,N,C], which may be dy
template <typename T>
void batchNormalizationGradient(const Cpu<T>& cpu, Index B, Index N, Index C, In<T> x, In<T> dy, In<T> gamma,
                                In<T> mean, In<T> scale, Out<T> dgamma, Out<T> dbeta, Out<T> dx) {
  const Index R = B * N;
  const RowTiles split(R, C);
  sumOverRows(
      cpu.team, split, C, cpu.shared,
      [&](Index first, Index n, T* sum) {
        addValues(first, n, C, sum, [=](Index i, Index c) { return dy[i] * ((x[i] - mean[c]) * scale[c]); });
      },
      dgamma);
  sumOverRows(
      cpu.team, split, C, cpu.shared,
      [&](Index first, Index n, T* sum) { addValues(first, n, C, sum, [=](Index i, Index) { return dy[i]; }); }, dbeta);
  const T count = static_cast<T>(R);
  rows(cpu.team, R, C, [&](Index begin, Index end) {
    for (Index r = begin; r < end; ++r) {
#pragma GCC ivdep
      for (Index c = 0; c < C; ++c) {
        const Index i = r * C + c;
        dx[i] = gamma[c] * scale[c] * (dy[i] - (dbeta[c] + (x[i] - mean[c]) * scale[c] * dgamma[c]) / count);
      }
    }
  });
}

}  // namespace
}  // namespace fjordnet::FJORDNET_ISA
