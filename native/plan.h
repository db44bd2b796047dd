// A recorded tape over one arena: checked once, replayed for every batch. No N-API, no BLAS.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <map>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "arena.h"
#include "binding.h"
#include "job.h"
#include "job_check.h"
#include "kernel.h"
#include "overlap.h"
#include "program.h"
#include "scratchpad.h"

namespace fjordnet {

template <typename T>
class Plan {
 public:
  using Real = T;

  std::atomic<bool> busy{false};
  std::atomic<bool> stop{false};

  Plan(PlanSpec spec, const KernelTable& table) : spec_(std::move(spec)), scalars_(spec_.scalars), arena_(spec_) {
    if (spec_.capacity < 1) throw std::invalid_argument("Expected sizes to be non-negative");
    const auto buffer = [this](int index) -> const BufferSpec& { return arena_.buffer(index); };
    if (spec_.report >= 0 && (buffer(spec_.report).batched || buffer(spec_.report).type != Type::kReal))
      throw std::invalid_argument("Expected report to be a fixed buffer of real numbers");
    if (spec_.stop >= 0 &&
        (buffer(spec_.stop).batched || buffer(spec_.stop).type != Type::kReal || buffer(spec_.stop).size != 1))
      throw std::invalid_argument("Expected stop to be a fixed buffer of one real number");
    arena_.makeFixed();  // first: what is too large is told as that
    for (const auto& [name, instructions] : spec_.programs) programs_[name] = made(instructions, table, false);
    add_ = function(find(table, "add"), T{});
    allocate(spec_.capacity);
  }

  std::int64_t bytes() const { return arena_.bytes() + scratch_.bytes(); }

  const Arena<T>& arena() const { return arena_; }

  Index reportSize() const { return spec_.report < 0 ? 0 : arena_.buffer(spec_.report).size; }

  // Makes what ranks run of a program in place of what one process does: the same, with the sums over all of them.
  void exchanging(const std::string& name, bool overlaps, const KernelTable& table) {
    const auto& instructions = spec_.programs.at(name);
    const auto isExchange = [](const auto& i) { return i.isExchange(); };
    if (ranked_.count({name, overlaps}) > 0 || std::none_of(instructions.begin(), instructions.end(), isExchange))
      return;
    auto program = made(instructions, table, true);
    if (overlaps) {
      const auto& all = program.instructions;
      for (std::size_t k = 0; k < all.size(); ++k)
        if (isOfGradients(all[k])) program.buckets = bucketsOf(all, k, spec_.buffers);
    }
    ranked_[{name, overlaps}] = std::move(program);
    allocate(capacity_);
  }

  // Makes room for batches of this size and for the scratch of this many threads. What batched buffers held is lost.
  void reserve(Index capacity, int slots) {
    if (capacity > capacity_) allocate(capacity);
    if (scratch_.reserve(slots)) binding_.release();
  }

  // Refuses what does not fit this plan. Nothing is changed.
  void check(const Job<T>& job) const { checkJob(job, spec_, arena_); }

  // Replays the program for each batch of a checked job, until all are done or stop is set.
  void run(Job<T>& job, Team& team) {
    const auto ranked = job.exchange == nullptr ? ranked_.end() : ranked_.find({job.program, job.overlaps});
    const bool isRanked = ranked != ranked_.end();  // then a step is whole on all ranks, or none begins it
    auto& program = isRanked ? ranked->second : programs_.at(job.program);
    const bool stopsTogether = isRanked && exchangesStop(program);
    RankSums sums(job.exchange);
    rankSums_ = &sums;
    const Index report = reportSize(), steps = job.stepCount();
    Share share;
    for (Index at = 0; job.steps < steps; at += share.count) {
      if (!isRanked && stop.load(std::memory_order_relaxed)) break;
      share = job.shareAt(job.steps, at);
      sums.bucket = 0;
      for (std::size_t k = 0; k < job.scalars.size(); ++k) {
        scalars_[static_cast<std::size_t>(job.scalars[k])] =
            job.values[static_cast<std::size_t>(job.steps) * job.scalars.size() + k];
      }
      if (share.count == 0) {
        replayEmpty(program, share, team);
      } else if (!replay(
                     program, share, team, [&](const Rows& rows, Index shift) { load(job, at, rows, shift); },
                     !job.outputs.empty())) {
        break;
      }
      if (report > 0) std::copy_n(arena_.pointer(spec_.report), report, job.report.begin() + job.steps * report);
      for (std::size_t k = 0; k < job.outputs.size(); ++k)
        collect(job.outputs[k], share.count, job.collected[k].data(), at);
      ++job.steps;
      if (stopsTogether && *arena_.pointer(spec_.stop) > T(0)) {
        job.isStopped = true;
        break;
      }
    }
  }

