// Owned, immutable samples, one row each, shared by any number of plans.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>

#include "kernel.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

namespace fjordnet {

// Values that lie around what may be used: under AddressSanitizer touching them ends the process. Elsewhere there are
// none.
#if defined(__SANITIZE_ADDRESS__)
constexpr Index kGuard = 16;
inline void guard(const void* from, std::size_t bytes) { ASAN_POISON_MEMORY_REGION(from, bytes); }
#else
constexpr Index kGuard = 0;
inline void guard(const void*, std::size_t) {}
#endif

// The limit of memory of the process's control group, in bytes: the system ends a process that fills more.
inline std::atomic<std::int64_t> memoryLimit{INT64_MAX};

struct OverLimit : std::bad_alloc {
  const char* what() const noexcept override {
    return "Expected a network, a batch size and data that fit into the limit of memory of this container (the control "
           "group), but they need more";
  }
};

inline void checkLimit(std::int64_t bytes) {
  if (bytes > memoryLimit.load(std::memory_order_relaxed)) throw OverLimit();
}

// 64-byte aligned, so that a buffer never shares a cache line or splits a vector with another. By hand: the C library's
// aligned allocation does not fill the holes it leaves, so that a program which makes and drops networks would grow.
template <typename T>
class Block {
 public:
  Block() = default;
  explicit Block(Index size) : size_(size) {
    if (size == 0) return;
    if (size > (Index{1} << 50) / static_cast<Index>(sizeof(T))) throw std::bad_alloc();
    checkLimit(bytes());
    memory_.reset(static_cast<char*>(::operator new(static_cast<std::size_t>(bytes()) + kAlignment)));
    const auto address = reinterpret_cast<std::uintptr_t>(memory_.get());
    data_ = reinterpret_cast<T*>((address + kAlignment - 1) / kAlignment * kAlignment);
    guard(data_ + size, kAlignment - (reinterpret_cast<std::uintptr_t>(data_) - address));
  }
  T* data() const { return data_; }
  Index size() const { return size_; }
  std::int64_t bytes() const { return size_ * static_cast<std::int64_t>(sizeof(T)); }
  void zero() {
    if (size_ > 0) std::memset(data_, 0, static_cast<std::size_t>(bytes()));
  }

 private:
  static constexpr std::size_t kAlignment = 64;
  struct Delete {
    void operator()(char* p) const { ::operator delete(p); }
  };
  std::unique_ptr<char, Delete> memory_;
  T* data_ = nullptr;
  Index size_ = 0;
};

template <typename T>
struct Dataset {
  Index rows;
  Index width;
  Block<T> owned;
  const T* values;

  Dataset(Index rows_, Index width_) : rows(rows_), width(width_), owned(rows_ * width_), values(owned.data()) {}

  // Somebody else's memory, for one synchronous call.
  Dataset(const T* borrowed, Index rows_, Index width_) : rows(rows_), width(width_), values(borrowed) {}

  // out[k] = row index[k]. Long rows at random places of a large dataset: asking for the next ones ahead saves up to a
  // third.
  void gather(const std::int32_t* index, Index count, T* out) const {
    const auto size = static_cast<std::size_t>(width) * sizeof(T);
    const Index ahead = size < 512 ? count : size < 2048 ? 4 : 1;
    for (Index k = 0; k < count; ++k) {
      if (k + ahead < count) {
        const char* next = reinterpret_cast<const char*>(values + index[k + ahead] * width);
        for (std::size_t at = 0; at < size; at += 64) prefetch(next + at);
      }
      std::memcpy(out + k * width, values + index[k] * width, size);
    }
  }

  void copy(Index first, Index count, T* out) const {
    std::memcpy(out, values + first * width, static_cast<std::size_t>(count * width) * sizeof(T));
  }
};

}  // namespace fjordnet
