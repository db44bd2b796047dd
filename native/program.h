// A program of a plan: its instructions, and the tiles of rows that they are run on.
#pragma once

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "instruction.h"
#include "kernels/tuning.h"
#include "overlap.h"

namespace fjordnet {

// Instructions [begin, end) that are run one after the other, on the whole batch or by tiles of rows. Behind tiles, the
// sums of all are added up, and instructions [end, last) run, by parts: each takes a stretch of every buffer's values.
struct Run {
  // A buffer of the arena that every tile but the first sums apart, at this place among its sums.
  struct Sum {
    Index offset, size, at;
  };

  std::size_t begin, end, last;
  bool isByRows;
  std::vector<Sum> sums{};
  Index parts = 1;
};

template <typename T>
class Program {
 public:
  std::vector<Instruction<T>> instructions;
  std::vector<Run> runs;
  std::vector<Bucket> buckets;  // of the sum of gradients, where that is to overlap with their computation
  bool isPrivate = false;       // is what its one run by rows leaves in a batch's rows read by nothing else?
  std::size_t stoppable = 0;    // instructions from the beginning on that a job which is to stop may leave undone

  // Cuts the instructions into runs, of a plan that is tiled. A run by rows ends before an instruction that touches one
  // of its sums, which are not added up yet, or sums into what it reads. What follows by parts has each value of its
  // buffers in one part alone: it takes them whole, or none of them. Where a job may stop, no run goes on to where it
  // may not.
  void cut(const std::vector<BufferSpec>& buffers, bool isTiled, Index tileRows) {
    Index work = 0, runsByRows = 0, least = 1;
    Stretches sums, read, inParts;
    while (stoppable < instructions.size() && instructions[stoppable].mayStop) ++stoppable;
    for (std::size_t k = 0; k < instructions.size(); ++k) {
      auto& i = instructions[k];
      const bool isByRows = isTiled && i.isByRows;
      const auto allFixed = [&](const auto& fn) {
        return std::all_of(i.operands.begin(), i.operands.end(), [&](auto& operand) {
          if (operand.buffer == kNone) return true;
          const auto& b = buffers[static_cast<std::size_t>(operand.buffer)];
          return b.batched || b.type != Type::kReal || fn(operand, b);
        });
      };
      if (i.isByValues && !runs.empty() && runs.back().isByRows &&
          allFixed([&](const auto&, const BufferSpec& b) { return !inParts.cuts(b); })) {
        runs.back().last = k + 1;
        allFixed([&](const auto&, const BufferSpec& b) { return inParts.add(b); });
        continue;
      }
      const bool goesOn = !runs.empty() && k != stoppable && runs.back().isByRows == isByRows &&
                          runs.back().last == runs.back().end &&
                          allFixed([&](const auto& operand, const BufferSpec& b) {
                            return !sums.touch(b) && !(operand.isSum && read.touch(b));
                          });
      if (!goesOn) {
        runs.push_back({k, k, k, isByRows});
        sums = read = inParts = {};
        runsByRows += isByRows;
      }
      runs.back().end = runs.back().last = k + 1;
      if (!isByRows) continue;
      work += i.work * i.rows;
      least = std::max(least, i.leastRows);
      allFixed([&](auto& operand, const BufferSpec& b) {
        if (!operand.isSum) return read.add(b);
        operand.sumAt = sums_;
        runs.back().sums.push_back({b.offset, b.size, sums_});
        sums_ += (b.size + kLine - 1) / kLine * kLine;
        return sums.add(b) && inParts.add(b);
      });
    }
    for (auto& run : runs) setParts(run, buffers, tileRows);
    isPrivate = runsByRows == 1 && std::all_of(runs.begin(), runs.end(), [&](const Run& run) {
                  return run.isByRows || std::none_of(instructions.begin() + static_cast<std::ptrdiff_t>(run.begin),
                                                      instructions.begin() + static_cast<std::ptrdiff_t>(run.last),
                                                      [&](const auto& i) { return touchesRows(i, buffers); });
                });
    if (work == 0) return;
    const Index worth = std::max(tuning::kBatchTileWork, times(tuning::kBatchTileSums, sums_));
    tileRows_ = std::min(kMostSize, tileRows > 0 ? tileRows : std::max(least, times(worth, runsByRows) / work + 1));
    while (2 * mostTiles_ <= std::min(tuning::kMostBatchTiles, tuning::kBatchTileRoom / std::max<Index>(sums_, 1)))
      mostTiles_ *= 2;
  }

