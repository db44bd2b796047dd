// The blocked algorithm of Goto and van de Geijn ("Anatomy of high-performance matrix multiplication", ACM TOMS 34,
// 2008), as BLIS arranges it. Panels of a and b are packed so that the inner block reads both in order; a slab of b
// stays in the outer cache, a panel of it in the inner one.
#include "blas_fallback.h"

#if defined(FJORDNET_BLAS_BUILTIN)

#include <algorithm>
#include <cstring>
#include <memory>
#include <new>
#include <utility>

#include "cpu.h"

namespace fjordnet::fallback {

using Index = std::int64_t;

// The inner loops of one instruction set: block[v - 1][r - 1] makes r rows of v vectors.
template <typename T>
struct Routines {
  const char* core;
  int rows;
  int lanes;
  void (*block[2][12])(int k, const T* a, Index aStep, const T* b, Index bStep, T alpha, T beta, T* c, Index ldc,
                       int columns);
  T (*dot)(int k, const T* a, const T* b);
};

// Products are fused with their sums here, as every BLAS does, whatever -ffp-contract says for the kernels.
#if defined(__clang__)
#pragma clang fp contract(fast)
#elif defined(__GNUC__)
#pragma GCC push_options
#pragma GCC optimize("fp-contract=fast")
#endif

#define FJORDNET_BLOCK_ISA baseline
#define FJORDNET_VECTOR_BYTES 16
#if defined(__aarch64__)
#define FJORDNET_BLOCK_ROWS 12  // of 32 registers
#else
#define FJORDNET_BLOCK_ROWS 6  // of 16
#endif
#include "blas_microkernel.h"

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#define FJORDNET_BLOCK_ISA avx2
#define FJORDNET_VECTOR_BYTES 32
#define FJORDNET_BLOCK_ROWS 6
#include "blas_microkernel.h"
#pragma GCC pop_options
#pragma GCC push_options
#pragma GCC target("avx512f,fma,prefer-vector-width=512")
#define FJORDNET_BLOCK_ISA avx512
#define FJORDNET_VECTOR_BYTES 64
#define FJORDNET_BLOCK_ROWS 12
#include "blas_microkernel.h"
#pragma GCC pop_options
#endif

#if defined(__clang__)
#pragma clang fp contract(off)
#elif defined(__GNUC__)
#pragma GCC pop_options
#endif

template <typename T>
const Routines<T>& routines() {
  static const Routines<T> chosen = [] {
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
    switch (simdChoice().simd) {
      case Simd::kAvx512: return avx512::routines<T>("AVX-512");
      case Simd::kAvx2: return avx2::routines<T>("AVX2");
      default: return baseline::routines<T>("SSE2");
    }
#elif defined(__aarch64__)
    return baseline::routines<T>("NEON");
#else
    return baseline::routines<T>("generic");
#endif
  }();
  return chosen;
}

const char* core() { return routines<float>().core; }

constexpr int kDepth = 256;
constexpr int kHeight = 96;   // a multiple of every block's rows
constexpr int kWidth = 1024;  // a multiple of every block's columns

// Packed panels of a (kHeight x kDepth) and b (kDepth x kWidth), aligned to cache lines.
template <typename T>
class Workspace {
 public:
  T* a() { return aligned_; }
  T* b() { return aligned_ + kHeight * kDepth; }

  static Workspace& own() {
    thread_local Workspace workspace;
    return workspace;
  }

