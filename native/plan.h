// A recorded tape over one arena: checked once, replayed for every batch. No N-API, no BLAS.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "job.h"
#include "kernel.h"
#include "overlap.h"
#include "program.h"
#include "region.h"

namespace fjordnet {

template <typename T>
class Plan {
 public:
  using Real = T;

  std::atomic<bool> busy{false};
  std::atomic<bool> stop{false};

  Plan(PlanSpec spec, const KernelTable& table)
      : spec_(std::move(spec)),
        scalars_(spec_.scalars),
        reals_(spec_.fixedSize, spec_.rowSize, spec_.isTiled),
        int32s_(spec_.int32FixedSize, spec_.int32RowSize, spec_.isTiled) {
    if (spec_.capacity < 1) throw std::invalid_argument("Expected sizes to be non-negative");
    for (const auto& b : spec_.buffers) b.type == Type::kInt32 ? int32s_.check(b) : reals_.check(b);
    if (spec_.report >= 0 && (buffer(spec_.report).batched || buffer(spec_.report).type != Type::kReal))
      throw std::invalid_argument("Expected report to be a fixed buffer of real numbers");
    if (spec_.stop >= 0 &&
        (buffer(spec_.stop).batched || buffer(spec_.stop).type != Type::kReal || buffer(spec_.stop).size != 1))
      throw std::invalid_argument("Expected stop to be a fixed buffer of one real number");
    reals_.makeFixed();  // first: what is too large is told as that
    int32s_.makeFixed();
    for (const auto& [name, instructions] : spec_.programs) programs_[name] = made(instructions, table, false);
    add_ = function(find(table, "add"), T{});
    allocate(spec_.capacity);
  }

  std::int64_t bytes() const {
    return reals_.bytes() + int32s_.bytes() + shared_.bytes() + perSlot_.bytes() + sums_.bytes();
  }
  Index capacity() const { return capacity_; }

  // T for real numbers, std::int32_t for integers.
  template <typename V>
  const Region<V>& region() const {
    if constexpr (std::is_same_v<V, T>) {
      return reals_;
    } else {
      return int32s_;
    }
  }

  Index reportSize() const { return spec_.report < 0 ? 0 : buffer(spec_.report).size; }

  const BufferSpec& buffer(int index) const {
    if (index < 0 || index >= static_cast<int>(spec_.buffers.size()))
      throw std::invalid_argument("Expected a buffer of the plan");
    return spec_.buffers[static_cast<std::size_t>(index)];
  }

  // The values of a buffer, of a batched one those of these rows.
  template <typename V = T>
  V* pointer(int index, const Rows& rows = {}) const {
    const auto& b = spec_.buffers[static_cast<std::size_t>(index)];
    return b.batched ? region<V>().at(b, rows) : region<V>().at(b);
  }

  // As kernels are handed it: those of integers are cast back (kernels/row.h).
  T* address(int index, const Rows& rows = {}) const {
    if (buffer(index).type == Type::kReal) return pointer(index, rows);
    return reinterpret_cast<T*>(pointer<std::int32_t>(index, rows));
  }

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
    if (slots > slots_) {
      if (stride_ > 0) perSlot_ = slotRoom(slots);
      slots_ = slots;
      bound_ = nullptr;
    }
  }

