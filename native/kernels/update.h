// Parameter updates: one pass over each parameter.
//
// sgdW, adamW and those below them are Keras': decay = learningRate * weightDecay is what every weight loses of itself
// before the update (Loshchilov and Hutter 2019).

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
//   m = beta1 * m + (1 - beta1) * g;  v = beta2 * v + (1 - beta2) * g^2;  w -= rate * m / (sqrt(v) + epsilon)
// where rate is learningRate * sqrt(1 - beta2^t) / (1 - beta1^t). Not m += (1 - beta1) * (g - m): where beta is near 0
// and g far below m, that leaves what g - m lost.
template <typename T>
void adam(const Args<T>& a) {
  const T* dw = a.buffer[0];
  T *m = a.buffer[1], *v = a.buffer[2], *w = a.buffer[3];
  const T rate = static_cast<T>(*a.scalar[0]), b1 = static_cast<T>(*a.scalar[1]), b2 = static_cast<T>(*a.scalar[2]);
  const T c1 = static_cast<T>(1.0 - *a.scalar[1]), c2 = static_cast<T>(1.0 - *a.scalar[2]);
  const T epsilon = static_cast<T>(*a.scalar[3]), lmbd = static_cast<T>(*a.scalar[4]);
  elements(*a.team, a.dim[0], [&](Index begin, Index end) {
#pragma GCC ivdep
    for (Index i = begin; i < end; ++i) {
      const T g = dw[i] + lmbd * w[i];
      m[i] = b1 * m[i] + c1 * g;
      v[i] = b2 * v[i] + c2 * (g * g);
      w[i] -= rate * m[i] / (std::sqrt(v[i]) + epsilon);
    }
  });
}

// fn(i, g, w) over all parameters, where g = dw[i] and w is the weight after its decay; the result is the new weight.
template <typename T, typename F>
void update(const Args<T>& a, T* w, double decay, const F& fn) {
  const T* dw = a.buffer[0];
  const T d = static_cast<T>(decay);
  elements(*a.team, a.dim[0], [&](Index begin, Index end) {
#pragma GCC ivdep
    for (Index i = begin; i < end; ++i) w[i] = fn(i, dw[i], w[i] - w[i] * d);
  });
}

// v = momentum * v - rate * g;  w += nesterov ? momentum * v - rate * g : v
template <typename T>
void sgdW(const Args<T>& a) {
  T* v = a.buffer[1];
  const T rate = static_cast<T>(*a.scalar[0]), mu = static_cast<T>(*a.scalar[1]);
  const bool nesterov = *a.scalar[2] != 0.0;
  update(a, a.buffer[2], *a.scalar[3], [=](Index i, T g, T w) {
    const T step = rate * g;
    const T velocity = mu * v[i] - step;
    v[i] = velocity;
    return w + (nesterov ? mu * velocity - step : velocity);
  });
}

// m = beta1 * m + (1 - beta1) * g;  v = beta2 * v + (1 - beta2) * g^2;  w -= rate * m / (sqrt(v) + epsilon)
template <typename T>
void adamW(const Args<T>& a) {
  T *m = a.buffer[1], *v = a.buffer[2];
  const T rate = static_cast<T>(*a.scalar[0]), b1 = static_cast<T>(*a.scalar[1]), b2 = static_cast<T>(*a.scalar[2]);
  const T c1 = static_cast<T>(1.0 - *a.scalar[1]), c2 = static_cast<T>(1.0 - *a.scalar[2]);
  const T epsilon = static_cast<T>(*a.scalar[3]);
  update(a, a.buffer[3], *a.scalar[4], [=](Index i, T g, T w) {
    m[i] = b1 * m[i] + c1 * g;
    v[i] = b2 * v[i] + c2 * (g * g);
    return w - rate * m[i] / (std::sqrt(v[i]) + epsilon);
  });
}

// m and v as Adam's;  w -= (rateM * m + rateG * g) / (sqrt(v * correction) + epsilon)
template <typename T>
void nadam(const Args<T>& a) {
  T *m = a.buffer[1], *v = a.buffer[2];
  const T rateM = static_cast<T>(*a.scalar[0]), rateG = static_cast<T>(*a.scalar[1]),
          correction = static_cast<T>(*a.scalar[2]);
  const T b1 = static_cast<T>(*a.scalar[3]), b2 = static_cast<T>(*a.scalar[4]), epsilon = static_cast<T>(*a.scalar[5]);
  const T c1 = static_cast<T>(1.0 - *a.scalar[3]), c2 = static_cast<T>(1.0 - *a.scalar[4]);
  update(a, a.buffer[3], *a.scalar[6], [=](Index i, T g, T w) {
    m[i] = b1 * m[i] + c1 * g;
    v[i] = b2 * v[i] + c2 * (g * g);
    return w - (rateM * m[i] + rateG * g) / (std::sqrt(v[i] * correction) + epsilon);
  });
}

