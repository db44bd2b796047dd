// The algebra that graphs are written in: element by element, along one axis, and the same values in another order. A
// sample [A,N,C] is seen from one of its axes, N; A and C hold what lies before and behind.

// z = x + y;  x - y;  x y;  x / y
template <typename T>
void add(const Args<T>& a) {
  map2(a, [](T x, T y) { return x + y; });
}
template <typename T>
void subtract(const Args<T>& a) {
  map2(a, [](T x, T y) { return x - y; });
}
template <typename T>
void multiply(const Args<T>& a) {
  map2(a, [](T x, T y) { return x * y; });
}
template <typename T>
void divide(const Args<T>& a) {
  map2(a, [](T x, T y) { return x / y; });
}

// The larger, the smaller; NaN where one is, as NumPy.
template <typename T>
void maximum(const Args<T>& a) {
  map2(a, [](T x, T y) { return x >= y || x != x ? x : y; });
}
template <typename T>
void minimum(const Args<T>& a) {
  map2(a, [](T x, T y) { return x <= y || x != x ? x : y; });
}

// 1 where it holds, else 0
template <typename T>
void greater(const Args<T>& a) {
  map2(a, [](T x, T y) { return x > y ? T(1) : T(0); });
}
template <typename T>
void greaterEqual(const Args<T>& a) {
  map2(a, [](T x, T y) { return x >= y ? T(1) : T(0); });
}
template <typename T>
void equal(const Args<T>& a) {
  map2(a, [](T x, T y) { return x == y ? T(1) : T(0); });
}

// x where condition is not 0, else y
template <typename T>
void select(const Args<T>& a) {
  const T *condition = a.buffer[0], *x = a.buffer[1], *y = a.buffer[2];
  T* z = a.buffer[3];
  elements(*a.team, a.dim[0] * a.dim[1], [&](Index begin, Index end) {
#pragma GCC ivdep
    for (Index i = begin; i < end; ++i) z[i] = condition[i] != T(0) ? x[i] : y[i];
  });
}

// y = scale * x + shift
template <typename T>
void linear(const Args<T>& a) {
  const T scale = static_cast<T>(*a.scalar[0]), shift = static_cast<T>(*a.scalar[1]);
  map1(a, [=](T x) { return scale * x + shift; });
}

// |x|, its derivative dy * sign(x), and the sign: -1, 0 or 1, or NaN
template <typename T>
inline T signOf(T x) {
  return x > T(0) ? T(1) : x < T(0) ? T(-1) : x;
}
template <typename T>
void absolute(const Args<T>& a) {
  map1(a, [](T x) { return std::fabs(x); });
}
template <typename T>
void absoluteGradient(const Args<T>& a) {
  map2(a, [](T x, T dy) { return dy * signOf(x); });
}
template <typename T>
void sign(const Args<T>& a) {
  map1(a, [](T x) { return signOf(x); });
}

// log(x);  log(1 + x), and its derivative dy / (1 + x)
template <typename T>
void logarithm(const Args<T>& a) {
  map1(a, [](T x) { return std::log(x); });
}
template <typename T>
void log1p(const Args<T>& a) {
  map1(a, [](T x) { return std::log1p(x); });
}
template <typename T>
void log1pGradient(const Args<T>& a) {
  map2(a, [](T x, T dy) { return dy / (T(1) + x); });
}

// y = sqrt(x), dx = dy / (2 y);  y = x^2, dx = 2 x dy
template <typename T>
void squareRoot(const Args<T>& a) {
  map1(a, [](T x) { return std::sqrt(x); });
}
template <typename T>
void squareRootGradient(const Args<T>& a) {
  map2(a, [](T y, T dy) { return dy / (T(2) * y); });
}
template <typename T>
void square(const Args<T>& a) {
  map1(a, [](T x) { return x * x; });
}
template <typename T>
void squareGradient(const Args<T>& a) {
  map2(a, [](T x, T dy) { return T(2) * x * dy; });
}

