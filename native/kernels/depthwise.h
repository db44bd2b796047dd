// Depthwise convolution: every channel by M kernels of its own, y[B,Y,X,C,M] = x[B,H,W,C] * w[K,L,C,M], with strides s,
// t, dilations d, e, and p rows, q columns of zeros before the first. Channels lie in the lanes of vectors. What the
// image lacks is left out of the sums, so that nothing is copied and no scratch follows strides or dilations.
#pragma once

#include "tiles.h"
#include "vmath.h"

namespace fjordnet::FJORDNET_ISA {
namespace {

struct Depthwise {
  Index B, H, W, C, K, L, M, Y, X, s, t, d, e, p, q;

  static constexpr const char* kDims = "B H W C K L M Y X s t d e p q";
  static Depthwise of(const Index* dim) {
    return {dim[0], dim[1], dim[2],  dim[3],  dim[4],  dim[5],  dim[6], dim[7],
            dim[8], dim[9], dim[10], dim[11], dim[12], dim[13], dim[14]};
  }

  Index weights() const { return K * L * C * M; }
  // The one from y to x with the kernel turned around, which gives the input gradient where both strides are 1.
  Depthwise turned() const {
    Depthwise r = *this;
    std::swap(r.H, r.Y);
    std::swap(r.W, r.X);
    r.p = (K - 1) * d - p;
    r.q = (L - 1) * e - q;
    return r;
  }
};

// Those of n places, `step` apart and the first of them `at`, that lie in [0, size).
struct Inside {
  Index first, last;

