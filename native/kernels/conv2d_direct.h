// Convolution without im2col: some pixels times a vector or two of filters stay in registers while all taps (the
// products of one value of y, K * L * C of them) go by. No value is copied but at the image's edge. Rates on one Zen 4
// core, as shares of its sgemm's (in brackets by im2col and sgemm): 26x26x32 -> 64 forward 1.05 (0.82), weights 1.02
// (0.76), inputs 0.91 (0.73); 32x32x3 -> 12 0.78 and 0.68 (0.16, 0.27); 8x8x1 -> 10 0.45 and 0.32 (0.04, 0.07).
#pragma once

#include "pack.h"
#include "tiles.h"

namespace fjordnet::FJORDNET_ISA {
namespace {

// The convolution y[B,Y,X,F] = x[B,H,W,C] * w[K,L,C,F]: strides s, t, dilations d, e, and p rows, q columns of zeros
// before the first. What the image lacks behind its end is zero too.
struct Conv2d {
  Index B, H, W, C, K, L, F, Y, X, s, t, d, e, p, q;
  // K rows from row `top` on and L columns from column `left` on of a kernel with `tall` rows and `wide` columns.
  Index top = 0, left = 0, tall = K, wide = L;

  static constexpr const char* kDims = "B H W C K L F Y X s t d e p q";
  static Conv2d of(const Index* dim) {
    return {dim[0], dim[1], dim[2],  dim[3],  dim[4],  dim[5],  dim[6], dim[7],
            dim[8], dim[9], dim[10], dim[11], dim[12], dim[13], dim[14]};
  }

  Index taps() const { return K * L * C; }
  Index weights() const { return taps() * F; }
  Index image() const { return H * W * C; }
  Index output() const { return Y * X * F; }
  bool isEmpty() const { return B * output() * taps() == 0; }
  // Rows of x that n rows of y look at, and columns.
  Index rows(Index n) const { return (n - 1) * s + (K - 1) * d + 1; }
  Index columns() const { return (X - 1) * t + (L - 1) * e + 1; }
  bool padded() const { return p != 0 || q != 0 || rows(Y) > H || columns() > W; }
  // Is what y looks at not much more than the image?
  bool isCompact() const { return rows(Y) <= 3 * std::max(H, Y) && columns() <= 3 * std::max(W, X); }

