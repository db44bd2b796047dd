// What may happen to values of a step in between: nothing, or a sum over the ranks of a job. The addon of MPI fills
// this in, and the core's plans call it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>

namespace fjordnet {

struct Exchange {
  static constexpr std::uint32_t kVersion = 2;

  std::uint32_t version;
  void* self;
  // Starts the sum of n numbers, of 4 or 8 bytes, over all ranks, in place, behind those that were started before. Any
  // thread. Gives what to wait for, once, while the numbers stay where they are; or null, where `error` holds a
  // sentence.
  void* (*start)(void* self, void* values, std::int64_t n, int bytes, char* error, std::size_t size);
  // Blocks until it is done. Where it returns false, `error` holds a sentence.
  bool (*wait)(void* self, void* started, char* error, std::size_t size);
};

struct ExchangeError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// A JavaScript object that wraps an Exchange (napi_wrap) carries this tag (napi_type_tag_object). What it wraps lives
// as long as the process: MPI is one for all of it.
inline constexpr std::uint64_t kExchangeTag[2] = {0x666a6f72646e6574u, 0x65786368616e6765u};

}  // namespace fjordnet
