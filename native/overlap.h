// The sum of gradients over ranks in several parts, each started where its last gradient has been computed: while it is
// on its way, the backward pass goes on.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "exchange.h"
#include "instruction.h"
#include "region.h"

namespace fjordnet {

// Of a bucket, at least: 3 ms of a link of 1 Gbit/s, where a sum costs 0.2 ms for itself.
constexpr Index kBucketBytes = 262144;

// A stretch that no instruction behind `after` writes to before the sum.
struct Bucket {
  std::size_t after;
  Index offset, size;
};

// Cuts what instruction `exchange` sums up between buffers, from the end on: backward passes come to the last layers
// first. By shapes alone, so that all ranks have the same ones, in the same order.
template <typename T>
std::vector<Bucket> bucketsOf(const std::vector<Instruction<T>>& instructions, std::size_t exchange,
                              const std::vector<BufferSpec>& buffers) {
  const auto& whole = buffers[static_cast<std::size_t>(instructions[exchange].operands.front().buffer)];
  std::vector<Bucket> parts;  // what instructions touch of it
  for (std::size_t k = 0; k < exchange; ++k) {
    for (const auto& operand : instructions[k].operands) {
      if (operand.buffer == kNone) continue;
      const auto& b = buffers[static_cast<std::size_t>(operand.buffer)];
      if (overlap(b, whole)) parts.push_back({k, b.offset, b.size});
    }
  }
  std::sort(parts.begin(), parts.end(), [](const auto& a, const auto& b) { return a.offset < b.offset; });
  std::vector<Bucket> apart;
  for (const auto& part : parts) {
    if (apart.empty() || part.offset >= apart.back().offset + apart.back().size) {
      apart.push_back(part);
    } else {
      auto& last = apart.back();
      last.size = std::max(last.size, part.offset + part.size - last.offset);
      last.after = std::max(last.after, part.after);
    }
  }
  std::vector<Bucket> out;
  Index end = whole.offset + whole.size;
  std::size_t after = 0;
  for (auto part = apart.rbegin(); part != apart.rend(); ++part) {
    after = std::max(after, part->after);
    const Index begin = std::max(part->offset, whole.offset);
    if (end - begin < kBucketBytes / static_cast<Index>(sizeof(T))) continue;
    out.push_back({after, begin, end - begin});
    end = begin;
  }
  if (end > whole.offset) out.push_back({exchange, whole.offset, end - whole.offset});
  return out;
}

// The sums of a job. Those that were started are waited for before this goes away, as its memory may then.
class RankSums {
 public:
  explicit RankSums(const Exchange* exchange) : exchange_(exchange) {}
  RankSums(const RankSums&) = delete;
  RankSums& operator=(const RankSums&) = delete;
  ~RankSums() { finish(); }

  std::size_t bucket = 0;  // the next one to start in this step

  template <typename T>
  void start(T* values, Index n) {
    started_.reserve(started_.size() + 1);
    char error[512] = "";
    void* sum = exchange_->start(exchange_->self, values, n, sizeof(T), error, sizeof error);
    if (sum == nullptr) throw ExchangeError(error);
    started_.push_back(sum);
  }
  void wait() {
    const auto error = finish();
    if (!error.empty()) throw ExchangeError(error);
  }

 private:
  std::string finish() {
    std::string first;
    for (void* sum : started_) {
      char error[512] = "";
      if (!exchange_->wait(exchange_->self, sum, error, sizeof error) && first.empty()) first = error;
    }
    started_.clear();
    return first;
  }

  const Exchange* exchange_;
  std::vector<void*> started_;
};

}  // namespace fjordnet