  bool isWhole() const { return K == tall && L == wide; }
  // Where this tap of the K rows and L columns lies in the whole kernel.
  Index place(Index tap) const {
    if (isWhole()) return tap;
    const Index row = L * C;
    return ((top + tap / row) * wide + left) * C + tap % row;
  }
};

// Leaves out those of n taps that see nothing but zeros, `before` places before the image of this size and behind it,
// wherever an output lies: the first that stays, and sets n and before to what the rest has.
inline Index dropBlind(Index outputs, Index stride, Index dilation, Index size, Index& n, Index& before) {
  if (dilation == 0) return 0;
  const Index reach = before - (outputs - 1) * stride, end = before + size;
  const Index first = std::clamp<Index>(reach <= 0 ? 0 : (reach + dilation - 1) / dilation, 0, n);
  n = std::clamp<Index>(end <= 0 ? 0 : (end + dilation - 1) / dilation, first, n) - first;
  before -= first * dilation;
  return first;
}

// Large dilations and kernels reach far beyond an image: without the taps that see nothing of it, the room that a
// convolution takes follows the image and its output.
inline Conv2d trimmed(Conv2d c) {
  if (c.isCompact()) return c;
  c.top = dropBlind(c.Y, c.s, c.d, c.H, c.K, c.p);
  c.left = dropBlind(c.X, c.t, c.e, c.W, c.L, c.q);
  return c;
}

// As many rows of y as leave, with their part of the image, room in the outer cache for the weights of a block of
// filters.
template <typename T>
Index stretchOf(const Conv2d& c) {
  constexpr Index room = kStretch / static_cast<Index>(sizeof(T));
  const Index row = c.X * c.F + c.columns() * c.C * std::min(c.s, c.K);
  return std::clamp<Index>(room / std::max<Index>(row, 1), 1, std::max<Index>(c.Y, 1));
}

// Without the call of memmove, which takes as long as the copy of a short row.
template <typename T>
inline void copyValues(const T* from, Index n, T* to) {
  for (Index j = 0; j < n; j += kLanes<T>) {
    const Index some = std::min<Index>(kLanes<T>, n - j);
    simd::storeSome(to + j, simd::loadSome(from + j, some), some);
  }
}

// The part of an image that n rows of y look at: the image itself, or a copy with zeros around it. Where the room holds
// the same part of another image, the zeros are there.
template <typename T>
struct Patch {
  const T* x;
  Index row;  // from a row of the patch to the next
};
template <typename T>
Patch<T> patchOf(const Conv2d& c, const T* image, Index first, Index n, T* room, bool hasZeros) {
  if (!c.padded()) return {image + first * c.s * c.W * c.C, c.W * c.C};
  const Index width = c.columns(), height = c.rows(n);
  const Index left = std::clamp<Index>(c.q, 0, width), right = std::clamp<Index>(c.q + c.W, left, width);
  for (Index i = 0; i < height; ++i) {
    const Index from = first * c.s + i - c.p;
    T* to = room + i * width * c.C;
    const bool isInside = from >= 0 && from < c.H && left < right;
    if (!hasZeros) {
      std::fill_n(to, (isInside ? left : width) * c.C, T(0));
      if (isInside) std::fill_n(to + right * c.C, (width - right) * c.C, T(0));
    }
    if (isInside) copyValues(image + (from * c.W + left - c.q) * c.C, (right - left) * c.C, to + left * c.C);
  }
  return {room, width * c.C};
}
template <typename T>
Index patchRoom(const Conv2d& c) {
  return c.padded() ? c.rows(stretchOf<T>(c)) * c.columns() * c.C : 0;
}

// Blocks of sums in registers: up to kPixels pixels or taps times two vectors of filters, up to kTaps taps times one.
constexpr int kPixels = simd::kRegisters == 32 ? 8 : 6;
constexpr int kTaps = 12;
template <int N>
using Counts = std::make_integer_sequence<int, N>;

// fn(filter, vectors) for blocks of filters; the last of them may have lanes to spare.
template <typename T, typename F>
inline void filterBlocks(Index filters, const F& fn) {
  for (Index f = 0; f < filters; f += 2 * kLanes<T>) fn(f, filters - f > kLanes<T> ? 2 : 1);
}

// y[rows, P pixels, filters] = bias + sum over taps of x[pixel + offset of the tap] * w[tap, filters].
template <typename T>
struct Forward {
  const T* x;
  Index row, pixel;  // from a pixel's patch to that of the pixel below, and to its right
  const std::int32_t* offset;
  Index taps;
  const T *w, *bias;  // packed
  Index rows;
  T* y;
  Index yRow, yPixel, filters;
};
template <typename T, int V, int P>
void forwardBlock(const Forward<T>& a) {
  constexpr int lanes = kLanes<T>;
  const Index step = a.pixel, rest = a.filters - (V - 1) * lanes;
  for (Index r = 0; r < a.rows; ++r) {
    Vector<T> sum[P][V];
#pragma GCC unroll 12
    for (int i = 0; i < P; ++i)
#pragma GCC unroll 2
      for (int v = 0; v < V; ++v) sum[i][v] = load(a.bias + v * lanes);
    const T *x = a.x + r * a.row, *w = a.w;
    for (const std::int32_t *o = a.offset, *end = o + a.taps; o < end; ++o, w += V * lanes) {
      const T* at = x + *o;
#pragma GCC unroll 12
      for (int i = 0; i < P; ++i)
#pragma GCC unroll 2
        for (int v = 0; v < V; ++v) sum[i][v] = fma_(simd::broadcast(at[i * step]), load(w + v * lanes), sum[i][v]);
    }
    T* y = a.y + r * a.yRow;
#pragma GCC unroll 12
    for (int i = 0; i < P; ++i, y += a.yPixel) {
      if (V == 2) store(y, sum[i][0]);
      if (rest >= lanes) {
        store(y + (V - 1) * lanes, sum[i][V - 1]);
      } else {
        store(y + (V - 1) * lanes, sum[i][V - 1], rest);
      }
    }
  }
}
template <typename T, int V, int... P>
inline void forwardBlock(Index pixels, const Forward<T>& a, std::integer_sequence<int, P...>) {
  static constexpr void (*table[])(const Forward<T>&) = {forwardBlock<T, V, P + 1>...};
  table[pixels - 1](a);
}

// dw[R taps, filters] += sum over rows and pixels of x[pixel + offset of the tap] * dy[pixel, filters].
template <typename T>
struct Gradient {
  const T* x;
  Index row, pixel;
  const std::int32_t* offset;
  const T* dy;
  Index rows, pixels, yPixel, filters;
  T* dw;
  Index wTap;
};
template <typename T, int V, int R, bool full>
void gradientBlock(const Gradient<T>& a) {
  constexpr int lanes = kLanes<T>;
  Vector<T> sum[R][V] = {};
  const T* x[R];
#pragma GCC unroll 12
  for (int i = 0; i < R; ++i) x[i] = a.x + a.offset[i];
  const T* dy = a.dy;
  const Index rest = a.filters - (V - 1) * lanes, step = a.pixel, yPixel = a.yPixel, pixels = a.pixels;
  for (Index r = 0; r < a.rows; ++r) {
    for (Index i = 0, at = 0; i < pixels; ++i, at += step, dy += yPixel) {
      const Vector<T> last = full ? load(dy + (V - 1) * lanes) : load(dy + (V - 1) * lanes, rest);
      const Vector<T> first = V == 2 ? load(dy) : last;
#pragma GCC unroll 12
      for (int k = 0; k < R; ++k) {
        if (V == 2) sum[k][0] = fma_(simd::broadcast(x[k][at]), first, sum[k][0]);
        sum[k][V - 1] = fma_(simd::broadcast(x[k][at]), last, sum[k][V - 1]);
      }
    }
#pragma GCC unroll 12
    for (int k = 0; k < R; ++k) x[k] += a.row;
  }
  T* dw = a.dw;
#pragma GCC unroll 12
  for (int k = 0; k < R; ++k, dw += a.wTap) {
    if (V == 2) store(dw, load(dw) + sum[k][0]);
    T* to = dw + (V - 1) * lanes;
    if (full) {
      store(to, load(to) + sum[k][V - 1]);
    } else {
      store(to, load(to, rest) + sum[k][V - 1], rest);
    }
  }
}
template <typename T, int V, int... R>
inline void gradientBlock(Index taps, const Gradient<T>& a, std::integer_sequence<int, R...>) {
  static constexpr void (*table[2][sizeof...(R)])(const Gradient<T>&) = {{gradientBlock<T, V, R + 1, false>...},
                                                                         {gradientBlock<T, V, R + 1, true>...}};
  table[a.filters >= V * kLanes<T>][taps - 1](a);
}

// Where the taps of a pixel lie, from its first.
template <typename T>
std::int32_t* tapOffsets(const Conv2d& c, T* room) {
  auto* offsets = reinterpret_cast<std::int32_t*>(room);
  const Index row = (c.padded() ? c.columns() : c.W) * c.C;
  Index i = 0;
  for (Index k = 0; k < c.K; ++k) {
    for (Index l = 0; l < c.L; ++l) {
      for (Index j = 0; j < c.C; ++j) offsets[i++] = static_cast<std::int32_t>(k * c.d * row + l * c.e * c.C + j);
    }
  }
  return offsets;
}
inline Index offsetRoom(const Conv2d& c) { return roundUp(c.taps(), 16); }

// What all images share: the offsets, the bias, and the weights as forwardBlock reads them: for each block of filters
// its vectors tap by tap, with zeros in unused lanes. weights(tap)(filter) and biasOf(filter) are the values.
template <typename T>
struct Packed {
  const std::int32_t* offset;
  T *bias, *w;

