// What the kernels of a plan are lent beside their buffers: memory for all threads together, for each of them, and for
// the sums of tiles.
#pragma once

#include <algorithm>
#include <array>
#include <utility>

#include "dataset.h"
#include "program.h"

namespace fjordnet {

template <typename T>
class Scratchpad {
 public:
  // Elements that batches of some size need.
  struct Need {
    Index shared = 0, perSlot = 0;
    Index sharedOfTile = 0;  // of each thread, in place of what is shared: where it runs a tile alone
    Index sums = 0;

    void add(Program<T>& program, Index capacity) {
      const Index tiles = program.tiles(capacity);
      sums = std::max(sums, (tiles - 1) * program.sums());
      for (auto& i : program.instructions) {
        if (i.scratch == nullptr) continue;
        i.setBatch(i.isByRows ? program.mostRows(capacity) : capacity);
        const Scratch s = i.scratch(i.dim.data());
        shared = std::max(shared, s.shared);
        perSlot = std::max(perSlot, s.perSlot);
        if (i.isByRows && tiles > 1) sharedOfTile = std::max(sharedOfTile, s.shared);
      }
    }
  };

  void make(const Need& need) {
    Block<T> shared(need.shared), sums(need.sums);
    sizes_ = {need.perSlot, need.sharedOfTile};
    sharedAt_ = strideOf(need.perSlot);
    stride_ = sharedAt_ + strideOf(need.sharedOfTile);
    perSlot_ = ofSlots(slots_);
    shared_ = std::move(shared);
    sums_ = std::move(sums);
  }

  // Makes room for more threads; returns whether it had to.
  bool reserve(int slots) {
    if (slots <= slots_) return false;
    if (stride_ > 0) perSlot_ = ofSlots(slots);
    slots_ = slots;
    return true;
  }

  int slots() const { return slots_; }
  T* shared() const { return shared_.data(); }
  T* sharedOfTile(int slot) const { return perSlot_.data() + slot * stride_ + sharedAt_; }
  T* perSlot() const { return perSlot_.data(); }
  Index stride() const { return stride_; }
  T* sums() const { return sums_.data(); }
  std::int64_t bytes() const { return shared_.bytes() + perSlot_.bytes() + sums_.bytes(); }

 private:
  static Index strideOf(Index size) { return size == 0 ? 0 : (size + 15) / 16 * 16 + kGuard; }

  Block<T> ofSlots(int slots) const {
    Block<T> room(stride_ * slots);
    for (int slot = 0; slot < slots; ++slot) {
      const Index at[] = {slot * stride_, slot * stride_ + sharedAt_};
      for (std::size_t part = 0; part < 2; ++part) {
        const Index size = sizes_[part];
        if (size > 0) guard(room.data() + at[part] + size, static_cast<std::size_t>(strideOf(size) - size) * sizeof(T));
      }
    }
    return room;
  }

  Block<T> shared_, perSlot_, sums_;
  std::array<Index, 2> sizes_{};  // of a slot: what kernels ask for each thread, and what they share, in a tile
  Index sharedAt_ = 0, stride_ = 0;
  int slots_ = 2;
};

}  // namespace fjordnet
