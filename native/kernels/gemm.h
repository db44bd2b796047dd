// Matrix products: the library's, and one of our own. There a block of sums of some rows and up to kGemmVectors vectors
// stays in registers while a depth of K goes by, each sum one chain of fma in the order of k, whatever block it is in.
// What b the caches hold is read in place, all of K at once; a larger one by panels, whose first block of rows packs
// them on its way (rates in tuning.h). The library is ahead up to 10^6 multiplications without bias (by up to 10 %),
// for which it has kernels of its own with AVX-512 alone, and with fewer than four rows.
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
  T* panel = nullptr;     // where a block that packs b leaves its rows, one after the other
};

constexpr int kGemmVectors = simd::kRegisters == 32 ? 4 : 3;

// Rows of a block, kMostGemmRows at most.
constexpr Index kMostGemmRows = 8;
constexpr int gemmRows(int vectors) {
  return simd::kRegisters == 32 ? (vectors < 4 ? 8 : 6) : vectors == 1 ? 8 : vectors == 2 ? 6 : 4;
}

// How a block's last vector is read: whole, in part, or in part and no more than half of it, which takes half the time
// where registers are wider than the processor's units. Without masks, parts are read value by value: of 1000x10x128 in
// float32, kPadded makes twice the rate (SSE2).
enum class Last { kWhole, kPart, kHalf, kPadded };
constexpr bool kHasMasks = FJORDNET_VECTOR_BYTES >= 32;

// Where a block finds b: near, in a cache or in a panel; or far, where its rows are asked for ahead, and may be packed
// into a panel.
enum class Reads { kNear, kFar, kPacking };