// v = rho * v + (1 - rho) * g^2;  step = rate * g / sqrt(v + epsilon), centered: rate * g / sqrt(v - mean^2 + epsilon)
// with mean = rho * mean + (1 - rho) * g;  velocity = momentum * velocity + step;  w -= velocity.
// Touches mean only where centered, and velocity only where momentum > 0. Without a mean it is never centered, without
// a velocity there is no momentum.
template <typename T>
void rmsprop(const Args<T>& a) {
  T *v = a.buffer[1], *mean = a.buffer[2], *velocity = a.buffer[3], *weights = a.buffer[4];
  const T rate = static_cast<T>(*a.scalar[0]), rho = static_cast<T>(*a.scalar[1]),
          c = static_cast<T>(1.0 - *a.scalar[1]);
  const T mu = static_cast<T>(*a.scalar[2]), epsilon = static_cast<T>(*a.scalar[3]);
  const double decay = *a.scalar[5];
  const auto plain = [=](Index i, T g) {
    v[i] = rho * v[i] + c * (g * g);
    return rate * g / std::sqrt(v[i] + epsilon);
  };
  const auto centered = [=](Index i, T g) {
    v[i] = rho * v[i] + c * (g * g);
    mean[i] = rho * mean[i] + c * g;
    return rate * g / std::sqrt(v[i] - mean[i] * mean[i] + epsilon);
  };
  const auto run = [&](const auto& step) {
    if (mu == T(0) || velocity == nullptr) {
      update(a, weights, decay, [=](Index i, T g, T w) { return w - step(i, g); });
    } else {
      update(a, weights, decay, [=](Index i, T g, T w) {
        velocity[i] = mu * velocity[i] + step(i, g);
        return w - velocity[i];
      });
    }
  };
  if (*a.scalar[4] != 0.0 && mean != nullptr) {
    run(centered);
  } else {
    run(plain);
  }
}

// v += g^2;  w -= rate * g / sqrt(v + epsilon), where epsilon includes what v is to start with
template <typename T>
void adagrad(const Args<T>& a) {
  T* v = a.buffer[1];
  const T rate = static_cast<T>(*a.scalar[0]), epsilon = static_cast<T>(*a.scalar[1]);
  update(a, a.buffer[2], *a.scalar[2], [=](Index i, T g, T w) {
    v[i] += g * g;
    return w - rate * g / std::sqrt(v[i] + epsilon);
  });
}

// v = rho * v + (1 - rho) * g^2;  step = sqrt(u + epsilon) / sqrt(v + epsilon) * g;  u = rho * u + (1 - rho) * step^2
// w -= rate * step
template <typename T>
void adadelta(const Args<T>& a) {
  T *v = a.buffer[1], *u = a.buffer[2];
  const T rate = static_cast<T>(*a.scalar[0]), rho = static_cast<T>(*a.scalar[1]),
          c = static_cast<T>(1.0 - *a.scalar[1]);
  const T epsilon = static_cast<T>(*a.scalar[2]);
  update(a, a.buffer[3], *a.scalar[3], [=](Index i, T g, T w) {
    v[i] = rho * v[i] + c * (g * g);
    const T step = std::sqrt(u[i] + epsilon) * g / std::sqrt(v[i] + epsilon);
    u[i] = rho * u[i] + c * (step * step);
    return w - rate * step;
  });
}

// total[1] = before[1] + sum(g^2), tile by tile in order
inline Scratch sumSquaresScratch(const Index* dim) { return {(dim[0] + kElementTile - 1) / kElementTile, 0}; }

template <typename T>
void sumSquares(const Args<T>& a) {
  const T* g = a.buffer[1];
  const Index N = a.dim[0];
  T* partial = a.shared;
  elements(*a.team, N, [&](Index begin, Index end) {
    partial[begin / kElementTile] = sum<T>(end - begin, [&](Index i, auto lanes) {
      const auto x = load(g + begin + i, lanes);
      return x * x;
    });
  });
  double total = static_cast<double>(a.buffer[0][0]);
  for (Index t = 0; t * kElementTile < N; ++t) total += static_cast<double>(partial[t]);
  a.buffer[2][0] = static_cast<T>(total);
}

// g scaled down to the norm `limit` where sqrt(squares[1]) is larger
template <typename T>
void clipNorm(const Args<T>& a) {
  const T* g = a.buffer[1];
  T* clipped = a.buffer[2];
  const T norm = std::sqrt(a.buffer[0][0]), limit = static_cast<T>(*a.scalar[0]);
  const T scale = norm <= limit ? T(1) : limit / norm;
  elements(*a.team, a.dim[0], [&](Index begin, Index end) {
#pragma GCC ivdep
    for (Index i = begin; i < end; ++i) clipped[i] = g[i] * scale;
  });
}

// g within [-limit, limit]
template <typename T>
void clipValue(const Args<T>& a) {
  const T* g = a.buffer[0];
  T* clipped = a.buffer[1];
  const T limit = static_cast<T>(*a.scalar[0]);
  elements(*a.team, a.dim[0], [&](Index begin, Index end) {
#pragma GCC ivdep
    for (Index i = begin; i < end; ++i) clipped[i] = min_(limit, max_(-limit, g[i]));
  });
}
