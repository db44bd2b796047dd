// The memory of a plan: one region for each type of values.
#pragma once

#include <algorithm>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>

#include "dataset.h"
#include "kernel.h"
#include "signature.h"

namespace fjordnet {

// A stretch of the arena, in the region of its type: size values, or as many for each sample.
struct BufferSpec {
  Index offset;
  Index size;
  bool batched;
  Type type{};
  std::string name{};    // for messages; may be empty
  bool isTiled = false;  // may the rows of different tiles lie apart?
};

// Rows of a batch of so many.
struct Rows {
  Index first, count, batch;
};

// The buffers of one type. Fixed ones lie at their offset. Of the batched ones those that are tiled lie together tile
// by tile, all rows of a tile in one stretch, so that one core's cache holds it and no other thread touches it; the
// rows of each other one lie together, for kernels that want the whole batch.
template <typename V>
class Region {
 public:
  Region(Index fixedSize, Index rowSize, Index tiledRowSize)
      : fixedSize_(fixedSize), rowSize_(rowSize), tiledRowSize_(tiledRowSize) {
    if (fixedSize < 0 || rowSize < 0 || tiledRowSize < 0)
      throw std::invalid_argument("Expected sizes to be non-negative");
  }

  void check(const BufferSpec& b) const {
    const Index room = b.batched ? (b.isTiled ? tiledRowSize_ : rowSize_) : fixedSize_;
    if (b.offset < 0 || b.size < 0 || b.size > room || b.offset > room - b.size)
      throw std::invalid_argument("Expected every buffer to lie inside the arena");
  }

  void makeFixed() {
    fixed_ = Block<V>(fixedSize_);
    fixed_.zero();
  }
  Block<V> room(Index capacity) const {
    const Index size = std::min(rowSize_, kMostRow) + std::min(tiledRowSize_, kMostRow);
    if (capacity > (Index{1} << 40) / std::max<Index>(size, 1)) throw std::bad_alloc();
    return Block<V>(size * capacity);
  }
  void take(Block<V>&& room, Index capacity) {
    batched_ = std::move(room);
    capacity_ = capacity;
  }

  V* at(const BufferSpec& b) const { return fixed_.data() + b.offset; }
  V* at(const BufferSpec& b, const Rows& rows) const {
    if (b.isTiled) return tiled(rows) + b.offset * rows.count;
    return batched_.data() + b.offset * capacity_ + rows.first * b.size;
  }
  V* fixed() const { return fixed_.data(); }
  Index fixedSize() const { return fixedSize_; }
  std::int64_t bytes() const { return fixed_.bytes() + batched_.bytes(); }

 private:
  static constexpr Index kMostRow = Index{1} << 41;

  V* tiled(const Rows& rows) const { return batched_.data() + rowSize_ * capacity_ + rows.first * tiledRowSize_; }

  Index fixedSize_, rowSize_, tiledRowSize_;
  Index capacity_ = 0;
  Block<V> fixed_, batched_;
};

}  // namespace fjordnet
