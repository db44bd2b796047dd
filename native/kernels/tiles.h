// How work is cut into tiles: by its shape alone, never by the number of threads, so that every run gives the same
// bits.
#pragma once

#include "isa.h"

namespace fjordnet::FJORDNET_ISA {
namespace {

inline Index roundUp(Index n, Index multiple) { return (n + multiple - 1) / multiple * multiple; }

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

// fn(first, n, slot) for tiles of [0, count), of kConvolutionTileFlop each and of at most `most`.
template <typename F>
void tiles(Team& team, Index count, Index work, Index most, const F& fn) {
  const Index size = std::min(most, std::max((count + kMostConvolutionTiles - 1) / kMostConvolutionTiles,
                                             kConvolutionTileFlop / std::max<Index>(work, 1) + 1));
  team.parallel_for(static_cast<int>((count + size - 1) / size),
                    [&](int tile, int slot) { fn(tile * size, std::min(size, count - tile * size), slot); });
}

// Groups of B images whose weights' gradients are summed apart, as many as their shape asks for; and the most that B or
// fewer images make.
inline Index mostGroups(Index B, Index weights) {
  const Index fit = kGroupRoom / std::max<Index>(weights, 1);
  return std::min(std::clamp<Index>(fit, 2, kMostGroups), std::max<Index>(B, 1));
}
inline Index groupsOf(Index B, Index pixels, Index weights) {
  return std::clamp<Index>(B * pixels * weights / kGroupProducts, 1, mostGroups(B, weights));
}

// Sums over rows: by tile, in blocks of rows, then over the tiles in order.
struct RowTiles {
  Index rows, tiles, size;
  RowTiles(Index R, Index C) : rows(R) {
    size = std::max(least(C), roundUp((R + kMostRowTiles - 1) / kMostRowTiles, kRowBlock));
    tiles = (R + size - 1) / size;
  }
  // Tiles that R rows or fewer make. Not those that R rows make: 4,096 rows of 300 channels make 64, 4,097 make 33.
  static Index most(Index R, Index C) { return std::min(kMostRowTiles, (R + least(C) - 1) / least(C)); }

 private:
  static Index least(Index C) { return roundUp(std::max<Index>(1, kElementTile / std::max<Index>(C, 1)), kRowBlock); }
};

}  // namespace
}  // namespace fjordnet::FJORDNET_ISA