// z = x^y;  dx = dz * y * x^(y - 1), which is 0 for y = 0 at every x;  dy = dz * z * log(x), which is 0 at x = 0
template <typename T>
void power(const Args<T>& a) {
  map2(a, [](T x, T y) { return std::pow(x, y); });
}
template <typename T, typename F>
void map3(const Args<T>& a, const F& f) {
  const T *x = a.buffer[0], *y = a.buffer[1], *z = a.buffer[2];
  T* to = a.buffer[3];
  elements(*a.team, a.dim[0] * a.dim[1], [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) to[i] = f(x[i], y[i], z[i]);
  });
}
template <typename T>
void powerBaseGradient(const Args<T>& a) {
  map3(a, [](T x, T y, T dz) { return y == T(0) ? T(0) : dz * y * std::pow(x, y - T(1)); });
}
template <typename T>
void powerExponentGradient(const Args<T>& a) {
  map3(a, [](T x, T y, T dz) { return x == T(0) ? T(0) : dz * std::pow(x, y) * std::log(x); });
}

// fn(outer, c) for all rows along the axis: they begin at (outer * N) * C + c and have the stride C
template <typename T, typename F>
void alongAxis(const Args<T>& a, const F& fn) {
  const Index outer = a.dim[0] * a.dim[1], N = a.dim[2], C = a.dim[3];
  rows(*a.team, outer, N * C, [&](Index first, Index last) {
    for (Index o = first; o < last; ++o) {
      for (Index c = 0; c < C; ++c) fn(o, c);
    }
  });
}

// y[B,A,C] = scale * x[B,A,N,C].sum(axis);  dx = scale * dy along the axis
template <typename T>
void sumAxis(const Args<T>& a) {
  const Index N = a.dim[2], C = a.dim[3];
  const T* x = a.buffer[0];
  T* y = a.buffer[1];
  const T scale = static_cast<T>(*a.scalar[0]);
  if (C == 1) return alongAxis(a, [=](Index o, Index) { y[o] = sum(x + o * N, N) * scale; });
  rows(*a.team, a.dim[0] * a.dim[1], N * C, [&](Index first, Index last) {
    for (Index o = first; o < last; ++o) {
      T* to = y + o * C;
      std::fill_n(to, C, T(0));
      for (Index n = 0; n < N; ++n) {
        const T* from = x + (o * N + n) * C;
#pragma GCC ivdep
        for (Index c = 0; c < C; ++c) to[c] += from[c];
      }
      for (Index c = 0; c < C; ++c) to[c] *= scale;
    }
  });
}
template <typename T>
void repeatAxis(const Args<T>& a) {
  const Index N = a.dim[2], C = a.dim[3];
  const T* x = a.buffer[0];
  T* y = a.buffer[1];
  const T scale = static_cast<T>(*a.scalar[0]);
  rows(*a.team, a.dim[0] * a.dim[1], N * C, [&](Index first, Index last) {
    for (Index o = first; o < last; ++o) {
      for (Index n = 0; n < N; ++n) {
        T* to = y + (o * N + n) * C;
#pragma GCC ivdep
        for (Index c = 0; c < C; ++c) to[c] = x[o * C + c] * scale;
      }
    }
  });
}

// The largest and the smallest along the axis, NaN where one is. Equal ones share the gradient, as TensorFlow's.
template <typename T, typename F>
void extremeAxis(const Args<T>& a, const F& isBetter) {
  const Index N = a.dim[2], C = a.dim[3];
  const T* x = a.buffer[0];
  T* y = a.buffer[1];
  alongAxis(a, [=](Index o, Index c) {
    T best = x[o * N * C + c];
    for (Index n = 1; n < N && best == best; ++n) {
      const T value = x[(o * N + n) * C + c];
      if (isBetter(value, best)) best = value;
    }
    y[o * C + c] = best;
  });
}
template <typename T>
void maximumAxis(const Args<T>& a) {
  extremeAxis(a, [](T value, T best) { return !(value <= best); });
}
template <typename T>
void minimumAxis(const Args<T>& a) {
  extremeAxis(a, [](T value, T best) { return !(value >= best); });
}
template <typename T>
void extremeAxisGradient(const Args<T>& a) {
  const Index N = a.dim[2], C = a.dim[3];
  const T *x = a.buffer[0], *y = a.buffer[1], *dy = a.buffer[2];
  T* dx = a.buffer[3];
  alongAxis(a, [=](Index o, Index c) {
    const Index at = o * C + c;
    Index equals = 0;
    for (Index n = 0; n < N; ++n) equals += x[(o * N + n) * C + c] == y[at] ? 1 : 0;
    const T share = dy[at] / static_cast<T>(equals);
    for (Index n = 0; n < N; ++n) {
      const Index i = (o * N + n) * C + c;
      dx[i] = x[i] == y[at] ? share : y[at] == y[at] ? T(0) : y[at];
    }
  });
}

