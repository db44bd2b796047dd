// Further parameter updates by running moments of the gradient, as Keras writes them: one pass over each parameter.
// decay = learningRate * weightDecay is what every weight loses of itself before the update.

// Adam with the largest v so far (Reddi, Kale and Kumar 2018), which Keras takes before the bias correction:
//   m = beta1 * m + (1 - beta1) * g;  v = beta2 * v + (1 - beta2) * g^2;  most = max(most, v)
//   w -= rate * m / (sqrt(most) + epsilon)
template <typename T>
void amsgrad(const Args<T>& a) {
  const T* dw = a.buffer[0];
  T *m = a.buffer[1], *v = a.buffer[2], *most = a.buffer[3], *w = a.buffer[4];
  const T rate = static_cast<T>(*a.scalar[0]), b1 = static_cast<T>(*a.scalar[1]), b2 = static_cast<T>(*a.scalar[2]);
  const T c1 = static_cast<T>(1.0 - *a.scalar[1]), c2 = static_cast<T>(1.0 - *a.scalar[2]);
  const T epsilon = static_cast<T>(*a.scalar[3]), decay = static_cast<T>(*a.scalar[4]);
  elements(*a.team, a.dim[0], [&](Index begin, Index end) {
#pragma GCC ivdep
    for (Index i = begin; i < end; ++i) {
      const T g = dw[i];  // before what may lie on it is written
      m[i] = b1 * m[i] + c1 * g;
      v[i] = b2 * v[i] + c2 * (g * g);
      most[i] = max_(most[i], v[i]);
      w[i] = w[i] - w[i] * decay - rate * m[i] / (std::sqrt(most[i]) + epsilon);
    }
  });
}

// Adam in the infinity norm (Kingma and Ba 2015, section 7.1):
//   m = beta1 * m + (1 - beta1) * g;  u = max(beta2 * u, |g|);  w -= rate * m / (u + epsilon)
// where rate is learningRate / (1 - beta1^t)
template <typename T>
void adamax(const Args<T>& a) {
  const T* dw = a.buffer[0];
  T *m = a.buffer[1], *u = a.buffer[2], *w = a.buffer[3];
  const T rate = static_cast<T>(*a.scalar[0]), b1 = static_cast<T>(*a.scalar[1]), b2 = static_cast<T>(*a.scalar[2]);
  const T c1 = static_cast<T>(1.0 - *a.scalar[1]);
  const T epsilon = static_cast<T>(*a.scalar[3]), decay = static_cast<T>(*a.scalar[4]);
  elements(*a.team, a.dim[0], [&](Index begin, Index end) {
#pragma GCC ivdep
    for (Index i = begin; i < end; ++i) {
      const T g = dw[i];  // before what may lie on it is written
      m[i] = b1 * m[i] + c1 * g;
      u[i] = max_(b2 * u[i], std::abs(g));
      w[i] = w[i] - w[i] * decay - rate * m[i] / (u[i] + epsilon);
    }
  });
}

// The sign of a momentum that is interpolated twice (Chen et al. 2023):
//   w -= rate * sign(beta1 * m + (1 - beta1) * g);  m = beta2 * m + (1 - beta2) * g
template <typename T>
void lion(const Args<T>& a) {
  const T* dw = a.buffer[0];
  T *m = a.buffer[1], *w = a.buffer[2];
  const T rate = static_cast<T>(*a.scalar[0]), b1 = static_cast<T>(*a.scalar[1]), b2 = static_cast<T>(*a.scalar[2]);
  const T c1 = static_cast<T>(1.0 - *a.scalar[1]), c2 = static_cast<T>(1.0 - *a.scalar[2]);
  const T decay = static_cast<T>(*a.scalar[3]);
  elements(*a.team, a.dim[0], [&](Index begin, Index end) {
#pragma GCC ivdep
    for (Index i = begin; i < end; ++i) {
      const T g = dw[i];  // before what may lie on it is written
      w[i] = w[i] - w[i] * decay - rate * signOf(b1 * m[i] + c1 * g);
      m[i] = b2 * m[i] + c2 * g;
    }
  });
}

// The exponential moving average of a weight: average = momentum * average + (1 - momentum) * w
template <typename T>
void movingAverage(const Args<T>& a) {
  const T* w = a.buffer[0];
  T* average = a.buffer[1];
  const T momentum = static_cast<T>(*a.scalar[0]), rest = static_cast<T>(1.0 - *a.scalar[0]);
  elements(*a.team, a.dim[0], [&](Index begin, Index end) {
#pragma GCC ivdep
    for (Index i = begin; i < end; ++i) average[i] = momentum * average[i] + rest * w[i];
  });
}
