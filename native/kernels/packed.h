// Matrix products where there is no BLAS: the blocked algorithm of Goto and van de Geijn ("Anatomy of high-performance
// matrix multiplication", ACM TOMS 34, 2008), as BLIS arranges it, around the block of gemm.h. A slab of b stays in the
// outer cache, as panels that the block reads in order, and a block of a in the inner one.
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
void addProduct(Index K, Index N, T alpha, const T* x, Index step, const T* b, Index ldb, T* y) {
  Index k = 0;
  for (; k + 8 <= K; k += 8, b += 8 * ldb) {
    Vector<T> left[8];
    for (int i = 0; i < 8; ++i) left[i] = simd::broadcast(alpha * x[(k + i) * step]);
    vectors<T>(0, N, [&](Index j, auto lanes) {
      Vector<T> sum = load(y + j, lanes);
#pragma GCC unroll 8
      for (int i = 0; i < 8; ++i) sum = simd::fma_(left[i], load(b + i * ldb + j, lanes), sum);
      store(y + j, sum, lanes);
    });
  }
  for (; k < K; ++k, b += ldb) {
    const Vector<T> left = simd::broadcast(alpha * x[k * step]);
    vectors<T>(0, N, [&](Index j, auto lanes) {
      store(y + j, simd::fma_(left, load(b + j, lanes), load(y + j, lanes)), lanes);
    });
  }
}

// to[rows,columns] = scale * from, where `stride` and `width` values lie from a row of each to the next.
template <typename T>
void pack(Index rows, Index columns, const T* from, Index stride, T scale, T* to, Index width) {
  for (Index r = 0; r < rows; ++r) {
#pragma GCC ivdep
    for (Index j = 0; j < columns; ++j) to[r * width + j] = scale * from[r * stride + j];
  }
}

// c = alpha * op(a) op(b) + beta * c, as gemm of blas.h, with kPackedRoom values of `room`.
template <typename T>
void packedProduct(bool transA, bool transB, Index M, Index N, Index K, T alpha, const T* a, Index lda, const T* b,
                   Index ldb, T beta, T* c, Index ldc, T* room) {
  if (N == 1 && M > 1 && ldc == 1)  // a column is the row of the transposed product
    return packedProduct(!transB, !transA, 1, M, K, alpha, b, ldb, a, lda, beta, c, M, room);
  const bool isRow = M == 1 && !transB;
  if (K == 0 || alpha == T(0) || isRow || (beta != T(0) && beta != T(1))) {
    for (Index i = 0; i < M; ++i) {
      for (Index j = 0; j < N; ++j) c[i * ldc + j] = beta == T(0) ? T(0) : beta * c[i * ldc + j];
    }
    if (K == 0 || alpha == T(0)) return;
  }
  if (isRow) return addProduct(K, N, alpha, a, transA ? lda : 1, b, ldb, c);
  // Up to three rows do not pay for the transposing of b: 3x512x784 in float64, AVX2, 5.8 GFLOP/s packed.
  if (transB && M < 4 && (!transA || (M == 1 && lda == 1))) {
    for (Index j = 0; j < N; ++j) {
      for (Index i = 0; i < M; ++i) {
        T& to = c[i * ldc + j];
        to = (beta == T(0) ? T(0) : to) + alpha * dot(a + i * lda, b + j * ldb, K);
      }
    }
    return;
  }
  constexpr Index kPanel = 3 * kLanes<T>;
  static_assert(kPackedWidth % kPanel == 0, "");
  T *packedA = room, *packedB = room + (kPackedHeight + kPackedPad) * (kPackedDepth + kPackedPad);
  const bool isReadOnce = !transB && M <= gemmRows(3);
  for (Index j0 = 0; j0 < N; j0 += kPackedWidth) {
    const Index width = std::min(kPackedWidth, N - j0);
    for (Index k = 0; k < K; k += kPackedDepth) {
      const Index depth = std::min(kPackedDepth, K - k);
      for (Index i = 0; i < M; i += kPackedHeight) {
        const Index height = std::min(kPackedHeight, M - i);
        const T* left = transA ? a + k * lda + i : a + i * lda + k;
        const Index aRow = (transA ? height : depth) + kPackedPad;
        pack(transA ? depth : height, transA ? height : depth, left, lda, alpha, packedA, aRow);
        for (Index j = 0; j < width; j += kPanel) {
          const Index columns = std::min(kPanel, width - j);
          const T* right = transB ? b + (j0 + j) * ldb + k : b + k * ldb + j0 + j;
          T* panel = packedB + j * depth;
          if (!isReadOnce && i == 0) {
            if (columns < kPanel) std::fill_n(panel, depth * kPanel, T(0));
            if (transB) {
              transpose(columns, depth, right, ldb, panel, kPanel);
            } else {
              pack(depth, columns, right, ldb, T(1), panel, kPanel);
            }
          }
          T* to = c + i * ldc + j0 + j;
          const bool isNew = k == 0 && beta == T(0);
          Gemm<T> g{depth,
                    packedA,
                    transA ? 1 : aRow,
                    transA ? aRow : 1,
                    panel,
                    kPanel,
                    isNew ? nullptr : to,
                    isNew ? 0 : ldc,
                    to,
                    ldc,
                    0,
                    true};
          if (!isReadOnce) {
            gemmColumns(g, height, columns);
            continue;
          }
          g.b = right;
          g.ldb = ldb;
          g.isPadded = false;
          gemmColumns<T, Reads::kFar>(g, height, columns);
        }
      }
    }
  }
}

}  // namespace

fallback::Products products(const char* core) { return {core, packedProduct<float>, packedProduct<double>}; }

}  // namespace fjordnet::FJORDNET_ISA
