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

// Momentum, as Keras and scikit-learn write it, with g = dw + lmbd * w:
//   v = momentum * v - rate * g;  w += nesterov ? momentum * v - rate * g : v
template <typename T>
void momentum(const Args<T>& a) {
  const T* dw = a.buffer[0];
  T *v = a.buffer[1], *w = a.buffer[2];
  const T rate = static_cast<T>(*a.scalar[0]), mu = static_cast<T>(*a.scalar[1]), lmbd = static_cast<T>(*a.scalar[3]);
  const bool nesterov = *a.scalar[2] != 0.0;
  elements(*a.team, a.dim[0], [&](Index begin, Index end) {
#pragma GCC ivdep
    for (Index i = begin; i < end; ++i) {
      const T step = rate * (dw[i] + lmbd * w[i]);
      const T velocity = mu * v[i] - step;
      v[i] = velocity;
      w[i] += nesterov ? mu * velocity - step : velocity;
    }
  });
}

// Adam (Kingma and Ba, 2015, the "epsilon hat" form of section 2, as Keras and scikit-learn), with g = dw + lmbd * w:
//   m += (1 - beta1) * (g - m);  v += (1 - beta2) * (g^2 - v);  w -= rate * m / (sqrt(v) + epsilon)
// where rate is learningRate * sqrt(1 - beta2^t) / (1 - beta1^t).
template <typename T>
void adam(const Args<T>& a) {
  const T* dw = a.buffer[0];
  T *m = a.buffer[1], *v = a.buffer[2], *w = a.buffer[3];
  const T rate = static_cast<T>(*a.scalar[0]), c1 = static_cast<T>(1.0 - *a.scalar[1]), c2 = static_cast<T>(1.0 - *a.scalar[2]);
  const T epsilon = static_cast<T>(*a.scalar[3]), lmbd = static_cast<T>(*a.scalar[4]);
  elements(*a.team, a.dim[0], [&](Index begin, Index end) {
#pragma GCC ivdep
    for (Index i = begin; i < end; ++i) {
      const T g = dw[i] + lmbd * w[i];
      m[i] += c1 * (g - m[i]);
      v[i] += c2 * (g * g - v[i]);
      w[i] -= rate * m[i] / (std::sqrt(v[i]) + epsilon);
    }
  });
}
