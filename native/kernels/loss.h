// Losses, as Keras defines them. Each hands back the loss of every sample, the mean over the sample's rows or elements,
// and the output delta: the derivative of the batch's mean loss by the network's output.
#pragma once

#include "activation.h"
#include "softmax.h"

namespace fjordnet::FJORDNET_ISA {
namespace {

// The class number that a label holds, or -1.
template <typename T>
inline Index classOf(T label, Index N) {
  return label >= T(0) && label < static_cast<T>(N) ? static_cast<Index>(label) : -1;
}

// Softmax and cross-entropy in one: p = softmax(z), and by row(r, most, log, scale) the loss of each of a sample's M
// rows, where log(sum_j exp z_j) = most + log, and p is still to be multiplied by scale
template <typename T, typename F>
void fusedSoftmax(const Cpu<T>& cpu, Index B, Index M, Index N, In<T> z, Out<T> p, Out<T> loss, const F& row) {
  const T share = T(1) / static_cast<T>(M);
  rows(cpu.team, B, M * N, [&](Index first, Index last) {
    std::fill(loss + first, loss + last, T(0));
    softmaxBlocks(z, p, first * M, last * M, N, [&](Index begin, Index end, const T* most, const T* total) {
      T log[kSoftmaxBlock];
      vectors<T>(0, end - begin, [&](Index i, auto lanes) { store(log + i, log_(load(total + i, lanes)), lanes); });
      for (Index r = begin; r < end; ++r) {
        const Index i = r - begin;
        loss[M == 1 ? r : r / M] += row(r, most[i], log[i], T(1) / total[i]) * share;
      }
    });
  });
}

// loss = -sum_j y_j log p_j;  delta = p * sum(y) - y, which is p - y for targets that sum to 1
template <typename T>
void fusedCrossentropy(const Cpu<T>& cpu, Index B, Index M, Index N, In<T> z, In<T> y, Out<T> p, Out<T> loss,
                       Out<T> delta, T deltaScale) {
  fusedSoftmax(cpu, B, M, N, z, p, loss, [=](Index r, T most, T log, T scale) {
    const T *zr = z + r * N, *yr = y + r * N;
    T *pr = p + r * N, *dr = delta + r * N;
    const T total = sum(yr, N);
    const T own = sum<T>(N, [=](Index j, auto lanes) {
      using V = Vector<T>;
      return load(yr + j, lanes) * ((all<V>(most) - load(zr + j, lanes)) + all<V>(log));
    });
#pragma GCC ivdep
    for (Index j = 0; j < N; ++j) {
      pr[j] *= scale;
      dr[j] = (pr[j] * total - yr[j]) * deltaScale;
    }
    return own;
  });
}

// One row a sample; mean = 1 divides the delta by the batch size (Keras), mean = 0 leaves the sum (the lecture).
// z, y [B,N] -> p [B,N], loss [B], delta [B,N]
template <typename T>
void softmaxCrossentropy(const Cpu<T>& cpu, Index B, Index N, In<T> z, In<T> y, Out<T> p, Out<T> loss, Out<T> delta,
                         bool mean) {
  fusedCrossentropy(cpu, B, Index{1}, N, z, y, p, loss, delta, mean ? T(1) / static_cast<T>(cpu.batch) : T(1));
}

// z, y [B,M,N] -> p [B,M,N], loss [B], delta [B,M,N]
template <typename T>
void softmaxCrossentropyRows(const Cpu<T>& cpu, Index B, Index M, Index N, In<T> z, In<T> y, Out<T> p, Out<T> loss,
                             Out<T> delta) {
  fusedCrossentropy(cpu, B, M, N, z, y, p, loss, delta, T(1) / static_cast<T>(cpu.batch * M));
}

// The same for targets that are class numbers: z [B,M,N], y [B,M] -> p [B,M,N], loss [B], delta [B,M,N]
template <typename T>
void sparseSoftmaxCrossentropy(const Cpu<T>& cpu, Index B, Index M, Index N, In<T> z, In<T> y, Out<T> p, Out<T> loss,
                               Out<T> delta) {
  const T deltaScale = T(1) / static_cast<T>(cpu.batch * M);
  fusedSoftmax(cpu, B, M, N, z, p, loss, [=](Index r, T most, T log, T scale) {
    T *pr = p + r * N, *dr = delta + r * N;
#pragma GCC ivdep
    for (Index j = 0; j < N; ++j) {
      pr[j] *= scale;
      dr[j] = pr[j] * deltaScale;
    }
    const Index k = classOf(y[r], N);
    if (k < 0) return std::numeric_limits<T>::quiet_NaN();
    dr[k] = (pr[k] - T(1)) * deltaScale;
    return (most - z[r * N + k]) + log;
  });
}

// Keras' epsilon: probabilities are clipped to [epsilon, 1 - epsilon] before their logarithm; beyond, the derivative is
// 0.
constexpr double kClip = 1e-7;
template <typename V>
inline V clip(V p) {
  return min_(all<V>(1.0 - kClip), max_(all<V>(kClip), p));
}

// Cross-entropy of outputs that are no softmax: q = p / sum(p) clipped, loss = -sum_j y_j log q_j, with y_j = target(r,
// j)
template <typename T, typename F>
void crossentropyRows(const Cpu<T>& cpu, Index B, Index M, Index N, In<T> p, Out<T> loss, Out<T> delta,
                      const F& target) {
  const T share = T(1) / static_cast<T>(M), deltaScale = T(1) / static_cast<T>(cpu.batch * M);
  rows(cpu.team, B, M * N, [&](Index first, Index last) {
    for (Index b = first; b < last; ++b) {
      T total = T(0);
      for (Index r = b * M; r < (b + 1) * M; ++r) {
        const T* pr = p + r * N;
        T* d = delta + r * N;
        const T scale = T(1) / sum(pr, N);
        T mean = T(0);  // sum_j d_j q_j
        for (Index j = 0; j < N; ++j) {
          const T y = target(r, j), q = pr[j] * scale;
          const T clipped = clip(q);
          if (y != T(0)) total -= y * std::log(clipped);
          d[j] = clipped == q ? -y / q : T(0);
          mean += d[j] * q;
        }
#pragma GCC ivdep
        for (Index j = 0; j < N; ++j) d[j] = (d[j] - mean) * scale * deltaScale;
      }
      loss[b] = total * share;
    }
  });
}

// p, y [B,M,N] -> loss [B], delta [B,M,N]
template <typename T>
void categoricalCrossentropy(const Cpu<T>& cpu, Index B, Index M, Index N, In<T> p, In<T> y, Out<T> loss,
                             Out<T> delta) {
  crossentropyRows(cpu, B, M, N, p, loss, delta, [=](Index r, Index j) { return y[r * N + j]; });
}

// p [B,M,N], y [B,M] -> loss [B], delta [B,M,N]
template <typename T>
void sparseCategoricalCrossentropy(const Cpu<T>& cpu, Index B, Index M, Index N, In<T> p, In<T> y, Out<T> loss,
                                   Out<T> delta) {
  crossentropyRows(cpu, B, M, N, p, loss, delta,
                   [=](Index r, Index j) { return y[r] == static_cast<T>(j) ? T(1) : T(0); });
}

// The mean of what stands in [first, last) rows of x[B,N]
template <typename T>
inline void rowMeans(const T* x, T* mean, Index first, Index last, Index N) {
  const T share = T(1) / static_cast<T>(N);
  for (Index r = first; r < last; ++r) mean[r] = sum(x + r * N, N) * share;
}

// Sigmoid and binary cross-entropy in one: p = 1 / (1 + exp(-z)), loss = -(y log p + (1 - y) log(1 - p)), delta = p - y
// z, y [B,N] -> p [B,N], loss [B], delta [B,N]
template <typename T>
void sigmoidCrossentropy(const Cpu<T>& cpu, Index B, Index N, In<T> z, In<T> y, Out<T> p, Out<T> loss, Out<T> delta) {
  const T deltaScale = T(1) / static_cast<T>(cpu.batch * N);
  rows(cpu.team, B, N, [&](Index first, Index last) {
    vectors<T>(first * N, last * N, [&](Index i, auto lanes) {
      const auto zi = load(z + i, lanes);
      using V = std::decay_t<decltype(zi)>;
      const V e = expNormal(-abs_(zi));
      const V q = all<V>(1.0) / (all<V>(1.0) + e);
      store(p + i, zi < V{} ? e * q : q, lanes);
      store(delta + i, (max_(V{}, zi) - zi * load(y + i, lanes)) + log1pSmall(e), lanes);
    });
    rowMeans(delta, loss, first, last, N);
#pragma GCC ivdep
    for (Index i = first * N; i < last * N; ++i) delta[i] = (p[i] - y[i]) * deltaScale;
  });
}

// Binary cross-entropy of outputs that are no sigmoid: p clipped, delta = (1 - y) / (1 - p) - y / p
// p, y [B,N] -> loss [B], delta [B,N]
template <typename T>
void binaryCrossentropy(const Cpu<T>& cpu, Index B, Index N, In<T> p, In<T> y, Out<T> loss, Out<T> delta) {
  const T low = static_cast<T>(kClip), high = static_cast<T>(1.0 - kClip),
          deltaScale = T(1) / static_cast<T>(cpu.batch * N);
  rows(cpu.team, B, N, [&](Index first, Index last) {
    vectors<T>(first * N, last * N, [&](Index i, auto lanes) {
      const auto yi = load(y + i, lanes);
      using V = std::decay_t<decltype(yi)>;
      const V q = load(p + i, lanes);
      store(delta + i, -(yi * log_(clip(q)) + (all<V>(1.0) - yi) * log_(clip(all<V>(1.0) - q))), lanes);
    });
    rowMeans(delta, loss, first, last, N);
#pragma GCC ivdep
    for (Index i = first * N; i < last * N; ++i) {
      delta[i] = p[i] < low || p[i] > high ? T(0) : ((T(1) - y[i]) / (T(1) - p[i]) - y[i] / p[i]) * deltaScale;
    }
  });
}

// A loss that is the mean of value(p, y) over elements, with the derivative slope(p, y).  p, y [B,N] -> loss [B], delta
// [B,N]
template <typename T, typename F, typename G>
void elementLoss(const Cpu<T>& cpu, Index B, Index N, In<T> p, In<T> y, Out<T> loss, Out<T> delta, const F& value,
                 const G& slope) {
  const T deltaScale = T(1) / static_cast<T>(cpu.batch * N);
  rows(cpu.team, B, N, [&](Index first, Index last) {
#pragma GCC ivdep
    for (Index i = first * N; i < last * N; ++i) delta[i] = value(p[i], y[i]);
    rowMeans(delta, loss, first, last, N);
#pragma GCC ivdep
    for (Index i = first * N; i < last * N; ++i) delta[i] = slope(p[i], y[i]) * deltaScale;
  });
}

// (p - y)^2
template <typename T>
void meanSquaredError(const Cpu<T>& cpu, Index B, Index N, In<T> p, In<T> y, Out<T> loss, Out<T> delta) {
  elementLoss(
      cpu, B, N, p, y, loss, delta, [](T p, T y) { return (p - y) * (p - y); },
      [](T p, T y) { return T(2) * (p - y); });
}

// |p - y|
template <typename T>
void meanAbsoluteError(const Cpu<T>& cpu, Index B, Index N, In<T> p, In<T> y, Out<T> loss, Out<T> delta) {
  elementLoss(
      cpu, B, N, p, y, loss, delta, [](T p, T y) { return std::fabs(p - y); },
      [](T p, T y) { return p > y   ? T(1)
                            : p < y ? T(-1)
                                    : p - y; });
}

// e^2 / 2 where |e| <= delta, e = p - y, else delta * |e| - delta^2 / 2
template <typename T>
void huber(const Cpu<T>& cpu, Index B, Index N, In<T> p, In<T> y, Out<T> loss, Out<T> dp, T delta) {
  elementLoss(
      cpu, B, N, p, y, loss, dp,
      [delta](T p, T y) {
        const T e = std::fabs(p - y);
        return e <= delta ? T(0.5) * e * e : delta * e - T(0.5) * delta * delta;
      },
      [delta](T p, T y) { return min_(delta, max_(-delta, p - y)); });
}

// max(1 - s p, 0) with s = -1 or 1, as y is; a y of 0 is read as -1
template <typename T>
void hinge(const Cpu<T>& cpu, Index B, Index N, In<T> p, In<T> y, Out<T> loss, Out<T> delta) {
  const auto sign = [](T y) { return y == T(0) ? T(-1) : y; };
  elementLoss(
      cpu, B, N, p, y, loss, delta, [=](T p, T y) { return max_(T(0), T(1) - sign(y) * p); },
      [=](T p, T y) { return T(1) - sign(y) * p < T(0) ? T(0) : -sign(y); });
}

// weight[B] = mask[B] * batch / valid: by these the mean over all rows is that over the valid ones, of which there may
// be none
template <typename T>
void maskWeights(const Cpu<T>& cpu, Index B, In<T> mask, In<T> valid, Out<T> weight) {
  const T share = valid[0] > T(0) ? static_cast<T>(cpu.batch) / valid[0] : T(0);
  for (Index i = 0; i < B; ++i) weight[i] = mask[i] * share;
}

// total[1] = x[B].sum(), in double and in order
template <typename T>
void sumRows(const Cpu<T>&, Index B, In<T> x, Out<T> total) {
  double sum = 0.0;
  for (Index i = 0; i < B; ++i) sum += static_cast<double>(x[i]);
  total[0] = static_cast<T>(sum);
}

}  // namespace
}  // namespace fjordnet::FJORDNET_ISA
