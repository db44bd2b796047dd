// The algebra that graphs are written in: element by element, along one axis, and the same values in another order. A
// sample [A,N,C] is seen from one of its axes, N; A and C hold what lies before and behind.
#pragma once

#include "elementary.h"
#include "gemm.h"
#include "loss.h"

namespace fjordnet::FJORDNET_ISA {
namespace {

// z = x + y;  x - y;  x y;  x / y
template <typename T>
void add(const Cpu<T>& cpu, Index B, Index N, In<T> x, In<T> y, Out<T> z) {
  map2(cpu, B * N, x, y, z, [](T x, T y) { return x + y; });
}
template <typename T>
void subtract(const Cpu<T>& cpu, Index B, Index N, In<T> x, In<T> y, Out<T> z) {
  map2(cpu, B * N, x, y, z, [](T x, T y) { return x - y; });
}
template <typename T>
void multiply(const Cpu<T>& cpu, Index B, Index N, In<T> x, In<T> y, Out<T> z) {
  map2(cpu, B * N, x, y, z, [](T x, T y) { return x * y; });
}
template <typename T>
void divide(const Cpu<T>& cpu, Index B, Index N, In<T> x, In<T> y, Out<T> z) {
  map2(cpu, B * N, x, y, z, [](T x, T y) { return x / y; });
}

// The larger, the smaller; NaN where one is, as NumPy.
template <typename T>
void larger(const Cpu<T>& cpu, Index B, Index N, In<T> x, In<T> y, Out<T> z) {
  map2(cpu, B * N, x, y, z, [](T x, T y) { return x >= y || x != x ? x : y; });
}
template <typename T>
void smaller(const Cpu<T>& cpu, Index B, Index N, In<T> x, In<T> y, Out<T> z) {
  map2(cpu, B * N, x, y, z, [](T x, T y) { return x <= y || x != x ? x : y; });
}

// 1 where it holds, else 0
template <typename T>
void greater(const Cpu<T>& cpu, Index B, Index N, In<T> x, In<T> y, Out<T> z) {
  map2(cpu, B * N, x, y, z, [](T x, T y) { return x > y ? T(1) : T(0); });
}
template <typename T>
void greaterEqual(const Cpu<T>& cpu, Index B, Index N, In<T> x, In<T> y, Out<T> z) {
  map2(cpu, B * N, x, y, z, [](T x, T y) { return x >= y ? T(1) : T(0); });
}
template <typename T>
void equal(const Cpu<T>& cpu, Index B, Index N, In<T> x, In<T> y, Out<T> z) {
  map2(cpu, B * N, x, y, z, [](T x, T y) { return x == y ? T(1) : T(0); });
}

// x where condition is not 0, else y
template <typename T>
void select(const Cpu<T>& cpu, Index B, Index N, In<T> condition, In<T> x, In<T> y, Out<T> z) {
  elements(cpu.team, B * N, [&](Index begin, Index end) {
#pragma GCC ivdep
    for (Index i = begin; i < end; ++i) {
      const T one = x[i], other = y[i];  // both are read: the compiler does not vectorise a choice between loads
      z[i] = condition[i] != T(0) ? one : other;
    }
  });
}

// y = scale * x + shift
template <typename T>
void linear(const Cpu<T>& cpu, Index B, Index N, In<T> x, Out<T> y, T scale, T shift) {
  map1(cpu, B * N, x, y, [=](T x) { return scale * x + shift; });
}

// fn(outer, c) for all rows along the axis: they begin at (outer * N) * C + c and have the stride C
template <typename T, typename F>
void alongAxis(const Cpu<T>& cpu, Index outer, Index N, Index C, const F& fn) {
  rows(cpu.team, outer, N * C, [&](Index first, Index last) {
    for (Index o = first; o < last; ++o) {
      for (Index c = 0; c < C; ++c) fn(o, c);
    }
  });
}

// y[B,A,C] = scale * x[B,A,N,C].sum(axis);  dx = scale * dy along the axis
template <typename T>
void sumAxis(const Cpu<T>& cpu, Index B, Index A, Index N, Index C, In<T> x, Out<T> y, T scale) {
  if (C == 1) return alongAxis(cpu, B * A, N, C, [=](Index o, Index) { y[o] = sum(x + o * N, N) * scale; });
  rows(cpu.team, B * A, N * C, [&](Index first, Index last) {
    for (Index o = first; o < last; ++o) {
      T* to = y + o * C;
      std::fill_n(to, C, T(0));
      addRows(x + o * N * C, N, C, C, to);
      for (Index c = 0; c < C; ++c) to[c] *= scale;
    }
  });
}
template <typename T>
void repeatAxis(const Cpu<T>& cpu, Index B, Index A, Index N, Index C, In<T> x, Out<T> y, T scale) {
  if (C == 1) {
    return rows(cpu.team, B * A, N, [&](Index first, Index last) {
      for (Index o = first; o < last; ++o) {
        const auto value = broadcast(x[o] * scale);
        vectors<T>(o * N, (o + 1) * N, [&](Index i, auto lanes) { store(y + i, value, lanes); });
      }
    });
  }
  rows(cpu.team, B * A, N * C, [&](Index first, Index last) {
    for (Index o = first; o < last; ++o) {
      for (Index n = 0; n < N; ++n) {
        T* to = y + (o * N + n) * C;
#pragma GCC ivdep
        for (Index c = 0; c < C; ++c) to[c] = x[o * C + c] * scale;
      }
    }
  });
}

// y[B,A,N,C]: of x the sum up to each place along the axis, with it; of `reverse` from there on
template <typename T>
void cumulativeSum(const Cpu<T>& cpu, Index B, Index A, Index N, Index C, In<T> x, Out<T> y, bool reverse) {
  const Index step = reverse ? -C : C;
  rows(cpu.team, B * A, N * C, [&](Index first, Index last) {
    for (Index o = first; o < last; ++o) {
      const Index begin = (o * N + (reverse ? N - 1 : 0)) * C;
      const T* from = x + begin;
      T* to = y + begin;
      std::copy_n(from, C, to);
      for (Index n = 1; n < N; ++n, to += step) {
        from += step;
        for (Index c = 0; c < C; ++c) to[step + c] = to[c] + from[c];
      }
    }
  });
}

// The largest and the smallest along the axis, NaN where one is. Equal ones share the gradient, as TensorFlow's.
template <typename T, typename F>
void extremeAxis(const Cpu<T>& cpu, Index outer, Index N, Index C, In<T> x, Out<T> y, const F& isBetter) {
  alongAxis(cpu, outer, N, C, [=](Index o, Index c) {
    T best = x[o * N * C + c];
    for (Index n = 1; n < N && best == best; ++n) {
      const T value = x[(o * N + n) * C + c];
      if (isBetter(value, best)) best = value;
    }
    y[o * C + c] = best;
  });
}
template <typename T>
void maximumAxis(const Cpu<T>& cpu, Index B, Index A, Index N, Index C, In<T> x, Out<T> y) {
  extremeAxis(cpu, B * A, N, C, x, y, [](T value, T best) { return !(value <= best); });
}
template <typename T>
void minimumAxis(const Cpu<T>& cpu, Index B, Index A, Index N, Index C, In<T> x, Out<T> y) {
  extremeAxis(cpu, B * A, N, C, x, y, [](T value, T best) { return !(value >= best); });
}
template <typename T>
void extremeAxisGradient(const Cpu<T>& cpu, Index B, Index A, Index N, Index C, In<T> x, In<T> y, In<T> dy, Out<T> dx) {
  alongAxis(cpu, B * A, N, C, [=](Index o, Index c) {
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
void repeatRows(const Cpu<T>& cpu, Index B, Index N, In<T> x, Out<T> y) {
  rows(cpu.team, B, N, [&](Index first, Index last) {
    for (Index r = first; r < last; ++r) std::copy_n(x, N, y + r * N);
  });
}

// y[B,P,R,Q,S] = x[B,P,Q,R,S]: two neighbouring axes change places. By rows of y, of Q * S values
template <typename T>
void swapAxes(const Cpu<T>& cpu, Index B, Index P, Index Q, Index R, Index S, In<T> x, Out<T> y) {
  rows(cpu.team, B * P * R, Q * S, [&](Index first, Index last) {
    for (Index n = 0; first < last; first += n) {
      const Index p = first / R, r = first % R;
      n = std::min(last - first, R - r);
      const T* from = x + (p * Q * R + r) * S;
      T* to = y + first * Q * S;
      if (S == 1) {
        transpose<T>(Q, n, from, R, to, Q);
        continue;
      }
      for (Index i = 0; i < n; ++i) {
        for (Index q = 0; q < Q; ++q) std::copy_n(from + (q * R + i) * S, S, to + (i * Q + q) * S);
      }
    }
  });
}

// y[B,A,N,C] = x[B,A,N,C][::-1]
template <typename T>
void reverseAxis(const Cpu<T>& cpu, Index B, Index A, Index N, Index C, In<T> x, Out<T> y) {
  rows(cpu.team, B * A, N * C, [&](Index first, Index last) {
    for (Index o = first; o < last; ++o) {
      for (Index n = 0; n < N; ++n) std::copy_n(x + (o * N + N - 1 - n) * C, C, y + (o * N + n) * C);
    }
  });
}

// Where a stretch of N along an axis of M begins: inside, whatever the scalar says.
inline Index startOf(double start, Index M, Index N) {
  return static_cast<Index>(std::min(std::max(0.0, start), static_cast<double>(std::max<Index>(0, M - N))));
}

// y[B,A,N,C] = x[B,A,M,C][start : start + N];  placed: x[start : start + N] = y, and the rest stays as it is
template <typename T>
void slice(const Cpu<T>& cpu, Index B, Index A, Index M, Index N, Index C, In<T> x, Out<T> y, double start) {
  const Index count = std::min(M, N), first = startOf(start, M, count);
  rows(cpu.team, B * A, N * C, [&](Index begin, Index end) {
    for (Index o = begin; o < end; ++o) std::copy_n(x + (o * M + first) * C, count * C, y + o * N * C);
  });
}
template <typename T>
void place(const Cpu<T>& cpu, Index B, Index A, Index M, Index N, Index C, In<T> y, InOut<T> x, double start) {
  const Index count = std::min(M, N), first = startOf(start, M, count);
  rows(cpu.team, B * A, N * C, [&](Index begin, Index end) {
    for (Index o = begin; o < end; ++o) std::copy_n(y + o * N * C, count * C, x + (o * M + first) * C);
  });
}

// y = value
template <typename T>
void fill(const Cpu<T>& cpu, Index B, Index N, Out<T> y, T value) {
  elements(cpu.team, B * N, [&](Index begin, Index end) { std::fill(y + begin, y + end, value); });
}

// dx = 1 / (B N): the derivative of the mean of [B,N]
template <typename T>
void meanGradient(const Cpu<T>& cpu, Index B, Index N, Out<T> dx) {
  const T share = T(1) / static_cast<T>(cpu.batch * N);
  elements(cpu.team, B * N, [&](Index begin, Index end) { std::fill(dx + begin, dx + end, share); });
}

// z[B,M,N] = x[B,M,K] @ y[B,K,N], sample by sample
template <typename T>
void batchMatmul(const Cpu<T>& cpu, Index B, Index M, Index K, Index N, In<T> x, In<T> y, Out<T> z) {
  cpu.team.parallel_for(static_cast<int>(B), [&](int b, int slot) {
    product<T>({false, false, M, N, K, x + b * M * K, K, y + b * K * N, N, nullptr, z + b * M * N, N},
               cpu.scratch(slot));
  });
}
inline Scratch batchMatmulScratch(Index, Index, Index K, Index N) { return productScratch(K, N); }

// y[B,J,C] = x[B,N,C] at index[B,J], NaN where the index is none of the axis;  dx: dy added up at the indices, in order
template <typename T>
void gather(const Cpu<T>& cpu, Index B, Index N, Index C, Index J, In<T> x, In<T> index, Out<T> y) {
  rows(cpu.team, B, J * C, [&](Index first, Index last) {
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
void gatherGradient(const Cpu<T>& cpu, Index B, Index N, Index C, Index J, In<T> index, In<T> dy, Out<T> dx) {
  rows(cpu.team, B, (N + J) * C, [&](Index first, Index last) {
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
void oneHot(const Cpu<T>& cpu, Index B, Index J, Index N, In<T> index, Out<T> y) {
  rows(cpu.team, B * J, N, [&](Index first, Index last) {
    for (Index r = first; r < last; ++r) {
      const Index n = classOf(index[r], N);
      std::fill_n(y + r * N, N, n < 0 ? std::numeric_limits<T>::quiet_NaN() : T(0));
      if (n >= 0) y[r * N + n] = T(1);
    }
  });
}

// y = z - log(sum(exp(z))) along the last axis;  dz = dy - exp(y) * sum(dy)
template <typename T>
void logSoftmax(const Cpu<T>& cpu, Index B, Index M, Index N, In<T> z, Out<T> y) {
  rows(cpu.team, B * M, N, [&](Index first, Index last) {
    softmaxBlocks(z, y, first, last, N, [=](Index begin, Index end, const T* most, const T* total) {
      T log[kSoftmaxBlock];
      vectors<T>(0, end - begin, [&](Index i, auto lanes) { store(log + i, log_(load(total + i, lanes)), lanes); });
      for (Index r = begin; r < end; ++r) {
#pragma GCC ivdep
        for (Index j = r * N; j < (r + 1) * N; ++j) y[j] = (z[j] - most[r - begin]) - log[r - begin];
      }
    });
  });
}
template <typename T>
void logSoftmaxGradient(const Cpu<T>& cpu, Index B, Index M, Index N, In<T> y, In<T> dy, Out<T> dz) {
  rows(cpu.team, B * M, N, [&](Index first, Index last) {
    for (Index r = first; r < last; ++r) {
      const T *yr = y + r * N, *dyr = dy + r * N;
      T* dzr = dz + r * N;
      const T total = sum(dyr, N);
      vectors<T>(0, N, [&](Index j, auto lanes) {
        const auto slope = load(dyr + j, lanes);
        store(dzr + j, slope - expNormal(load(yr + j, lanes)) * splat(total, slope), lanes);
      });
    }
  });
}

}  // namespace
}  // namespace fjordnet::FJORDNET_ISA