  // A program whose inputs are read, and whose outputs are written, where they are.
  struct Direct {
    Program<T>* program;
    std::vector<int> inputs, outputs;
    std::vector<const void*> from{};  // of a call: the samples of each input, and room for those of each output
    std::vector<T*> to{};
  };

  // Refuses what does not fit this plan.
  Direct direct(const std::string& program, std::vector<int> inputs, std::vector<int> outputs) {
    const auto found = programs_.find(program);
    if (found == programs_.end())
      throw std::invalid_argument("Expected program to be one of the plan's, got '" + program + "'");
    for (int index : inputs) {
      if (!arena_.buffer(index).batched) throw std::invalid_argument("Expected inputs to be batched buffers");
    }
    for (int index : outputs) checkOutput(arena_.buffer(index));
    return {&found->second, std::move(inputs), std::move(outputs)};
  }

  void run(const Direct& direct, Index count, Index batchSize, Team& team) {
    for (Index at = 0, n = 0; at < count; at += n) {
      n = std::min(batchSize, count - at);
      const auto load = [&](const Rows& rows, Index) {
        for (std::size_t k = 0; k < direct.inputs.size(); ++k) {
          const auto& b = arena_.buffer(direct.inputs[k]);
          const auto bytes = b.type == Type::kReal ? sizeof(T) : sizeof(std::int32_t);
          std::memcpy(
              arena_.address(direct.inputs[k], rows),
              static_cast<const char*>(direct.from[k]) + static_cast<std::size_t>((at + rows.first) * b.size) * bytes,
              static_cast<std::size_t>(rows.count * b.size) * bytes);
        }
      };
      replay(*direct.program, {n, 0, n}, team, load, true);
      for (std::size_t k = 0; k < direct.outputs.size(); ++k) collect(direct.outputs[k], n, direct.to[k], at);
    }
  }

  // Room for the results, made before the first step.
  void prepare(Job<T>& job) const {
    const Index steps = job.stepCount();
    job.report.resize(static_cast<std::size_t>(times(steps, reportSize())));
    for (int output : job.outputs) {
      const Index size = times(job.count, arena_.buffer(output).size);
      checkLimit(times(size, sizeof(T)));
      job.collected.emplace_back(static_cast<std::size_t>(size));
    }
  }

 private:
  Program<T> made(const std::vector<InstructionSpec>& instructions, const KernelTable& table, bool isRanked) const {
    Program<T> program;
    program.instructions.reserve(instructions.size());
    for (const auto& i : instructions) {
      auto instruction = checked<T>(i, table, spec_.buffers, scalars_, spec_.isTiled);
      instruction.mayStop = instruction.mayStop && !isRanked;
      if (isRanked || !instruction.isExchange) program.instructions.push_back(std::move(instruction));
    }
    program.cut(spec_.buffers, spec_.isTiled, spec_.tileRows);
    return program;
  }

  bool exchangesStop(const Program<T>& program) const {
    return std::any_of(program.instructions.begin(), program.instructions.end(),
                       [&](const auto& i) { return isOfGradients(i); });
  }
  // The sum of all gradients has the number that stops among them.
  bool isOfGradients(const Instruction<T>& i) const {
    return i.isExchange && spec_.stop >= 0 &&
           overlap(arena_.buffer(i.operands.front().buffer), arena_.buffer(spec_.stop));
  }

  // Sums up a buffer over all ranks.
  void sumOverRanks(const Program<T>& program, std::size_t k) const {
    const auto& instruction = program.instructions[k];
    if (!program.buckets.empty() && isOfGradients(instruction)) {
      startBuckets(program, k);
    } else {
      const auto& b = arena_.buffer(instruction.operands.front().buffer);
      startSum(b.offset, b.size);
    }
    rankSums_->wait();
  }