 private:
  static constexpr std::size_t kLine = 64;
  std::unique_ptr<T[]> memory_{new T[(kHeight + kWidth) * kDepth + kLine / sizeof(T)]};
  T* aligned_ = reinterpret_cast<T*>((reinterpret_cast<std::uintptr_t>(memory_.get()) + kLine - 1) / kLine * kLine);
};

bool reserve() {
  try {
    Workspace<float>::own();
    Workspace<double>::own();
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

// The panel of `count` vectors of length k, vector i's element p at from[i * stride + p * step], to to[p * width + i];
// what is left of the width is zero.
template <typename T>
void pack(int count, int k, const T* from, Index stride, Index step, int width, T* to) {
  if (stride == 1 || count < width) {
    for (int p = 0; p < k; ++p, from += step, to += width) {
      for (int i = 0; i < count; ++i) to[i] = from[i * stride];
      std::fill(to + count, to + width, T(0));
    }
    return;
  }
  constexpr int kStrip = 16;  // what is written meanwhile stays in the inner cache
  for (int first = 0; first < k; first += kStrip) {
    const int last = std::min(first + kStrip, k);
    for (int i = 0; i < count; ++i)
      for (int p = first; p < last; ++p) to[p * width + i] = from[i * stride + p * step];
  }
}

template <typename T>
void gemm(bool transA, bool transB, int m, int n, int k, T alpha, const T* a, Index lda, const T* b, Index ldb, T beta,
          T* c, Index ldc) {
  if (k == 0 || alpha == T(0)) {
    for (int i = 0; i < m; ++i)
      for (int j = 0; j < n; ++j) c[i * ldc + j] = beta != T(0) ? beta * c[i * ldc + j] : T(0);
    return;
  }
  if (n == 1 && m > 1 && ldc == 1)  // a column is the row of the transposed product
    return gemm<T>(!transB, !transA, 1, m, k, alpha, b, ldb, a, lda, beta, c, m);

  const auto& routine = routines<T>();
  const Index aRow = transA ? 1 : lda, aStep = transA ? lda : 1;
  const Index bColumn = transB ? ldb : 1, bStep = transB ? 1 : ldb;
  if (m == 1 && aStep == 1 && bStep == 1) {
    for (int j = 0; j < n; ++j) c[j] = alpha * routine.dot(k, a, b + j * bColumn) + (beta != T(0) ? beta * c[j] : T(0));
    return;
  }

  auto& workspace = Workspace<T>::own();
  const int lanes = routine.lanes, wide = 2 * lanes;
  const int most = m == 1 ? 16 : kDepth;  // one row: few enough rows of b for the CPU to prefetch each
  for (int j0 = 0; j0 < n; j0 += kWidth)
    for (int p0 = 0; p0 < k; p0 += most) {
      const int width = std::min(kWidth, n - j0), depth = std::min(most, k - p0);
      const T scale = p0 == 0 ? beta : T(1);
      for (int i0 = 0; i0 < m; i0 += kHeight) {
        const int height = std::min(kHeight, m - i0);
        for (int i = 0; i < height; i += routine.rows) {
          const int rows = std::min(routine.rows, height - i);
          pack(rows, depth, a + (i0 + i) * aRow + p0 * aStep, aRow, aStep, rows, workspace.a() + i * depth);
        }
        for (int j = 0; j < width; j += wide) {
          const int columns = std::min(wide, width - j), vectors = columns > lanes ? 2 : 1;
          const T* right = b + (j0 + j) * bColumn + p0 * bStep;
          Index rightStep = bStep;
          if (bColumn != 1 || columns != vectors * lanes || m > routine.rows) {  // else read once, where it lies
            T* packed = workspace.b() + j * depth;
            rightStep = vectors * lanes;
            if (i0 == 0) pack(columns, depth, right, bColumn, bStep, vectors * lanes, packed);
            right = packed;
          }
          for (int i = 0; i < height; i += routine.rows) {
            const int rows = std::min(routine.rows, height - i);
            routine.block[vectors - 1][rows - 1](depth, workspace.a() + i * depth, rows, right, rightStep, alpha, scale,
                                                 c + (i0 + i) * ldc + j0 + j, ldc, columns);
          }
        }
      }
    }
}

template void gemm(bool, bool, int, int, int, float, const float*, Index, const float*, Index, float, float*, Index);
template void gemm(bool, bool, int, int, int, double, const double*, Index, const double*, Index, double, double*,
                   Index);

}  // namespace fjordnet::fallback

#endif
