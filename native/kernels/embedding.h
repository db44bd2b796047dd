// Rows of a table [V, E], named by integers: index[B,J].
#pragma once

#include "tiles.h"

namespace fjordnet::FJORDNET_ISA {
namespace {

// y[B,J,E] = table[index]; NaN where the table has no such row
template <typename T>
void embedding(const Cpu<T>& cpu, Index B, Index J, Index V, Index E, In<std::int32_t> index, In<T> table, Out<T> y) {
  rows(cpu.team, B * J, E, [&](Index first, Index last) {
    for (Index r = first; r < last; ++r) {
      const Index v = index[r];
      if (v < 0 || v >= V) {
        std::fill_n(y + r * E, E, std::numeric_limits<T>::quiet_NaN());
      } else {
        std::copy_n(table + v * E, E, y + r * E);
      }
    }
  });
}

// table[V,E] += x[B,E] at the rows that index[B] names, in its order. With `least` values and more every row has one
// owner, the tile of its number modulo kOwners (low numbers are the frequent ones), which looks through all of index
// for its own. Measured for 6,400 indices, V = 20,000, float32 and AVX2: with E = 128 one tile takes 217 us, the
// slowest of 4 takes 82; with E = 32 32 us either way, since owners take as long to find a row as to add it.
constexpr int kOwners = 4;  // a power of two
constexpr Index kLeastOwned = 64;
template <typename T>
void addToRows(const Cpu<T>& cpu, Index B, Index V, Index E, const std::int32_t* index, const T* x, T* table,
               Index least) {
  const int owners = E < kLeastOwned || B * E < least ? 1 : kOwners;
  cpu.team.parallel_for(owners, [&](int owner, int) {
    for (Index r = 0; r < B; ++r) {
      const Index v = index[r];
      if (v < 0 || v >= V || (v & (owners - 1)) != owner) continue;
      const T* from = x + r * E;
      T* to = table + v * E;
#pragma omp simd
      for (Index e = 0; e < E; ++e) to[e] += from[e];
    }
  });
}

// The same, of what was computed on one core: in us by one and two threads on Zen 4, float64, E = 64, V = 50, with a
// copy of x: 1,797 indices 88, 123; 6,400 237, 375; 50,000 12514, 8332.
template <typename T>
void scatterAdd(const Cpu<T>& cpu, Index B, Index V, Index E, In<std::int32_t> index, In<T> x, InOut<T> table) {
  addToRows<T>(cpu, B, V, E, index, x, table, 64 * kElementTile);
}

// dtable[V,E]: dy[B,J,E] added up at the rows that index names
template <typename T>
void embeddingGradient(const Cpu<T>& cpu, Index B, Index J, Index V, Index E, In<std::int32_t> index, In<T> dy,
                       Out<T> dtable) {
  elements(cpu.team, V * E, [&](Index begin, Index end) { std::fill(dtable + begin, dtable + end, T(0)); });
  addToRows<T>(cpu, B * J, V, E, index, dy, dtable, kElementTile);
}

// y[B,N] = x[B,N], integers as numbers of the plan's dtype
template <typename T>
void realOfInt32(const Cpu<T>& cpu, Index B, Index N, In<std::int32_t> x, Out<T> y) {
  rows(cpu.team, B, N, [&](Index first, Index last) {
    for (Index i = first * N; i < last * N; ++i) y[i] = static_cast<T>(x[i]);
  });
}

}  // namespace
}  // namespace fjordnet::FJORDNET_ISA