  Inside(Index at, Index step, Index n, Index size) {
    if (step == 0) {
      first = 0;
      last = at >= 0 && at < size ? n : 0;
    } else {
      first = std::clamp<Index>(at >= 0 ? 0 : (step - 1 - at) / step, 0, n);
      last = std::clamp<Index>(at >= size ? 0 : (size - 1 - at) / step + 1, first, n);
    }
  }
  Index count() const { return last - first; }
};

// Those that lie inside for both of two taps of a row, and so for all taps between them.
inline Inside insideForAll(const Inside& from, const Inside& to) {
  Inside both = from;
  both.first = std::max(from.first, to.first);
  both.last = std::max(both.first, std::min(from.last, to.last));
  return both;
}

// The lanes of a vector from values that are `stride` apart.
template <typename T>
inline Index lanesIn(Whole) {
  return kLanes<T>;
}
template <typename T>
inline Index lanesIn(Part part) {
  return part.n;
}
// Apart from the rest: inlined into every sum they took a third of the table's time to compile.
template <typename T, typename Lanes>
[[gnu::noinline]] Vector<T> loadApart(const T* from, Index stride, Lanes lanes) {
  T values[kLanes<T>] = {};
  for (Index i = 0; i < lanesIn<T>(lanes); ++i) values[i] = from[i * stride];
  return load(values);
}
template <typename T, typename Lanes>
[[gnu::noinline]] void storeApart(T* to, Vector<T> v, Index stride, Lanes lanes) {
  T values[kLanes<T>];
  store(values, v);
  for (Index i = 0; i < lanesIn<T>(lanes); ++i) to[i * stride] = values[i];
}
template <typename T, typename Lanes>
inline Vector<T> loadEvery(const T* from, Index stride, Lanes lanes) {
  return stride == 1 ? load(from, lanes) : loadApart(from, stride, lanes);
}
template <typename T, typename Lanes>
inline void storeEvery(T* to, Vector<T> v, Index stride, Lanes lanes) {
  if (stride == 1) return store(to, v, lanes);
  storeApart(to, v, stride, lanes);
}

// Rows x columns of taps that P pixels side by side see, from the first tap's value and weight on: the steps to the tap
// below, to the one on its right and (x alone) to the next pixel; from a channel to the next are xLane and wLane.
template <typename T>
struct DepthwiseTaps {
  const T *x, *w;
  Index rows, columns, xRow, xTap, xPixel, wRow, wTap, xLane, wLane;
};
template <typename T, int P, bool isPlain, typename Lanes>
inline void addTaps(const DepthwiseTaps<T>& a, Lanes lanes, Vector<T> (&sum)[P]) {
  const Index xLane = isPlain ? 1 : a.xLane, wLane = isPlain ? 1 : a.wLane, xPixel = a.xPixel;
  for (Index k = 0; k < a.rows; ++k) {
    for (Index l = 0; l < a.columns; ++l) {
      const Vector<T> weight = loadEvery(a.w + k * a.wRow + l * a.wTap, wLane, lanes);
      const T* x = a.x + k * a.xRow + l * a.xTap;
#pragma GCC unroll 8
      for (int i = 0; i < P; ++i) sum[i] = fma_(loadEvery(x + i * xPixel, xLane, lanes), weight, sum[i]);
    }
  }
}

// Rows begin .. end - 1 of [B,Y]: y = x * w + b, or with the kernel turned around the sum over its M.
template <bool isTurned, bool isPlain, typename T>
void depthwiseRows(const Depthwise& c, Index begin, Index end, const T* x, const T* w, const T* b, T* y) {
  const Index M = isPlain ? 1 : c.M, xWidth = isTurned ? c.C * M : c.C, yWidth = isTurned ? c.C : c.C * M;
  const Index tap = isTurned ? -c.C * M : c.C * M, firstTap = isTurned ? (c.K * c.L - 1) * c.C * M : 0;
  // pixels that see all columns of the kernel
  const Inside whole = insideForAll(Inside(-c.q, c.t, c.X, c.W), Inside((c.L - 1) * c.e - c.q, c.t, c.X, c.W));
  const Index first = whole.first, last = whole.last;
  for (Index row = begin; row < end; ++row) {
    const Index image = row / c.Y, top = row % c.Y * c.s - c.p;
    const Inside k(top, c.d, c.K, c.H);
    const T* from = x + (image * c.H + (k.count() > 0 ? top + k.first * c.d : 0)) * c.W * xWidth;
    vectors<T>(0, c.C, [&](Index j, auto lanes) {
      const auto pixels = [&](auto count, Index at, Inside l, Index m) {
        constexpr int P = decltype(count)::value;
        Vector<T> sum[P];
        const Vector<T> bias = b == nullptr ? Vector<T>{} : loadEvery(b + j * M + m, M, lanes);
        for (int i = 0; i < P; ++i) sum[i] = bias;
        if (k.count() > 0 && l.count() > 0) {
          const Index column = at * c.t - c.q + l.first * c.e;
          for (Index of = m; of < (isTurned ? M : m + 1); ++of) {
            addTaps<T, P, isPlain>(
                {from + column * xWidth + (isTurned ? j * M + of : j),
                 w + firstTap + (k.first * c.L + l.first) * tap + j * M + of, k.count(), l.count(), c.d * c.W * xWidth,
                 c.e * xWidth, c.t * xWidth, c.L * tap, tap, isTurned ? M : 1, M},
                lanes, sum);
          }
        }
        T* to = y + (row * c.X + at) * yWidth + (isTurned ? j : j * M + m);
        for (int i = 0; i < P; ++i) storeEvery(to + i * yWidth, sum[i], isTurned ? 1 : M, lanes);
      };
      const Inside all(0, 1, c.L, c.L);
      for (Index m = 0; m < (isTurned ? 1 : M); ++m) {
        for (Index at = 0; at < c.X;) {
          const Index alike = at < first ? 1 : last - at;
          if (alike >= 8) {
            pixels(std::integral_constant<int, 8>(), at, all, m);
            at += 8;
          } else if (alike >= 4) {
            pixels(std::integral_constant<int, 4>(), at, all, m);
            at += 4;
          } else {
            pixels(std::integral_constant<int, 1>(), at, Inside(at * c.t - c.q, c.e, c.L, c.W), m);
            ++at;
          }
        }
      }
    });
  }
}
template <bool isTurned, typename T>
void depthwise(Team& team, const Depthwise& c, In<T> x, In<T> w, In<T> b, Out<T> y) {
  rows(team, c.B * c.Y, c.X * c.C * c.M * c.K * c.L, [&](Index begin, Index end) {
    if (c.M == 1) {
      depthwiseRows<isTurned, true>(c, begin, end, x, w, b, y);
    } else {
      depthwiseRows<isTurned, false>(c, begin, end, x, w, b, y);
    }
  });
}

// y = x * w + b; b may be null
template <typename T>
void depthwiseConv2d(const Cpu<T>& cpu, Depthwise c, In<T> x, In<T> w, In<T> b, Out<T> y) {
  depthwise<false>(cpu.team, c, x, w, b, y);
}

// dx = dy * w turned around; with strides dy is scattered, image by image
template <typename T>
void depthwiseConv2dInputGradient(const Cpu<T>& cpu, Depthwise c, In<T> dy, In<T> w, Out<T> dx) {
  if (c.s == 1 && c.t == 1) return depthwise<true, T>(cpu.team, c.turned(), dy, w, nullptr, dx);
  const Index size = c.H * c.W * c.C, width = c.C * c.M;
  rows(cpu.team, c.B, c.Y * c.X * c.weights(), [&](Index begin, Index end) {
    std::fill_n(dx + begin * size, (end - begin) * size, T(0));
    for (Index row = begin * c.Y; row < end * c.Y; ++row) {
      const Index top = row % c.Y * c.s - c.p;
      const Inside k(top, c.d, c.K, c.H);
      for (Index tap = k.first * c.L; tap < k.last * c.L; ++tap) {
        const Index left = tap % c.L * c.e - c.q;
        const Inside x(left, c.t, c.X, c.W);
        if (x.count() == 0) continue;
        const T* from = dy + (row * c.X + x.first) * width;
        T* to = dx + ((row / c.Y * c.H + top + tap / c.L * c.d) * c.W + left + x.first * c.t) * c.C;
        vectors<T>(0, c.C, [&](Index j, auto lanes) {
          for (Index m = 0; m < c.M; ++m) {
            const Vector<T> weight = loadEvery(w + (tap * c.C + j) * c.M + m, c.M, lanes);
            for (Index i = 0; i < x.count(); ++i) {
              T* at = to + i * c.t * c.C + j;
              const Vector<T> d = loadEvery(from + i * width + j * c.M + m, c.M, lanes);
              store(at, fma_(d, weight, load(at, lanes)), lanes);
            }
          }
        });
      }
    }
  });
}

// sum[R taps side by side] += x * dy over rows of pixels; two sums a tap, as one would wait for itself.
template <typename T>
struct DepthwiseGradient {
  const T *x, *dy;
  Index rows, pixels, xRow, xPixel, xTap, yRow, yPixel, yLane;
  T* sum;
  Index sumTap;
};
template <int R, bool isPlain, typename T, typename Lanes>
inline void addGradients(const DepthwiseGradient<T>& a, Lanes lanes) {
  if (a.pixels <= 0) return;
  Vector<T> sum[2][R] = {};
  const Index yLane = isPlain ? 1 : a.yLane;
  for (Index row = 0; row < a.rows; ++row) {
    const T *x = a.x + row * a.xRow, *dy = a.dy + row * a.yRow;
    Index i = 0;
    for (; i + 2 <= a.pixels; i += 2) {
      const Vector<T> even = loadEvery(dy + i * a.yPixel, yLane, lanes);
      const Vector<T> odd = loadEvery(dy + (i + 1) * a.yPixel, yLane, lanes);
#pragma GCC unroll 4
      for (int r = 0; r < R; ++r) {
        sum[0][r] = fma_(load(x + i * a.xPixel + r * a.xTap, lanes), even, sum[0][r]);
        sum[1][r] = fma_(load(x + (i + 1) * a.xPixel + r * a.xTap, lanes), odd, sum[1][r]);
      }
    }
    if (i == a.pixels) continue;
    const Vector<T> last = loadEvery(dy + i * a.yPixel, yLane, lanes);
#pragma GCC unroll 4
    for (int r = 0; r < R; ++r) sum[0][r] = fma_(load(x + i * a.xPixel + r * a.xTap, lanes), last, sum[0][r]);
  }
#pragma GCC unroll 4
  for (int r = 0; r < R; ++r) {
    T* to = a.sum + r * a.sumTap;
    store(to, load(to, lanes) + (sum[0][r] + sum[1][r]), lanes);
  }
}

// sum[K,L,M,C] += x * dy of one image
template <bool isPlain, typename T>
void depthwiseGradient(const Depthwise& c, const T* image, const T* dy, T* sum) {
  const Index M = isPlain ? 1 : c.M, width = c.C * M;
  for (Index k = 0; k < c.K; ++k) {
    const Inside y(k * c.d - c.p, c.s, c.Y, c.H);
    if (y.count() == 0) continue;
    const Index top = y.first * c.s + k * c.d - c.p;
    vectors<T>(0, c.C, [&](Index j, auto lanes) {
      for (Index m = 0; m < M; ++m) {
        // R taps from l on over the pixels from .. to - 1, all of which see them inside the image
        const auto taps = [&](auto count, Index l, Index from, Index to) {
          if (from >= to) return;
          addGradients<decltype(count)::value, isPlain>(
              DepthwiseGradient<T>{image + (top * c.W + from * c.t + l * c.e - c.q) * c.C + j,
                                   dy + (y.first * c.X + from) * width + j * M + m, y.count(), to - from,
                                   c.s * c.W * c.C, c.t * c.C, c.e * c.C, c.X * width, width, M,
                                   sum + ((k * c.L + l) * M + m) * c.C + j, width},
              lanes);
        };
        const auto pixels = [&](Index l) { return Inside(l * c.e - c.q, c.t, c.X, c.W); };
        const auto three = std::integral_constant<int, 3>();
        for (Index l = 0; l < c.L;) {
          const Index end = l + three <= c.L ? l + three : l + 1;
          Inside together = insideForAll(pixels(l), pixels(end - 1));
          if (end == l + three) {
            taps(three, l, together.first, together.last);
          } else {
            together.first = together.last;
          }
          for (; l < end; ++l) {  // what this tap sees before and behind them
            const Inside own = pixels(l);
            for (const bool behind : {false, true}) {
              taps(std::integral_constant<int, 1>(), l, behind ? std::max(together.last, own.first) : own.first,
                   behind ? own.last : std::min(together.first, own.last));
            }
          }
        }
      }
    });
  }
}

// The sums of one group of images.
inline Index groupRoom(const Depthwise& c) { return roundUp(c.weights() + c.C * c.M, 16); }
inline Scratch depthwiseConv2dWeightGradientScratch(Depthwise c) {
  return {mostGroups(c.B, c.weights()) * groupRoom(c), 0};
}

// dw = x * dy over all images and pixels, db = dy.sum() over them; db may be null
template <typename T>
void depthwiseConv2dWeightGradient(const Cpu<T>& cpu, Depthwise c, In<T> x, In<T> dy, Out<T> dw, Out<T> db) {
  const Index room = groupRoom(c), weights = c.weights(), width = c.C * c.M, output = c.Y * c.X * width;
  const Index groups = groupsOf(c.B, c.Y * c.X, weights);
  cpu.team.parallel_for(static_cast<int>(groups), [&](int g, int) {
    T* sum = cpu.shared + g * room;
    std::fill_n(sum, room, T(0));
    for (Index i = g * c.B / groups; i < (g + 1) * c.B / groups; ++i) {
      if (c.M == 1) {
        depthwiseGradient<true>(c, x + i * c.H * c.W * c.C, dy + i * output, sum);
      } else {
        depthwiseGradient<false>(c, x + i * c.H * c.W * c.C, dy + i * output, sum);
      }
      if (db != nullptr) addRows(dy + i * output, c.Y * c.X, width, width, sum + weights);
    }
  });
  const auto total = [&](Index at) {
    T value = cpu.shared[at];
    for (Index g = 1; g < groups; ++g) value += cpu.shared[g * room + at];
    return value;
  };
  elements(cpu.team, weights, [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) dw[i] = total((i / width * c.M + i % c.M) * c.C + i % width / c.M);
  });
  for (Index i = 0; db != nullptr && i < width; ++i) db[i] = total(weights + i);
}

}  // namespace
}  // namespace fjordnet::FJORDNET_ISA
