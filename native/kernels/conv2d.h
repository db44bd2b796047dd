// Two-dimensional convolution: forward, and the gradients of weights, bias and inputs. Images are [B,H,W,C], kernels
// [K,L,C,F], strides s, t, dilations d, e; p rows and q columns of zeros stand before the first. 3x3 kernels of many
// channels go by F(2x2, 3x3) in float32 (winograd.h), most others the direct way (conv2d_direct.h); large weights over
// few pixels, and the input gradient of strided convolutions, by im2col and matrix products, of one row of the kernel
// at a time: that copy is a third as long as all of a 3x3 kernel's.
#pragma once

#include "conv2d_direct.h"
#include "gemm.h"
#include "winograd.h"

namespace fjordnet::FJORDNET_ISA {
namespace {

// The convolution of dy with the kernel turned around that gives the input gradient where both strides are 1.
inline Conv2d turned(const Conv2d& c) {
  return trimmed(
      {c.B, c.Y, c.X, c.F, c.K, c.L, c.C, c.H, c.W, 1, 1, c.d, c.e, (c.K - 1) * c.d - c.p, (c.L - 1) * c.e - c.q});
}

// Directly, if the weights stay in the outer cache, or those of one block of filters do and serve many pixels there,
// and the padded image is not much more than the image. Offsets within it have 31 bits.
template <typename T>
bool isDirect(const Conv2d& c) {
  constexpr Index room = kDirectWeights / static_cast<Index>(sizeof(T));
  if (c.isEmpty() || !c.isCompact()) return false;
  const double padded = static_cast<double>(c.rows(c.Y)) * static_cast<double>(c.columns()) * static_cast<double>(c.C);
  return padded < 2147483648.0 && (c.weights() <= room || (c.taps() * kLanes<T> <= room && c.Y * c.X >= kDirectPixels));
}
template <typename T>
bool isInputDirect(const Conv2d& c) {
  return c.s == 1 && c.t == 1 && isDirect<T>(turned(c));
}

// The rows of y of all images in one count: row g belongs to image g / Y. A chunk of them is one matrix product: long
// enough for the product, and its im2col no longer than kIm2col unless that takes more.
inline Index chunkOf(const Conv2d& c) {
  const Index row = std::max<Index>(c.X * c.L * c.C, 1);
  return std::max<Index>(kIm2col / row, (kIm2colPixels - 1 + c.X) / std::max<Index>(c.X, 1));
}

// Of a row of y longer than this in im2col, a product takes some pixels only.
inline Index pixelsOf(const Conv2d& c) {
  const Index width = std::max<Index>(c.L * c.C, 1);
  return std::min(c.X, std::max<Index>(kIm2colPixels, kMostIm2col / width));
}

// Pixels from .. to - 1 of n rows of y from row `first` on: all, or some of one row.
struct Stretch {
  Index first, n, from, to;
  Index pixels() const { return n * (to - from); }
  Index at(const Conv2d& c) const { return first * c.X + from; }
};
template <typename F>
inline void stretches(const Conv2d& c, Index first, Index n, const F& fn) {
  const Index most = pixelsOf(c);
  if (most >= c.X) return fn(Stretch{first, n, 0, c.X});
  for (Index g = first; g < first + n; ++g) {
    for (Index x = 0; x < c.X; x += most) fn(Stretch{g, 1, x, std::min(x + most, c.X)});
  }
}

// An image is its own im2col.
inline bool isPlain(const Conv2d& c) {
  return c.K * c.L == 1 && c.s == 1 && c.t == 1 && !c.padded() && c.Y == c.H && c.X == c.W;
}

// The most pixels of a stretch, and values of its im2col.
inline Index mostPixels(const Conv2d& c) {
  const Index pixels = pixelsOf(c);
  return (pixels < c.X ? 1 : std::min(chunkOf(c), c.B * c.Y)) * pixels;
}
inline Index im2colRoom(const Conv2d& c) { return c.isEmpty() || isPlain(c) ? 0 : mostPixels(c) * c.L * c.C; }

// Scratch in float or double, whichever is more: where that is direct the packed weights and patches of `direct`, else
// the im2col of `products`, and behind it what their matrix products are lent.
inline Scratch scratchOf(const Conv2d& direct, bool isFloatDirect, bool isDoubleDirect, const Conv2d& products) {
  Scratch room;
  if (isFloatDirect) room = {Packed<float>::room(direct), patchRoom<float>(direct)};
  if (isDoubleDirect) {
    room.shared = std::max(room.shared, Packed<double>::room(direct));
    room.perSlot = std::max(room.perSlot, patchRoom<double>(direct));
  }
  if (!isFloatDirect || !isDoubleDirect) {
    const Index depth = std::max(products.L * products.C, mostPixels(products));
    room.perSlot = std::max(room.perSlot, im2colRoom(products) + productScratch(depth, products.F).perSlot);
  }
  return room;
}

inline Scratch largest(const Scratch& a, const Scratch& b) {
  return {std::max(a.shared, b.shared), std::max(a.perSlot, b.perSlot)};
}
inline Scratch withWinograd(const Scratch& room, const Conv2d& c) {
  return isWinograd(c) ? largest(room, winogradScratch(c)) : room;
}

// fn(place in the row of im2col, values, from this place in x on) for the stretches of x that pixels begin .. end - 1
// of row g of y see through row k of the kernel, and zeros(place, values) for what lies outside.
template <typename Fn, typename Zeros>
inline void visit(const Conv2d& c, Index g, Index begin, Index end, Index k, const Fn& fn, const Zeros& zeros) {
  const Index h = g % c.Y * c.s + k * c.d - c.p, width = c.L * c.C;
  if (h < 0 || h >= c.H) return zeros(0, (end - begin) * width);
  const Index row = (g / c.Y * c.H + h) * c.W;
  for (Index x = begin; x < end; ++x) {
    const Index w = x * c.t - c.q, place = (x - begin) * width;
    if (c.e == 1 && w >= 0 && w + c.L <= c.W) {
      fn(place, width, (row + w) * c.C);
      continue;
    }
    for (Index l = 0; l < c.L; ++l) {
      const Index at = w + l * c.e;
      if (at >= 0 && at < c.W) {
        fn(place + l * c.C, c.C, (row + at) * c.C);
      } else {
        zeros(place + l * c.C, c.C);
      }
    }
  }
}

// col[pixels, L * C] of a stretch of y and row k of the kernel.
template <typename T>
const T* im2col(const Conv2d& c, const T* x, const Stretch& s, Index k, T* col) {
  if (isPlain(c)) return x + s.at(c) * c.C;
  for (Index i = 0; i < s.n; ++i) {
    T* to = col + i * c.X * c.L * c.C;
    visit(
        c, s.first + i, s.from, s.to, k,
        [&](Index at, Index count, Index from) { std::copy_n(x + from, count, to + at); },
        [&](Index at, Index count) { std::fill_n(to + at, count, T(0)); });
  }
  return col;
}

// dx += what im2col copied from it.
template <typename T>
void col2im(const Conv2d& c, const T* col, const Stretch& s, Index k, T* dx) {
  for (Index i = 0; i < s.n; ++i) {
    const T* from = col + i * c.X * c.L * c.C;
    visit(
        c, s.first + i, s.from, s.to, k,
        [&](Index at, Index count, Index to) {
#pragma GCC ivdep
          for (Index j = 0; j < count; ++j) dx[to + j] += from[at + j];
        },
        [](Index, Index) {});
  }
}

template <typename T>
void directConvolution(const Cpu<T>& cpu, const Conv2d& c, In<T> x, const Packed<T>& packed, Out<T> y) {
  const Index stretch = stretchOf<T>(c), stretches = (c.Y + stretch - 1) / stretch, count = c.B * stretches;
  tiles(cpu.team, count, 2 * stretch * c.X * c.F * c.taps(), count, [&](Index begin, Index n, int slot) {
    for (Index i = begin; i < begin + n; ++i) {
      const Index image = i / stretches, first = i % stretches * stretch;
      directForward(c, x + image * c.image(), first, std::min(stretch, c.Y - first), packed, y + image * c.output(),
                    cpu.scratch(slot), i > begin && stretches == 1);
    }
  });
}

// y = x * w + b; b may be null
template <typename T>
void conv2d(const Cpu<T>& cpu, Conv2d whole, In<T> x, In<T> w, In<T> b, Out<T> y) {
  const Conv2d c = trimmed(whole);
  const auto bias = [b](Index f) { return b == nullptr ? T(0) : b[f]; };
  const auto weights = [&](Index tap) { return [row = w + c.place(tap) * c.F](Index f) { return row[f]; }; };
  if constexpr (std::is_same_v<T, float>) {
    if (isWinograd(c)) return winogradConvolution(cpu, c, x, weights, bias, y);
  }
  if (isDirect<T>(c)) {
    return directConvolution(cpu, c, x, Packed<T>(cpu.team, c, cpu.shared, weights, bias), y);
  }
  if (c.B * c.output() == 0) return;
  const Index width = c.L * c.C;
  tiles(cpu.team, c.B * c.Y, 2 * c.X * c.F * c.taps(), chunkOf(c), [&](Index first, Index n, int slot) {
    T* to = y + first * c.X * c.F;
    for (Index i = 0; i < n * c.X; ++i) {
      for (Index f = 0; f < c.F; ++f) to[i * c.F + f] = bias(f);
    }
    for (Index k = 0; k < c.K && width > 0; ++k) {
      stretches(c, first, n, [&](const Stretch& s) {
        const T* col = im2col(c, x, s, k, cpu.scratch(slot));
        product<T>({false, false, s.pixels(), c.F, width, col, width, w + c.place(k * width) * c.F, c.F, nullptr,
                    y + s.at(c) * c.F, c.F, true},
                   cpu.scratch(slot) + im2colRoom(c));
      });
    }
  });
}
inline Scratch conv2dScratch(Conv2d whole) {
  const Conv2d c = trimmed(whole);
  return withWinograd(scratchOf(c, isDirect<float>(c), isDirect<double>(c), c), c);
}

// The sums of one group of images.
inline Index groupRoom(const Conv2d& c) { return roundUp(c.weights() + c.F, 16); }

// dw = x.T @ dy over all images and pixels, db = dy.sum() over them; db may be null
template <typename T>
void conv2dWeightGradient(const Cpu<T>& cpu, Conv2d whole, In<T> x, In<T> dy, Out<T> dw, Out<T> db) {
  const Conv2d c = trimmed(whole);
  if constexpr (std::is_same_v<T, float>) {
    if (isWinograd(c)) return winogradGradient(cpu, c, x, dy, dw, db);
  }
  const Index weights = c.weights(), width = c.L * c.C, room = groupRoom(c);
  const Index groups = groupsOf(c.B, c.Y * c.X, weights);
  const auto image = [&](Index g) { return g * c.B / groups; };
  if (isDirect<T>(c)) {
    const std::int32_t* offset = tapOffsets(c, cpu.shared + groups * room);
    cpu.team.parallel_for(static_cast<int>(groups), [&](int g, int slot) {
      T* sum = cpu.shared + g * room;
      std::fill_n(sum, room, T(0));
      for (Index i = image(g); i < image(g + 1); ++i) {
        directGradient(c, x + i * c.image(), dy + i * c.output(), offset, sum, sum + weights, cpu.scratch(slot),
                       i > image(g));
      }
    });
  } else {
    cpu.team.parallel_for(static_cast<int>(groups * std::max<Index>(c.K, 1)), [&](int tile, int slot) {
      const Index g = tile % groups, k = tile / groups, end = image(g + 1) * c.Y;
      T *sum = cpu.shared + g * room, *to = sum + k * width * c.F;
      std::fill_n(to, c.K == 0 ? 0 : width * c.F, T(0));
      if (k == 0) std::fill_n(sum + weights, c.F, T(0));
      for (Index first = image(g) * c.Y; first < end; first += chunkOf(c)) {
        const Index n = std::min(chunkOf(c), end - first);
        const T* from = dy + first * c.X * c.F;
        if (k == 0) addRows(from, n * c.X, c.F, c.F, sum + weights);
        if (weights == 0 || n * c.X == 0) continue;
        stretches(c, first, n, [&](const Stretch& s) {
          const T* col = im2col(c, x, s, k, cpu.scratch(slot));
          product<T>({true, false, width, c.F, s.pixels(), col, width, dy + s.at(c) * c.F, c.F, nullptr, to, c.F, true},
                     cpu.scratch(slot) + im2colRoom(c));
        });
      }
    });
  }
  const bool isWhole = c.isWhole();
  if (!isWhole) std::fill_n(dw, c.tall * c.wide * c.C * c.F, T(0));
  elements(cpu.team, weights + (db == nullptr ? 0 : c.F), [=](Index begin, Index end) {
    const T* sums = cpu.shared;
    for (Index i = begin; i < end; ++i) {
      T total = sums[i];
      for (Index g = 1; g < groups; ++g) total += sums[g * room + i];
      if (i >= weights) {
        db[i - weights] = total;
      } else if (isWhole) {
        dw[i] = total;
      } else {
        dw[c.place(i / c.F) * c.F + i % c.F] = total;
      }
    }
  });
}
inline Scratch conv2dWeightGradientScratch(Conv2d whole) {
  const Conv2d c = trimmed(whole);
  Scratch room = scratchOf(c, isDirect<float>(c), isDirect<double>(c), c);
  room.shared = mostGroups(c.B, c.weights()) * groupRoom(c) + offsetRoom(c);
  return isWinograd(c) ? largest(room, winogradGradientScratch(c)) : room;
}

// dx = dy * w turned around
template <typename T>
void conv2dInputGradient(const Cpu<T>& cpu, Conv2d whole, In<T> dy, In<T> w, Out<T> dx) {
  const Conv2d c = trimmed(whole), r = turned(whole);
  const auto weights = [&](Index tap) {
    const Index f = tap % c.F, place = r.tall * r.wide - 1 - r.place(tap) / c.F;
    return [from = w + place * c.C * c.F + f, F = c.F](Index channel) { return from[channel * F]; };
  };
  const auto bias = [](Index) { return T(0); };
  if constexpr (std::is_same_v<T, float>) {
    if (c.s == 1 && c.t == 1 && isWinograd(r)) return winogradConvolution(cpu, r, dy, weights, bias, dx);
  }
  if (isInputDirect<T>(whole))
    return directConvolution(cpu, r, dy, Packed<T>(cpu.team, r, cpu.shared, weights, bias), dx);
  if (c.B * c.image() == 0) return;
  const Index width = c.L * c.C;
  tiles(cpu.team, c.B, 2 * c.output() * c.taps(), c.B, [&](Index image, Index images, int slot) {
    std::fill_n(dx + image * c.image(), images * c.image(), T(0));
    if (c.isEmpty()) return;
    for (Index first = image * c.Y; first < (image + images) * c.Y; first += chunkOf(c)) {
      const Index n = std::min(chunkOf(c), (image + images) * c.Y - first);
      for (Index k = 0; k < c.K; ++k) {
        stretches(c, first, n, [&](const Stretch& s) {
          T* to = isPlain(c) ? dx + s.at(c) * c.C : cpu.scratch(slot);
          product(false, true, s.pixels(), width, c.F, dy + s.at(c) * c.F, c.F, w + c.place(k * width) * c.F, c.F,
                  false, to, width);
          if (!isPlain(c)) col2im(c, to, s, k, dx);
        });
      }
    }
  });
}
inline Scratch conv2dInputGradientScratch(Conv2d c) {
  const Conv2d r = turned(c);
  const Scratch room = scratchOf(r, isInputDirect<float>(c), isInputDirect<double>(c), trimmed(c));
  return c.s == 1 && c.t == 1 ? withWinograd(room, r) : room;
}

}  // namespace
}  // namespace fjordnet::FJORDNET_ISA