// y[B,N] = x[N] for every sample
template <typename T>
void repeatRows(const Args<T>& a) {
  const Index N = a.dim[1];
  const T* x = a.buffer[0];
  T* y = a.buffer[1];
  rows(*a.team, a.dim[0], N, [&](Index first, Index last) {
    for (Index r = first; r < last; ++r) std::copy_n(x, N, y + r * N);
  });
}

// y[B,P,R,Q,S] = x[B,P,Q,R,S]: two neighbouring axes change places
template <typename T>
void swapAxes(const Args<T>& a) {
  const Index P = a.dim[1], Q = a.dim[2], R = a.dim[3], S = a.dim[4];
  const T* x = a.buffer[0];
  T* y = a.buffer[1];
  rows(*a.team, a.dim[0] * P, Q * R * S, [&](Index first, Index last) {
    for (Index p = first; p < last; ++p) {
      for (Index r = 0; r < R; ++r) {
        for (Index q = 0; q < Q; ++q) std::copy_n(x + ((p * Q + q) * R + r) * S, S, y + ((p * R + r) * Q + q) * S);
      }
    }
  });
}

// Where a stretch of N along an axis of M begins: inside, whatever the scalar says.
template <typename T>
inline Index startOf(const Args<T>& a, Index M, Index N) {
  return static_cast<Index>(std::min(std::max(0.0, *a.scalar[0]), static_cast<double>(std::max<Index>(0, M - N))));
}

// y[B,A,N,C] = x[B,A,M,C][start : start + N];  placed: x[start : start + N] = y, and the rest stays as it is
template <typename T>
void slice(const Args<T>& a) {
  const Index M = a.dim[2], N = std::min(M, a.dim[3]), C = a.dim[4], start = startOf(a, M, N);
  const T* x = a.buffer[0];
  T* y = a.buffer[1];
  rows(*a.team, a.dim[0] * a.dim[1], a.dim[3] * C, [&](Index first, Index last) {
    for (Index o = first; o < last; ++o) std::copy_n(x + (o * M + start) * C, N * C, y + o * a.dim[3] * C);
  });
}
template <typename T>
void place(const Args<T>& a) {
  const Index M = a.dim[2], N = std::min(M, a.dim[3]), C = a.dim[4], start = startOf(a, M, N);
  const T* y = a.buffer[0];
  T* x = a.buffer[1];
  rows(*a.team, a.dim[0] * a.dim[1], a.dim[3] * C, [&](Index first, Index last) {
    for (Index o = first; o < last; ++o) std::copy_n(y + o * a.dim[3] * C, N * C, x + (o * M + start) * C);
  });
}

// y = value
template <typename T>
void fill(const Args<T>& a) {
  T* y = a.buffer[0];
  const T value = static_cast<T>(*a.scalar[0]);
  elements(*a.team, a.dim[0] * a.dim[1], [&](Index begin, Index end) { std::fill(y + begin, y + end, value); });
}

// dx = 1 / (B N): the derivative of the mean of [B,N]
template <typename T>
void meanGradient(const Args<T>& a) {
  T* dx = a.buffer[0];
  const Index n = a.dim[0] * a.dim[1];
  const T share = T(1) / static_cast<T>(n);
  elements(*a.team, n, [&](Index begin, Index end) { std::fill(dx + begin, dx + end, share); });
}

