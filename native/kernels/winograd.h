// Convolution with 3x3 kernels by F(2x2, 3x3) of Lavin and Gray ("Fast algorithms for convolutional neural networks",
// CVPR 2016): four outputs from 16 products a channel, where the direct way takes 36. With g a kernel and d the 4x4
// pixels that a tile of 2x2 outputs sees, y = A.T [(G g G.T) * (B.T d B)] A: 16 matrix products of tiles x channels
// with channels x filters, between sums and halves that are exact for small integers. One pixel that is infinite or NaN
// makes all four outputs of its tiles NaN. In float32 only: what it costs in accuracy is in tuning.h.
#pragma once

#include "conv2d_direct.h"
#include "gemm.h"

namespace fjordnet::FJORDNET_ISA {
namespace {

// The tiles of c's output, in one count over all images.
struct Winograd {
  static constexpr Index kPoints = 16;  // of a transformed tile

  const Conv2d& c;
  Index channels, filters;  // rounded up to vectors
  Index tall, wide;         // tiles of an image

  explicit Winograd(const Conv2d& c_)
      : c(c_),
        channels(roundUp(c.C, kLanes<float>)),
        filters(roundUp(c.F, kLanes<float>)),
        tall((c.Y + 1) / 2),
        wide((c.X + 1) / 2) {}

  Index tiles() const { return c.B * tall * wide; }
  // Of a unit, which one thread takes through all three steps in its caches.
  Index unit() const {
    constexpr Index rows = 12;  // a multiple of what products take at a time, with 3 vectors and with 4
    const Index fit = kWinogradRoom / (kPoints * (channels + filters)) / rows * rows;
    return std::clamp<Index>(fit, rows, 8 * rows);
  }
  // Where a tile's four outputs begin, and which of them there are, beside the first.
  struct Tile {
    Index image, y, x;
    bool hasBelow, hasRight;
  };
  Tile tile(Index i) const {
    const Index y = i / wide % tall * 2, x = i % wide * 2;
    return {i / wide / tall, y, x, y + 1 < c.Y, x + 1 < c.X};
  }
  Index outputAt(const Tile& t) const { return t.image * c.output() + (t.y * c.X + t.x) * c.F; }

