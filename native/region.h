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

// A stretch of the arena, in the region of its type. Fixed buffers lie at offset; batched ones at offset * capacity,
// with size values for each sample.
struct BufferSpec {
  Index offset;
  Index size;
  bool batched;
  Type type{};
  std::string name{};  // for messages; may be empty
};

// The buffers of one type: the fixed ones, and a row of the others for each sample.
template <typename V>
class Region {
 public:
  Region(Index fixedSize, Index rowSize) : fixedSize_(fixedSize), rowSize_(rowSize) {
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
  void take(Block<V>&& room) { batched_ = std::move(room); }

  V* at(const BufferSpec& b, Index capacity) const {
    return b.batched ? batched_.data() + b.offset * capacity : fixed_.data() + b.offset;
  }
  V* fixed() const { return fixed_.data(); }
  Index fixedSize() const { return fixedSize_; }
  std::int64_t bytes() const { return fixed_.bytes() + batched_.bytes(); }

 private:
  Index fixedSize_, rowSize_;
  Block<V> fixed_, batched_;
};

}  // namespace fjordnet
