// The instruction set that the kernels and the built-in matrix products use. This is chosen once, when it is first
// asked for: the best that the processor has, or less where the environment variable FJORDNET_SIMD says so (avx512,
// avx2 or baseline), as OPENBLAS_CORETYPE does for OpenBLAS' kernels.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <cstring>
#if defined(__x86_64__) && defined(__GNUC__)
#include <cpuid.h>
#endif

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
// 0 is for a build that only runs on processors with AVX-512.
#if !defined(FJORDNET_BASELINE)
#define FJORDNET_BASELINE 1
#endif

namespace fjordnet {

enum class Simd { kBaseline, kAvx2, kAvx512 };

struct SimdChoice {
  Simd simd;
  const char* refused;  // null, or what is wrong with FJORDNET_SIMD
};

// The processor itself is asked: zig's __builtin_cpu_supports always says no.
inline Simd bestSimd() {
#if defined(__x86_64__) && defined(__GNUC__)
  const auto has = [](unsigned word, unsigned bits) { return (word & bits) == bits; };
  unsigned a, b, c, d;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !has(c, bit_FMA | bit_AVX | bit_OSXSAVE)) return Simd::kBaseline;
  unsigned saved, high;  // registers that the system keeps apart for each thread: 6 are those of AVX, e0 of AVX-512
  __asm__("xgetbv" : "=a"(saved), "=d"(high) : "c"(0));
  if (!has(saved, 0x6) || !__get_cpuid_count(7, 0, &a, &b, &c, &d) || !has(b, bit_AVX2 | bit_BMI2))
    return Simd::kBaseline;
  if (FJORDNET_AVX512 && has(saved, 0xe6) && has(b, bit_AVX512F | bit_AVX512DQ | bit_AVX512BW | bit_AVX512VL))
    return Simd::kAvx512;
  if (FJORDNET_AVX2) return Simd::kAvx2;
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
