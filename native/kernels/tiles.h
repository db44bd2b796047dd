// How work is cut into tiles: by its shape alone, never by the number of threads, so that every run gives the same
// bits.

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

// fn(first, size) for blocks of [0, n) of nearly equal size.
template <typename F>
inline void blocks(Index n, Index most, const F& fn) {
  const Index count = (n + most - 1) / most;
  for (Index i = 0, first = 0; i < count; ++i) {
    const Index size = (n - first) / (count - i);
    fn(first, size);
    first += size;
  }
}