  // Refuses what does not fit this plan. Nothing is changed.
  void check(const Job<T>& job) const {
    if (programs_.find(job.program) == programs_.end())
      throw std::invalid_argument("Expected program to be one of the plan's, got '" + job.program + "'");
    if (job.batchSize < 1) throw std::invalid_argument("Expected batchSize to be a positive integer");
    if (job.first < 0 || job.count < 0 || job.period < 0)
      throw std::out_of_range("Expected first, count and period to be non-negative");
    const Index steps = job.stepCount();
    if (job.exchange != nullptr) checkShares(job);
    checkInputs(job, job.inputs, Type::kReal);
    checkInputs(job, job.int32Inputs, Type::kInt32);
    for (int s : job.scalars) {
      if (s < 0 || s >= static_cast<int>(scalars_.size())) throw std::invalid_argument("Expected a scalar of the plan");
    }
    if (static_cast<Index>(job.values.size()) != times(steps, static_cast<Index>(job.scalars.size()))) {
      throw std::invalid_argument("Expected values to hold one row a step");
    }
    for (int output : job.outputs) checkOutput(output);
  }

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
      if (report > 0) std::copy_n(pointer(spec_.report), report, job.report.begin() + job.steps * report);
      for (std::size_t k = 0; k < job.outputs.size(); ++k)
        collect(job.outputs[k], share.count, job.collected[k].data(), at);
      ++job.steps;
      if (stopsTogether && *pointer(spec_.stop) > T(0)) {
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
      if (!buffer(index).batched) throw std::invalid_argument("Expected inputs to be batched buffers");
    }
    for (int index : outputs) checkOutput(index);
    return {&found->second, std::move(inputs), std::move(outputs)};
  }

  void run(const Direct& direct, Index count, Index batchSize, Team& team) {
    for (Index at = 0, n = 0; at < count; at += n) {
      n = std::min(batchSize, count - at);
      const auto load = [&](const Rows& rows, Index) {
        for (std::size_t k = 0; k < direct.inputs.size(); ++k) {
          const auto& b = buffer(direct.inputs[k]);
          const auto bytes = b.type == Type::kReal ? sizeof(T) : sizeof(std::int32_t);
          std::memcpy(
              address(direct.inputs[k], rows),
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
      const Index size = times(job.count, buffer(output).size);
      checkLimit(times(size, sizeof(T)));
      job.collected.emplace_back(static_cast<std::size_t>(size));
    }
  }

 private:
  void checkOutput(int output) const {
    const auto& b = buffer(output);
    if (!b.batched || b.type != Type::kReal)
      throw std::invalid_argument("Expected outputs to be batched buffers of real numbers");
  }

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

  void checkShares(const Job<T>& job) const {
    if (job.period > 0) throw std::invalid_argument("Expected no period with shares");
    Index count = 0;
    for (const auto& [own, before, of] : job.shares) {
      if (own < 0 || before < 0 || of < 1 || of > kMostSize || own > of - before)
        throw std::out_of_range("Expected shares to lie in batches of fewer than 2^31 samples");
      if (own > job.batchSize) throw std::out_of_range("Expected shares of batchSize samples at most");
      count += own;
    }
    if (count != job.count) throw std::invalid_argument("Expected shares to be of all samples");
  }

  bool exchangesStop(const Program<T>& program) const {
    return std::any_of(program.instructions.begin(), program.instructions.end(),
                       [&](const auto& i) { return isOfGradients(i); });
  }
  // The sum of all gradients has the number that stops among them.
  bool isOfGradients(const Instruction<T>& i) const {
    return i.isExchange && spec_.stop >= 0 && overlap(buffer(i.operands.front().buffer), buffer(spec_.stop));
  }

  // Sums up a buffer over all ranks.
  void sumOverRanks(const Program<T>& program, std::size_t k) const {
    const auto& instruction = program.instructions[k];
    if (!program.buckets.empty() && isOfGradients(instruction)) {
      startBuckets(program, k);
    } else {
      const auto& b = buffer(instruction.operands.front().buffer);
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
      const Index at = buffer(spec_.stop).offset;
      if (offset <= at && at < offset + size) *pointer(spec_.stop) = stop.load(std::memory_order_relaxed) ? T(1) : T(0);
    }
    rankSums_->start(reals_.fixed() + offset, size);
  }

  // The step of a rank that has no row of the batch: it adds nothing to the sums, and has its update done.
  void replayEmpty(const Program<T>& program, const Share& share, Team& team) {
    bind(program, {1, share.before, share.of});
    if (reportSize() > 0) std::fill_n(pointer(spec_.report), reportSize(), T(0));
    const auto& all = program.instructions;
    std::size_t last = all.size();
    for (std::size_t k = 0; k < all.size(); ++k) {
      if (!all[k].isExchange) continue;
      const int index = all[k].operands.front().buffer;
      std::fill_n(pointer(index), buffer(index).size, T(0));
      sumOverRanks(program, k);
      last = k;
    }
    for (std::size_t k = last + 1; k < all.size(); ++k) {
      if (!Program<T>::touchesRows(all[k], spec_.buffers)) call(program, k, 0, team, shared_.data());
    }
  }

  // One batch; load(rows, shift) brings the samples of these rows into their buffers, so far from where these lie.
  // keepsRows: is what it leaves of them read? Returns whether it was done: a job that is to stop leaves it while
  // nothing that lasts was written.
  template <typename Load>
  bool replay(const Program<T>& program, const Share& share, Team& team, const Load& load, bool keepsRows) {
    bind(program, share);
    const Index n = share.count;
    // Where anything is run by rows, nothing before it touches those of the batch.
    const auto loading =
        std::find_if(program.runs.begin(), program.runs.end(), [](const Run& r) { return r.isByRows; });
    const bool loadsByTile = loading != program.runs.end();
    for (Index t = 0; t < tiles_ && !loadsByTile; ++t) load(Program<T>::tile(n, tiles_, t), 0);
    for (const auto& run : program.runs) {
      const bool isFirst = loadsByTile && &run == &*loading;
      const auto isStopped = [&] { return run.end <= program.stoppable && stop.load(std::memory_order_relaxed); };
      const bool isTiled = run.isByRows && tiles_ > 1;
      const auto tile = [&](Index t, Team& helpers, T* shared) {
        const Rows rows = Program<T>::tile(n, tiles_, t);
        const Index to = isTiled && movesTiles_ && !keepsRows ? helpers.slot() * mostRows_ : rows.first;
        if (isTiled) place(program, run, t, to);
        if (isFirst) load(rows, (to - rows.first) * reals_.rowSize());
        for (std::size_t k = run.begin; k < run.end && !isStopped(); ++k) {
          call(program, k, t, helpers, shared);
          if (!isTiled) startBuckets(program, k);
        }
      };
      if (isTiled) {
        team.parallel_for(static_cast<int>(tiles_), [&](int t, int slot) {
          Team alone(team, slot);
          tile(t, alone, perSlot_.data() + slot * stride_ + sharedAt_);
        });
        if (isStopped()) return false;
        team.parallel_for(static_cast<int>(run.parts), [&](int p, int slot) {
          Team alone(team, slot);
          finish(program, run, p, alone);
        });
        startBuckets(program, run.last - 1);
      } else {
        tile(0, team, shared_.data());
        if (isStopped()) return false;
        for (std::size_t k = run.end; k < run.last; ++k) call(program, k, 0, team, shared_.data());
        startBuckets(program, run.last - 1);
      }
    }
    return true;
  }

  // Has the rows of a tile begin where those of another one do. Each thread takes all its tiles through the same
  // memory: what one leaves in its cache the next writes over, and it need not go out and come in again.
  void place(const Program<T>& program, const Run& run, Index t, Index to) {
    Index& placed = placed_[static_cast<std::size_t>(t)];
    if (placed == to) return;
    const Index shift = (to - placed) * reals_.rowSize();
    placed = to;
    const std::size_t first = static_cast<std::size_t>(t) * program.instructions.size();
    for (std::size_t k = run.begin; k < run.end; ++k) {
      T** pointers = pointers_.data() + (first + k) * kMostOperands;
      for (const auto& operand : program.instructions[k].operands) {
        if (operand.buffer != kNone && buffer(operand.buffer).batched && buffer(operand.buffer).type == Type::kReal)
          *pointers += shift;
        ++pointers;
      }
    }
  }

  void call(const Program<T>& program, std::size_t k, Index t, Team& team, T* shared) const {
    const auto& instruction = program.instructions[k];
    if (instruction.when != nullptr && *instruction.when == 0.0) return;
    if (instruction.isExchange) return sumOverRanks(program, k);
    Args<T> args = args_[static_cast<std::size_t>(t) * program.instructions.size() + k];
    args.team = &team;
    args.shared = shared;
    instruction.function(args);
  }

  // Part p of what follows tiles. The sums of the first tile lie where they belong; those of the others are added to
  // them in order.
  void finish(const Program<T>& program, const Run& run, Index p, Team& team) const {
    for (const auto& sum : run.sums) {
      const auto [first, count] = Program<T>::part(sum.size, run.parts, p);
      T* total = reals_.fixed() + sum.offset + first;
      for (Index t = 1; t < tiles_ && count > 0; ++t) {
        T* const buffers[] = {total, sumOf(program, sum.at, t) + first, total};
        const Index dim[] = {1, count};
        add_({buffers, dim, nullptr, nullptr, nullptr, 0, 0, 1, &team});
      }
    }
    for (std::size_t k = run.end; k < run.last; ++k) {
      const auto& instruction = program.instructions[k];
      if (instruction.when != nullptr && *instruction.when == 0.0) continue;
      Args<T> args = args_[k];
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
  T* sumOf(const Program<T>& program, Index at, Index t) const { return sums_.data() + (t - 1) * program.sums() + at; }

  template <typename V>
  void checkInputs(const Job<T>& job, const typename Job<T>::template Inputs<V>& inputs, Type type) const {
    for (const auto& [index, data] : inputs) {
      const auto& b = buffer(index);
      if (b.type != type) {
        const bool isInt32 = type == Type::kInt32;
        throw std::invalid_argument("Expected samples of " + std::string(isInt32 ? "real numbers" : "int32") + " for " +
                                    describe(spec_.buffers, index) + ", got " + (isInt32 ? "int32" : "real numbers"));
      }
      if (!b.batched || b.size != data->width) {
        throw std::invalid_argument("Expected input samples of " + std::to_string(b.size) + " values, got " +
                                    std::to_string(data->width));
      }
      bool inside = !job.rows.empty() || (job.count <= data->rows && job.first <= data->rows - job.count);
      for (auto row : job.rows) inside = inside && row >= 0 && row < data->rows;
      if (!inside) throw std::out_of_range("Expected rows to lie in [0, " + std::to_string(data->rows) + ")");
    }
  }

  // The samples of these rows of the batch that begins at this sample of the job.
  void load(const Job<T>& job, Index at, const Rows& rows, Index shift) const {
    const auto each = [&](const auto& inputs, auto value) {
      for (const auto& [index, data] : inputs) {
        auto* to = pointer<decltype(value)>(index, rows) + (std::is_same_v<decltype(value), T> ? shift : 0);
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
    const auto& b = buffer(output);
    for (Index t = 0; t < tiles_; ++t) {
      const auto rows = Program<T>::tile(n, tiles_, t);
      std::copy_n(pointer(output, rows), rows.count * b.size, to + (at + rows.first) * b.size);
    }
  }

  // What kernels are called with for these rows of a batch, tile by tile.
  void bind(const Program<T>& program, const Share& share) {
    if (bound_ == &program && boundTo_ == share) return;
    bound_ = nullptr;  // until all of it has been done
    const Index n = share.count;
    tiles_ = program.tiles(n);
    mostRows_ = 0;
    placed_.resize(static_cast<std::size_t>(tiles_));
    for (Index t = 0; t < tiles_; ++t) {
      const Rows rows = Program<T>::tile(n, tiles_, t);
      placed_[static_cast<std::size_t>(t)] = rows.first;
      mostRows_ = std::max(mostRows_, rows.count);
    }
    movesTiles_ = spec_.isClosed && program.isPrivate && tiles_ > slots_ && slots_ * mostRows_ <= capacity_ &&
                  n * reals_.rowSize() * static_cast<Index>(sizeof(T)) > tuning::kTiledRoom;
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
                                         : address(operand.buffer, rows);
      }
      Index* dim = dims_.data() + at * kMostDims;
      std::copy(i.dim.begin(), i.dim.end(), dim);
      if (i.batch >= 0) dim[i.batch] = i.rowsOf(rows.count);
      const Index first = ((i.isBatched ? share.before : 0) + rows.first) * i.rows;
      const auto* stopped = at % program.instructions.size() < program.stoppable ? &stop : nullptr;
      args_[at] = {to,      dim,   i.scalar.data(),    shared_.data(), perSlot_.data(),
                   stride_, first, i.rowsOf(share.of), nullptr,        stopped};
    }
    bound_ = &program;
    boundTo_ = share;
  }

  void allocate(Index capacity) {
    if (capacity > kMostSize) throw std::out_of_range("Expected batches of fewer than 2^31 samples");
    reals_.take({}, 0);
    int32s_.take({}, 0);
    capacity_ = 0;
    bound_ = nullptr;
    auto reals = reals_.room(capacity);
    auto int32s = int32s_.room(capacity);
    Index shared = 0, perSlot = 0, sharedOfTile = 0, sums = 0;
    const auto measure = [&](Program<T>& program) {
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
    };
    for (auto& [name, program] : programs_) measure(program);
    for (auto& [name, program] : ranked_) measure(program);
    Block<T> sharedRoom(shared), sumRoom(sums);
    slotSize_ = {perSlot, sharedOfTile};
    sharedAt_ = strideOf(perSlot);
    stride_ = sharedAt_ + strideOf(sharedOfTile);
    perSlot_ = slotRoom(slots_);
    reals_.take(std::move(reals), capacity);
    int32s_.take(std::move(int32s), capacity);
    shared_ = std::move(sharedRoom);
    sums_ = std::move(sumRoom);
    capacity_ = capacity;
  }

  static Index strideOf(Index size) { return size == 0 ? 0 : (size + 15) / 16 * 16 + kGuard; }

  Block<T> slotRoom(int slots) const {
    Block<T> room(stride_ * slots);
    for (int slot = 0; slot < slots; ++slot) {
      const Index at[] = {slot * stride_, slot * stride_ + sharedAt_};
      for (int part = 0; part < 2; ++part) {
        const Index size = slotSize_[part];
        if (size > 0) guard(room.data() + at[part] + size, static_cast<std::size_t>(strideOf(size) - size) * sizeof(T));
      }
    }
    return room;
  }

  static constexpr std::size_t kMostOperands = 16, kMostDims = 16;  // of a signature

  PlanSpec spec_;
  std::vector<double> scalars_;
  std::map<std::string, Program<T>> programs_;
  std::map<std::pair<std::string, bool>, Program<T>> ranked_;  // by whether their sums overlap
  RankSums* rankSums_ = nullptr;                               // of the job that runs
  KernelFunction<T> add_ = nullptr;
  Region<T> reals_;
  Region<std::int32_t> int32s_;
  Block<T> shared_, perSlot_, sums_;
  Index capacity_ = 0, sharedAt_ = 0, stride_ = 0;
  std::array<Index, 2> slotSize_{};  // of a slot: what kernels ask for each thread, and what they share, in a tile
  int slots_ = 2;

  // What is bound: the program, its batch, and the tiles of that.
  const Program<T>* bound_ = nullptr;
  Share boundTo_;
  Index tiles_ = 1;
  bool movesTiles_ = false;    // may tiles lie where their threads have room?
  Index mostRows_ = 0;         // of a tile
  std::vector<Index> placed_;  // the row where a tile's memory begins
  std::vector<Args<T>> args_;
  std::vector<T*> pointers_;
  std::vector<Index> dims_;
};

}  // namespace fjordnet
