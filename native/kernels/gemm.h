// Matrix products: the library's, and one of our own without packing for what the caches hold. There a block of sums of
// some rows and up to kGemmVectors vectors stays in registers while all of K goes by; each sum is one chain of fma in
// the order of k, whatever block it is in. Its rate on one Zen 4 core over OpenBLAS' (SkylakeX): float32
// 128x784x512 1.17, 128x784x128 1.16, 1400x64x50 1.13, float64 1.03, 1.19, 1.32; with a bias 100x64x50 1.0 and 1.05,
// 100x50x10 1.6 and 1.1. OpenBLAS is ahead up to 10^6 multiplications without bias (0.92 to 1), for which it has
// kernels of its own with AVX-512 alone, and where the caches are full.
#pragma once

#include "pack.h"
#include "tiles.h"

namespace fjordnet::FJORDNET_ISA {
namespace {

// c[M,N] = a[M,K] b[K,N] + start[M,N]; a(i, k) lies at a + i * aRow + k * aStep. No start counts as zeros; a bias is
// one whose rows are the same.
template <typename T>
struct Gemm {
  Index K;
  const T* a;
  Index aRow, aStep;
  const T* b;
  Index ldb;
  const T* start;
  Index startRow;
  T* c;
  Index ldc;
  Index rest;             // values in the block's last vector
  bool isPadded = false;  // may that vector of b be read whole?
  bool isAdded = false;   // to what is in c, when all of K went by
};

constexpr int kGemmVectors = simd::kRegisters == 32 ? 4 : 3;

constexpr int gemmRows(int vectors) {
  return simd::kRegisters == 32 ? (vectors < 4 ? 8 : 6) : vectors == 1 ? 8 : vectors == 2 ? 6 : 4;
}

// How a block's last vector is read: whole, in part, or in part and no more than half of it, which takes half the time
// where registers are wider than the processor's units. Without masks, parts are read value by value: of 1000x10x128 in
// float32, kPadded makes twice the rate (SSE2).
enum class Last { kWhole, kPart, kHalf, kPadded };
constexpr bool kHasMasks = FJORDNET_VECTOR_BYTES >= 32;

template <typename T, int R, int V, Last last>
void gemmBlock(const Gemm<T>& g) {
  constexpr int L = kLanes<T>, W = last == Last::kWhole ? V : V - 1;
  using Tail = std::conditional_t<last == Last::kHalf, simd::HalfVector<T>, Vector<T>>;
  Vector<T> sum[R][V];
  Tail tail[R];
  const T *a = g.a, *b = g.b;
  const Index aRow = g.aRow, aStep = g.aStep, ldb = g.ldb, rest = g.rest;
#pragma GCC unroll 8
  for (int i = 0; i < R; ++i) {
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) prefetch<true>(g.c + i * g.ldc + v * L);
    const T* start = g.start + i * g.startRow;
#pragma GCC unroll 4
    for (int v = 0; v < W; ++v) sum[i][v] = g.start == nullptr ? Vector<T>{} : load(start + v * L);
    if constexpr (W < V) {
      tail[i] = Tail{};
      if (g.start != nullptr) simd::loadPart(start + W * L, rest, tail[i]);
    }
  }
  for (Index k = 0; k < g.K; ++k, a += aStep, b += ldb) {
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) prefetch(b + kRowsAhead * ldb + v * L);
    Vector<T> right[V];
#pragma GCC unroll 4
    for (int v = 0; v < W; ++v) right[v] = load(b + v * L);
    Tail rightTail;
    if constexpr (last == Last::kPadded) {
      rightTail = load(b + W * L);
    } else if constexpr (W < V) {
      simd::loadPart(b + W * L, rest, rightTail);
    }
#pragma GCC unroll 8
    for (int i = 0; i < R; ++i) {
      const T left = a[i * aRow];
#pragma GCC unroll 4
      for (int v = 0; v < W; ++v) sum[i][v] = simd::fma_(simd::broadcast(left), right[v], sum[i][v]);
      if constexpr (W < V) tail[i] = simd::fma_(left - Tail{}, rightTail, tail[i]);
    }
  }
#pragma GCC unroll 8
  for (int i = 0; i < R; ++i) {
    T* c = g.c + i * g.ldc;
    if (g.isAdded) {
#pragma GCC unroll 4
      for (int v = 0; v < W; ++v) sum[i][v] = load(c + v * L) + sum[i][v];
      if constexpr (W < V) {
        Tail before;
        simd::loadPart(c + W * L, rest, before);
        tail[i] = before + tail[i];
      }
    }
#pragma GCC unroll 4
    for (int v = 0; v < W; ++v) store(c + v * L, sum[i][v]);
    if constexpr (W < V) simd::storePart(c + W * L, rest, tail[i]);
  }
}

