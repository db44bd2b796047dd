// Pooling over windows of K x L with strides s, t, and p rows, q columns of nothing before the first: what lies outside
// the image is no part of a window. Images are [B,H,W,C].
#pragma once

#include "pack.h"
#include "tiles.h"

namespace fjordnet::FJORDNET_ISA {
namespace {

struct Pool2d {
  Index B, H, W, C, Y, X, K, L, s, t, p, q;
  // Floats count no further than 2^24: in windows with more places, most of them outside, only those inside have
  // numbers.
  bool countsInside = K > (Index{1} << 24) / std::max<Index>(L, 1);

  static constexpr const char* kDims = "B H W C Y X K L s t p q";
  static Pool2d of(const Index* dim) {
    return {dim[0], dim[1], dim[2], dim[3], dim[4], dim[5], dim[6], dim[7], dim[8], dim[9], dim[10], dim[11]};
  }

  // Values of a window that lie inside the image, at most.
  Index most() const { return std::min(K, H) * std::min(L, W); }
  bool apart() const { return s >= K && t >= L; }
  // Do windows that lie apart leave nothing out?
  bool tiled() const { return s == K && t == L && p == 0 && q == 0 && Y * K == H && X * L == W; }
};

// The part of a window that lies inside the image: rows [k, kEnd) and columns [l, lEnd) of it.
struct Window {
  Index top, left, k, kEnd, l, lEnd;

  Window(const Pool2d& c, Index y)
      : top(y * c.s - c.p), k(std::clamp<Index>(-top, 0, c.K)), kEnd(std::clamp<Index>(c.H - top, k, c.K)) {}
  void move(const Pool2d& c, Index x) {
    left = x * c.t - c.q;
    const bool inside = left >= 0 && left + c.L <= c.W;
    l = inside ? 0 : std::clamp<Index>(-left, 0, c.L);
    lEnd = inside ? c.L : std::clamp<Index>(c.W - left, l, c.L);
  }

  Index count() const { return (kEnd - k) * (lEnd - l); }
  // first(place in the window, place in the image) for the first value inside the image, fn of the others.
  template <typename First, typename F>
  void each(const Pool2d& c, const First& first, const F& fn) const {
    const Index row = c.countsInside ? lEnd - l : c.L, skipped = c.countsInside ? k * row + l : 0;
    for (Index i = k; i < kEnd; ++i) {
      for (Index j = l; j < lEnd; ++j) {
        const Index place = i * row + j - skipped, offset = ((top + i) * c.W + left + j) * c.C;
        if (i == k && j == l) {
          first(place, offset);
        } else {
          fn(place, offset);
        }
      }
    }
  }
};

// A whole window of 2 x 2, which most are, without loops.
struct Quad {
  Index at, below;

