// What metrics of right and wrong answers count in one batch. Targets are y[B,M,N], 1 where positive, or, sparse, the
// class y[B,M] of each row; hinge's -1 counts as 0. A row counts as much as its sample's weight says, where there are
// some. Counts are doubles until the whole batch is counted: in float32 sums of ones end at 2^24.
#pragma once

#include "metric.h"

namespace fjordnet::FJORDNET_ISA {
namespace {

// fn(first, n) for [0, count) in strips that a kernel has counters for.
constexpr Index kStrip = 256;
template <typename F>
void strips(Index count, const F& fn) {
  for (Index first = 0; first < count; first += kStrip) fn(first, std::min(kStrip, count - first));
}

template <bool sparse, typename T>
inline T targetAt(const T* y, Index r, Index j, Index N) {
  return sparse ? static_cast<T>(y[r] == static_cast<T>(j)) : y[r * N + j];
}

// Is p[k] among the `top` largest, where of equal ones the first are?
template <typename T>
inline bool isAmongFirst(const T* p, Index k, Index N, double top) {
  Index before = 0;
  for (Index j = 0; j < k; ++j) before += p[j] >= p[k];
  for (Index j = k + 1; j < N; ++j) before += p[j] > p[k];
  return static_cast<double>(before) < top;
}

// Over the elements of p[B,M,N], read as positive above the threshold and, with top > 0, among the `top` largest of
// their row; with column >= 0 of that one alone.
template <bool sparse, typename T>
void countConfusion(Index B, Index M, Index N, In<T> p, In<T> y, In<T> weight, Out<T> truePositives,
                    Out<T> falsePositives, Out<T> trueNegatives, Out<T> falseNegatives, T threshold, double top,
                    double column) {
  double counts[2][2] = {};
  weighedRows<T>(B, M, weight, [&](Index r, double own) {
    const T* row = p + r * N;
    for (Index j = 0; j < N; ++j) {
      if (column >= 0.0 && static_cast<double>(j) != column) continue;
      const bool yes = row[j] > threshold && (top <= 0.0 || isAmongFirst(row, j, N, top));
      counts[yes][targetAt<sparse>(y, r, j, N) > T(0)] += own;
    }
  });
  *truePositives = static_cast<T>(counts[true][true]);
  *falsePositives = static_cast<T>(counts[true][false]);
  *trueNegatives = static_cast<T>(counts[false][false]);
  *falseNegatives = static_cast<T>(counts[false][true]);
}
template <typename T>
void confusion(const Cpu<T>&, Index B, Index M, Index N, In<T> p, In<T> y, In<T> weight, Out<T> truePositives,
               Out<T> falsePositives, Out<T> trueNegatives, Out<T> falseNegatives, T threshold, double top,
               double column) {
  countConfusion<false>(B, M, N, p, y, weight, truePositives, falsePositives, trueNegatives, falseNegatives, threshold,
                        top, column);
}
template <typename T>
void sparseConfusion(const Cpu<T>&, Index B, Index M, Index N, In<T> p, In<T> y, In<T> weight, Out<T> truePositives,
                     Out<T> falsePositives, Out<T> trueNegatives, Out<T> falseNegatives, T threshold, double top,
                     double column) {
  countConfusion<true>(B, M, N, p, y, weight, truePositives, falsePositives, trueNegatives, falseNegatives, threshold,
                       top, column);
}

// For each class, a column of p[B,M,N]: the targets of what is read as positive, how many that are, and all targets.
// Positive is what is above the threshold or, with largest, the largest of its row unless that is 0, as in Keras'
// FBetaScore.
template <bool sparse, typename T>
void countClasses(Index B, Index M, Index N, In<T> p, In<T> y, In<T> weight, Out<T> both, Out<T> predicted,
                  Out<T> actual, T threshold, bool largest) {
  strips(N, [&](Index first, Index n) {
    double counts[3][kStrip] = {};
    weighedRows<T>(B, M, weight, [&](Index r, double own) {
      const T* row = p + r * N;
      const T most = *std::max_element(row, row + N);
      for (Index k = 0; k < n; ++k) {
        const T x = row[first + k];
        const bool yes = largest ? x >= most && std::fabs(x) > T(1e-9) : x > threshold;
        const double target = own * std::max(T(0), targetAt<sparse>(y, r, first + k, N));
        counts[0][k] += yes ? target : 0;
        counts[1][k] += yes ? own : 0;
        counts[2][k] += target;
      }
    });
    for (Index k = 0; k < n; ++k) {
      both[first + k] = static_cast<T>(counts[0][k]);
      predicted[first + k] = static_cast<T>(counts[1][k]);
      actual[first + k] = static_cast<T>(counts[2][k]);
    }
  });
}
template <typename T>
void classCounts(const Cpu<T>&, Index B, Index M, Index N, In<T> p, In<T> y, In<T> weight, Out<T> both,
                 Out<T> predicted, Out<T> actual, T threshold, bool largest) {
  countClasses<false>(B, M, N, p, y, weight, both, predicted, actual, threshold, largest);
}
template <typename T>
void sparseClassCounts(const Cpu<T>&, Index B, Index M, Index N, In<T> p, In<T> y, In<T> weight, Out<T> both,
                       Out<T> predicted, Out<T> actual, T threshold, bool largest) {
  countClasses<true>(B, M, N, p, y, weight, both, predicted, actual, threshold, largest);
}

// Histograms of the elements of p[B,M,N] whose targets are positive, and of the others: bin k holds those above
// threshold k and not above k + 1 of the K thresholds 0, 1 / (K - 1), ..., 1, and bin 0 the 0 too (Keras' AUC, which
// puts its first threshold a little below); with column >= 0 of that one alone.
template <bool sparse, typename T>
void countBins(Index B, Index M, Index N, Index K, In<T> p, In<T> y, In<T> weight, Out<T> positives, Out<T> negatives,
               double column) {
  strips(K, [&](Index first, Index n) {
    double counts[2][kStrip] = {};
    weighedRows<T>(B, M, weight, [&](Index r, double own) {
      for (Index j = 0; j < N; ++j) {
        if (column >= 0.0 && static_cast<double>(j) != column) continue;
        const T x = p[r * N + j];
        const T place = std::ceil((x > T(1) ? T(1) : x) * static_cast<T>(K - 1)) - T(1);
        const Index bin = place > T(0) ? std::min(static_cast<Index>(place), K - 1) : 0;  // NaN is in bin 0
        if (bin < first || bin >= first + n) continue;
        counts[targetAt<sparse>(y, r, j, N) > T(0) ? 0 : 1][bin - first] += own;
      }
    });
    for (Index k = 0; k < n; ++k) {
      positives[first + k] = static_cast<T>(counts[0][k]);
      negatives[first + k] = static_cast<T>(counts[1][k]);
    }
  });
}
template <typename T>
void thresholdCounts(const Cpu<T>&, Index B, Index M, Index N, Index K, In<T> p, In<T> y, In<T> weight,
                     Out<T> positives, Out<T> negatives, double column) {
  countBins<false>(B, M, N, K, p, y, weight, positives, negatives, column);
}
template <typename T>
void sparseThresholdCounts(const Cpu<T>&, Index B, Index M, Index N, Index K, In<T> p, In<T> y, In<T> weight,
                           Out<T> positives, Out<T> negatives, double column) {
  countBins<true>(B, M, N, K, p, y, weight, positives, negatives, column);
}

// The class that a row of N values stands for: the first of the largest or, where it is one value, that number without
// its fraction.
template <typename T>
inline Index classOfRow(const T* row, Index N, Index K) {
  if (N > 1) return std::max_element(row, row + N) - row;
  return row[0] > T(-1) && row[0] < static_cast<T>(K) ? static_cast<Index>(row[0]) : -1;
}

// For each of K classes the rows that p[B,M,N] and y[B,M,C] both put there, and those that either does; rows of which
// one says none of them, and those of the class `ignore`, do not count.
template <typename T>
void classOverlaps(const Cpu<T>&, Index B, Index M, Index N, Index C, Index K, In<T> p, In<T> y, In<T> weight,
                   Out<T> both, Out<T> predicted, Out<T> actual, double ignore) {
  strips(K, [&](Index first, Index n) {
    double counts[3][kStrip] = {};
    weighedRows<T>(B, M, weight, [&](Index r, double own) {
      const auto count = [&](int kind, Index k) {
        if (k >= first && k < first + n) counts[kind][k - first] += own;
      };
      const Index guess = classOfRow(p + r * N, N, K), is = classOfRow(y + r * C, C, K);
      if (guess < 0 || is < 0 || guess >= K || is >= K || static_cast<double>(is) == ignore) return;
      count(1, guess);
      count(2, is);
      if (guess == is) count(0, is);
    });
    for (Index k = 0; k < n; ++k) {
      both[first + k] = static_cast<T>(counts[0][k]);
      predicted[first + k] = static_cast<T>(counts[1][k]);
      actual[first + k] = static_cast<T>(counts[2][k]);
    }
  });
}

}  // namespace
}  // namespace fjordnet::FJORDNET_ISA