  template <typename Weights, typename Bias>
  Packed(Team& team, const Conv2d& c, T* room, const Weights& weights, const Bias& biasOf)
      : offset(tapOffsets(c, room)), bias(room + offsetRoom(c)), w(bias + roundUp(c.F, kLanes<T>)) {
    for (Index f = 0; f < roundUp(c.F, kLanes<T>); ++f) bias[f] = f < c.F ? biasOf(f) : T(0);
    rows(team, c.taps(), c.F, [&](Index first, Index last) {
      filterBlocks<T>(c.F, [&](Index f, Index vectors) {
        const Index n = vectors * kLanes<T>;
        for (Index tap = first; tap < last; ++tap) {
          T* to = w + f * c.taps() + tap * n;
          const auto weight = weights(tap);
          for (Index j = 0; j < n; ++j) to[j] = f + j < c.F ? weight(f + j) : T(0);
        }
      });
    });
  }
  static Index room(const Conv2d& c) { return offsetRoom(c) + (c.taps() + 1) * roundUp(c.F, kLanes<T>); }
};

// Rows first .. first + n - 1 of y[Y,X,F] of one image; hasZeros: see patchOf.
template <typename T>
void directForward(const Conv2d& c, const T* image, Index first, Index n, const Packed<T>& packed, T* y, T* room,
                   bool hasZeros) {
  const Patch<T> patch = patchOf(c, image, first, n, room, hasZeros);
  filterBlocks<T>(c.F, [&](Index f, Index vectors) {
    blocks(c.X, kPixels, [&](Index i, Index pixels) {
      const Forward<T> block{patch.x + i * c.t * c.C,
                             c.s * patch.row,
                             c.t * c.C,
                             packed.offset,
                             c.taps(),
                             packed.w + f * c.taps(),
                             packed.bias + f,
                             n,
                             y + (first * c.X + i) * c.F + f,
                             c.X * c.F,
                             c.F,
                             c.F - f};
      if (vectors == 2) {
        forwardBlock<T, 2>(pixels, block, Counts<kPixels>());
      } else {
        forwardBlock<T, 1>(pixels, block, Counts<kPixels>());
      }
    });
  });
}

// The gradients dw[K,L,C,F] and db[F] of one image are added to what is there. isNext: the room was that of the image
// before.
template <typename T>
void directGradient(const Conv2d& c, const T* image, const T* dy, const std::int32_t* offset, T* dw, T* db, T* room,
                    bool isNext) {
  const Index stretch = stretchOf<T>(c);
  for (Index first = 0; first < c.Y; first += stretch) {
    const Index n = std::min(stretch, c.Y - first);
    const Patch<T> patch = patchOf(c, image, first, n, room, isNext && n == c.Y);
    const T* from = dy + first * c.X * c.F;
    filterBlocks<T>(c.F, [&](Index f, Index vectors) {
      blocks(c.taps(), vectors == 2 ? kPixels : kTaps, [&](Index tap, Index taps) {
        const Gradient<T> block{patch.x, c.s * patch.row, c.t * c.C,          offset + tap, from + f, n, c.X,
                                c.F,     c.F - f,         dw + tap * c.F + f, c.F};
        if (vectors == 2) {
          gradientBlock<T, 2>(taps, block, Counts<kPixels>());
        } else {
          gradientBlock<T, 1>(taps, block, Counts<kTaps>());
        }
      });
    });
    addRows(from, n * c.X, c.F, c.F, db);
  }
}

}  // namespace
}  // namespace fjordnet::FJORDNET_ISA
