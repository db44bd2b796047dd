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
  std::string name{};  // for messages; may be empty
};

// Rows of a batch.
struct Rows {
  Index first, count;
};

// The buffers of one type. Fixed ones lie at their offset. Where a region is tiled, all batched ones of a tile of rows
// lie together, so that one core's cache holds them and no other thread touches them; else the rows of each lie
// together.
template <typename V>
class Region {
 public:
  Region(Index fixedSize, Index rowSize, bool isTiled) : fixedSize_(fixedSize), rowSize_(rowSize), isTiled_(isTiled) {
    if (fixedSize < 0 || rowSize < 0) throw std::invalid_argument("Expected sizes to be non-negative");
  }

  void check(const BufferSpec& b) const {
    const Index room = b.batched ? rowSize_ : fixedSize_;
    if (b.offset < 0 || b.size < 0 || b.size > room || b.offset > room - b.size)
      throw std::invalid_argument("Expected every buffer to lie inside the arena");
  }

  void makeFixed() {
    fixed_ = Block<V>(fixedSize_);
    fixed_.zero();
  }
  Block<V> room(Index capacity) const {
    if (capacity > (Index{1} << 40) / std::max<Index>(rowSize_, 1)) throw std::bad_alloc();
    return Block<V>(rowSize_ * capacity);
  }
  void take(Block<V>&& room, Index capacity) {
    batched_ = std::move(room);
    capacity_ = capacity;
  }

  V* at(const BufferSpec& b) const { return fixed_.data() + b.offset; }
  V* at(const BufferSpec& b, const Rows& rows) const {
    return batched_.data() +
           (isTiled_ ? rows.first * rowSize_ + b.offset * rows.count : b.offset * capacity_ + rows.first * b.size);
  }
  V* fixed() const { return fixed_.data(); }
  Index fixedSize() const { return fixedSize_; }
  Index rowSize() const { return rowSize_; }
  std::int64_t bytes() const { return fixed_.bytes() + batched_.bytes(); }

 private:
  Index fixedSize_, rowSize_;
  bool isTiled_;
  Index capacity_ = 0;
  Block<V> fixed_, batched_;
};

}  // namespace fjordnet
