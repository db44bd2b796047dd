// Gaussian noise, by counters as dropout's masks (dropout.h). Two words of 32 bits make one number (Box and Muller,
// 1958): sqrt(-2 log(u)) cos(phi), where the cosine of a uniform angle is drawn as sin(pi/2 v) with v uniform in
// (-1, 1), which has its distribution. No number is beyond 6.8 standard deviations.
#pragma once

#include "dropout.h"
#include "vmath.h"

namespace fjordnet::FJORDNET_ISA {
namespace {

// sin(pi/2 v) for |v| <= 1: its Taylor series, whose next term is below 2e-18.
template <typename V>
inline V sinQuarter(V v) {
  const V z = v * v;
  return v * polynomial(z, 2.571422892860472e-16, -4.377065467313739e-14, 6.066935731106192e-12, -6.688035109811464e-10,
                        5.692172921967924e-08, -3.598843235212084e-06, 0.00016044118478735975, -0.004681754135318687,
                        0.07969262624616703, -0.6459640975062462, 1.5707963267948966);
}

// y = x + stddev * noise. seed: an integer in [0, 2^53)
template <typename T>
void gaussianNoise(const Cpu<T>& cpu, Index B, Index N, In<T> x, Out<T> y, T stddev, double seed) {
  constexpr Index kBlock = 256;
  const auto key = static_cast<std::uint64_t>(seed);
  elements(cpu.team, B * N, [&](Index begin, Index end) {
    T u[kBlock] = {}, v[kBlock] = {};
    for (Index first = begin; first < end; first += kBlock) {
      const auto n = static_cast<std::uint32_t>(std::min(kBlock, end - first));
      const Index counter = cpu.first * N + first;
      const auto low = static_cast<std::uint32_t>(key) + static_cast<std::uint32_t>(counter);
      const auto high = static_cast<std::uint32_t>(key >> 32) ^ mix(static_cast<std::uint32_t>(counter >> 32));
      for (std::uint32_t i = 0; i < n; ++i) {
        const std::uint32_t word = mix(low + i);
        // (2k + 1) / 2^33, and as many values in (-1, 1): in float rounded to at most 1
        u[i] = (static_cast<T>(mix(word ^ high)) + T(0.5)) * T(0x1p-32);
        v[i] = (static_cast<T>(static_cast<std::int32_t>(mix(word ^ ~high))) + T(0.5)) * T(0x1p-31);
      }
      vectors<T>(0, n, [&](Index i, auto lanes) {
        const auto uniform = load(u + i, lanes);
        const auto radius = sqrt_(max_(all<Vector<T>>(-2.0) * log_(uniform), Vector<T>{}));
        const auto noise = radius * sinQuarter(load(v + i, lanes));
        store(y + first + i, fma_(splat(stddev, noise), noise, load(x + first + i, lanes)), lanes);
      });
    }
  });
}

}  // namespace
}  // namespace fjordnet::FJORDNET_ISA
