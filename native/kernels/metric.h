// What metrics count in one batch: sums over samples of the mean over a sample's rows or elements.

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

// sum[1] of the rows of p[B,M,N] for which holds(row, k) with the row's class k: the largest of y[B,M,N], or y[B,M]
// itself
template <bool sparse, typename T, typename F>
void countRows(const Args<T>& a, const F& holds) {
  const Index B = a.dim[0], M = a.dim[1], N = a.dim[2];
  const T *p = a.buffer[0], *y = a.buffer[1];
  Index count = 0;
  for (Index r = 0; r < B * M; ++r) {
    Index k = 0;
    if constexpr (sparse) {
      k = classOf(y[r], N);
    } else {
      const T* row = y + r * N;
      for (Index j = 1; j < N; ++j) k = row[j] > row[k] ? j : k;
    }
    count += k >= 0 && holds(p + r * N, k);
  }
  a.buffer[2][0] = static_cast<T>(static_cast<double>(count) / static_cast<double>(M));
}

template <typename T>
void categoricalMatches(const Args<T>& a) {
  countRows<false>(a, [&](const T* row, Index k) { return isLargest(row, k, a.dim[2]); });
}
template <typename T>
void sparseMatches(const Args<T>& a) {
  countRows<true>(a, [&](const T* row, Index k) { return isLargest(row, k, a.dim[2]); });
}
template <typename T>
void topKMatches(const Args<T>& a) {
  countRows<false>(a, [&](const T* row, Index k) { return isAmong(row, k, a.dim[2], *a.scalar[0]); });
}
template <typename T>
void sparseTopKMatches(const Args<T>& a) {
  countRows<true>(a, [&](const T* row, Index k) { return isAmong(row, k, a.dim[2], *a.scalar[0]); });
}

// Elements of p[B,N] that, read as 1 above the threshold and as `negative` else, equal y[B,N]
template <typename T>
void binaryMatches(const Args<T>& a) {
  const Index B = a.dim[0], N = a.dim[1];
  const T *p = a.buffer[0], *y = a.buffer[1];
  const T threshold = static_cast<T>(*a.scalar[0]), negative = static_cast<T>(*a.scalar[1]);
  Index count = 0;
  for (Index i = 0; i < B * N; ++i) count += y[i] == (p[i] > threshold ? T(1) : negative);
  a.buffer[2][0] = static_cast<T>(static_cast<double>(count) / static_cast<double>(N));
}

// sum[1] of f(p - y) over p, y [B,N], divided by N
template <typename T, typename F>
void sumErrors(const Args<T>& a, const F& f) {
  const Index B = a.dim[0], N = a.dim[1];
  const T *p = a.buffer[0], *y = a.buffer[1];
  double sum = 0.0;
  for (Index i = 0; i < B * N; ++i) sum += f(static_cast<double>(p[i]) - static_cast<double>(y[i]));
  a.buffer[2][0] = static_cast<T>(sum / static_cast<double>(N));
}
template <typename T>
void squaredErrors(const Args<T>& a) {
  sumErrors(a, [](double e) { return e * e; });
}
template <typename T>
void absoluteErrors(const Args<T>& a) {
  sumErrors(a, [](double e) { return std::fabs(e); });
}

// Of one column of p, y [B,N]: the sums of (y - p)^2, y and y^2; of the last two also what is lost by rounding to T.
// -> residual [1], y [1], yRest [1], y2 [1], y2Rest [1]
template <typename T>
void rSquaredSums(const Args<T>& a) {
  const Index B = a.dim[0], N = a.dim[1], column = static_cast<Index>(*a.scalar[0]);
  double residual = 0.0, sum = 0.0, squares = 0.0;
  for (Index r = 0; r < B && column >= 0 && column < N; ++r) {
    const double p = static_cast<double>(a.buffer[0][r * N + column]),
                 y = static_cast<double>(a.buffer[1][r * N + column]);
    residual += (y - p) * (y - p);
    sum += y;
    squares += y * y;
  }
  a.buffer[2][0] = static_cast<T>(residual);
  a.buffer[3][0] = static_cast<T>(sum);
  a.buffer[4][0] = static_cast<T>(sum - static_cast<double>(a.buffer[3][0]));
  a.buffer[5][0] = static_cast<T>(squares);
  a.buffer[6][0] = static_cast<T>(squares - static_cast<double>(a.buffer[5][0]));
}
