// Losses. Each hands back the loss of every sample and the output delta, the derivative of the batch's loss by the network's
// output; mean = 1 divides the delta by the batch size (Keras), mean = 0 leaves the sum (the lecture).

// Softmax and cross-entropy in one: p = softmax(z), loss = -sum_j y_j log p_j, delta = (p - y) for targets that sum to 1.
// z, y [B,N] -> p [B,N], loss [B], delta [B,N]
template <typename T>
void softmaxCrossentropy(const Args<T>& a) {
  const Index B = a.dim[0], N = a.dim[1];
  const T *z = a.buffer[0], *y = a.buffer[1];
  T *p = a.buffer[2], *loss = a.buffer[3], *delta = a.buffer[4];
  const T scale = *a.scalar[0] != 0.0 ? T(1) / static_cast<T>(B) : T(1);
  rows(*a.team, B, N, [&](Index first, Index last) {
    softmaxRows(z, p, first, last, N);
    for (Index r = first; r < last; ++r) {
      // log p_j = z_j - log sum exp z, written with p of the largest output, which is never small
      const T *zr = z + r * N, *yr = y + r * N;
      Index k = 0;
      for (Index j = 1; j < N; ++j) k = zr[j] > zr[k] ? j : k;
      const T logSum = zr[k] - std::log(p[r * N + k]);
      T sum = T(0);
      for (Index j = 0; j < N; ++j) sum += yr[j] != T(0) ? yr[j] * (logSum - zr[j]) : T(0);
      loss[r] = sum;
    }
#pragma GCC ivdep
    for (Index i = first * N; i < last * N; ++i) delta[i] = (p[i] - y[i]) * scale;
  });
}

// total[1] = x[B].sum(), in double and in order
template <typename T>
void sumRows(const Args<T>& a) {
  const Index B = a.dim[0];
  double sum = 0.0;
  for (Index i = 0; i < B; ++i) sum += static_cast<double>(a.buffer[0][i]);
  a.buffer[1][0] = static_cast<T>(sum);
}
