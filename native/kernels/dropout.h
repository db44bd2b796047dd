// Dropout (Srivastava et al., 2014), inverted: what is kept grows by 1 / (1 - rate), so that nothing changes in
// inference.
#pragma once

#include "activation.h"

namespace fjordnet::FJORDNET_ISA {
namespace {

// Random bits of counter i: two rounds of C. Wellons' lowbias32 ("Prospecting for hash functions", 2018), keyed by both
// halves of the seed. Any element's bits are computed alone, so that tiles need no order.
inline std::uint32_t mix(std::uint32_t x) {
  x ^= x >> 16;
  x *= 0x21f0aaadu;
  x ^= x >> 15;
  x *= 0x735a2d97u;
  return x ^ (x >> 15);
}

// mask = 1 / (1 - rate) with probability 1 - rate, else 0;  y = x * mask. seed: an integer in [0, 2^53)
// x[B,N] -> y[B,N], mask[B,N]
template <typename T>
void dropout(const Cpu<T>& cpu, Index B, Index N, In<T> x, Out<T> y, Out<T> mask, double rate, double seed) {
  const auto key = static_cast<std::uint64_t>(seed);
  const auto dropped = static_cast<std::uint64_t>(rate * 4294967296.0);
  const T scale = rate < 1.0 ? static_cast<T>(1.0 / (1.0 - rate)) : T(0);
  const auto threshold = static_cast<std::uint32_t>(std::min<std::uint64_t>(dropped, 0xffffffffu));
  elements(cpu.team, B * N, [&](Index begin, Index end) {
    const Index counter = cpu.first * N + begin;
    const auto low = static_cast<std::uint32_t>(key) + static_cast<std::uint32_t>(counter);
    const auto high = static_cast<std::uint32_t>(key >> 32) ^ mix(static_cast<std::uint32_t>(counter >> 32));
    const T factor = scale,
            zero = T(0);  // copies: the compiler does not vectorise a choice between a captured value and another
    const T* from = x + begin;
    T *to = y + begin, *factors = mask + begin;
    const auto n = static_cast<std::uint32_t>(end - begin);
#pragma GCC ivdep
    for (std::uint32_t i = 0; i < n; ++i) {
      factors[i] = mix(mix(low + i) ^ high) >= threshold ? factor : zero;
      to[i] = from[i] * factors[i];
    }
  });
}

// dx = dy * mask
template <typename T>
void dropoutGradient(const Cpu<T>& cpu, Index B, Index N, In<T> mask, In<T> dy, Out<T> dx) {
  map2(cpu, B * N, mask, dy, dx, [](T mask, T dy) { return dy * mask; });
}

// y = x
template <typename T>
void copy(const Cpu<T>& cpu, Index B, Index N, In<T> x, Out<T> y) {
  map1(cpu, B * N, x, y, [](T x) { return x; });
}

}  // namespace
}  // namespace fjordnet::FJORDNET_ISA
