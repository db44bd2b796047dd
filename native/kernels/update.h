// Parameter updates: one pass over each parameter.

// Gradient descent with the lecture's L2 term: w -= eta * (dw + lmbd * w)
template <typename T>
void sgd(const Args<T>& a) {
  const T* dw = a.buffer[0];
  T* w = a.buffer[1];
  const T eta = static_cast<T>(*a.scalar[0]), lmbd = static_cast<T>(*a.scalar[1]);
  elements(*a.team, a.dim[0], [&](Index begin, Index end) {
#pragma GCC ivdep
    for (Index i = begin; i < end; ++i) w[i] -= eta * (dw[i] + lmbd * w[i]);
  });
}
