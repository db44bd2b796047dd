// Batch normalization (Ioffe and Szegedy, 2015) over the last axis: R = B * N rows of C channels. Layer normalization
// (Ba, Kiros and Hinton, 2016) of B rows of N.
#pragma once

#include "pack.h"
#include "tiles.h"

namespace fjordnet::FJORDNET_ISA {
namespace {

// out[C] = the sums of all tiles in their order, of which each has C values, `stride` behind those of the one before
template <typename T>
void addTiles(const T* partial, Index tiles, Index stride, Index C, T* out) {
  for (Index c = 0; c < C; ++c) {
    double total = 0.0;
    for (Index tile = 0; tile < tiles; ++tile) total += static_cast<double>(partial[tile * stride + c]);
    out[c] = static_cast<T>(total);
  }
}

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
  addTiles(partial, split.tiles, C, C, out);
}

// sum[C] += value(i, c, row) summed over rows first .. first + n - 1 of [R,C], i = row * C + c
template <typename T, typename Value>
inline void addValues(Index first, Index n, Index C, T* sum, const Value& value) {
  T block[256];
  for (Index begin = 0; begin < C; begin += 256) {
    const Index width = std::min<Index>(256, C - begin);
    std::fill_n(block, width, T(0));
    for (Index r = first; r < first + n; ++r) {
      const Index at = r * C + begin;
#pragma GCC ivdep
      for (Index c = 0; c < width; ++c) block[c] += value(at + c, begin + c, r);
    }
#pragma GCC ivdep
    for (Index c = 0; c < width; ++c) sum[begin + c] += block[c];
  }
}

// What batch normalization divides sums over masked steps by: Keras' backend.epsilon() is for batches of none that
// counts.
constexpr double kNoStepCounts = 1e-7;

// run(weight, count, lift): weight(row) is what a row of [R,C] counts, all of them `count`; lift = 1 + 1e-7 / count, or
// 1
template <typename T, typename Run>
inline void weighingRows(const T* mask, Index R, const Run& run) {
  if (mask == nullptr) {
    run([](Index) { return T(1); }, static_cast<T>(R), T(1));
  } else {
    const T count = sum(mask, R) + static_cast<T>(kNoStepCounts);
    run([mask](Index r) { return mask[r]; }, count, T(1) + static_cast<T>(kNoStepCounts) / count);
  }
}

// mean[C], variance (that of the batch, divided by R), scale = 1 / sqrt(variance + epsilon), y = gamma (x - mean) scale
// + beta; the moving averages become momentum * average + (1 - momentum) * value. Of masked steps, 1 those that count:
// mean = (mask x).sum / (mask.sum + 1e-7), variance = (mask (x - mean)^2).sum / (mask.sum + 1e-7), as Keras.
// x[B,N,C], gamma[C], beta[C], mask?[B,N] -> movingMean[C], movingVariance[C], mean[C], scale[C], y[B,N,C]
template <typename T>
void batchNormalization(const Cpu<T>& cpu, Index B, Index N, Index C, In<T> x, In<T> gamma, In<T> beta, In<T> mask,
                        InOut<T> movingMean, InOut<T> movingVariance, Out<T> mean, Out<T> scale, Out<T> y, T momentum,
                        T epsilon) {
  const Index R = B * N;
  if (R == 0) return;
  const RowTiles split(R, C);
  weighingRows(mask, R, [&](auto weight, T count, T) {
    sumOverRows(
        cpu.team, split, C, cpu.shared,
        [&](Index first, Index n, T* sum) {
          addValues(first, n, C, sum, [x, weight](Index i, Index, Index r) { return weight(r) * x[i]; });
        },
        mean);
    for (Index c = 0; c < C; ++c) mean[c] /= count;
    sumOverRows(
        cpu.team, split, C, cpu.shared,
        [&](Index first, Index n, T* sum) {
          addValues(first, n, C, sum, [x, mean, weight](Index i, Index c, Index r) {
            return weight(r) * ((x[i] - mean[c]) * (x[i] - mean[c]));
          });
        },
        scale);
    for (Index c = 0; c < C; ++c) {
      const T variance = scale[c] / count;
      movingMean[c] = momentum * movingMean[c] + (T(1) - momentum) * mean[c];
      movingVariance[c] = momentum * movingVariance[c] + (T(1) - momentum) * variance;
      scale[c] = T(1) / std::sqrt(variance + epsilon);
    }
  });
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
// Of masked steps, count = mask.sum + 1e-7: dx = gamma scale (dy - mask / count (dbeta + n' dgamma)) with
// n' = (x - mean (1 + 1e-7 / count)) scale, because it is not quite the mean from which the squares are least.
// x[B,N,C], dy[B,N,C], gamma[C], mean[C], scale[C], mask?[B,N] -> dgamma[C], dbeta[C], dx[B,N,C], which may be dy
template <typename T>
void batchNormalizationGradient(const Cpu<T>& cpu, Index B, Index N, Index C, In<T> x, In<T> dy, In<T> gamma,
                                In<T> mean, In<T> scale, In<T> mask, Out<T> dgamma, Out<T> dbeta, Out<T> dx) {
  const Index R = B * N;
  const RowTiles split(R, C);
  sumOverRows(
      cpu.team, split, C, cpu.shared,
      [&](Index first, Index n, T* sum) {
        addValues(first, n, C, sum, [=](Index i, Index c, Index) { return dy[i] * ((x[i] - mean[c]) * scale[c]); });
      },
      dgamma);
  sumOverRows(
      cpu.team, split, C, cpu.shared,
      [&](Index first, Index n, T* sum) { addValues(first, n, C, sum, [=](Index i, Index, Index) { return dy[i]; }); },
      dbeta);
  weighingRows(mask, R, [&](auto weight, T count, T lift) {
    rows(cpu.team, R, C, [&](Index begin, Index end) {
      for (Index r = begin; r < end; ++r) {
        const T counts = weight(r);
#pragma GCC ivdep
        for (Index c = 0; c < C; ++c) {
          const Index i = r * C + c;
          const T n = (x[i] - mean[c] * lift) * scale[c];
          dx[i] = gamma[c] * scale[c] * (dy[i] - counts * (dbeta[c] + n * dgamma[c]) / count);
        }
      }
    });
  });
}

// mean[B], scale[B] = 1 / sqrt(variance + epsilon) of each row, y = gamma (x - mean) scale + beta
// x[B,N], gamma[N], beta[N] -> y[B,N], mean[B], scale[B]
template <typename T>
void layerNormalization(const Cpu<T>& cpu, Index B, Index N, In<T> x, In<T> gamma, In<T> beta, Out<T> y, Out<T> mean,
                        Out<T> scale, T epsilon) {
  const T count = static_cast<T>(N);
  rows(cpu.team, B, N, [&](Index first, Index last) {
    for (Index r = first; r < last; ++r) {
      const T* row = x + r * N;
      const T m = sum(row, N) / count;
      const T squares = sum<T>(N, [&](Index j, auto lanes) {
        const auto d = load(row + j, lanes) - spread(m, lanes);
        return d * d;
      });
      const T s = T(1) / std::sqrt(squares / count + epsilon);
      T* to = y + r * N;
#pragma GCC ivdep
      for (Index j = 0; j < N; ++j) to[j] = (row[j] - m) * s * gamma[j] + beta[j];
      mean[r] = m;
      scale[r] = s;
    }
  });
}

// With n = (x - mean) scale and g = dy gamma: dgamma = (dy n).sum(0), dbeta = dy.sum(0), and in each row
// dx = scale (g - g.mean - n (g n).mean). In one pass: each row is still in the inner cache when its dx is written.
// x[B,N], dy[B,N], gamma[N], mean[B], scale[B] -> dgamma[N], dbeta[N], dx[B,N], which may be dy; each may be null
template <typename T>
void layerNormalizationGradient(const Cpu<T>& cpu, Index B, Index N, In<T> x, In<T> dy, In<T> gamma, In<T> mean,
                                In<T> scale, Out<T> dgamma, Out<T> dbeta, Out<T> dx) {
  const RowTiles split(B, N);
  const T count = static_cast<T>(N);
  const auto add = [](auto a, auto b) { return a + b; };
  cpu.team.parallel_for(static_cast<int>(split.tiles), [&](int tile, int slot) {
    T *sums = cpu.shared + tile * 2 * N, *block = cpu.scratch(slot);
    std::fill_n(sums, 2 * N, T(0));
    const Index end = std::min((tile + 1) * split.size, split.rows);
    for (Index begin = tile * split.size; begin < end; begin += kRowBlock) {
      std::fill_n(block, 2 * N, T(0));
      for (Index r = begin; r < std::min(begin + kRowBlock, end); ++r) {
        const T m = mean[r], s = scale[r];
        const T *from = x + r * N, *d = dy + r * N;
        Vector<T> total{}, product{};
        vectors<T>(0, N, [&](Index j, auto lanes) {
          const auto dyj = load(d + j, lanes), n = (load(from + j, lanes) - broadcast(m)) * broadcast(s);
          const auto g = dyj * load(gamma + j, lanes);
          total = total + g;
          product = product + g * n;
          store(block + j, load(block + j, lanes) + dyj * n, lanes);
          store(block + N + j, load(block + N + j, lanes) + dyj, lanes);
        });
        if (dx == nullptr) continue;
        const T a = fold(total, add) / count, b = fold(product, add) / count;
        T* to = dx + r * N;
#pragma GCC ivdep
        for (Index j = 0; j < N; ++j) to[j] = s * (d[j] * gamma[j] - a - (from[j] - m) * s * b);
      }
#pragma GCC ivdep
      for (Index j = 0; j < 2 * N; ++j) sums[j] += block[j];
    }
  });
  if (dgamma != nullptr) addTiles(cpu.shared, split.tiles, 2 * N, N, dgamma);
  if (dbeta != nullptr) addTiles(cpu.shared + N, split.tiles, 2 * N, N, dbeta);
}
inline Scratch layerNormalizationGradientScratch(Index B, Index N) { return {RowTiles::most(B, N) * 2 * N, 2 * N}; }

}  // namespace
}  // namespace fjordnet::FJORDNET_ISA
