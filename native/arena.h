// The buffers of a plan, in the regions of their types.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "instruction.h"
#include "region.h"

namespace fjordnet {

template <typename T>
class Arena {
 public:
  // The spec has to outlive it.
  explicit Arena(const PlanSpec& spec)
      : buffers_(spec.buffers),
        reals_(spec.fixedSize, spec.rowSize, spec.isTiled),
        int32s_(spec.int32FixedSize, spec.int32RowSize, spec.isTiled) {
    for (const auto& b : buffers_) b.type == Type::kInt32 ? int32s_.check(b) : reals_.check(b);
  }

  void makeFixed() {
    reals_.makeFixed();
    int32s_.makeFixed();
  }

  // Makes room for batches of this size. What batched buffers held is lost; where memory is short, there is room for
  // none.
  void makeRows(Index capacity) {
    dropRows();
    auto reals = reals_.room(capacity);
    auto int32s = int32s_.room(capacity);
    reals_.take(std::move(reals), capacity);
    int32s_.take(std::move(int32s), capacity);
  }
  void dropRows() {
    reals_.take({}, 0);
    int32s_.take({}, 0);
  }

  std::int64_t bytes() const { return reals_.bytes() + int32s_.bytes(); }

  const BufferSpec& buffer(int index) const {
    if (index < 0 || index >= static_cast<int>(buffers_.size()))
      throw std::invalid_argument("Expected a buffer of the plan");
    return buffers_[static_cast<std::size_t>(index)];
  }

  // T for real numbers, std::int32_t for integers.
  template <typename V>
  const Region<V>& region() const {
    if constexpr (std::is_same_v<V, T>) {
      return reals_;
    } else {
      return int32s_;
    }
  }

  // The values of a buffer, of a batched one those of these rows.
  template <typename V = T>
  V* pointer(int index, const Rows& rows = {}) const {
    const auto& b = buffers_[static_cast<std::size_t>(index)];
    return b.batched ? region<V>().at(b, rows) : region<V>().at(b);
  }

  // As kernels are handed it: those of integers are cast back (kernels/row.h).
  T* address(int index, const Rows& rows = {}) const {
    if (buffer(index).type == Type::kReal) return pointer(index, rows);
    return reinterpret_cast<T*>(pointer<std::int32_t>(index, rows));
  }

 private:
  const std::vector<BufferSpec>& buffers_;
  Region<T> reals_;
  Region<std::int32_t> int32s_;
};

}  // namespace fjordnet