  Index weights() const { return kPoints * c.C * filters; }
  Index room() const { return kPoints * unit() * (channels + filters); }
};

// Does it pay? Where channels or filters are few, the transforms take what the products save; weights have to stay in
// the outer cache.
inline bool isWinograd(const Conv2d& c) {
  return kLanes<float> > 1 && !c.isEmpty() && c.isWhole() && c.K == 3 && c.L == 3 && c.s == 1 && c.t == 1 && c.d == 1 &&
         c.e == 1 && std::min(c.C, c.F) >= kWinogradChannels && c.C * c.F <= kWinogradWeights && c.Y >= 2 && c.X >= 2;
}

// w[16,C,F'] = G g G.T, where weights(tap)(filter) are the values of g. F' is F rounded up, with zeros.
template <typename Weights>
void winogradWeights(Team& team, const Winograd& a, const Weights& weights, float* w) {
  constexpr int lanes = kLanes<float>;
  const auto transform = [](Vector<float> first, Vector<float> second, Vector<float> third, Vector<float>* to,
                            int step) {
    const auto half = broadcast(0.5F), ends = first + third;
    to[0] = first;
    to[step] = half * (ends + second);
    to[2 * step] = half * (ends - second);
    to[3 * step] = third;
  };
  rows(team, a.c.C, 9 * a.c.F, [&](Index first, Index last) {
    for (Index channel = first; channel < last; ++channel) {
      for (Index f = 0; f < a.filters; f += lanes) {
        Vector<float> g[9], half[4][3], all[4][4];
        for (Index k = 0; k < 9; ++k) {
          const auto weight = weights(k * a.c.C + channel);
          float values[lanes];
          for (Index j = 0; j < lanes; ++j) values[j] = f + j < a.c.F ? weight(f + j) : 0.0F;
          g[k] = load(values);
        }
        for (int l = 0; l < 3; ++l) transform(g[l], g[3 + l], g[6 + l], &half[0][l], 3);
        for (int i = 0; i < 4; ++i) transform(half[i][0], half[i][1], half[i][2], all[i], 1);
        for (Index point = 0; point < Winograd::kPoints; ++point)
          store(w + (point * a.c.C + channel) * a.filters + f, all[point / 4][point % 4]);
      }
    }
  });
}

// v[16,unit,C'] = B.T d B of the n tiles from `first` on.
inline void winogradImage(const Winograd& a, const float* x, Index first, Index n, float* v) {
  const Conv2d& c = a.c;
  const Index apart = a.unit() * a.channels;
  for (Index t = 0; t < n; ++t) {
    const auto tile = a.tile(first + t);
    const Index h = tile.y - c.p, w = tile.x - c.q;
    const float* from = x + tile.image * c.image() + (h * c.W + w) * c.C;
    const bool isInside = h >= 0 && h + 4 <= c.H && w >= 0 && w + 4 <= c.W;
    vectors<float>(0, c.C, [&](Index j, auto lanes) {
      Vector<float> d[4][4], half[4][4];
      for (int i = 0; i < 4; ++i) {
#pragma GCC unroll 4
        for (int k = 0; k < 4; ++k) {
          const bool isThere = isInside || (h + i >= 0 && h + i < c.H && w + k >= 0 && w + k < c.W);
          d[i][k] = isThere ? load(from + (i * c.W + k) * c.C + j, lanes) : Vector<float>{};
        }
      }
#pragma GCC unroll 4
      for (int k = 0; k < 4; ++k) {
        half[0][k] = d[0][k] - d[2][k];
        half[1][k] = d[1][k] + d[2][k];
        half[2][k] = d[2][k] - d[1][k];
        half[3][k] = d[1][k] - d[3][k];
      }
      float* to = v + t * a.channels + j;
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i) {
        const auto& r = half[i];
        store(to + (4 * i) * apart, r[0] - r[2]);
        store(to + (4 * i + 1) * apart, r[1] + r[2]);
        store(to + (4 * i + 2) * apart, r[2] - r[1]);
        store(to + (4 * i + 3) * apart, r[1] - r[3]);
      }
    });
  }
}

// y = A.T m A + bias, of the n tiles from `first` on; m[16,unit,F'].
inline void winogradOutput(const Winograd& a, const float* m, const float* bias, Index first, Index n, float* y) {
  const Conv2d& c = a.c;
  const Index apart = a.unit() * a.filters;
  for (Index t = 0; t < n; ++t) {
    const auto tile = a.tile(first + t);
    float* to = y + a.outputAt(tile);
    vectors<float>(0, c.F, [&](Index j, auto lanes) {
      const float* from = m + t * a.filters + j;
      Vector<float> half[2][4];
#pragma GCC unroll 4
      for (int k = 0; k < 4; ++k) {
        const auto at = [&](int i) { return load(from + (4 * i + k) * apart); };
        const auto one = at(1), two = at(2);
        half[0][k] = at(0) + one + two;
        half[1][k] = one - two - at(3);
      }
      const auto start = load(bias + j);
#pragma GCC unroll 2
      for (int i = 0; i < 2; ++i) {
        if (i == 1 && !tile.hasBelow) break;
        const auto& r = half[i];
        float* pixel = to + i * c.X * c.F + j;
        store(pixel, r[0] + r[1] + r[2] + start, lanes);
        if (tile.hasRight) store(pixel + c.F, r[1] - r[2] - r[3] + start, lanes);
      }
    });
  }
}

// y = x * w + bias, as Packed of conv2d_direct.h has weights and bias; `shared` and a slot's scratch have room for
// winogradScratch.
template <typename Weights, typename Bias>
void winogradConvolution(const Cpu<float>& cpu, const Conv2d& c, In<float> x, const Weights& weights,
                         const Bias& biasOf, Out<float> y) {
  const Winograd a(c);
  float *bias = cpu.shared, *w = bias + a.filters;
  for (Index f = 0; f < a.filters; ++f) bias[f] = f < c.F ? biasOf(f) : 0.0F;
  winogradWeights(cpu.team, a, weights, w);
  const Index unit = a.unit(), units = (a.tiles() + unit - 1) / unit;
  cpu.team.parallel_for(static_cast<int>(units), [&](int u, int slot) {
    const Index first = u * unit, n = std::min(unit, a.tiles() - first);
    float *v = cpu.scratch(slot), *m = v + Winograd::kPoints * unit * a.channels;
    winogradImage(a, x, first, n, v);
    for (Index point = 0; point < Winograd::kPoints; ++point) {
      productInPlace<float, Reads::kNear>({false, false, n, a.filters, c.C, v + point * unit * a.channels, a.channels,
                                           w + point * c.C * a.filters, a.filters, nullptr,
                                           m + point * unit * a.filters, a.filters});
    }
    winogradOutput(a, m, bias, first, n, y);
  });
}
inline Scratch winogradScratch(const Conv2d& c) {
  const Winograd a(c);
  return {a.filters + a.weights(), a.room()};
}

// m[16,unit,F'] = A dy A.T of the n tiles from `first` on: the gradient of what winogradOutput makes an output of.
inline void winogradDelta(const Winograd& a, const float* dy, Index first, Index n, float* m) {
  const Conv2d& c = a.c;
  const Index apart = a.unit() * a.filters;
  for (Index t = 0; t < n; ++t) {
    const auto tile = a.tile(first + t);
    const float* from = dy + a.outputAt(tile);
    vectors<float>(0, c.F, [&](Index j, auto lanes) {
      Vector<float> half[4][2];
#pragma GCC unroll 2
      for (int k = 0; k < 2; ++k) {
        const float* pixel = from + k * c.F + j;
        const bool isThere = k == 0 || tile.hasRight;
        const auto upper = isThere ? load(pixel, lanes) : Vector<float>{};
        const auto lower = isThere && tile.hasBelow ? load(pixel + c.X * c.F, lanes) : Vector<float>{};
        half[0][k] = upper;
        half[1][k] = upper + lower;
        half[2][k] = upper - lower;
        half[3][k] = -lower;
      }
      float* to = m + t * a.filters + j;
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i) {
        const auto left = half[i][0], right = half[i][1];
        store(to + (4 * i) * apart, left);
        store(to + (4 * i + 1) * apart, left + right);
        store(to + (4 * i + 2) * apart, left - right);
        store(to + (4 * i + 3) * apart, -right);
      }
    });
  }
}