// z[B,M,N] = x[B,M,K] @ y[B,K,N], sample by sample
template <typename T>
void batchMatmul(const Args<T>& a) {
  const Index M = a.dim[1], K = a.dim[2], N = a.dim[3];
  a.team->parallel_for(static_cast<int>(a.dim[0]), [&](int b, int) {
    product<T>({false, false, M, N, K, a.buffer[0] + b * M * K, K, a.buffer[1] + b * K * N, N, nullptr,
                a.buffer[2] + b * M * N, N});
  });
}

// y[B,J,C] = x[B,N,C] at index[B,J], NaN where the index is none of the axis;  dx: dy added up at the indices, in order
template <typename T>
void gather(const Args<T>& a) {
  const Index N = a.dim[1], C = a.dim[2], J = a.dim[3];
  const T *x = a.buffer[0], *index = a.buffer[1];
  T* y = a.buffer[2];
  rows(*a.team, a.dim[0], J * C, [&](Index first, Index last) {
    for (Index b = first; b < last; ++b) {
      for (Index j = 0; j < J; ++j) {
        const Index n = classOf(index[b * J + j], N);
        T* to = y + (b * J + j) * C;
        if (n < 0) {
          std::fill_n(to, C, std::numeric_limits<T>::quiet_NaN());
        } else {
          std::copy_n(x + (b * N + n) * C, C, to);
        }
      }
    }
  });
}
template <typename T>
void gatherGradient(const Args<T>& a) {
  const Index N = a.dim[1], C = a.dim[2], J = a.dim[3];
  const T *index = a.buffer[0], *dy = a.buffer[1];
  T* dx = a.buffer[2];
  rows(*a.team, a.dim[0], (N + J) * C, [&](Index first, Index last) {
    for (Index b = first; b < last; ++b) {
      std::fill_n(dx + b * N * C, N * C, T(0));
      for (Index j = 0; j < J; ++j) {
        const Index n = classOf(index[b * J + j], N);
        if (n < 0) continue;
        for (Index c = 0; c < C; ++c) dx[(b * N + n) * C + c] += dy[(b * J + j) * C + c];
      }
    }
  });
}

// y[B,J,N]: 1 at the class that index[B,J] names, else 0; NaN where it names none
template <typename T>
void oneHot(const Args<T>& a) {
  const Index J = a.dim[1], N = a.dim[2];
  const T* index = a.buffer[0];
  T* y = a.buffer[1];
  rows(*a.team, a.dim[0] * J, N, [&](Index first, Index last) {
    for (Index r = first; r < last; ++r) {
      const Index n = classOf(index[r], N);
      std::fill_n(y + r * N, N, n < 0 ? std::numeric_limits<T>::quiet_NaN() : T(0));
      if (n >= 0) y[r * N + n] = T(1);
    }
  });
}

// y = z - log(sum(exp(z))) along the last axis;  dz = dy - exp(y) * sum(dy)
template <typename T>
void logSoftmax(const Args<T>& a) {
  const Index N = a.dim[2];
  const T* z = a.buffer[0];
  T* y = a.buffer[1];
  rows(*a.team, a.dim[0] * a.dim[1], N, [&](Index first, Index last) {
    for (Index r = first; r < last; ++r) {
      const T* row = z + r * N;
      const T most = maximum(row, N);
      T* to = y + r * N;
      vectors<T>(0, N, [&](Index j, auto lanes) {
        const auto x = load(row + j, lanes);
        store(to + j, expNormal(x - splat(most, x)), lanes);
      });
      const T total = sum(to, N);
      const T log = most + std::log(total);
#pragma GCC ivdep
      for (Index j = 0; j < N; ++j) to[j] = row[j] - log;
    }
  });
}
template <typename T>
void logSoftmaxGradient(const Args<T>& a) {
  const Index N = a.dim[2];
  rows(*a.team, a.dim[0] * a.dim[1], N, [&](Index first, Index last) {
    for (Index r = first; r < last; ++r) {
      const T *y = a.buffer[0] + r * N, *dy = a.buffer[1] + r * N;
      T* dz = a.buffer[2] + r * N;
      const T total = sum(dy, N);
      vectors<T>(0, N, [&](Index j, auto lanes) {
        const auto slope = load(dy + j, lanes);
        store(dz + j, slope - expNormal(load(y + j, lanes)) * splat(total, slope), lanes);
      });
    }
  });
}
