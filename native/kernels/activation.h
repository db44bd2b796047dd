// Activations and their derivatives. A derivative is written from the activation's value where that is possible, and
// multiplies the gradient in place: dz = dy * f'(z).

template <typename T, typename F>
void map1(const Args<T>& a, const F& f) {
  const T* x = a.buffer[0];
  T* y = a.buffer[1];
  elements(*a.team, a.dim[0] * a.dim[1], [&](Index begin, Index end) {
#pragma GCC ivdep
    for (Index i = begin; i < end; ++i) y[i] = f(x[i]);
  });
}

template <typename T, typename F>
void map2(const Args<T>& a, const F& f) {
  const T *x = a.buffer[0], *y = a.buffer[1];
  T* z = a.buffer[2];
  elements(*a.team, a.dim[0] * a.dim[1], [&](Index begin, Index end) {
#pragma GCC ivdep
    for (Index i = begin; i < end; ++i) z[i] = f(x[i], y[i]);
  });
}

// y = exp(x)
template <typename T>
void exponential(const Args<T>& a) {
  map1(a, [](T x) { return exp_(x); });
}

// y = 1 / (1 + exp(-z));  dz = dy * y * (1 - y)
template <typename T>
void sigmoid(const Args<T>& a) {
  map1(a, [](T z) { return sigmoid_(z); });
}
template <typename T>
void sigmoidGradient(const Args<T>& a) {
  map2(a, [](T y, T dy) { return dy * y * (T(1) - y); });
}

// y = tanh(z);  dz = dy * (1 - y^2)
template <typename T>
void tanh(const Args<T>& a) {
  map1(a, [](T z) { return tanh_(z); });
}
template <typename T>
void tanhGradient(const Args<T>& a) {
  map2(a, [](T y, T dy) { return dy * (T(1) - y * y); });
}

// y = max(z, 0), NaN kept;  dz = dy where y > 0
template <typename T>
void relu(const Args<T>& a) {
  map1(a, [](T z) { return z < T(0) ? T(0) : z; });
}
template <typename T>
void reluGradient(const Args<T>& a) {
  map2(a, [](T y, T dy) { return y > T(0) ? dy : T(0); });
}

// p[B,N] = exp(z - max z) / sum: the row's maximum is subtracted, so that no finite z overflows.
template <typename T>
void softmaxRows(const T* z, T* p, Index first, Index last, Index N) {
  for (Index r = first; r < last; ++r) {
    const T* row = z + r * N;
    T most = row[0];
    for (Index j = 1; j < N; ++j) most = row[j] > most ? row[j] : most;
#pragma GCC ivdep
    for (Index j = 0; j < N; ++j) p[r * N + j] = row[j] - most;
  }
  // one pass over all rows: rows of 10 would leave most of a vector empty
#pragma GCC ivdep
  for (Index i = first * N; i < last * N; ++i) p[i] = exp_(p[i]);
  for (Index r = first; r < last; ++r) {
    T* row = p + r * N;
    T sum = T(0);
    for (Index j = 0; j < N; ++j) sum += row[j];
    const T scale = T(1) / sum;
#pragma GCC ivdep
    for (Index j = 0; j < N; ++j) row[j] *= scale;
  }
}

template <typename T>
void softmax(const Args<T>& a) {
  rows(*a.team, a.dim[0], a.dim[1], [&](Index first, Index last) { softmaxRows(a.buffer[0], a.buffer[1], first, last, a.dim[1]); });
}
