// The instruction set that the kernels and the built-in matrix products use. This is chosen once, when it is first
// asked for: the best that the processor has, or less where the environment variable FJORDNET_SIMD says so (avx512,
// avx2 or baseline), as OPENBLAS_CORETYPE does for OpenBLAS' kernels.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <cstring>

// The instruction sets that are compiled in beside the processor family's first; a build may leave some out.
#if !defined(__x86_64__) || !defined(__GNUC__)
#define FJORDNET_AVX2 0
#define FJORDNET_AVX512 0
#endif
#if !defined(FJORDNET_AVX2)
#define FJORDNET_AVX2 1
#endif
// macOS gives a thread AVX-512 when it first uses it: what the processor answers depends on what ran before.
#if defined(__APPLE__)
#define FJORDNET_AVX512 0
#endif
#if !defined(FJORDNET_AVX512)
#define FJORDNET_AVX512 1
#endif

namespace fjordnet {

enum class Simd { kBaseline, kAvx2, kAvx512 };

struct SimdChoice {
  Simd simd;
  const char* refused;  // null, or what is wrong with FJORDNET_SIMD
};

inline Simd bestSimd() {
#if defined(__x86_64__) && defined(__GNUC__)
  __builtin_cpu_init();
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (FJORDNET_AVX512 && avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
    return Simd::kAvx512;
  if (FJORDNET_AVX2 && avx2) return Simd::kAvx2;
#endif
  return Simd::kBaseline;
}

inline const SimdChoice& simdChoice() {
  static const SimdChoice choice = []() -> SimdChoice {
    const Simd best = bestSimd();
    const char* wanted = std::getenv("FJORDNET_SIMD");
    if (wanted == nullptr || *wanted == '\0' || std::strcmp(wanted, "avx512") == 0) return {best, nullptr};
    if (std::strcmp(wanted, "avx2") == 0) return {std::min(best, Simd::kAvx2), nullptr};
    if (std::strcmp(wanted, "baseline") == 0) return {Simd::kBaseline, nullptr};
    return {best, "Expected FJORDNET_SIMD to be avx512, avx2 or baseline"};
  }();
  return choice;
}

}  // namespace fjordnet