template <typename T, int V, Last last, int R>
void gemmRowsOf(Gemm<T>& g, Index& rows) {
  for (; rows >= R; rows -= R) {
    gemmBlock<T, R, V, last>(g);
    g.a += R * g.aRow;
    g.start += R * g.startRow;
    g.c += R * g.ldc;
  }
}
template <typename T, int V, Last last>
void gemmPanel(Gemm<T> g, Index rows) {
  gemmRowsOf<T, V, last, gemmRows(V)>(g, rows);
  gemmRowsOf<T, V, last, 4>(g, rows);
  gemmRowsOf<T, V, last, 2>(g, rows);
  gemmRowsOf<T, V, last, 1>(g, rows);
}
template <typename T, int V>
void gemmPanel(const Gemm<T>& g, Index rows) {
  constexpr int L = kLanes<T>;
  if (g.rest == L) return gemmPanel<T, V, Last::kWhole>(g, rows);
  if constexpr (simd::kHasHalf) {
    if (g.rest <= L / 2) return gemmPanel<T, V, Last::kHalf>(g, rows);
  }
  if constexpr (L > 1 && !kHasMasks) {
    if (g.isPadded) return gemmPanel<T, V, Last::kPadded>(g, rows);
  }
  if constexpr (L > 1) gemmPanel<T, V, Last::kPart>(g, rows);
}

// Of `columns` columns, at most kGemmVectors vectors.
template <typename T>
void gemmColumns(Gemm<T> g, Index rows, Index columns) {
  constexpr Index L = kLanes<T>;
  const Index vectors = (columns + L - 1) / L;
  g.rest = columns - (vectors - 1) * L;
  switch (vectors) {
    case 1: return gemmPanel<T, 1>(g, rows);
    case 2: return gemmPanel<T, 2>(g, rows);
    case 3: return gemmPanel<T, 3>(g, rows);
    default:
      if constexpr (kGemmVectors == 4) gemmPanel<T, 4>(g, rows);
  }
}

// c[M,N] = op(a)[M,K] op(b)[K,N] + bias[N], where bias may be null.
template <typename T>
struct Product {
  bool transA, transB;
  Index M, N, K;
  const T* a;
  Index lda;
  const T* b;
  Index ldb;
  const T* bias;
  T* c;
  Index ldc;
  bool isAdded = false;  // to what is in c, without a bias
};

// For b as it is stored.
template <typename T>
void productInCache(const Product<T>& p) {
  constexpr int L = kLanes<T>;
  blocks((p.N + L - 1) / L, kGemmVectors, [&](Index first, Index vectors) {
    const Index j = first * L;
    const T* bias = p.bias == nullptr ? nullptr : p.bias + j;
    Gemm<T> g{p.K, p.a, p.transA ? 1 : p.lda, p.transA ? p.lda : 1, p.b + j, p.ldb, bias, 0, p.c + j, p.ldc, 0};
    g.isAdded = p.isAdded;
    gemmColumns(g, p.M, std::min(vectors * L, p.N - j));
  });
}

// The library's: c[m,n] = op(a) op(b) + beta * c
template <typename T>
void product(bool transA, bool transB, Index m, Index n, Index k, const T* a, Index lda, const T* b, Index ldb, T beta,
             T* c, Index ldc) {
  gemm(transA, transB, static_cast<int>(m), static_cast<int>(n), static_cast<int>(k), T(1), a, static_cast<int>(lda), b,
       static_cast<int>(ldb), beta, c, static_cast<int>(ldc));
}

