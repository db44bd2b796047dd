// Products with rows of which many values are 0, as of units that are drawn to be 0 or 1: what is 0 is left out. In us
// on one Zen 4 core, float64, [20,64] of which half (70 %) is 0, and 256 columns: affine 13.3, sparseAffine 10.6 (8.0);
// weightGradient and sgd 15.0, sparseWeightUpdate 10.4 (7.7). Without zeros they take 1.5 times as long.
#pragma once

#include "pack.h"
#include "tiles.h"

namespace fjordnet::FJORDNET_ISA {
namespace {

// Which values of a matrix are not 0, list by list: of its rows, or of its columns.
template <typename T>
class Nonzeros {
 public:
  static Index room(Index lists, Index length) { return lists * (2 * length + 1); }

  // Value i of list l lies at x + l * list + i * step.
  Nonzeros(const T* x, Index lists, Index length, Index list, Index step, T* room)
      : length_(length),
        value_(room),
        at_(reinterpret_cast<std::int32_t*>(room + lists * length)),
        count_(at_ + lists * length) {
    for (Index l = 0; l < lists; ++l) {
      T* value = value_ + l * length;
      std::int32_t *at = at_ + l * length, n = 0;
      for (Index i = 0; i < length; ++i) {
        const T one = x[l * list + i * step];
        value[n] = one;
        at[n] = static_cast<std::int32_t>(i);
        n += one != T(0);
      }
      count_[l] = n;
    }
  }

  // out[columns] = keep * start + the sum of list l's values times their rows of a panel, which is V vectors wide.
  template <int V>
  void add(Index l, const T* panel, Index columns, const T* start, T keep, T* out) const {
    constexpr Index L = kLanes<T>;
    const T* value = value_ + l * length_;
    const std::int32_t* at = at_ + l * length_;
    Vector<T> sum[V] = {};
    const Index whole = columns / L, rest = columns % L;
#pragma GCC unroll 8
    for (int v = 0; v < V; ++v) {
      if (v < whole)
        sum[v] = keep * load(start + v * L);
      else if (v == whole && rest > 0)
        sum[v] = keep * simd::loadSome(start + v * L, rest);
    }
    for (std::int32_t k = 0; k < count_[l]; ++k) {
      const auto one = simd::broadcast(value[k]);
      const T* row = panel + at[k] * (V * L);
#pragma GCC unroll 8
      for (int v = 0; v < V; ++v) sum[v] = simd::fma_(one, load(row + v * L), sum[v]);
    }
#pragma GCC unroll 8
    for (int v = 0; v < V; ++v) {
      if (v < whole)
        store(out + v * L, sum[v]);
      else if (v == whole && rest > 0)
        simd::storeSome(out + v * L, sum[v], rest);
    }
  }

 private:
  Index length_;
  T* value_;
  std::int32_t *at_, *count_;
};

constexpr int kSparseVectors = 8;
constexpr Index kSparseWidth = kSparseVectors * kLanes<float>;  // the most

inline Scratch sparseScratch(Index lists, Index length) {
  return {Nonzeros<float>::room(lists, length), length * kSparseWidth};
}

// fn(panel, first, columns) for panels of the columns of rows[K,N], which are copied to lie together: rows that are a
// power of two long would share few places of the first cache. A tile is as many panels as `lists` of K terms ask for.
template <typename T, typename F>
void eachPanel(const Cpu<T>& cpu, Index lists, Index K, Index N, const T* rows, const F& fn) {
  constexpr Index width = kSparseVectors * kLanes<T>;
  const Index panels = (N + width - 1) / width;
  const Index each = std::max<Index>(1, kProductTileFlop / (2 * lists * K * width));
  cpu.team.parallel_for(static_cast<int>((panels + each - 1) / each), [&](int tile, int slot) {
    T* panel = cpu.scratch(slot);
    for (Index p = tile * each; p < std::min(panels, (tile + 1) * each); ++p) {
      const Index first = p * width, columns = std::min(width, N - first);
      for (Index k = 0; k < K; ++k) {
        T* to = panel + k * width;
        std::fill(std::copy_n(rows + k * N + first, columns, to), to + width, T(0));
      }
      fn(panel, first, columns);
    }
  });
}

// y[B,O] = x[B,I] @ w[I,O] + b[O]
inline Scratch sparseAffineScratch(Index B, Index, Index I) { return sparseScratch(B, I); }
template <typename T>
void sparseAffine(const Cpu<T>& cpu, Index B, Index O, Index I, In<T> x, In<T> w, In<T> b, Out<T> y) {
  const Nonzeros<T> given(x, B, I, I, 1, cpu.shared);
  eachPanel(cpu, B, I, O, w, [&](const T* panel, Index first, Index columns) {
    for (Index r = 0; r < B; ++r)
      given.template add<kSparseVectors>(r, panel, columns, b + first, T(1), y + r * O + first);
  });
}

// w[I,O] = keep * w + x[B,I].T @ dy[B,O]
inline Scratch sparseWeightUpdateScratch(Index B, Index, Index I) {
  return {sparseScratch(I, B).shared, B * kSparseWidth};
}
template <typename T>
void sparseWeightUpdate(const Cpu<T>& cpu, Index B, Index O, Index I, In<T> x, In<T> dy, InOut<T> w, T keep) {
  const Nonzeros<T> given(x, I, B, 1, I, cpu.shared);
  eachPanel(cpu, I, B, O, dy, [&](const T* panel, Index first, Index columns) {
    for (Index i = 0; i < I; ++i) {
      T* row = w + i * O + first;
      given.template add<kSparseVectors>(i, panel, columns, row, keep, row);
    }
  });
}

}  // namespace
}  // namespace fjordnet::FJORDNET_ISA
