// What may happen to values of a step in between: nothing, or a sum over the ranks of a job. The addon of MPI fills
// this in, and the core's plans call it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace fjordnet {

struct Exchange {
  static constexpr std::uint32_t kVersion = 1;
  std::uint32_t version;
  void* self;
  // Sums n numbers, of 4 or 8 bytes, over all ranks, in place. Any thread; blocks until it is done. Where it returns
  // false, `error` holds a sentence.
  bool (*sum)(void* self, void* values, std::int64_t n, int bytes, char* error, std::size_t size);
};

// A JavaScript object that wraps an Exchange (napi_wrap) carries this tag (napi_type_tag_object).
inline constexpr std::uint64_t kExchangeTag[2] = {0x666a6f72646e6574u, 0x65786368616e6765u};

}  // namespace fjordnet
