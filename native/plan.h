// A recorded tape over one arena: checked once, replayed for every batch. No N-API, no BLAS.
#pragma once

#include <algorithm>
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
#include "region.h"
#include "signature.h"

namespace fjordnet {

// In place of a buffer that is left out.
constexpr int kNone = -1;

struct InstructionSpec {
  std::string kernel;
  std::vector<int> buffers;
  std::map<std::string, Index> dims;   // all but B
  std::map<std::string, int> scalars;  // name in the signature -> scalar of the plan
  Index rows = 1;                      // the kernel's B is so many times the batch; of fixed buffers, just so many
  std::string node{};                  // the part of a network that it belongs to, for messages; may be empty
  int when = kNone;                    // scalar of the plan: the instruction is skipped while that is 0
};

struct PlanSpec {
  Index fixedSize = 0;
  Index rowSize = 0;
  Index int32FixedSize = 0;
  Index int32RowSize = 0;
  Index capacity = 1;  // largest batch there is room for
  std::vector<BufferSpec> buffers;
  std::vector<double> scalars;
  std::map<std::string, std::vector<InstructionSpec>> programs;
  int report = -1;  // fixed buffer of real numbers that is handed back after every step
};

template <typename T>
using KernelFunction = void (*)(const Args<T>&);

inline KernelFunction<float> function(const Kernel& row, float) { return row.f32; }
inline KernelFunction<double> function(const Kernel& row, double) { return row.f64; }

template <typename T>
class Plan {
 public:
  using Real = T;

  std::atomic<bool> busy{false};
  std::atomic<bool> stop{false};

  Plan(PlanSpec spec, const KernelTable& table)
      : spec_(std::move(spec)),
        scalars_(spec_.scalars),
        reals_(spec_.fixedSize, spec_.rowSize),
        int32s_(spec_.int32FixedSize, spec_.int32RowSize) {
    if (spec_.capacity < 1) throw std::invalid_argument("Expected sizes to be non-negative");
    for (const auto& b : spec_.buffers) b.type == Type::kInt32 ? int32s_.check(b) : reals_.check(b);
    if (spec_.report >= 0 && (buffer(spec_.report).batched || buffer(spec_.report).type != Type::kReal))
      throw std::invalid_argument("Expected report to be a fixed buffer of real numbers");
    reals_.makeFixed();  // first: what is too large is told as that
    int32s_.makeFixed();
    for (const auto& [name, instructions] : spec_.programs) {
      auto& program = programs_[name];
      program.reserve(instructions.size());
      for (const auto& i : instructions) program.push_back(check(i, table));
    }
    allocate(spec_.capacity);
  }

  std::int64_t bytes() const { return reals_.bytes() + int32s_.bytes() + shared_.bytes() + perSlot_.bytes(); }
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

  template <typename V = T>
  V* pointer(int index) const {
    return region<V>().at(spec_.buffers[static_cast<std::size_t>(index)], capacity_);
  }

  // As kernels are handed it: those of integers are cast back (kernels/row.h).
  T* address(int index) const {
    if (buffer(index).type == Type::kReal) return pointer(index);
    return reinterpret_cast<T*>(pointer<std::int32_t>(index));
  }

