// Draws from NumPy's stream, in the order of the elements. The generator's state, Generator::kStateWords of them, lies
// in 648 = 9 * 9 * 8 integers.
#pragma once

#include "../random.h"
#include "isa.h"

namespace fjordnet::FJORDNET_ISA {
namespace {

struct Kernels;
using Generator = Mt19937<Kernels>;
static_assert(Generator::kStateWords <= 648, "");

// y[B,N] = u < p[B,N], 1 or 0
template <typename T>
void drawBernoulli(const Cpu<T>&, Index B, Index N, In<T> p, InOut<std::int32_t> state, Out<T> y) {
  constexpr Index kBlock = 256;
  Generator generator(state);
  T u[kBlock];
  for (Index first = 0; first < B * N; first += kBlock) {
    const Index n = std::min(kBlock, B * N - first);
    generator.doubles(u, n);
    for (Index i = 0; i < n; ++i) y[first + i] = static_cast<T>(u[i] < p[first + i]);
  }
  generator.save(state);
}

// y[B,N] = mean[B,N] + a standard normal number
template <typename T>
void drawNormal(const Cpu<T>&, Index B, Index N, In<T> mean, InOut<std::int32_t> state, Out<T> y) {
  Generator generator(state);
  for (Index i = 0; i < B * N; ++i) y[i] = mean[i] + static_cast<T>(generator.nextGauss());
  generator.save(state);
}

// rows[batches,size]: of each batch the first of a permutation of n. scratch: 2 n integers
[[maybe_unused]] void drawBatches(std::int32_t* state, Index n, Index size, Index batches, std::int32_t* scratch,
                                  std::int32_t* rows) {
  if (batches == 0) return;
  Generator generator(state);
  std::int32_t *identity = scratch, *index = scratch + n;
  for (Index i = 0; i < n; ++i) identity[i] = static_cast<std::int32_t>(i);
  for (Index batch = 0; batch < batches; ++batch, rows += size) {
    std::memcpy(index, identity, static_cast<std::size_t>(n) * sizeof *index);
    generator.shuffle(index, n, size);
    std::memcpy(rows, index, static_cast<std::size_t>(size) * sizeof *index);
  }
  generator.save(state);
}

}  // namespace
}  // namespace fjordnet::FJORDNET_ISA
