// How work is cut into tiles: by its shape alone, never by the number of threads, so that every run gives the same
// bits.

// Element-wise passes shorter than this stay on one thread: handing a tile over costs as much as 1,000 elements.
constexpr Index kElementTile = 16384;

// fn(begin, end) over tiles of [0, n).
template <typename F>
void elements(Team& team, Index n, const F& fn, Index tile = kElementTile) {
  const Index tiles = (n + tile - 1) / tile;
  team.parallel_for(static_cast<int>(tiles), [&](int t, int) {
    const Index begin = t * tile;
    fn(begin, std::min(begin + tile, n));
  });
}

// fn(firstRow, lastRow) over tiles of whole rows of about kElementTile elements.
template <typename F>
void rows(Team& team, Index n, Index width, const F& fn) {
  elements(team, n, fn, std::max<Index>(1, kElementTile / std::max<Index>(width, 1)));
}

struct Split {
  int tiles;
  Index size;
  Split(Index n, Index wanted, Index least, Index multiple) {
    const Index count = std::max<Index>(1, std::min(wanted, n / least));
    size = ((n + count - 1) / count + multiple - 1) / multiple * multiple;
    tiles = static_cast<int>((n + size - 1) / size);
  }
};

// c[M,N] = alpha * op(a)[M,K] op(b)[K,N] + beta * c by output tiles, each one single-threaded call. Columns are split
// before rows, for every tile of rows packs b again. Measured (packaging of this library on two cores): tiles below 48
// columns, 50 rows or 0.3 MFLOP lose more than they gain. before(row, rows, column, columns) runs on each tile first.
template <typename T, typename F>
void gemmTiled(Team& team, bool transA, bool transB, Index M, Index N, Index K, const T* a, Index lda, const T* b,
               Index ldb, T beta, T* c, Index ldc, const F& before) {
  const Index wanted = std::min<Index>(8, 2 * M * N * K / 300000);
  const Split columns(N, wanted, 48, 16);
  const Split lines(M, columns.tiles > 1 ? 1 : wanted, 50, 2);
  team.parallel_for(columns.tiles * lines.tiles, [&](int tile, int) {
    const Index j = tile % columns.tiles * columns.size, i = tile / columns.tiles * lines.size;
    const Index n = std::min(columns.size, N - j), m = std::min(lines.size, M - i);
    before(i, m, j, n);
    gemm(transA, transB, static_cast<int>(m), static_cast<int>(n), static_cast<int>(K), T(1),
         a + (transA ? i : i * lda), static_cast<int>(lda), b + (transB ? j * ldb : j), static_cast<int>(ldb), beta,
         c + i * ldc + j, static_cast<int>(ldc));
  });
}

template <typename T>
void gemmTiled(Team& team, bool transA, bool transB, Index M, Index N, Index K, const T* a, Index lda, const T* b,
               Index ldb, T beta, T* c, Index ldc) {
  gemmTiled(team, transA, transB, M, N, K, a, lda, b, ldb, beta, c, ldc, [](Index, Index, Index, Index) {});
}