  static constexpr Index count() { return 4; }
  template <typename First, typename F>
  void each(const Pool2d& c, const First& first, const F& fn) const {
    first(0, at), fn(1, at + c.C), fn(2, below), fn(3, below + c.C);
  }
};

// fn(window, image, place of the output in [B,Y,X]) for every window of rows first .. last - 1 of [B,Y].
template <typename F>
inline void windows(const Pool2d& c, Index first, Index last, const F& fn) {
  for (Index row = first; row < last; ++row) {
    const Index image = row / c.Y;
    Window window(c, row - image * c.Y);
    const bool areQuads = c.K == 2 && c.L == 2 && window.kEnd - window.k == 2;
    for (Index x = 0; x < c.X; ++x) {
      const Index left = x * c.t - c.q, at = (window.top * c.W + left) * c.C;
      if (areQuads && left >= 0 && left + 2 <= c.W) {
        fn(Quad{at, at + c.W * c.C}, image, row * c.X + x);
      } else {
        window.move(c, x);
        fn(window, image, row * c.X + x);
      }
    }
  }
}

// fn(channel, n) for vectors of channels, n in use.
template <typename T, typename F>
inline void channels(const Pool2d& c, const F& fn) {
  for (Index j = 0; j < c.C; j += kLanes<T>) fn(j, std::min<Index>(kLanes<T>, c.C - j));
}

// Rows first .. last - 1 of [B,Y]. What a tile computes with is its own: what is captured would be read again after
// each store.
template <typename T>
void largest(Pool2d c, Index first, Index last, In<T> x, Out<T> y, Out<T> winner) {
  windows(c, first, last, [=](const auto& window, Index image, Index out) {
    channels<T>(c, [&](Index j, Index n) {
      const T* from = x + image * c.H * c.W * c.C + j;
      Vector<T> most{}, at{};
      window.each(
          c,
          [&](Index place, Index offset) {
            most = simd::loadSome(from + offset, n);
            at = simd::broadcast(static_cast<T>(place));
          },
          [&](Index place, Index offset) {
            simd::keepLarger(simd::loadSome(from + offset, n), static_cast<T>(place), most, at);
          });
      simd::storeSome(y + out * c.C + j, most, n);
      simd::storeSome(winner + out * c.C + j, at, n);
    });
  });
}

// y and the place of the largest value in each window, the first of equal ones; NaN is larger than all.
// x[B,H,W,C] -> y[B,Y,X,C], winner[B,Y,X,C]
template <typename T>
void maxPooling2d(const Cpu<T>& cpu, Pool2d c, In<T> x, Out<T> y, Out<T> winner) {
  rows(cpu.team, c.B * c.Y, c.X * c.C * c.most(),
       [=](Index begin, Index end) { largest<T>(c, begin, end, x, y, winner); });
}

// Images first .. last - 1 of dx[B,H,W,C] = what its windows hand back, added up: vectorOf(window)(at, n)(place) for a
// place of the window and its n channels from `at` on in [B,Y,X,C]
template <typename T, bool apart, typename F>
void handBack(Pool2d c, Index first, Index last, Out<T> dx, const F vectorOf) {
  const Index size = c.H * c.W * c.C;
  if (!c.tiled()) std::fill_n(dx + first * size, (last - first) * size, T(0));
  windows(c, first * c.Y, last * c.Y, [=](const auto& window, Index image, Index out) {
    const auto ofChannels = vectorOf(window);
    channels<T>(c, [&](Index j, Index n) {
      T* to = dx + image * size + j;
      const auto ofPlace = ofChannels(out * c.C + j, n);
      const auto add = [&](Index place, Index offset) {
        const Vector<T> d = ofPlace(place);
        simd::storeSome(to + offset, apart ? d : simd::loadSome(to + offset, n) + d, n);
      };
      window.each(c, add, add);
    });
  });
}
template <typename T, typename F>
void handBack(const Cpu<T>& cpu, const Pool2d& c, Out<T> dx, const F& vectorOf) {
  rows(cpu.team, c.B, c.H * c.W * c.C, [=](Index begin, Index end) {
    if (c.apart()) {
      handBack<T, true>(c, begin, end, dx, vectorOf);
    } else {
      handBack<T, false>(c, begin, end, dx, vectorOf);
    }
  });
}

// dx[B,H,W,C] = dy[B,Y,X,C] at the winners
template <typename T>
void maxPooling2dGradient(const Cpu<T>& cpu, Pool2d c, In<T> winner, In<T> dy, Out<T> dx) {
  handBack<T>(cpu, c, dx, [=](const auto&) {
    return [=](Index at, Index n) {
      const Vector<T> d = simd::loadSome(dy + at, n), won = simd::loadSome(winner + at, n);
      return [=](Index place) { return simd::whereEqual(won, static_cast<T>(place), d); };
    };
  });
}

// y[B,Y,X,C] = mean of x[B,H,W,C] over the part of each window that lies inside
template <typename T>
void averagePooling2d(const Cpu<T>& cpu, Pool2d c, In<T> x, Out<T> y) {
  rows(cpu.team, c.B * c.Y, c.X * c.C * c.most(), [=](Index begin, Index end) {
    windows(c, begin, end, [=](const auto& window, Index image, Index out) {
      const Vector<T> count = simd::broadcast(static_cast<T>(std::max<Index>(window.count(), 1)));
      channels<T>(c, [&](Index j, Index n) {
        const T* from = x + image * c.H * c.W * c.C + j;
        Vector<T> sum{};
        const auto add = [&](Index, Index offset) { sum = sum + simd::loadSome(from + offset, n); };
        window.each(c, add, add);
        simd::storeSome(y + out * c.C + j, sum / count, n);
      });
    });
  });
}

// dx[B,H,W,C] = dy[B,Y,X,C], shared out evenly
template <typename T>
void averagePooling2dGradient(const Cpu<T>& cpu, Pool2d c, In<T> dy, Out<T> dx) {
  handBack<T>(cpu, c, dx, [=](const auto& window) {
    const Vector<T> count = simd::broadcast(static_cast<T>(std::max<Index>(window.count(), 1)));
    return [=](Index at, Index n) {
      const Vector<T> share = simd::loadSome(dy + at, n) / count;
      return [=](Index) { return share; };
    };
  });
}

// y[B,C] = x[B,N,C].mean(1)
template <typename T>
void globalAveragePooling(const Cpu<T>& cpu, Index B, Index N, Index C, In<T> x, Out<T> y) {
  rows(cpu.team, B, N * C, [&](Index begin, Index end) {
    std::fill_n(y + begin * C, (end - begin) * C, T(0));
    for (Index i = begin; i < end; ++i) addRows(x + i * N * C, N, C, C, y + i * C);
    for (Index i = begin * C; i < end * C; ++i) y[i] /= static_cast<T>(N);
  });
}

// dx[B,N,C] = dy[B,C] / N
template <typename T>
void globalAveragePoolingGradient(const Cpu<T>& cpu, Index B, Index N, Index C, In<T> dy, Out<T> dx) {
  rows(cpu.team, B, N * C, [&](Index begin, Index end) {
    for (Index i = begin * N; i < end * N; ++i) {
      const T* d = dy + i / N * C;
#pragma GCC ivdep
      for (Index j = 0; j < C; ++j) dx[i * C + j] = d[j] / static_cast<T>(N);
    }
  });
}

}  // namespace
}  // namespace fjordnet::FJORDNET_ISA