  // Starts the sums of what is complete when instruction k is done.
  void startBuckets(const Program<T>& program, std::size_t k) const {
    const auto& all = program.buckets;
    if (all.empty()) return;
    for (auto& next = rankSums_->bucket; next < all.size() && all[next].after <= k; ++next)
      startSum(all[next].offset, all[next].size);
  }

  void startSum(Index offset, Index size) const {
    if (spec_.stop >= 0) {
      const Index at = arena_.buffer(spec_.stop).offset;
      if (offset <= at && at < offset + size)
        *arena_.pointer(spec_.stop) = stop.load(std::memory_order_relaxed) ? T(1) : T(0);
    }
    rankSums_->start(fixed() + offset, size);
  }

  // The step of a rank that has no row of the batch: it adds nothing to the sums, and has its update done.
  void replayEmpty(const Program<T>& program, const Share& share, Team& team) {
    bind(program, {1, share.before, share.of});
    if (reportSize() > 0) std::fill_n(arena_.pointer(spec_.report), reportSize(), T(0));
    const auto& all = program.instructions;
    std::size_t last = all.size();
    for (std::size_t k = 0; k < all.size(); ++k) {
      if (!all[k].isExchange) continue;
      const int index = all[k].operands.front().buffer;
      std::fill_n(arena_.pointer(index), arena_.buffer(index).size, T(0));
      sumOverRanks(program, k);
      last = k;
    }
    for (std::size_t k = last + 1; k < all.size(); ++k) {
      if (!Program<T>::touchesRows(all[k], spec_.buffers)) call(program, k, 0, team, scratch_.shared());
    }
  }

  // One batch; load(rows, shift) brings the samples of these rows into their buffers, so far from where these lie.
  // keepsRows: is what it leaves of them read? Returns whether it was done: a job that is to stop leaves it while
  // nothing that lasts was written.
  template <typename Load>
  bool replay(const Program<T>& program, const Share& share, Team& team, const Load& load, bool keepsRows) {
    bind(program, share);
    const Index n = share.count, tiles = binding_.tiles();
    // Where anything is run by rows, nothing before it touches those of the batch.
    const auto loading =
        std::find_if(program.runs.begin(), program.runs.end(), [](const Run& r) { return r.isByRows; });
    const bool loadsByTile = loading != program.runs.end();
    for (Index t = 0; t < tiles && !loadsByTile; ++t) load(Program<T>::tile(n, tiles, t), 0);
    for (const auto& run : program.runs) {
      const bool isFirst = loadsByTile && &run == &*loading;
      const auto isStopped = [&] { return run.end <= program.stoppable && stop.load(std::memory_order_relaxed); };
      const bool isTiled = run.isByRows && tiles > 1;
      const auto tile = [&](Index t, Team& helpers, T* shared) {
        const Rows rows = Program<T>::tile(n, tiles, t);
        const Index to = isTiled && !keepsRows ? binding_.placeOf(rows, helpers.slot()) : rows.first;
        if (isTiled) binding_.place(run, t, to);
        if (isFirst) load(rows, (to - rows.first) * arena_.template region<T>().rowSize());
        for (std::size_t k = run.begin; k < run.end && !isStopped(); ++k) {
          call(program, k, t, helpers, shared);
          if (!isTiled) startBuckets(program, k);
        }
      };
      if (isTiled) {
        team.parallel_for(static_cast<int>(tiles), [&](int t, int slot) {
          Team alone(team, slot);
          tile(t, alone, scratch_.sharedOfTile(slot));
        });
        if (isStopped()) return false;
        team.parallel_for(static_cast<int>(run.parts), [&](int p, int slot) {
          Team alone(team, slot);
          finish(program, run, p, alone);
        });
        startBuckets(program, run.last - 1);
      } else {
        tile(0, team, scratch_.shared());
        if (isStopped()) return false;
        for (std::size_t k = run.end; k < run.last; ++k) call(program, k, 0, team, scratch_.shared());
        startBuckets(program, run.last - 1);
      }
    }
    return true;
  }