// to[columns,rows] = from[rows,columns].T, where `stride` and `width` values lie from a row of each to the next: by
// strips of columns, for what is written meanwhile has to stay in the inner cache.
template <typename T>
void transpose(Index rows, Index columns, const T* from, Index stride, T* to, Index width) {
  for (Index first = 0; first < columns; first += kTransposedStrip) {
    const Index last = std::min(first + kTransposedStrip, columns);
    for (Index r = 0; r < rows; ++r) {
      for (Index j = first; j < last; ++j) to[j * width + r] = from[r * stride + j];
    }
  }
}

// A matrix as blocks read it: panels of their columns, one after the other.
template <typename T>
class Panels {
 public:
  static constexpr Index kWidth = kGemmVectors * kLanes<T>;
  static Index room(Index K, Index N) { return roundUp(N, kWidth) * K; }

  // from[N,K].T
  Panels(Team& team, const T* from, Index K, Index N, T* room) : K_(K), N_(N), panels_(room) {
    team.parallel_for(static_cast<int>((N + kWidth - 1) / kWidth), [=](int panel, int) {
      const Index first = panel * kWidth, columns = std::min(kWidth, N - first);
      T* to = room + first * K;
      if (columns < kWidth) std::fill_n(to, K * kWidth, T(0));
      transpose(columns, K, from + first * K, K, to, kWidth);
    });
  }

  // c[n,N] = a[n,K] times it.
  void multiply(Index n, const T* a, Index lda, T* c, Index ldc) const {
    for (Index j = 0; j < N_; j += kWidth) {
      const Gemm<T> g{K_, a, lda, 1, panels_ + j * K_, kWidth, nullptr, 0, c + j, ldc, 0, true};
      gemmColumns(g, n, std::min(kWidth, N_ - j));
    }
  }

 private:
  Index K_, N_;
  const T* panels_;
};

// The faster of the two. Fewer than four rows read b too often; the transposed a of weight gradients has no bias.
template <typename T>
void product(const Product<T>& p) {
  constexpr Index cache = kProductCache / static_cast<Index>(sizeof(T));
  constexpr Index small = FJORDNET_VECTOR_BYTES == 64 ? kSmallProduct : 0;
  const bool inCache = p.M * p.K + p.K * p.N + p.M * p.N <= cache;
  if (!p.transB && p.M >= 4 && inCache && (!p.transA || p.M * p.N * p.K > small)) return productInCache(p);
  product(p.transA, p.transB, p.M, p.N, p.K, p.a, p.lda, p.b, p.ldb, p.isAdded ? T(1) : T(0), p.c, p.ldc);
  if (p.bias == nullptr) return;
  for (Index i = 0; i < p.M; ++i) {
    T* c = p.c + i * p.ldc;
#pragma GCC ivdep
    for (Index j = 0; j < p.N; ++j) c[j] += p.bias[j];
  }
}

// The same by tiles of the output: of columns before rows, for every tile of rows packs b again; of weights' gradients
// (transA) rows before columns, as updates go by rows.
template <typename T>
void productTiled(Team& team, const Product<T>& p) {
  const Index wanted = std::min(kMostProductTiles, 2 * p.M * p.N * p.K / kProductTileFlop);
  const Split byRows(p.M, p.transA ? wanted : 1, kProductTileRows, 12);
  const Split columns(p.N, byRows.tiles > 1 ? 1 : wanted, kProductTileColumns, 16);
  const Split lines = p.transA ? byRows : Split(p.M, columns.tiles > 1 ? 1 : wanted, kProductTileRows, 2);
  team.parallel_for(columns.tiles * lines.tiles, [&](int tile, int) {
    const Index j = tile % columns.tiles * columns.size, i = tile / columns.tiles * lines.size;
    Product<T> part = p;
    part.M = std::min(lines.size, p.M - i);
    part.N = std::min(columns.size, p.N - j);
    part.a += p.transA ? i : i * p.lda;
    part.b += p.transB ? j * p.ldb : j;
    if (p.bias != nullptr) part.bias += j;
    part.c += i * p.ldc + j;
    product(part);
  });
}

}  // namespace
}  // namespace fjordnet::FJORDNET_ISA
