// Matrix products where there is no BLAS: those by panels of gemm.h, and those of a single row or column.
#pragma once

#include "../blas_fallback.h"
#include "gemm.h"

namespace fjordnet::FJORDNET_ISA {
namespace {

// x.dot(y)
template <typename T>
T dot(const T* x, const T* y, Index n) {
  constexpr Index L = kLanes<T>;
  Vector<T> sum[4] = {};
  Index i = 0;
  for (; i + 4 * L <= n; i += 4 * L) {
#pragma GCC unroll 4
    for (int v = 0; v < 4; ++v) sum[v] = simd::fma_(load(x + i + v * L), load(y + i + v * L), sum[v]);
  }
  vectors<T>(i, n, [&](Index j, auto lanes) { sum[0] = simd::fma_(load(x + j, lanes), load(y + j, lanes), sum[0]); });
  return fold((sum[0] + sum[1]) + (sum[2] + sum[3]), [](auto a, auto b) { return a + b; });
}

// y[N] += x[K] @ b[K,N], where `step` values lie from one of x to the next: eight rows of b at a time, as many as the
// processor fetches ahead.
template <typename T>
void addProduct(Index K, Index N, const T* x, Index step, const T* b, Index ldb, T* y) {
  Index k = 0;
  for (; k + 8 <= K; k += 8, b += 8 * ldb) {
    Vector<T> left[8];
    for (int i = 0; i < 8; ++i) left[i] = simd::broadcast(x[(k + i) * step]);
    vectors<T>(0, N, [&](Index j, auto lanes) {
      Vector<T> sum = load(y + j, lanes);
#pragma GCC unroll 8
      for (int i = 0; i < 8; ++i) sum = simd::fma_(left[i], load(b + i * ldb + j, lanes), sum);
      store(y + j, sum, lanes);
    });
  }
  for (; k < K; ++k, b += ldb) {
    const Vector<T> left = simd::broadcast(x[k * step]);
    vectors<T>(0, N, [&](Index j, auto lanes) {
      store(y + j, simd::fma_(left, load(b + j, lanes), load(y + j, lanes)), lanes);
    });
  }
}

// c = op(a) op(b), on top of what is in c where that isAdded, as gemm of blas.h.
template <typename T>
void builtinProduct(bool transA, bool transB, Index M, Index N, Index K, const T* a, Index lda, const T* b, Index ldb,
                    bool isAdded, T* c, Index ldc, T* room) {
  if (N == 1 && M > 1 && ldc == 1)  // a column is the row of the transposed product
    return builtinProduct(!transB, !transA, 1, M, K, b, ldb, a, lda, isAdded, c, M, room);
  const bool isRow = M == 1 && !transB;
  if (!isAdded && (K == 0 || isRow)) {
    for (Index i = 0; i < M; ++i) std::fill_n(c + i * ldc, N, T(0));
  }
  if (isRow) return addProduct(K, N, a, transA ? lda : 1, b, ldb, c);
  // Up to three rows do not pay for the transposing of b: 3x512x784 in float64, AVX2, 5.8 GFLOP/s packed.
  if (transB && M < 4 && (!transA || (M == 1 && lda == 1))) {
    for (Index j = 0; j < N; ++j) {
      for (Index i = 0; i < M; ++i) {
        T& to = c[i * ldc + j];
        to = (isAdded ? to : T(0)) + dot(a + i * lda, b + j * ldb, K);
      }
    }
    return;
  }
  productByPanels<T>({transA, transB, M, N, K, a, lda, b, ldb, nullptr, c, ldc, isAdded}, room);
}

}  // namespace

fallback::Products products(const char* core) {
  return {core, kProductRoom, builtinProduct<float>, builtinProduct<double>};
}

}  // namespace fjordnet::FJORDNET_ISA