  void call(const Program<T>& program, std::size_t k, Index t, Team& team, T* shared) const {
    const auto& instruction = program.instructions[k];
    if (instruction.when != nullptr && *instruction.when == 0.0) return;
    if (instruction.isExchange) return sumOverRanks(program, k);
    Args<T> args = binding_.args(k, t);
    args.team = &team;
    args.shared = shared;
    instruction.function(args);
  }

  // Part p of what follows tiles. The sums of the first tile lie where they belong; those of the others are added to
  // them in order.
  void finish(const Program<T>& program, const Run& run, Index p, Team& team) const {
    for (const auto& sum : run.sums) {
      const auto [first, count] = Program<T>::part(sum.size, run.parts, p);
      T* total = fixed() + sum.offset + first;
      for (Index t = 1; t < binding_.tiles() && count > 0; ++t) {
        T* const buffers[] = {total, binding_.sumOf(program, sum.at, t) + first, total};
        const Index dim[] = {1, count};
        add_({buffers, dim, nullptr, nullptr, nullptr, 0, 0, 1, &team});
      }
    }
    for (std::size_t k = run.end; k < run.last; ++k) {
      const auto& instruction = program.instructions[k];
      if (instruction.when != nullptr && *instruction.when == 0.0) continue;
      Args<T> args = binding_.args(k, 0);
      const auto [first, count] = Program<T>::part(*args.dim, run.parts, p);
      if (count == 0) continue;
      std::array<T*, kMostOperands> buffers;
      std::transform(args.buffer, args.buffer + instruction.operands.size(), buffers.begin(),
                     [first = first](T* values) { return values == nullptr ? nullptr : values + first; });
      args.buffer = buffers.data();
      args.dim = &count;
      args.team = &team;
      instruction.function(args);
    }
  }
  T* fixed() const { return arena_.template region<T>().fixed(); }

  // The samples of these rows of the batch that begins at this sample of the job.
  void load(const Job<T>& job, Index at, const Rows& rows, Index shift) const {
    const auto each = [&](const auto& inputs, auto value) {
      for (const auto& [index, data] : inputs) {
        auto* to =
            arena_.template pointer<decltype(value)>(index, rows) + (std::is_same_v<decltype(value), T> ? shift : 0);
        if (job.rows.empty()) {
          data->copy(job.first + at + rows.first, rows.count, to);
        } else {
          data->gather(job.rows.data() + at + rows.first, rows.count, to);
        }
      }
    };
    each(job.inputs, T{});
    each(job.int32Inputs, std::int32_t{});
  }

  // The rows of an output after a batch of n, to the places `at` and on.
  void collect(int output, Index n, T* to, Index at) const {
    const auto& b = arena_.buffer(output);
    for (Index t = 0; t < binding_.tiles(); ++t) {
      const auto rows = Program<T>::tile(n, binding_.tiles(), t);
      std::copy_n(arena_.pointer(output, rows), rows.count * b.size, to + (at + rows.first) * b.size);
    }
  }

  void bind(const Program<T>& program, const Share& share) { binding_.bind(program, share, spec_.isClosed, capacity_); }

  void allocate(Index capacity) {
    if (capacity > kMostSize) throw std::out_of_range("Expected batches of fewer than 2^31 samples");
    capacity_ = 0;
    binding_.release();
    arena_.makeRows(capacity);
    typename Scratchpad<T>::Need need;
    for (auto& [name, program] : programs_) need.add(program, capacity);
    for (auto& [name, program] : ranked_) need.add(program, capacity);
    scratch_.make(need);
    capacity_ = capacity;
  }

  PlanSpec spec_;
  std::vector<double> scalars_;
  std::map<std::string, Program<T>> programs_;
  std::map<std::pair<std::string, bool>, Program<T>> ranked_;  // by whether their sums overlap
  RankSums* rankSums_ = nullptr;                               // of the job that runs
  KernelFunction<T> add_ = nullptr;
  Arena<T> arena_;
  Scratchpad<T> scratch_;
  Binding<T> binding_{arena_, scratch_, stop};
  Index capacity_ = 0;
};

}  // namespace fjordnet
