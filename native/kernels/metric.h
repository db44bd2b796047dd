// What metrics count in one batch: sums over samples, each by its weight where there are some, of the mean over a
// sample's rows or elements.
#pragma once

#include "loss.h"

namespace fjordnet::FJORDNET_ISA {
namespace {

// Is p[k] the first of the largest?
template <typename T>
inline bool isLargest(const T* p, Index k, Index N) {
  bool largest = true;
  for (Index j = 0; j < k; ++j) largest &= p[j] < p[k];
  for (Index j = k; j < N; ++j) largest &= p[j] <= p[k];
  return largest;
}

// Is p[k] finite, and are fewer than `top` larger?
template <typename T>
inline bool isAmong(const T* p, Index k, Index N, double top) {
  Index larger = 0;
  for (Index j = 0; j < N; ++j) larger += p[j] > p[k];
  return static_cast<double>(larger) < top && p[k] - p[k] == T(0);
}

// The sum of value(i) over the `width` values of each of B samples, by the sample's weight.
template <typename T, typename F>
double weighed(Index B, Index width, In<T> weight, const F& value) {
  double total = 0.0;
  for (Index b = 0; b < B; ++b) {
    if (weight != nullptr && weight[b] == T(0)) continue;
    double own = 0.0;
    for (Index i = b * width; i < (b + 1) * width; ++i) own += static_cast<double>(value(i));
    total += weight == nullptr ? own : own * static_cast<double>(weight[b]);
  }
  return total;
}

// fn(r, weight) for the M rows of each of B samples, but those that weigh nothing.
template <typename T, typename F>
void weighedRows(Index B, Index M, In<T> weight, const F& fn) {
  for (Index b = 0; b < B; ++b) {
    const double own = weight == nullptr ? 1.0 : static_cast<double>(weight[b]);
    if (own == 0.0) continue;
    for (Index r = b * M; r < (b + 1) * M; ++r) fn(r, own);
  }
}

// count[1] of the rows of p[B,M,N] for which holds(row, k) with the row's class k: the largest of y[B,M,N], or y[B,M]
// itself
template <bool sparse, typename T, typename F>
void countRows(Index B, Index M, Index N, In<T> p, In<T> y, In<T> weight, Out<T> count, const F& holds) {
  const double held = weighed(B, M, weight, [&](Index r) {
    Index k = 0;
    if constexpr (sparse) {
      k = classOf(y[r], N);
    } else {
      const T* row = y + r * N;
      for (Index j = 1; j < N; ++j) k = row[j] > row[k] ? j : k;
    }
    return k >= 0 && holds(p + r * N, k);
  });
  count[0] = static_cast<T>(held / static_cast<double>(M));
}

template <typename T>
void categoricalMatches(const Cpu<T>&, Index B, Index M, Index N, In<T> p, In<T> y, In<T> weight, Out<T> count) {
  countRows<false>(B, M, N, p, y, weight, count, [&](const T* row, Index k) { return isLargest(row, k, N); });
}
template <typename T>
void sparseMatches(const Cpu<T>&, Index B, Index M, Index N, In<T> p, In<T> y, In<T> weight, Out<T> count) {
  countRows<true>(B, M, N, p, y, weight, count, [&](const T* row, Index k) { return isLargest(row, k, N); });
}
template <typename T>
void topKMatches(const Cpu<T>&, Index B, Index M, Index N, In<T> p, In<T> y, In<T> weight, Out<T> count, double k) {
  countRows<false>(B, M, N, p, y, weight, count, [&](const T* row, Index own) { return isAmong(row, own, N, k); });
}
template <typename T>
void sparseTopKMatches(const Cpu<T>&, Index B, Index M, Index N, In<T> p, In<T> y, In<T> weight, Out<T> count,
                       double k) {
  countRows<true>(B, M, N, p, y, weight, count, [&](const T* row, Index own) { return isAmong(row, own, N, k); });
}

// label[B]: of each row of d[B,K] + offset[K] the place of the first of the least, which float counts up to 2^24. On
// one Zen 4 core 2.7 us for [256,50] in float64.
template <typename T>
void nearest(const Cpu<T>&, Index B, Index K, In<T> d, In<T> offset, Out<T> label) {
  constexpr Index L = simd::kLanes<T>;
  T places[L];
  for (Index l = 0; l < L; ++l) places[l] = static_cast<T>(l);
  for (Index b = 0; b < B; ++b) {
    const T* row = d + b * K;
    auto least = simd::broadcast(row[0] + offset[0]), place = simd::broadcast(T(0)), next = simd::load(places);
    Index first = 0;
    for (; first + L <= K; first += L) {
      const auto own = simd::load(row + first) + simd::load(offset + first);
      const auto isLess = own < least;
      least = isLess ? own : least;
      place = isLess ? next : place;
      next += simd::broadcast(static_cast<T>(L));
    }
    T values[L], at[L];
    simd::store(values, least);
    simd::store(at, place);
    for (Index l = 1; l < L; ++l) {
      if (values[l] > values[0] || (values[l] == values[0] && at[l] > at[0])) continue;
      values[0] = values[l];
      at[0] = at[l];
    }
    for (; first < K; ++first) {
      const T own = row[first] + offset[first];
      if (!(own < values[0])) continue;
      values[0] = own;
      at[0] = static_cast<T>(first);
    }
    label[b] = at[0];
  }
}

// Elements of p[B,N] that, read as 1 above the threshold and as `negative` else, equal y[B,N]
template <typename T>
void binaryMatches(const Cpu<T>&, Index B, Index N, In<T> p, In<T> y, In<T> weight, Out<T> count, T threshold,
                   T negative) {
  const double matches = weighed(B, N, weight, [&](Index i) {
    const T target = y[i] == T(0) ? negative : y[i];
    return target == (p[i] > threshold ? T(1) : negative);
  });
  count[0] = static_cast<T>(matches / static_cast<double>(N));
}

// sum[1] of f(p - y) over p, y [B,N], divided by N
template <typename T, typename F>
void sumErrors(Index B, Index N, In<T> p, In<T> y, In<T> weight, Out<T> sum, const F& f) {
  const double total =
      weighed(B, N, weight, [&](Index i) { return f(static_cast<double>(p[i]) - static_cast<double>(y[i])); });
  sum[0] = static_cast<T>(total / static_cast<double>(N));
}
template <typename T>
void squaredErrors(const Cpu<T>&, Index B, Index N, In<T> p, In<T> y, In<T> weight, Out<T> sum) {
  sumErrors(B, N, p, y, weight, sum, [](double e) { return e * e; });
}
template <typename T>
void absoluteErrors(const Cpu<T>&, Index B, Index N, In<T> p, In<T> y, In<T> weight, Out<T> sum) {
  sumErrors(B, N, p, y, weight, sum, [](double e) { return std::fabs(e); });
}

// Of one column of p, y [B,N]: the sums of (y - p)^2, 1, y and y^2, each by the sample's weight; of the last three also
// what is lost by rounding to T.
// -> residual [1], total [1], totalRest [1], sum [1], sumRest [1], squares [1], squaresRest [1]
template <typename T>
void rSquaredSums(const Cpu<T>&, Index B, Index N, In<T> p, In<T> y, In<T> weight, Out<T> residual, Out<T> total,
                  Out<T> totalRest, Out<T> sum, Out<T> sumRest, Out<T> squares, Out<T> squaresRest, double column) {
  const Index j = static_cast<Index>(column);
  double ofResidual = 0.0, ofTotal = 0.0, ofY = 0.0, ofSquares = 0.0;
  weighedRows<T>(j >= 0 && j < N ? B : 0, 1, weight, [&](Index r, double own) {
    const double pj = static_cast<double>(p[r * N + j]), yj = static_cast<double>(y[r * N + j]);
    ofResidual += own * ((yj - pj) * (yj - pj));
    ofTotal += own;
    ofY += own * yj;
    ofSquares += own * (yj * yj);
  });
  residual[0] = static_cast<T>(ofResidual);
  total[0] = static_cast<T>(ofTotal);
  totalRest[0] = static_cast<T>(ofTotal - static_cast<double>(total[0]));
  sum[0] = static_cast<T>(ofY);
  sumRest[0] = static_cast<T>(ofY - static_cast<double>(sum[0]));
  squares[0] = static_cast<T>(ofSquares);
  squaresRest[0] = static_cast<T>(ofSquares - static_cast<double>(squares[0]));
}

}  // namespace
}  // namespace fjordnet::FJORDNET_ISA