  // Makes room for batches of this size and for the scratch of this many threads. What batched buffers held is lost.
  void reserve(Index capacity, int slots) {
    if (capacity > capacity_) allocate(capacity);
    if (slots > slots_ && stride_ > 0) {
      perSlot_ = slotRoom(slots);
      slots_ = slots;
      bind();
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
    checkInputs(job, job.inputs, Type::kReal);
    checkInputs(job, job.int32Inputs, Type::kInt32);
    for (int s : job.scalars) {
      if (s < 0 || s >= static_cast<int>(scalars_.size())) throw std::invalid_argument("Expected a scalar of the plan");
    }
    if (static_cast<Index>(job.values.size()) != times(steps, static_cast<Index>(job.scalars.size()))) {
      throw std::invalid_argument("Expected values to hold one row a step");
    }
    for (int output : job.outputs) {
      const auto& b = buffer(output);
      if (!b.batched || b.type != Type::kReal)
        throw std::invalid_argument("Expected outputs to be batched buffers of real numbers");
    }
  }

  // Replays the program for each batch of a checked job, until all are done or stop is set.
  void run(Job<T>& job, Team& team) {
    auto& program = programs_.at(job.program);
    const Index report = reportSize();
    Index n = 0;
    for (Index at = 0; at < job.count && !stop.load(std::memory_order_relaxed); at += n) {
      n = job.batchAt(at);
      load(job, job.inputs, at, n);
      load(job, job.int32Inputs, at, n);
      for (std::size_t k = 0; k < job.scalars.size(); ++k) {
        scalars_[static_cast<std::size_t>(job.scalars[k])] =
            job.values[static_cast<std::size_t>(job.steps) * job.scalars.size() + k];
      }
      for (auto& instruction : program) {
        if (instruction.when != nullptr && *instruction.when == 0.0) continue;
        instruction.setBatch(n);
        instruction.args.team = &team;
        instruction.function(instruction.args);
      }
      if (report > 0) std::copy_n(pointer(spec_.report), report, job.report.begin() + job.steps * report);
      for (std::size_t k = 0; k < job.outputs.size(); ++k) {
        const Index width = buffer(job.outputs[k]).size;
        std::copy_n(pointer(job.outputs[k]), n * width, job.collected[k].begin() + at * width);
      }
      ++job.steps;
    }
  }

  // Room for the results, made before the first step.
  void prepare(Job<T>& job) const {
    const Index steps = job.stepCount();
    job.report.resize(static_cast<std::size_t>(times(steps, reportSize())));
    for (int output : job.outputs)
      job.collected.emplace_back(static_cast<std::size_t>(times(job.count, buffer(output).size)));
  }

 private:
  template <typename V>
  void checkInputs(const Job<T>& job, const typename Job<T>::template Inputs<V>& inputs, Type type) const {
    for (const auto& [index, data] : inputs) {
      const auto& b = buffer(index);
      if (b.type != type) {
        const bool isInt32 = type == Type::kInt32;
        throw std::invalid_argument("Expected samples of " + std::string(isInt32 ? "real numbers" : "int32") + " for " +
                                    named(index) + ", got " + (isInt32 ? "int32" : "real numbers"));
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

  // The samples of the batch of n that begins at this sample of the job.
  template <typename V>
  void load(const Job<T>& job, const typename Job<T>::template Inputs<V>& inputs, Index at, Index n) const {
    for (const auto& [index, data] : inputs) {
      if (job.rows.empty()) {
        data->copy(job.first + at, n, pointer<V>(index));
      } else {
        data->gather(job.rows.data() + at, n, pointer<V>(index));
      }
    }
  }

  struct Instruction {
    KernelFunction<T> function;
    int batch;  // index of B among the dimensions, or -1
    Index rows;
    bool isBatched;  // are the buffers that B is a dimension of?
    std::vector<Index> dim;
    std::vector<int> bufferIndex;
    std::vector<T*> buffer;
    std::vector<const double*> scalar;
    Scratch (*scratch)(const Index*);
    Args<T> args;
    const double* when = nullptr;

    void setBatch(Index n) {
      if (batch >= 0) dim[static_cast<std::size_t>(batch)] = isBatched ? n * rows : rows;
    }
  };

  Instruction check(const InstructionSpec& spec, const KernelTable& table) {
    const auto* row =
        std::find_if(table.rows, table.rows + table.size, [&](const Kernel& k) { return spec.kernel == k.name; });
    if (row == table.rows + table.size)
      throw std::invalid_argument("Expected kernel to be one of the table, got '" + spec.kernel + "'");
    const Signature signature(row->signature);
    const auto refuse = [&](const std::string& what) {
      const auto node = spec.node.empty() ? "" : " of '" + spec.node + "'";
      throw std::invalid_argument("Expected '" + spec.kernel + "' (" + row->signature + ")" + node + " to be given " +
                                  what);
    };
    if (spec.rows < 1) refuse("a positive number of rows");
    Instruction out{function(*row, T{}), -1, spec.rows, true, {}, spec.buffers, {}, {}, row->scratch, {}};
    for (char c : signature.dims) {
      if (c == 'B') {
        out.batch = static_cast<int>(out.dim.size());
        out.dim.push_back(1);
        continue;
      }
      const auto found = spec.dims.find(std::string(1, c));
      if (found == spec.dims.end() || found->second < 0) refuse(std::string("a dimension ") + c);
      out.dim.push_back(found->second);
    }
    checkSizes(signature, out.dim, refuse);
    if (spec.buffers.size() != signature.operands.size()) {
      refuse(std::to_string(signature.operands.size()) + " buffers, got " + std::to_string(spec.buffers.size()));
    }
    const auto dependsOnB = [&](std::size_t k) { return signature.operands[k].dependsOn('B'); };
    for (std::size_t k = 0; k < spec.buffers.size(); ++k) {
      if (spec.buffers[k] == kNone || !dependsOnB(k)) continue;
      out.isBatched = buffer(spec.buffers[k]).batched;
      break;
    }
    for (std::size_t k = 0; k < spec.buffers.size(); ++k) {
      if (spec.buffers[k] == kNone && signature.operands[k].mayBeLeftOut) continue;
      const auto& operand = signature.operands[k];
      const auto& b = buffer(spec.buffers[k]);
      const bool isInt32 = operand.type == Type::kInt32;
      if (b.type != operand.type) {
        refuse(std::string(operand.name) + (isInt32 ? " as int32" : " as real numbers") + ", got " +
               (isInt32 ? "real numbers" : "int32") + " in " + named(spec.buffers[k]));
      }
      const bool batched = dependsOnB(k) && out.isBatched;
      const Index size = times(signature.size(operand, out.dim), dependsOnB(k) ? spec.rows : 1);
      if (b.batched != batched || b.size != size) {
        refuse(std::string(operand.name) + " " + std::string(operand.length) + " = " + (batched ? "batch x " : "") +
               std::to_string(size) + " values in " + named(spec.buffers[k]) + ", got " +
               (b.batched ? "batch x " : "") + std::to_string(b.size));
      }
    }
    for (std::size_t k = 0; k < spec.buffers.size(); ++k) {
      for (std::size_t other = 0; other < k; ++other) {
        const auto &a = signature.operands[other], &b = signature.operands[k];
        const int first = spec.buffers[other], second = spec.buffers[k];
        if (!b.isOutput || first == kNone || second == kNone || !overlap(buffer(first), buffer(second))) continue;
        const bool onWhole = b.mayLieOnInput && !a.isOutput;
        if (onWhole && buffer(first).offset == buffer(second).offset && buffer(first).size == buffer(second).size)
          continue;
        refuse(std::string(b.name) + " apart from " + std::string(a.name) + (onWhole ? " or on the whole of it" : "") +
               ", got " + named(second) + (first == second ? " for both" : " over " + named(first)));
      }
    }
    for (const auto scalar : signature.scalars) {
      const std::string name(scalar);
      const auto found = spec.scalars.find(name);
      if (found == spec.scalars.end() || found->second < 0 || found->second >= static_cast<int>(scalars_.size()))
        refuse("a scalar " + name);
      out.scalar.push_back(&scalars_[static_cast<std::size_t>(found->second)]);
    }
    if (spec.when != kNone) {
      if (spec.when < 0 || spec.when >= static_cast<int>(scalars_.size())) refuse("a scalar for when");
      out.when = &scalars_[static_cast<std::size_t>(spec.when)];
    }
    return out;
  }

  std::string named(int index) const {
    const auto& name = buffer(index).name;
    return "buffer " + (name.empty() ? std::to_string(index) : "'" + name + "'");
  }

  // Strides, dilations and paddings are no buffer's dimensions: however large, the places they lead to have 64 bits.
  template <typename Refuse>
  static void checkSizes(const Signature& signature, const std::vector<Index>& dim, const Refuse& refuse) {
    const auto isLength = [&](char c) {
      return std::any_of(signature.operands.begin(), signature.operands.end(),
                         [c](const auto& operand) { return operand.dependsOn(c); });
    };
    Index longest = 1;
    for (std::size_t k = 0; k < dim.size(); ++k) {
      if (!isLength(signature.dims[k])) continue;
      if (dim[k] > kMostSize) refuse(std::string("a dimension ") + signature.dims[k] + " below 2^31");
      longest = std::max(longest, dim[k]);
    }
    for (std::size_t k = 0; k < dim.size(); ++k) {
      if (dim[k] > (Index{1} << 61) / longest) refuse(std::string("a smaller dimension ") + signature.dims[k]);
    }
  }

  static bool overlap(const BufferSpec& a, const BufferSpec& b) {
    return a.type == b.type && a.batched == b.batched && a.offset < b.offset + b.size && b.offset < a.offset + a.size;
  }

  void allocate(Index capacity) {
    if (capacity > kMostSize) throw std::out_of_range("Expected batches of fewer than 2^31 samples");
    reals_.take({});
    int32s_.take({});
    capacity_ = 0;
    auto reals = reals_.room(capacity);
    auto int32s = int32s_.room(capacity);
    Index shared = 0, perSlot = 0;
    for (auto& [name, program] : programs_) {
      for (auto& i : program) {
        if (i.scratch == nullptr) continue;
        i.setBatch(capacity);
        const Scratch s = i.scratch(i.dim.data());
        shared = std::max(shared, s.shared);
        perSlot = std::max(perSlot, s.perSlot);
      }
    }
    Block<T> sharedRoom(shared);
    slotSize_ = perSlot;
    stride_ = perSlot == 0 ? 0 : (perSlot + 15) / 16 * 16 + kGuard;
    perSlot_ = slotRoom(slots_);
    reals_.take(std::move(reals));
    int32s_.take(std::move(int32s));
    shared_ = std::move(sharedRoom);
    capacity_ = capacity;
    bind();
  }

  Block<T> slotRoom(int slots) const {
    Block<T> room(stride_ * slots);
    for (int slot = 0; slot < slots && stride_ > 0; ++slot) {
      guard(room.data() + slot * stride_ + slotSize_, static_cast<std::size_t>(stride_ - slotSize_) * sizeof(T));
    }
    return room;
  }

  void bind() {
    for (auto& [name, program] : programs_) {
      for (auto& i : program) {
        i.buffer.clear();
        for (int b : i.bufferIndex) i.buffer.push_back(b == kNone ? nullptr : address(b));
        i.args = {i.buffer.data(), i.dim.data(), i.scalar.data(), shared_.data(), perSlot_.data(), stride_, nullptr};
      }
    }
  }

  PlanSpec spec_;
  std::vector<double> scalars_;
  std::map<std::string, std::vector<Instruction>> programs_;
  Region<T> reals_;
  Region<std::int32_t> int32s_;
  Block<T> shared_, perSlot_;
  Index capacity_ = 0, slotSize_ = 0, stride_ = 0;
  int slots_ = 2;
};

}  // namespace fjordnet