// dw = G.T (sum over tiles of v.T m) G and db, the gradients of winogradConvolution; sums of groups of images are made
// apart, and added up in their order. db may be null.
inline void winogradGradient(const Cpu<float>& cpu, const Conv2d& c, In<float> x, In<float> dy, Out<float> dw,
                             Out<float> db) {
  const Winograd a(c);
  const Index size = a.weights(), room = size + a.filters, unit = a.unit(), ofImage = a.tall * a.wide;
  const Index groups = groupsOf(c.B, c.Y * c.X, size);
  cpu.team.parallel_for(static_cast<int>(groups), [&](int g, int slot) {
    const Index begin = g * c.B / groups, end = (g + 1) * c.B / groups;
    float *sum = cpu.shared + g * room, *v = cpu.scratch(slot), *m = v + Winograd::kPoints * unit * a.channels;
    std::fill_n(sum, room, 0.0F);
    for (Index first = begin * ofImage; first < end * ofImage; first += unit) {
      const Index n = std::min(unit, end * ofImage - first);
      winogradImage(a, x, first, n, v);
      winogradDelta(a, dy, first, n, m);
      for (Index point = 0; point < Winograd::kPoints; ++point) {
        float* to = sum + point * c.C * a.filters;
        productInPlace<float, Reads::kNear>({true, false, c.C, a.filters, n, v + point * unit * a.channels, a.channels,
                                             m + point * unit * a.filters, a.filters, nullptr, to, a.filters, true});
      }
    }
    addRows(dy + begin * c.output(), (end - begin) * c.Y * c.X, c.F, c.F, sum + size);
  });
  const auto total = [&](Index at, auto lanes) {
    auto sum = load(cpu.shared + at, lanes);
    for (Index g = 1; g < groups; ++g) sum = sum + load(cpu.shared + g * room + at, lanes);
    return sum;
  };
  const auto transform = [](const Vector<float>* from, int step, Vector<float>* to, int apart) {
    const auto half = broadcast(0.5F), sum = half * (from[step] + from[2 * step]);
    to[0] = from[0] + sum;
    to[apart] = half * (from[step] - from[2 * step]);
    to[2 * apart] = sum + from[3 * step];
  };
  rows(cpu.team, c.C, Winograd::kPoints * groups * a.filters, [&](Index first, Index last) {
    for (Index channel = first; channel < last; ++channel) {
      vectors<float>(0, c.F, [&](Index f, auto lanes) {
        Vector<float> all[4][4], half[3][4], g[3][3];
        for (Index point = 0; point < Winograd::kPoints; ++point)
          all[point / 4][point % 4] = total((point * c.C + channel) * a.filters + f, lanes);
        for (int k = 0; k < 4; ++k) transform(&all[0][k], 4, &half[0][k], 4);
        for (int i = 0; i < 3; ++i) transform(half[i], 1, g[i], 1);
        for (Index tap = 0; tap < 9; ++tap) store(dw + (tap * c.C + channel) * c.F + f, g[tap / 3][tap % 3], lanes);
      });
    }
  });
  if (db == nullptr) return;
  vectors<float>(0, c.F, [&](Index f, auto lanes) { store(db + f, total(size + f, lanes), lanes); });
}
inline Scratch winogradGradientScratch(const Conv2d& c) {
  const Winograd a(c);
  return {mostGroups(c.B, a.weights()) * (a.weights() + a.filters), a.room()};
}

}  // namespace
}  // namespace fjordnet::FJORDNET_ISA
