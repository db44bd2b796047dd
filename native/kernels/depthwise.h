// Depthwise convolution: every channel by a kernel of its own, y[B,Y,X,C] = x[B,H,W,C] * w[K,L,C], with strides s, t,
// dilations d, e, and p rows, q columns of zeros before the first. Channels lie in the lanes of vectors. What the image
// lacks is left out of the sums, so that nothing is copied and no scratch follows strides or dilations.
#pragma once

#include "tiles.h"
#include "vmath.h"

namespace fjordnet::FJORDNET_ISA {
namespace {

struct Depthwise {
  Index B, H, W, C, K, L, Y, X, s, t, d, e, p, q;

  static constexpr const char* kDims = "B H W C K L Y X s t d e p q";
  static Depthwise of(const Index* dim) {
    return {dim[0], dim[1], dim[2], dim[3],  dim[4],  dim[5],  dim[6],
            dim[7], dim[8], dim[9], dim[10], dim[11], dim[12], dim[13]};
  }

  Index weights() const { return K * L * C; }
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

// sum[P pixels side by side] += x * w over rows x columns of taps, from the first tap's value and weight on: the steps
// to the tap below, to the one on its right and (x alone) to the next pixel.
template <typename T>
struct DepthwiseTaps {
  const T *x, *w;
  Index rows, columns, xRow, xTap, xPixel, wRow, wTap;
};
template <typename T, int P, typename Lanes>
inline void addChannelTaps(const DepthwiseTaps<T>& a, Lanes lanes, Vector<T> (&sum)[P]) {
  const Index xPixel = a.xPixel;
  for (Index k = 0; k < a.rows; ++k) {
    for (Index l = 0; l < a.columns; ++l) {
      const Vector<T> weight = load(a.w + k * a.wRow + l * a.wTap, lanes);
      const T* x = a.x + k * a.xRow + l * a.xTap;
#pragma GCC unroll 8
      for (int i = 0; i < P; ++i) sum[i] = fma_(load(x + i * xPixel, lanes), weight, sum[i]);
    }
  }
}

// y = x * w + b, or with the kernel turned around; b may be null
template <bool isTurned, typename T>
void depthwise(Team& team, const Depthwise& c, In<T> x, In<T> w, In<T> b, Out<T> y) {
  const Index tap = isTurned ? -c.C : c.C, firstTap = isTurned ? (c.K * c.L - 1) * c.C : 0;
  // pixels that see all columns of the kernel
  const Inside whole = insideForAll(Inside(-c.q, c.t, c.X, c.W), Inside((c.L - 1) * c.e - c.q, c.t, c.X, c.W));
  rows(team, c.B * c.Y, c.X * c.weights(), [&](Index begin, Index end) {
    for (Index row = begin; row < end; ++row) {
      const Index image = row / c.Y, top = row % c.Y * c.s - c.p;
      const Inside k(top, c.d, c.K, c.H);
      const T* from = x + (image * c.H + (k.count() > 0 ? top + k.first * c.d : 0)) * c.W * c.C;
      vectors<T>(0, c.C, [&](Index j, auto lanes) {
        const Vector<T> bias = b == nullptr ? Vector<T>{} : load(b + j, lanes);
        const auto pixels = [&](auto count, Index at, Inside l) {
          constexpr int P = decltype(count)::value;
          Vector<T> sum[P];
          for (int i = 0; i < P; ++i) sum[i] = bias;
          if (k.count() > 0 && l.count() > 0) {
            addChannelTaps<T, P>(
                {from + (at * c.t - c.q + l.first * c.e) * c.C + j, w + firstTap + (k.first * c.L + l.first) * tap + j,
                 k.count(), l.count(), c.d * c.W * c.C, c.e * c.C, c.t * c.C, c.L * tap, tap},
                lanes, sum);
          }
          T* to = y + (row * c.X + at) * c.C + j;
          for (int i = 0; i < P; ++i) store(to + i * c.C, sum[i], lanes);
        };
        const Inside all(0, 1, c.L, c.L);
        for (Index at = 0; at < c.X;) {
          const Index alike = at < whole.first ? 1 : whole.last - at;
          if (alike >= 8) {
            pixels(std::integral_constant<int, 8>(), at, all);
            at += 8;
          } else if (alike >= 4) {
            pixels(std::integral_constant<int, 4>(), at, all);
            at += 4;
          } else {
            pixels(std::integral_constant<int, 1>(), at, Inside(at * c.t - c.q, c.e, c.L, c.W));
            ++at;
          }
        }
      });
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
  const Index size = c.H * c.W * c.C;
  rows(cpu.team, c.B, c.Y * c.X * c.weights(), [&](Index begin, Index end) {
    std::fill_n(dx + begin * size, (end - begin) * size, T(0));
    for (Index row = begin * c.Y; row < end * c.Y; ++row) {
      const Index top = row % c.Y * c.s - c.p;
      const Inside k(top, c.d, c.K, c.H);
      for (Index tap = k.first * c.L; tap < k.last * c.L; ++tap) {
        const Index left = tap % c.L * c.e - c.q;
        const Inside x(left, c.t, c.X, c.W);
        if (x.count() == 0) continue;
        const T* from = dy + (row * c.X + x.first) * c.C;
        T* to = dx + ((row / c.Y * c.H + top + tap / c.L * c.d) * c.W + left + x.first * c.t) * c.C;
        vectors<T>(0, c.C, [&](Index j, auto lanes) {
          const Vector<T> weight = load(w + tap * c.C + j, lanes);
          for (Index i = 0; i < x.count(); ++i) {
            T* at = to + i * c.t * c.C + j;
            store(at, fma_(load(from + i * c.C + j, lanes), weight, load(at, lanes)), lanes);
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
  Index rows, pixels, xRow, xPixel, xTap, yRow, yPixel;
  T* sum;
  Index sumTap;
};
template <int R, typename T, typename Lanes>
inline void addGradients(const DepthwiseGradient<T>& a, Lanes lanes) {
  Vector<T> sum[2][R] = {};
  for (Index row = 0; row < a.rows; ++row) {
    const T *x = a.x + row * a.xRow, *dy = a.dy + row * a.yRow;
    Index i = 0;
    for (; i + 2 <= a.pixels; i += 2) {
      const Vector<T> even = load(dy + i * a.yPixel, lanes), odd = load(dy + (i + 1) * a.yPixel, lanes);
#pragma GCC unroll 4
      for (int r = 0; r < R; ++r) {
        sum[0][r] = fma_(load(x + i * a.xPixel + r * a.xTap, lanes), even, sum[0][r]);
        sum[1][r] = fma_(load(x + (i + 1) * a.xPixel + r * a.xTap, lanes), odd, sum[1][r]);
      }
    }
    if (i == a.pixels) continue;
    const Vector<T> last = load(dy + i * a.yPixel, lanes);
#pragma GCC unroll 4
    for (int r = 0; r < R; ++r) sum[0][r] = fma_(load(x + i * a.xPixel + r * a.xTap, lanes), last, sum[0][r]);
  }
#pragma GCC unroll 4
  for (int r = 0; r < R; ++r) {
    T* to = a.sum + r * a.sumTap;
    store(to, load(to, lanes) + (sum[0][r] + sum[1][r]), lanes);
  }
}

// sum[K,L,C] += x * dy of one image
template <typename T>
void depthwiseGradient(const Depthwise& c, const T* image, const T* dy, T* sum) {
  for (Index k = 0; k < c.K; ++k) {
    const Inside y(k * c.d - c.p, c.s, c.Y, c.H);
    if (y.count() == 0) continue;
    const Index top = y.first * c.s + k * c.d - c.p;
    vectors<T>(0, c.C, [&](Index j, auto lanes) {
      // R taps from l on over the pixels from .. to - 1, all of which see them inside the image
      const auto taps = [&](auto count, Index l, Index from, Index to) {
        if (from >= to) return;
        addGradients<decltype(count)::value>(
            DepthwiseGradient<T>{image + (top * c.W + from * c.t + l * c.e - c.q) * c.C + j,
                                 dy + (y.first * c.X + from) * c.C + j, y.count(), to - from, c.s * c.W * c.C,
                                 c.t * c.C, c.e * c.C, c.X * c.C, c.C, sum + (k * c.L + l) * c.C + j, c.C},
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
    });
  }
}

// The sums of one group of images.
inline Index groupRoom(const Depthwise& c) { return roundUp(c.weights() + c.C, 16); }
inline Scratch depthwiseConv2dWeightGradientScratch(Depthwise c) {
  return {mostGroups(c.B, c.weights()) * groupRoom(c), 0};
}

// dw = x * dy over all images and pixels, db = dy.sum() over them; db may be null
template <typename T>
void depthwiseConv2dWeightGradient(const Cpu<T>& cpu, Depthwise c, In<T> x, In<T> dy, Out<T> dw, Out<T> db) {
  const Index room = groupRoom(c), weights = c.weights(), output = c.Y * c.X * c.C;
  const Index groups = groupsOf(c.B, c.Y * c.X, weights);
  cpu.team.parallel_for(static_cast<int>(groups), [&](int g, int) {
    T* sum = cpu.shared + g * room;
    std::fill_n(sum, room, T(0));
    for (Index i = g * c.B / groups; i < (g + 1) * c.B / groups; ++i) {
      depthwiseGradient(c, x + i * c.H * c.W * c.C, dy + i * output, sum);
      if (db != nullptr) addRows(dy + i * output, c.Y * c.X, c.C, c.C, sum + weights);
    }
  });
  const auto total = [&](Index at) {
    T value = cpu.shared[at];
    for (Index g = 1; g < groups; ++g) value += cpu.shared[g * room + at];
    return value;
  };
  elements(cpu.team, weights, [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) dw[i] = total(i);
  });
  for (Index i = 0; db != nullptr && i < c.C; ++i) db[i] = total(weights + i);
}

}  // namespace
}  // namespace fjordnet::FJORDNET_ISA
