// Convolution in G groups, each of C channels and F filters of its own: y[B,Y,X,G,F] of x[B,H,W,G,C] and w[K,L,C,G,F],
// with strides s, t, dilations d, e, and p rows, q columns of zeros before the first. A group's filters lie in the
// lanes of vectors, its channels are broadcast; what the image lacks is left out of the sums (depthwise.h has Inside).
#pragma once

#include "depthwise.h"

namespace fjordnet::FJORDNET_ISA {
namespace {

struct Grouped {
  Index B, H, W, C, K, L, F, Y, X, s, t, d, e, p, q, G;

  static constexpr const char* kDims = "B H W C K L F Y X s t d e p q G";
  static Grouped of(const Index* dim) {
    return {dim[0], dim[1], dim[2],  dim[3],  dim[4],  dim[5],  dim[6],  dim[7],
            dim[8], dim[9], dim[10], dim[11], dim[12], dim[13], dim[14], dim[15]};
  }

  Index weights() const { return K * L * C * G * F; }
  // The one from y to x that gives the input gradient where both strides are 1.
  Grouped turned() const {
    Grouped r = *this;
    std::swap(r.H, r.Y);
    std::swap(r.W, r.X);
    std::swap(r.C, r.F);
    r.p = (K - 1) * d - p;
    r.q = (L - 1) * e - q;
    return r;
  }
};

// sum[P pixels side by side] += x * w over rows x columns of taps and C channels, from the first tap's value and weight
// on. The steps are those to the tap below, to the one on its right, and to the next pixel or channel.
template <typename T>
struct GroupedTaps {
  const T *x, *w;
  Index rows, columns, channels, xRow, xTap, xPixel, wRow, wTap, wChannel;
};
template <typename T, int P, typename Lanes>
inline void addTaps(const GroupedTaps<T>& a, Lanes lanes, Vector<T> (&sum)[P]) {
  const Index xPixel = a.xPixel;
  for (Index k = 0; k < a.rows; ++k) {
    for (Index l = 0; l < a.columns; ++l) {
      const T *x = a.x + k * a.xRow + l * a.xTap, *w = a.w + k * a.wRow + l * a.wTap;
      for (Index c = 0; c < a.channels; ++c) {
        const Vector<T> weight = load(w + c * a.wChannel, lanes);
#pragma GCC unroll 8
        for (int i = 0; i < P; ++i) sum[i] = fma_(simd::broadcast(x[i * xPixel + c]), weight, sum[i]);
      }
    }
  }
}

// y = x * w + b; b may be null
template <typename T>
void groupedConvolution(Team& team, const Grouped& c, In<T> x, In<T> w, In<T> b, Out<T> y) {
  const Index channels = c.G * c.C, filters = c.G * c.F;
  // pixels that see all columns of the kernel
  const Inside whole = insideForAll(Inside(-c.q, c.t, c.X, c.W), Inside((c.L - 1) * c.e - c.q, c.t, c.X, c.W));
  const Index first = whole.first, last = whole.last;
  rows(team, c.B * c.Y, c.X * c.K * c.L * c.C * filters, [&](Index begin, Index end) {
    for (Index row = begin; row < end; ++row) {
      const Index top = row % c.Y * c.s - c.p;
      const Inside k(top, c.d, c.K, c.H);
      const T* from = x + (row / c.Y * c.H + (k.count() > 0 ? top + k.first * c.d : 0)) * c.W * channels;
      const auto group = [&](Index g, Index j, auto lanes) {
        const Index f = g * c.F + j;
        const Vector<T> bias = b == nullptr ? Vector<T>{} : load(b + f, lanes);
        const auto pixels = [&](auto count, Index at, Inside l) {
          constexpr int P = decltype(count)::value;
          Vector<T> sum[P];
          for (int i = 0; i < P; ++i) sum[i] = bias;
          if (k.count() > 0 && l.count() > 0) {
            const Index column = at * c.t - c.q + l.first * c.e;
            const GroupedTaps<T> taps{from + column * channels + g * c.C,
                                      w + (k.first * c.L + l.first) * c.C * filters + f,
                                      k.count(),
                                      l.count(),
                                      c.C,
                                      c.d * c.W * channels,
                                      c.e * channels,
                                      c.t * channels,
                                      c.L * c.C * filters,
                                      c.C * filters,
                                      filters};
            addTaps<T, P>(taps, lanes, sum);
          }
          for (int i = 0; i < P; ++i) store(y + (row * c.X + at + i) * filters + f, sum[i], lanes);
        };
        using One = std::integral_constant<int, 1>;
        using Four = std::integral_constant<int, 4>;
        using Eight = std::integral_constant<int, 8>;
        const Inside all(0, 1, c.L, c.L);
        for (Index at = 0; at < first; ++at) pixels(One(), at, Inside(at * c.t - c.q, c.e, c.L, c.W));
        Index at = first;
        for (; at + 8 <= last; at += 8) pixels(Eight(), at, all);
        for (; at + 4 <= last; at += 4) pixels(Four(), at, all);
        for (; at < last; ++at) pixels(One(), at, all);
        for (; at < c.X; ++at) pixels(One(), at, Inside(at * c.t - c.q, c.e, c.L, c.W));
      };
      for (Index g = 0; g < c.G; ++g) vectors<T>(0, c.F, [&](Index j, auto lanes) { group(g, j, lanes); });
    }
  });
}
template <typename T>
void conv2dGrouped(const Cpu<T>& cpu, Grouped c, In<T> x, In<T> w, In<T> b, Out<T> y) {
  groupedConvolution(cpu.team, c, x, w, b, y);
}

// dx = dy * w turned around; with strides dy is scattered, image by image. The weights are laid out as [K,L,F,G,C]
// first.
inline Scratch conv2dGroupedInputGradientScratch(Grouped c) { return {c.weights(), 0}; }
template <typename T>
void conv2dGroupedInputGradient(const Cpu<T>& cpu, Grouped c, In<T> dy, In<T> w, Out<T> dx) {
  T* turned = cpu.shared;
  const bool isTurned = c.s == 1 && c.t == 1;
  const Index taps = c.K * c.L, channels = c.G * c.C, filters = c.G * c.F;
  rows(cpu.team, taps, c.F * channels, [&](Index begin, Index end) {
    for (Index tap = begin; tap < end; ++tap) {
      const T* from = w + (isTurned ? taps - 1 - tap : tap) * c.C * filters;
      T* to = turned + tap * c.F * channels;
      for (Index f = 0; f < c.F; ++f) {
        for (Index i = 0; i < channels; ++i) to[f * channels + i] = from[i % c.C * filters + i / c.C * c.F + f];
      }
    }
  });
  if (isTurned) return groupedConvolution<T>(cpu.team, c.turned(), dy, turned, nullptr, dx);
  const Index size = c.H * c.W * channels;
  rows(cpu.team, c.B, c.Y * c.X * c.weights(), [&](Index begin, Index end) {
    std::fill_n(dx + begin * size, (end - begin) * size, T(0));
    for (Index row = begin * c.Y; row < end * c.Y; ++row) {
      const Index top = row % c.Y * c.s - c.p;
      const Inside k(top, c.d, c.K, c.H);
      for (Index tap = k.first * c.L; tap < k.last * c.L; ++tap) {
        const Index left = tap % c.L * c.e - c.q;
        const Inside x(left, c.t, c.X, c.W);
        for (Index i = x.first; i < x.last; ++i) {
          const T* from = dy + (row * c.X + i) * filters;
          T* to = dx + ((row / c.Y * c.H + top + tap / c.L * c.d) * c.W + left + i * c.t) * channels;
          for (Index g = 0; g < c.G; ++g) {
            vectors<T>(g * c.C, (g + 1) * c.C, [&](Index j, auto lanes) {
              Vector<T> sum = load(to + j, lanes);
              for (Index f = 0; f < c.F; ++f)
                sum =
                    fma_(simd::broadcast(from[g * c.F + f]), load(turned + (tap * c.F + f) * channels + j, lanes), sum);
              store(to + j, sum, lanes);
            });
          }
        }
      }
    }
  });
}

// sum[R channels] += x * dy over rows of pixels
template <typename T>
struct GroupedGradient {
  const T *x, *dy;
  Index rows, pixels, xRow, xPixel, yRow, yPixel;
  T* sum;
  Index sumChannel;
};
template <int R, typename T, typename Lanes>
inline void addGradients(const GroupedGradient<T>& a, Lanes lanes) {
  Vector<T> sum[R] = {};
  for (Index row = 0; row < a.rows; ++row) {
    const T *x = a.x + row * a.xRow, *dy = a.dy + row * a.yRow;
    for (Index i = 0; i < a.pixels; ++i) {
      const Vector<T> d = load(dy + i * a.yPixel, lanes);
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) sum[r] = fma_(simd::broadcast(x[i * a.xPixel + r]), d, sum[r]);
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
    T* to = a.sum + r * a.sumChannel;
    store(to, load(to, lanes) + sum[r], lanes);
  }
}

// sum[K,L,C,G,F] += x * dy of one image
template <typename T>
void groupedGradient(const Grouped& c, const T* image, const T* dy, T* sum) {
  const Index channels = c.G * c.C, filters = c.G * c.F;
  for (Index tap = 0; tap < c.K * c.L; ++tap) {
    const Index down = tap / c.L * c.d - c.p, right = tap % c.L * c.e - c.q;
    const Inside y(down, c.s, c.Y, c.H), x(right, c.t, c.X, c.W);
    if (y.count() == 0 || x.count() == 0) continue;
    const T* from = image + ((y.first * c.s + down) * c.W + x.first * c.t + right) * channels;
    for (Index g = 0; g < c.G; ++g) {
      vectors<T>(g * c.F, (g + 1) * c.F, [&](Index j, auto lanes) {
        const auto block = [&](auto count, Index channel) {
          const GroupedGradient<T> a{from + g * c.C + channel,
                                     dy + (y.first * c.X + x.first) * filters + j,
                                     y.count(),
                                     x.count(),
                                     c.s * c.W * channels,
                                     c.t * channels,
                                     c.X * filters,
                                     filters,
                                     sum + (tap * c.C + channel) * filters + j,
                                     filters};
          addGradients<decltype(count)::value>(a, lanes);
        };
        Index channel = 0;
        for (; channel + 8 <= c.C; channel += 8) block(std::integral_constant<int, 8>(), channel);
        for (; channel + 4 <= c.C; channel += 4) block(std::integral_constant<int, 4>(), channel);
        for (; channel < c.C; ++channel) block(std::integral_constant<int, 1>(), channel);
      });
    }
  }
}

// The sums of one group of images; here, a part of the batch.
inline Index partRoom(const Grouped& c) { return roundUp(c.weights() + c.G * c.F, 16); }
inline Scratch conv2dGroupedWeightGradientScratch(Grouped c) { return {mostGroups(c.B, c.weights()) * partRoom(c), 0}; }

// dw = x * dy over all images and pixels, db = dy.sum() over them; db may be null
template <typename T>
void conv2dGroupedWeightGradient(const Cpu<T>& cpu, Grouped c, In<T> x, In<T> dy, Out<T> dw, Out<T> db) {
  const Index room = partRoom(c), weights = c.weights(), filters = c.G * c.F, output = c.Y * c.X * filters;
  const Index parts = groupsOf(c.B, c.Y * c.X, weights);
  cpu.team.parallel_for(static_cast<int>(parts), [&](int part, int) {
    T* sum = cpu.shared + part * room;
    std::fill_n(sum, room, T(0));
    for (Index i = part * c.B / parts; i < (part + 1) * c.B / parts; ++i) {
      groupedGradient(c, x + i * c.H * c.W * c.G * c.C, dy + i * output, sum);
      if (db != nullptr) addRows(dy + i * output, c.Y * c.X, filters, filters, sum + weights);
    }
  });
  elements(cpu.team, weights + (db == nullptr ? 0 : filters), [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) {
      T total = cpu.shared[i];
      for (Index part = 1; part < parts; ++part) total += cpu.shared[part * room + i];
      (i < weights ? dw[i] : db[i - weights]) = total;
    }
  });
}

}  // namespace
}  // namespace fjordnet::FJORDNET_ISA
