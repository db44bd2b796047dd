// Matrix products where there is no BLAS: the blocked algorithm of Goto and van de Geijn ("Anatomy of high-performance matrix
// multiplication", ACM TOMS 34, 2008), as BLIS arranges it. Panels of b (kDepth x 2 vectors) and of a (rows x kDepth) are
// packed so that the inner block reads both in order; a slab of b stays in the outer cache, a panel of it in the inner one.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <utility>

namespace fjordnet::fallback {

using Index = std::int64_t;

// The inner blocks of one instruction set: block[v - 1][r - 1] makes r rows of v vectors.
template <typename T>
struct Blocks {
  const char* core;
  int rows;
  int lanes;
  void (*block[2][12])(int k, const T* a, Index aStep, const T* b, T alpha, T beta, T* c, Index ldc, int columns);
};

#if defined(__aarch64__)
#define FJORDNET_BLOCK_ROWS 12  // of 32 registers
#else
#define FJORDNET_BLOCK_ROWS 6  // of 16
#endif
#define FJORDNET_BLOCK_ISA baseline
#define FJORDNET_VECTOR_BYTES 16
#include "blas_microkernel.h"

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define FJORDNET_BLAS_DISPATCH
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#define FJORDNET_BLOCK_ISA avx2
#define FJORDNET_VECTOR_BYTES 32
#define FJORDNET_BLOCK_ROWS 6
#include "blas_microkernel.h"
#pragma GCC pop_options
#pragma GCC push_options
#pragma GCC target("avx512f,fma")
#define FJORDNET_BLOCK_ISA avx512
#define FJORDNET_VECTOR_BYTES 64
#define FJORDNET_BLOCK_ROWS 12
#include "blas_microkernel.h"
#pragma GCC pop_options
#endif

template <typename T>
const Blocks<T>& blocks() {
  static const Blocks<T> chosen = [] {
#if defined(FJORDNET_BLAS_DISPATCH)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f")) return avx512::blocks<T>("AVX-512");
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return avx2::blocks<T>("AVX2");
    return baseline::blocks<T>("SSE2");
#elif defined(__aarch64__)
    return baseline::blocks<T>("NEON");
#else
    return baseline::blocks<T>("generic");
#endif
  }();
  return chosen;
}

inline const char* core() { return blocks<float>().core; }

constexpr int kDepth = 256;
constexpr int kHeight = 96;    // a multiple of every kRows
constexpr int kWidth = 1024;   // a multiple of every 2 vectors

// Memory for packed panels, 64-byte aligned, one for each thread.
template <typename T>
struct Workspace {
  std::unique_ptr<T[]> memory{new T[kDepth * (kHeight + kWidth) + 64 / sizeof(T)]};
  T* a() { return reinterpret_cast<T*>((reinterpret_cast<std::uintptr_t>(memory.get()) + 63) / 64 * 64); }
  T* b() { return a() + kDepth * kHeight; }
};

// Packs count rows of length k, stored at from + row * rowStep + p * step, so that `height` of them lie side by side. The
// last group may be narrower (packed as narrow where `whole` is false, else filled up with zeros).
template <typename T>
void pack(const T* from, Index rowStep, Index step, int count, int k, int height, T* to) {
  for (int first = 0; first < count; first += height) {
    const int rows = std::min(height, count - first);
    const T* source = from + first * rowStep;
    if (rowStep == 1) {
      for (int p = 0; p < k; ++p) std::copy_n(source + p * step, rows, to + static_cast<Index>(p) * rows);
    } else {
      for (int i = 0; i < rows; ++i)
        for (int p = 0; p < k; ++p) to[static_cast<Index>(p) * rows + i] = source[i * rowStep + p * step];
    }
    to += static_cast<Index>(rows) * k;
  }
}
}
