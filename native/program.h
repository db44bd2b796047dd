// A program of a plan: its instructions, and the tiles of rows that they are run on.
#pragma once

#include <algorithm>
#include <iterator>
#include <map>
#include <vector>

#include "instruction.h"
#include "kernels/tuning.h"

namespace fjordnet {

// Instructions [begin, end) that are run one after the other, on the whole batch or by tiles of rows.
struct Run {
  // Values of the arena that every tile but the first sums apart, at this place among its sums.
  struct Sum {
    Index offset, size, at;
  };

  std::size_t begin, end;
  bool isByRows;
  std::vector<Sum> sums{};
};

template <typename T>
class Program {
 public:
  std::vector<Instruction<T>> instructions;
  std::vector<Run> runs;

  // Cuts the instructions into runs, of a plan that is tiled. A run by rows ends before an instruction that touches one
  // of its sums, which are not added up yet, or sums into what it reads.
  void cut(const std::vector<BufferSpec>& buffers, bool isTiled, Index tileRows) {
    Index work = 0, runsByRows = 0, least = 1;
    Stretches sums, read;
    for (std::size_t k = 0; k < instructions.size(); ++k) {
      auto& i = instructions[k];
      const bool isByRows = isTiled && i.isByRows;
      const auto eachFixed = [&](const auto& fn) {
        for (const auto& operand : i.operands) {
          if (operand.buffer == kNone) continue;
          const auto& b = buffers[static_cast<std::size_t>(operand.buffer)];
          if (!b.batched && b.type == Type::kReal) fn(operand, b);
        }
      };
      bool goesOn = !runs.empty() && runs.back().isByRows == isByRows;
      eachFixed([&](const auto& operand, const BufferSpec& b) {
        goesOn = goesOn && !sums.touch(b) && !(operand.isSum && read.touch(b));
      });
      if (!goesOn) {
        runs.push_back({k, k, isByRows});
        sums = read = {};
        runsByRows += isByRows;
      }
      runs.back().end = k + 1;
      if (!isByRows) continue;
      work += i.work * i.rows;
      if (i.usesWeightsOnce && i.rows == 1) least = tuning::kProductRows;
      eachFixed([&](const auto& operand, const BufferSpec& b) { (operand.isSum ? sums : read).add(b); });
    }
    for (auto& run : runs) {
      if (run.isByRows) placeSums(run, buffers);
    }
    if (work == 0) return;
    const Index worth = std::max(tuning::kBatchTileWork, times(tuning::kBatchTileSums, sums_));
    tileRows_ = std::min(kMostSize, tileRows > 0 ? tileRows : std::max(least, times(worth, runsByRows) / work + 1));
    while (2 * mostTiles_ <= std::min(tuning::kMostBatchTiles, tuning::kBatchTileRoom / std::max<Index>(sums_, 1)))
      mostTiles_ *= 2;
  }

  // Tiles of a batch of n: a power of two, shared out evenly in units of so many rows as products take at a time.
  Index tiles(Index n) const {
    Index count = 1;
    while (2 * count <= mostTiles_ && 2 * count * tileRows_ <= n) count *= 2;
    return count;
  }
  static Rows tile(Index n, Index tiles, Index t) {
    const Index unit = n < kUnit * tiles ? 1 : kUnit;  // no tile is empty
    const Index units = (n + unit - 1) / unit;
    const Index first = units * t / tiles * unit, end = std::min(n, units * (t + 1) / tiles * unit);
    return {first, end - first};
  }

  // The most rows that an instruction of a run by rows is called with where batches have at most n: in a tile, or as
  // the whole of a batch that is too small for two.
  Index mostRows(Index n) const {
    return mostTiles_ == 1 ? n : std::min(n, std::max(2 * tileRows_, n / mostTiles_) + 2 * kUnit);
  }

  // Values that the sums of a tile take.
  Index sums() const { return sums_; }

 private:
  static constexpr Index kUnit = 4;

  // In the order of the arena, so that what lies together there does so here, too, and is added up at once.
  void placeSums(Run& run, const std::vector<BufferSpec>& buffers) {
    const auto of = [&](const auto* operand) -> const BufferSpec& {
      return buffers[static_cast<std::size_t>(operand->buffer)];
    };
    std::vector<typename Instruction<T>::Operand*> operands;
    for (std::size_t k = run.begin; k < run.end; ++k) {
      for (auto& operand : instructions[k].operands) {
        if (operand.isSum && operand.buffer != kNone) operands.push_back(&operand);
      }
    }
    std::sort(operands.begin(), operands.end(),
              [&](const auto* a, const auto* b) { return of(a).offset < of(b).offset; });
    for (auto* operand : operands) {
      const auto& b = of(operand);
      auto* last = run.sums.empty() ? nullptr : &run.sums.back();
      if (last != nullptr && isPadding(last->offset + last->size, b.offset, buffers)) {
        last->size = b.offset + b.size - last->offset;
      } else {
        sums_ = roundUp16(sums_);
        run.sums.push_back({b.offset, b.size, sums_});
        last = &run.sums.back();
      }
      operand->sumAt = last->at + (b.offset - last->offset);
      sums_ = last->at + last->size;
    }
    sums_ = roundUp16(sums_);
  }
  // Does nothing lie in [begin, end) of the fixed numbers? What is added there changes nothing then.
  static bool isPadding(Index begin, Index end, const std::vector<BufferSpec>& buffers) {
    return end - begin < 16 && std::none_of(buffers.begin(), buffers.end(), [&](const BufferSpec& b) {
             return !b.batched && b.type == Type::kReal && b.offset < end && begin < b.offset + b.size;
           });
  }
  static Index roundUp16(Index n) { return (n + 15) / 16 * 16; }

  // Stretches of memory, joined where they touch.
  class Stretches {
   public:
    void add(const BufferSpec& b) {
      Index begin = b.offset, end = b.offset + b.size;
      for (auto next = ends_.upper_bound(end); next != ends_.begin() && std::prev(next)->second >= begin;) {
        --next;
        begin = std::min(begin, next->first);
        end = std::max(end, next->second);
        next = ends_.erase(next);
      }
      ends_[begin] = end;
    }
    bool touch(const BufferSpec& b) const {
      const auto next = ends_.lower_bound(b.offset + b.size);
      return next != ends_.begin() && std::prev(next)->second > b.offset;
    }

   private:
    std::map<Index, Index> ends_;  // by their beginnings
  };

  Index sums_ = 0, tileRows_ = kMostSize, mostTiles_ = 1;
};

}  // namespace fjordnet
