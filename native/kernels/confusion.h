// What metrics of right and wrong answers count in one batch. Targets are y[B,M,N], 1 where positive, or, sparse, the
// class y[B,M] of each row; hinge's -1 counts as 0. Counts of a batch are exact up to 2^24 in float32.

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
// -> truePositives [1], falsePositives [1], trueNegatives [1], falseNegatives [1]
template <bool sparse, typename T>
void countConfusion(const Args<T>& a) {
  const Index B = a.dim[0], M = a.dim[1], N = a.dim[2];
  const T *p = a.buffer[0], *y = a.buffer[1];
  const T threshold = static_cast<T>(*a.scalar[0]);
  const double top = *a.scalar[1], column = *a.scalar[2];
  Index both = 0, predicted = 0, actual = 0, all = 0;
  for (Index r = 0; r < B * M; ++r) {
    const T* row = p + r * N;
    for (Index j = 0; j < N; ++j) {
      if (column >= 0.0 && static_cast<double>(j) != column) continue;
      const bool yes = row[j] > threshold && (top <= 0.0 || isAmongFirst(row, j, N, top));
      const bool is = targetAt<sparse>(y, r, j, N) > T(0);
      both += yes && is;
      predicted += yes;
      actual += is;
      ++all;
    }
  }
  a.buffer[2][0] = static_cast<T>(both);
  a.buffer[3][0] = static_cast<T>(predicted - both);
  a.buffer[4][0] = static_cast<T>(all - predicted - actual + both);
  a.buffer[5][0] = static_cast<T>(actual - both);
}
template <typename T>
void confusion(const Args<T>& a) {
  countConfusion<false>(a);
}
template <typename T>
void sparseConfusion(const Args<T>& a) {
  countConfusion<true>(a);
}

// For each class, a column of p[B,M,N]: the targets of what is read as positive, how many that are, and all targets.
// Positive is what is above the threshold or, with largest, the largest of its row unless that is 0, as in Keras'
// FBetaScore.  -> both [N], predicted [N], actual [N]
template <bool sparse, typename T>
void countClasses(const Args<T>& a) {
  const Index B = a.dim[0], M = a.dim[1], N = a.dim[2];
  const T *p = a.buffer[0], *y = a.buffer[1];
  T *both = a.buffer[2], *predicted = a.buffer[3], *actual = a.buffer[4];
  const T threshold = static_cast<T>(*a.scalar[0]);
  const bool largest = *a.scalar[1] != 0.0;
  for (T* counts : {both, predicted, actual}) std::fill_n(counts, N, T(0));
  for (Index r = 0; r < B * M; ++r) {
    const T* row = p + r * N;
    const T most = *std::max_element(row, row + N);
    for (Index j = 0; j < N; ++j) {
      const bool yes = largest ? row[j] >= most && std::fabs(row[j]) > T(1e-9) : row[j] > threshold;
      const T target = targetAt<sparse>(y, r, j, N);
      both[j] += yes ? target : T(0);
      predicted[j] += static_cast<T>(yes);
      actual[j] += target;
    }
  }
}
template <typename T>
void classCounts(const Args<T>& a) {
  countClasses<false>(a);
}
template <typename T>
void sparseClassCounts(const Args<T>& a) {
  countClasses<true>(a);
}

// Histograms of the elements of p[B,M,N] whose targets are positive, and of the others: bin k holds those above
// threshold k and not above k + 1 of the K thresholds 0, 1 / (K - 1), ..., 1, and bin 0 the 0 too (Keras' AUC, which
// puts its first threshold a little below).  -> positives [K], negatives [K]
template <bool sparse, typename T>
void countBins(const Args<T>& a) {
  const Index B = a.dim[0], M = a.dim[1], N = a.dim[2], K = a.dim[3];
  const T *p = a.buffer[0], *y = a.buffer[1];
  T *positives = a.buffer[2], *negatives = a.buffer[3];
  for (T* counts : {positives, negatives}) std::fill_n(counts, K, T(0));
  for (Index r = 0; r < B * M; ++r) {
    for (Index j = 0; j < N; ++j) {
      const T x = p[r * N + j];
      const T place = std::ceil((x > T(1) ? T(1) : x) * static_cast<T>(K - 1)) - T(1);
      const Index bin = place > T(0) ? std::min(static_cast<Index>(place), K - 1) : 0;  // NaN is in bin 0
      (targetAt<sparse>(y, r, j, N) > T(0) ? positives : negatives)[bin] += T(1);
    }
  }
}
template <typename T>
void thresholdCounts(const Args<T>& a) {
  countBins<false>(a);
}
template <typename T>
void sparseThresholdCounts(const Args<T>& a) {
  countBins<true>(a);
}

// The class that a row of N values stands for: the first of the largest or, where it is one value, that number without
// its fraction.
template <typename T>
inline Index classOfRow(const T* row, Index N, Index K) {
  if (N > 1) return std::max_element(row, row + N) - row;
  return row[0] > T(-1) && row[0] < static_cast<T>(K) ? static_cast<Index>(row[0]) : -1;
}

// For each of K classes the rows that p[B,M,N] and y[B,M,C] both put there, and those that either does; rows of which
// one says none of them, and those of the class `ignore`, do not count.  -> both [K], predicted [K], actual [K]
template <typename T>
void classOverlaps(const Args<T>& a) {
  const Index B = a.dim[0], M = a.dim[1], N = a.dim[2], C = a.dim[3], K = a.dim[4];
  const T *p = a.buffer[0], *y = a.buffer[1];
  T *both = a.buffer[2], *predicted = a.buffer[3], *actual = a.buffer[4];
  const double ignore = *a.scalar[0];
  for (T* counts : {both, predicted, actual}) std::fill_n(counts, K, T(0));
  for (Index r = 0; r < B * M; ++r) {
    const Index guess = classOfRow(p + r * N, N, K), is = classOfRow(y + r * C, C, K);
    if (guess < 0 || is < 0 || guess >= K || is >= K || static_cast<double>(is) == ignore) continue;
    predicted[guess] += T(1);
    actual[is] += T(1);
    if (guess == is) both[is] += T(1);
  }
}
