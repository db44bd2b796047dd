// The built-in products for any processor, and the choice between the instruction sets.
#include "kernels/includes.h"

#if defined(FJORDNET_BLAS_BUILTIN) || defined(FJORDNET_BLAS_ACCELERATE)

#include <memory>
#include <new>

#include "blas_fallback.h"
#include "cpu.h"

#if FJORDNET_BASELINE
#define FJORDNET_ISA baseline
#include "kernels/builtin.h"
#endif

namespace fjordnet {

namespace avx2 {
fallback::Products products(const char* core);
}
namespace avx512 {
fallback::Products products(const char* core);
}

namespace fallback {

const Products& chosen() {
  static const Products products = [] {
#if !FJORDNET_BASELINE
    return avx512::products("AVX-512");
#else
#if FJORDNET_AVX512
    if (simdChoice().simd == Simd::kAvx512) return avx512::products("AVX-512");
#endif
#if FJORDNET_AVX2
    if (simdChoice().simd == Simd::kAvx2) return avx2::products("AVX2");
#endif
#if defined(__x86_64__)
    return baseline::products("SSE2");
#elif defined(__aarch64__)
    return baseline::products("NEON");
#else
    return baseline::products("generic");
#endif
#endif
  }();
  return products;
}

const char* core() { return chosen().core; }

// Packed panels of a thread, aligned to cache lines.
template <typename T>
T* room() {
  constexpr std::size_t kLine = 64;
  thread_local const std::unique_ptr<T[]> memory(new T[static_cast<std::size_t>(chosen().room) + kLine / sizeof(T)]);
  return reinterpret_cast<T*>((reinterpret_cast<std::uintptr_t>(memory.get()) + kLine - 1) / kLine * kLine);
}

bool reserve() {
  try {
    room<float>();
    room<double>();
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

template <>
void gemm(bool transA, bool transB, int m, int n, int k, const float* a, Index lda, const float* b, Index ldb,
          bool isAdded, float* c, Index ldc) {
  chosen().f32(transA, transB, m, n, k, a, lda, b, ldb, isAdded, c, ldc, room<float>());
}
template <>
void gemm(bool transA, bool transB, int m, int n, int k, const double* a, Index lda, const double* b, Index ldb,
          bool isAdded, double* c, Index ldc) {
  chosen().f64(transA, transB, m, n, k, a, lda, b, ldb, isAdded, c, ldc, room<double>());
}

}  // namespace fallback
}  // namespace fjordnet

#endif