  // Tiles of a batch of n: a power of two, shared out evenly in units of so many rows as products take at a time, the
  // first ones the larger where they cannot be alike: the thread that leads takes these, and has not to wait for one to
  // be handed over. Steps of 64-50-10 in float32, batches of 100 rows, by two threads: 16.5 us with 52 and 48, 17.3
  // with 48 and 52.
  Index tiles(Index n) const {
    Index count = 1;
    while (2 * count <= mostTiles_ && 2 * count * tileRows_ <= n) count *= 2;
    return count;
  }
  static Rows tile(Index n, Index tiles, Index t) {
    const Index unit = n < kUnit * tiles ? 1 : kUnit;  // no tile is empty
    const Index units = (n + unit - 1) / unit;
    const auto begin = [&](Index t) { return std::min(n, (units * t + tiles - 1) / tiles * unit); };
    return {begin(t), begin(t + 1) - begin(t)};
  }

  // The most rows that an instruction of a run by rows is called with where batches have at most n: in a tile, or as
  // the whole of a batch that is too small for two.
  Index mostRows(Index n) const {
    return mostTiles_ == 1 ? n : std::min(n, std::max(2 * tileRows_, n / mostTiles_) + 2 * kUnit);
  }

  // The stretch of a buffer of n values that is part p of so many.
  static Rows part(Index n, Index parts, Index p) {
    const Index lines = (n + kLine - 1) / kLine;
    const Index first = lines * p / parts * kLine, end = std::min(n, lines * (p + 1) / parts * kLine);
    return {first, std::max<Index>(0, end - first)};
  }

  static bool touchesRows(const Instruction<T>& i, const std::vector<BufferSpec>& buffers) {
    return std::any_of(i.operands.begin(), i.operands.end(), [&](const auto& operand) {
      return operand.buffer != kNone && buffers[static_cast<std::size_t>(operand.buffer)].batched;
    });
  }

  // Values that the sums of a tile take.
  Index sums() const { return sums_; }

 private:
  static constexpr Index kUnit = 4, kLine = 16;

  void setParts(Run& run, const std::vector<BufferSpec>& buffers, Index tileRows) const {
    Index values = 0;
    for (const auto& sum : run.sums) values += sum.size;
    for (std::size_t k = run.end; k < run.last; ++k)
      values += buffers[static_cast<std::size_t>(instructions[k].operands.front().buffer)].size;
    const Index least = tileRows > 0 ? kLine : tuning::kPart;
    while (2 * run.parts <= std::min(tuning::kMostParts, values / least)) run.parts *= 2;
  }

  // Stretches of memory, and where they are joined.
  class Stretches {
   public:
    bool add(const BufferSpec& b) {
      whole_.insert({b.offset, b.size});
      Index begin = b.offset, end = b.offset + b.size;
      for (auto next = ends_.upper_bound(end); next != ends_.begin() && std::prev(next)->second >= begin;) {
        --next;
        begin = std::min(begin, next->first);
        end = std::max(end, next->second);
        next = ends_.erase(next);
      }
      ends_[begin] = end;
      return true;
    }
    bool touch(const BufferSpec& b) const {
      const auto next = ends_.lower_bound(b.offset + b.size);
      return next != ends_.begin() && std::prev(next)->second > b.offset;
    }
    // Does the buffer touch any without being the whole of it?
    bool cuts(const BufferSpec& b) const { return touch(b) && whole_.count({b.offset, b.size}) == 0; }

   private:
    std::map<Index, Index> ends_;  // of what is joined, by their beginnings
    std::set<std::pair<Index, Index>> whole_;
  };

  Index sums_ = 0, tileRows_ = kMostSize, mostTiles_ = 1;
};

}  // namespace fjordnet
