// What is put on top of a loss: penalties of weights, and the weights of samples.

inline Scratch penaltyScratch(const Index* dim) { return {(dim[0] + kElementTile - 1) / kElementTile, 0}; }

// value[1] = l1 * sum|w| + l2 * sum(w^2), tile by tile in order;  dw += l1 * sign(w) + 2 * l2 * w, as Keras' l1_l2
template <typename T>
void penalty(const Args<T>& a) {
  const T* w = a.buffer[0];
  T* dw = a.buffer[1];
  const Index N = a.dim[0];
  const T l1 = static_cast<T>(*a.scalar[0]), l2 = static_cast<T>(*a.scalar[1]);
  T* partial = a.shared;
  elements(*a.team, N, [&](Index begin, Index end) {
    partial[begin / kElementTile] = sum<T>(end - begin, [&](Index i, auto lanes) {
      const auto x = load(w + begin + i, lanes);
      return splat(l1, x) * max_(x, -x) + splat(l2, x) * x * x;
    });
#pragma GCC ivdep
    for (Index i = begin; i < end; ++i) {
      const T sign = w[i] > T(0) ? T(1) : w[i] < T(0) ? T(-1) : T(0);
      dw[i] += l1 * sign + T(2) * l2 * w[i];
    }
  });
  double total = 0.0;
  for (Index t = 0; t * kElementTile < N; ++t) total += static_cast<double>(partial[t]);
  a.buffer[2][0] = static_cast<T>(total);
}

// y[B,N] = x[B,N] * weight[B]
template <typename T>
void weightRows(const Args<T>& a) {
  const Index N = a.dim[1];
  const T *x = a.buffer[0], *weight = a.buffer[1];
  T* y = a.buffer[2];
  rows(*a.team, a.dim[0], N, [&](Index first, Index last) {
    for (Index r = first; r < last; ++r) {
#pragma GCC ivdep
      for (Index i = r * N; i < (r + 1) * N; ++i) y[i] = x[i] * weight[r];
    }
  });
}