template <typename T, int R, int V, Last last, Reads reads>
void gemmBlock(const Gemm<T>& g) {
  constexpr int L = kLanes<T>, W = last == Last::kWhole ? V : V - 1;
  using Tail = std::conditional_t<last == Last::kHalf, simd::HalfVector<T>, Vector<T>>;
  Vector<T> sum[R][V];
  Tail tail[R];
  const T *a = g.a, *b = g.b;
  [[maybe_unused]] T* panel = g.panel;
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
    if constexpr (reads != Reads::kNear) {
#pragma GCC unroll 4
      for (int v = 0; v < V; ++v) prefetch(b + kRowsAhead * ldb + v * L);
    }
    Vector<T> right[V];
#pragma GCC unroll 4
    for (int v = 0; v < W; ++v) right[v] = load(b + v * L);
    Tail rightTail;
    if constexpr (last == Last::kPadded) {
      rightTail = load(b + W * L);
    } else if constexpr (W < V) {
      simd::loadPart(b + W * L, rest, rightTail);
    }
    if constexpr (reads == Reads::kPacking) {
#pragma GCC unroll 4
      for (int v = 0; v < W; ++v) store(panel + v * L, right[v]);
      if constexpr (W < V) store(panel + W * L, rightTail);
      panel += V * L;
    }
#pragma GCC unroll 8
    for (int i = 0; i < R; ++i) {
      const T left = a[i * aRow];
#pragma GCC unroll 4
      for (int v = 0; v < W; ++v) sum[i][v] = simd::fma_(simd::broadcast(left), right[v], sum[i][v]);
      if constexpr (W == 0) {
        tail[i] = simd::fma_(left - Tail{}, rightTail, tail[i]);
      } else if constexpr (W < V) {  // of the same register, or it takes another load
        tail[i] = simd::fma_(simd::lowerPart<Tail>(simd::broadcast(left)), rightTail, tail[i]);
      }
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

template <typename T, int V, Last last, Reads reads, int R>
void gemmRowsOf(Gemm<T>& g, Index& rows) {
  for (; rows >= R; rows -= R) {
    gemmBlock<T, R, V, last, reads>(g);
    g.a += R * g.aRow;
    g.start += R * g.startRow;
    g.c += R * g.ldc;
  }
}
template <typename T, int V, Last last, Reads reads>
void gemmPanel(Gemm<T> g, Index rows) {
  gemmRowsOf<T, V, last, reads, gemmRows(V)>(g, rows);
  gemmRowsOf<T, V, last, reads, 4>(g, rows);
  gemmRowsOf<T, V, last, reads, 2>(g, rows);
  gemmRowsOf<T, V, last, reads, 1>(g, rows);
}
template <typename T, int V, Reads reads>
void gemmPanel(const Gemm<T>& g, Index rows) {
  constexpr int L = kLanes<T>;
  if (g.rest == L) return gemmPanel<T, V, Last::kWhole, reads>(g, rows);
  if constexpr (simd::kHasHalf) {
    if (g.rest <= L / 2) return gemmPanel<T, V, Last::kHalf, reads>(g, rows);
  }
  if constexpr (L > 1 && !kHasMasks) {
    if (g.isPadded) return gemmPanel<T, V, Last::kPadded, reads>(g, rows);
  }
  if constexpr (L > 1) gemmPanel<T, V, Last::kPart, reads>(g, rows);
}

// The first block of rows packs b, and the others find it in the panel.
template <typename T, int V>
void gemmPacking(Gemm<T> g, Index rows) {
  constexpr int L = kLanes<T>, R = gemmRows(V);
  if (rows < R) return gemmPanel<T, V, Reads::kFar>(g, rows);
  if (g.rest == L) {
    gemmBlock<T, R, V, Last::kWhole, Reads::kPacking>(g);
  } else if constexpr (L > 1) {
    gemmBlock<T, R, V, Last::kPart, Reads::kPacking>(g);
  }
  g.a += R * g.aRow;
  g.start += R * g.startRow;
  g.c += R * g.ldc;
  g.b = g.panel;
  g.ldb = V * L;
  g.isPadded = true;
  gemmPanel<T, V, Reads::kNear>(g, rows - R);
}

// Of `columns` columns, at most kGemmVectors vectors.
template <typename T, Reads reads = Reads::kNear>
void gemmColumns(Gemm<T> g, Index rows, Index columns) {
  constexpr Index L = kLanes<T>;
  const Index vectors = (columns + L - 1) / L;
  g.rest = columns - (vectors - 1) * L;
  const auto run = [&](auto v) {
    constexpr int V = decltype(v)::value;
    if constexpr (reads == Reads::kPacking) {
      gemmPacking<T, V>(g, rows);
    } else {
      gemmPanel<T, V, reads>(g, rows);
    }
  };
  switch (vectors) {
    case 1: return run(std::integral_constant<int, 1>{});
    case 2: return run(std::integral_constant<int, 2>{});
    case 3: return run(std::integral_constant<int, 3>{});
    default:
      if constexpr (kGemmVectors == 4) run(std::integral_constant<int, 4>{});
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

// For b as it is stored, in a cache or read but once or twice.
template <typename T, Reads reads>
void productInPlace(const Product<T>& p) {
  constexpr int L = kLanes<T>;
  blocks((p.N + L - 1) / L, kGemmVectors, [&](Index first, Index vectors) {
    const Index j = first * L;
    const T* bias = p.bias == nullptr ? nullptr : p.bias + j;
    Gemm<T> g{p.K, p.a, p.transA ? 1 : p.lda, p.transA ? p.lda : 1, p.b + j, p.ldb, bias, 0, p.c + j, p.ldc, 0};
    g.isAdded = p.isAdded;
    gemmColumns<T, reads>(g, p.M, std::min(vectors * L, p.N - j));
  });
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

// For a larger one, by panels: a depth of b at a time, for as many rows of a as stay in the outer cache meanwhile.
// Those of a transposed a lie apart, and are packed where they are read often. With kProductRoom values of `room`.
constexpr Index kPanelRoom = kPanelDepth * kGemmVectors * std::max(kLanes<float>, kLanes<double>);
constexpr Index kProductRoom = kPanelRoom + kPanelDepth * (kPanelRows + kPanelPad);

template <typename T>
void productByPanels(const Product<T>& p, T* room) {
  constexpr Index L = kLanes<T>;
  const bool packsA = p.transA && p.N >= kPackedColumns && p.K * p.lda * static_cast<Index>(sizeof(T)) > kProductCache;
  const Split lines(p.M, (p.M + kPanelRows - 1) / kPanelRows, 1, 12);
  for (Index i = 0; i < p.M; i += lines.size) {
    const Index rows = std::min(lines.size, p.M - i);
    for (Index k = 0; k < p.K; k += kPanelDepth) {
      const Index depth = std::min(kPanelDepth, p.K - k);
      const T* a = p.transA ? p.a + k * p.lda + i : p.a + i * p.lda + k;
      Index lda = p.lda;
      if (packsA) {
        T* to = room + kPanelRoom;
        lda = rows + kPanelPad;
        for (Index r = 0; r < depth; ++r) std::copy_n(a + r * p.lda, rows, to + r * lda);
        a = to;
      }
      blocks((p.N + L - 1) / L, kGemmVectors, [&](Index first, Index vectors) {
        const Index j = first * L;
        const T* bias = p.bias == nullptr || k > 0 ? nullptr : p.bias + j;
        T* c = p.c + i * p.ldc + j;
        const Index columns = std::min(vectors * L, p.N - j);
        Gemm<T> g{depth, a, p.transA ? 1 : lda, p.transA ? lda : 1, room, vectors * L, bias, 0, c, p.ldc, 0};
        g.isAdded = p.isAdded || k > 0;
        if (p.transB) {
          g.isPadded = true;
          std::fill_n(room, columns < vectors * L ? depth * vectors * L : 0, T(0));
          transpose(columns, depth, p.b + j * p.ldb + k, p.ldb, room, vectors * L);
          gemmColumns(g, rows, columns);
        } else {
          g.b = p.b + k * p.ldb + j;
          g.ldb = p.ldb;
          g.panel = room;
          gemmColumns<T, Reads::kPacking>(g, rows, columns);
        }
      });
    }
  }
}

// Where panels are ahead of libraries. Not measured on ARM; Apple's products run on a unit of their own.
constexpr bool kHasPanels = FJORDNET_VECTOR_BYTES >= 32;

// Of each thread, for products of K by N with rows of b ldb apart, or fewer: T is float or double.
inline Scratch productScratch(Index K, Index ldb) {
  if (!kHasPanels || K * ldb * static_cast<Index>(sizeof(double)) <= kProductCache) return {};
  return {0, kProductRoom};
}

// The library's: c[m,n] = op(a) op(b), on top of what is in c where that isAdded
template <typename T>
void product(bool transA, bool transB, Index m, Index n, Index k, const T* a, Index lda, const T* b, Index ldb,
             bool isAdded, T* c, Index ldc) {
  gemm(transA, transB, static_cast<int>(m), static_cast<int>(n), static_cast<int>(k), a, static_cast<int>(lda), b,
       static_cast<int>(ldb), isAdded, c, static_cast<int>(ldc));
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

// The fastest of them; with `room` of productScratch. Fewer than four rows read b too often; the transposed a of weight
// gradients has no bias.
template <typename T>
void product(const Product<T>& p, T* room) {
  constexpr Index small = FJORDNET_VECTOR_BYTES == 64 ? kSmallProduct : 0;
  if (!p.transB && p.M >= 4 && (!p.transA || p.M * p.N * p.K > small)) {
    if (p.K * p.ldb * static_cast<Index>(sizeof(T)) <= kProductCache) return productInPlace<T, Reads::kNear>(p);
    if constexpr (kHasPanels)
      return p.M < kFewestPanelRows ? productInPlace<T, Reads::kFar>(p) : productByPanels(p, room);
  }
  product(p.transA, p.transB, p.M, p.N, p.K, p.a, p.lda, p.b, p.ldb, p.isAdded, p.c, p.ldc);
  if (p.bias == nullptr) return;
  for (Index i = 0; i < p.M; ++i) {
    T* c = p.c + i * p.ldc;
#pragma GCC ivdep
    for (Index j = 0; j < p.N; ++j) c[j] += p.bias[j];
  }
}

// The same by tiles of the output: of columns before rows, for every tile of rows reads b again; of weights' gradients
// (transA) rows before columns where there are more of them, as updates go by rows.
template <typename T>
void productTiled(const Cpu<T>& cpu, const Product<T>& p) {
  const Index wanted = std::min(kMostProductTiles, 2 * p.M * p.N * p.K / kProductTileFlop);
  const Split byRows(p.M, p.transA && p.M >= p.N ? wanted : 1, kProductTileRows, 12);
  const Split columns(p.N, byRows.tiles > 1 ? 1 : wanted, kProductTileColumns, 16);
  const Split lines = p.transA ? byRows : Split(p.M, columns.tiles > 1 ? 1 : wanted, kProductTileRows, 2);
  cpu.team.parallel_for(columns.tiles * lines.tiles, [&](int tile, int slot) {
    const Index j = tile % columns.tiles * columns.size, i = tile / columns.tiles * lines.size;
    Product<T> part = p;
    part.M = std::min(lines.size, p.M - i);
    part.N = std::min(columns.size, p.N - j);
    part.a += p.transA ? i : i * p.lda;
    part.b += p.transB ? j * p.ldb : j;
    if (p.bias != nullptr) part.bias += j;
    part.c += i * p.ldc + j;
    product(part, cpu.scratch(slot));
  });
}

}  // namespace
}  // namespace fjordnet::FJORDNET_ISA
