// What the kernels of a program are called with for a batch, tile by tile.
#pragma once

#include <algorithm>
#include <atomic>
#include <vector>

#include "arena.h"
#include "job.h"
#include "scratchpad.h"

namespace fjordnet {

constexpr std::size_t kMostOperands = 16, kMostDims = 16;  // of a signature

template <typename T>
class Binding {
 public:
  // All of it has to outlive it; `stop` is what kernels look at that may return early.
  Binding(const Arena<T>& arena, const Scratchpad<T>& scratch, const std::atomic<bool>& stop)
      : arena_(arena), scratch_(scratch), stop_(stop) {}

  // To be called where memory has been moved.
  void release() { program_ = nullptr; }

  // mayMove: may tiles lie where their threads have room, among `capacity` rows?
  void bind(const Program<T>& program, const Share& share, bool mayMove, Index capacity) {
    if (program_ == &program && share_ == share) return;
    program_ = nullptr;  // until all of it has been done
    const Index n = share.count;
    tiles_ = program.tiles(n);
    mostRows_ = 0;
    placed_.resize(static_cast<std::size_t>(tiles_));
    for (Index t = 0; t < tiles_; ++t) {
      const Rows rows = Program<T>::tile(n, tiles_, t);
      placed_[static_cast<std::size_t>(t)] = rows.first;
      mostRows_ = std::max(mostRows_, rows.count);
    }
    const int slots = scratch_.slots();
    const Index rowBytes = arena_.template region<T>().rowSize() * static_cast<Index>(sizeof(T));
    movesTiles_ = mayMove && program.isPrivate && tiles_ > slots && slots * mostRows_ <= capacity &&
                  n * rowBytes > tuning::kTiledRoom;
    const auto count = program.instructions.size() * static_cast<std::size_t>(tiles_);
    args_.resize(std::max(args_.size(), count));
    pointers_.resize(std::max(pointers_.size(), count * kMostOperands));
    dims_.resize(std::max(dims_.size(), count * kMostDims));
    for (std::size_t at = 0; at < count; ++at) {
      const auto t = static_cast<Index>(at / program.instructions.size());
      const auto& i = program.instructions[at % program.instructions.size()];
      if (t > 0 && !i.isByRows) continue;
      const Rows rows = i.isByRows ? Program<T>::tile(n, tiles_, t) : Rows{0, n};
      T** to = pointers_.data() + at * kMostOperands;
      for (std::size_t k = 0; k < i.operands.size(); ++k) {
        const auto& operand = i.operands[k];
        to[k] = operand.buffer == kNone  ? nullptr
                : t > 0 && operand.isSum ? sumOf(program, operand.sumAt, t)
                                         : arena_.address(operand.buffer, rows);
      }
      Index* dim = dims_.data() + at * kMostDims;
      std::copy(i.dim.begin(), i.dim.end(), dim);
      if (i.batch >= 0) dim[i.batch] = i.rowsOf(rows.count);
      const Index first = ((i.isBatched ? share.before : 0) + rows.first) * i.rows;
      const auto* stopped = at % program.instructions.size() < program.stoppable ? &stop_ : nullptr;
      args_[at] = {to,
                   dim,
                   i.scalar.data(),
                   scratch_.shared(),
                   scratch_.perSlot(),
                   scratch_.stride(),
                   first,
                   i.rowsOf(share.of),
                   nullptr,
                   stopped};
    }
    program_ = &program;
    share_ = share;
  }

  Index tiles() const { return tiles_; }

  // The row where a tile's memory is to begin that this thread takes: where each thread takes all its tiles through the
  // same memory, what one leaves in its cache the next writes over, and it need not go out and come in again.
  Index placeOf(const Rows& tile, int slot) const { return movesTiles_ ? slot * mostRows_ : tile.first; }

  // Has it begin there for the instructions of a run.
  void place(const Run& run, Index t, Index to) {
    Index& placed = placed_[static_cast<std::size_t>(t)];
    if (placed == to) return;
    const Index shift = (to - placed) * arena_.template region<T>().rowSize();
    placed = to;
    const std::size_t first = static_cast<std::size_t>(t) * program_->instructions.size();
    for (std::size_t k = run.begin; k < run.end; ++k) {
      T** pointers = pointers_.data() + (first + k) * kMostOperands;
      for (const auto& operand : program_->instructions[k].operands) {
        if (operand.buffer != kNone && arena_.buffer(operand.buffer).batched &&
            arena_.buffer(operand.buffer).type == Type::kReal)
          *pointers += shift;
        ++pointers;
      }
    }
  }

  // Of instruction k for tile t.
  const Args<T>& args(std::size_t k, Index t) const {
    return args_[static_cast<std::size_t>(t) * program_->instructions.size() + k];
  }

  // What tile t > 0 sums apart.
  T* sumOf(const Program<T>& program, Index at, Index t) const {
    return scratch_.sums() + (t - 1) * program.sums() + at;
  }

 private:
  const Arena<T>& arena_;
  const Scratchpad<T>& scratch_;
  const std::atomic<bool>& stop_;
  const Program<T>* program_ = nullptr;
  Share share_;
  Index tiles_ = 1;
  bool movesTiles_ = false;
  Index mostRows_ = 0;         // of a tile
  std::vector<Index> placed_;  // the row where a tile's memory begins
  std::vector<Args<T>> args_;
  std::vector<T*> pointers_;
  std::vector<Index> dims_;
};

}  // namespace fjordnet
