// A recorded tape over one arena: checked once, replayed for every batch. No N-API, no BLAS.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstring>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "dataset.h"
#include "kernel.h"

namespace fjordnet {

// A stretch of the arena. Fixed buffers lie at offset; batched ones at offset * capacity, with size values for each
// sample.
struct BufferSpec {
  Index offset;
  Index size;
  bool batched;
};

// In place of a buffer that is left out.
constexpr int kNone = -1;

struct InstructionSpec {
  std::string kernel;
  std::vector<int> buffers;
  std::map<std::string, Index> dims;   // all but B
  std::map<std::string, int> scalars;  // name in the signature -> scalar of the plan
  Index rows = 1;                      // the kernel's B is so many times the batch; of fixed buffers, just so many
  int when = kNone;                    // scalar of the plan: the instruction is skipped while that is 0
};

struct PlanSpec {
  Index fixedSize = 0;
  Index rowSize = 0;
  Index capacity = 1;  // largest batch there is room for
  std::vector<BufferSpec> buffers;
  std::vector<double> scalars;
  std::map<std::string, std::vector<InstructionSpec>> programs;
  int report = -1;  // fixed buffer whose content is handed back after every step
};

template <typename T>
struct Job {
  std::string program;
  std::vector<std::pair<int, std::shared_ptr<const Dataset<T>>>> inputs;
  std::vector<std::int32_t> rows;  // samples of all batches in turn; where empty, samples first .. first + count - 1
  Index first = 0;
  Index count = 0;
  Index batchSize = 1;
  Index period = 0;            // where positive, batches begin anew after so many samples: at an epoch's end
  std::vector<int> scalars;    // set before each step from
  std::vector<double> values;  // [steps, scalars.size()]
  int output = -1;             // batched buffer to collect

  // The size of the batch that begins at this sample.
  Index batchAt(Index at) const {
    return std::min(batchSize, (period > 0 ? std::min(count, at - at % period + period) : count) - at);
  }
  Index stepCount() const {
    const auto batches = [this](Index n) { return n / batchSize + (n % batchSize != 0); };
    return period > 0 ? count / period * batches(period) + batches(count % period) : batches(count);
  }

  // results
  Index steps = 0;
  double seconds = 0.0;
  std::vector<double> report;  // [steps, report size]
  std::vector<T> collected;    // [count, output size]
};

template <typename T>
using KernelFunction = void (*)(const Args<T>&);

inline KernelFunction<float> function(const Kernel& row, float) { return row.f32; }
inline KernelFunction<double> function(const Kernel& row, double) { return row.f64; }

// Of a batch, and of a buffer's dimensions: the sizes of matrix products have 32 bits.
constexpr Index kMostSize = (Index{1} << 31) - 1;

inline Index times(Index a, Index b) {
  constexpr Index kMost = Index{1} << 50;
  if (b > 0 && a > kMost / b) throw std::out_of_range("Expected fewer than 2^50 values");
  return a * b;
}

// The parts of a kernel signature (kernel.h).
struct Signature {
  struct Operand {
    std::string name;
    bool isOutput;
    bool mayLieOnInput;
    bool mayBeLeftOut;
  };
  std::string dims;                  // "BOI"
  std::vector<std::string> buffers;  // lengths: {"BI", "IO", "O", "BO"}
  std::vector<Operand> operands;     // whose lengths they are
  std::vector<std::string> scalars;  // {"eta"}

  explicit Signature(const std::string& text) {
    const auto colon = text.find(':'), bar = text.find('|'), arrow = text.find("->");
    for (char c : text.substr(0, colon)) {
      if (c != ' ') dims += c;
    }
    addOperands(text.substr(colon + 1, arrow - colon - 1), false);
    addOperands(text.substr(arrow + 2, bar == std::string::npos ? bar : bar - arrow - 2), true);
    if (bar != std::string::npos) scalars = words(text.substr(bar + 1));
  }

  // Values a buffer of this length holds, B counted as 1. Kernels may rely on buffers that are not empty.
  Index size(const std::string& length, const std::vector<Index>& dim) const {
    Index n = 1;
    for (char c : length) {
      if (c == 'B' || c == '1') continue;
      const Index factor = dim[dims.find(c)];
      if (factor < 1) throw std::out_of_range(std::string("Expected dimension ") + c + " to be positive");
      n = times(n, factor);
    }
    return n;
  }

 private:
  void addOperands(const std::string& text, bool isOutput) {
    const auto parts = words(text);  // a name with its marks, a length, and so on
    for (std::size_t k = 0; k + 1 < parts.size(); k += 2) {
      const auto end = parts[k].find_first_of("?!~");
      const auto isMarked = [&](char mark) { return parts[k].find(mark) != std::string::npos; };
      operands.push_back({parts[k].substr(0, end), isOutput, isMarked('~'), isMarked('?')});
      buffers.push_back(parts[k + 1]);
    }
  }

  static std::vector<std::string> words(const std::string& text) {
    std::vector<std::string> out;
    std::string word;
    for (char c : text + " ") {
      if (c != ' ' && c != ',') {
        word += c;
      } else if (!word.empty()) {
        out.push_back(std::exchange(word, {}));
      }
    }
    return out;
  }
};

template <typename T>
class Plan {
 public:
  std::atomic<bool> busy{false};
  std::atomic<bool> stop{false};

  Plan(PlanSpec spec, const KernelTable& table) : spec_(std::move(spec)), scalars_(spec_.scalars) {
    if (spec_.fixedSize < 0 || spec_.rowSize < 0 || spec_.capacity < 1)
      throw std::invalid_argument("Expected sizes to be non-negative");
    for (const auto& b : spec_.buffers) {
      const Index room = b.batched ? spec_.rowSize : spec_.fixedSize;
      if (b.offset < 0 || b.size < 0 || b.size > room || b.offset > room - b.size) {
        throw std::invalid_argument("Expected every buffer to lie inside the arena");
      }
    }
    if (spec_.report >= 0 && buffer(spec_.report).batched)
      throw std::invalid_argument("Expected report to be a fixed buffer");
    fixed_ = Block<T>(spec_.fixedSize);  // first: what is too large is told as that
    fixed_.zero();
    for (const auto& [name, instructions] : spec_.programs) {
      auto& program = programs_[name];
      program.reserve(instructions.size());
      for (const auto& i : instructions) program.push_back(check(i, table));
    }
    allocate(spec_.capacity);
  }

  std::int64_t bytes() const { return fixed_.bytes() + batched_.bytes() + shared_.bytes() + perSlot_.bytes(); }
  Index capacity() const { return capacity_; }
  Index fixedSize() const { return spec_.fixedSize; }
  T* fixed() const { return fixed_.data(); }
  Index reportSize() const { return spec_.report < 0 ? 0 : buffer(spec_.report).size; }

  const BufferSpec& buffer(int index) const {
    if (index < 0 || index >= static_cast<int>(spec_.buffers.size()))
      throw std::invalid_argument("Expected a buffer of the plan");
    return spec_.buffers[static_cast<std::size_t>(index)];
  }

  T* pointer(int index) const {
    const auto& b = spec_.buffers[static_cast<std::size_t>(index)];
    return b.batched ? batched_.data() + b.offset * capacity_ : fixed_.data() + b.offset;
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
    for (const auto& [index, data] : job.inputs) {
      const auto& b = buffer(index);
      if (!b.batched || b.size != data->width) {
        throw std::invalid_argument("Expected input samples of " + std::to_string(b.size) + " values, got " +
                                    std::to_string(data->width));
      }
      bool inside = !job.rows.empty() || (job.count <= data->rows && job.first <= data->rows - job.count);
      for (auto row : job.rows) inside = inside && row >= 0 && row < data->rows;
      if (!inside) throw std::out_of_range("Expected rows to lie in [0, " + std::to_string(data->rows) + ")");
    }
    for (int s : job.scalars) {
      if (s < 0 || s >= static_cast<int>(scalars_.size())) throw std::invalid_argument("Expected a scalar of the plan");
    }
    if (static_cast<Index>(job.values.size()) != times(steps, static_cast<Index>(job.scalars.size()))) {
      throw std::invalid_argument("Expected values to hold one row a step");
    }
    if (job.output >= 0 && !buffer(job.output).batched)
      throw std::invalid_argument("Expected output to be a batched buffer");
  }

  // Replays the program for each batch of a checked job, until all are done or stop is set.
  void run(Job<T>& job, Team& team) {
    auto& program = programs_.at(job.program);
    const Index report = reportSize(), width = job.output < 0 ? 0 : buffer(job.output).size;
    Index n = 0;
    for (Index at = 0; at < job.count && !stop.load(std::memory_order_relaxed); at += n) {
      n = job.batchAt(at);
      for (const auto& [index, data] : job.inputs) {
        if (job.rows.empty()) {
          data->copy(job.first + at, n, pointer(index));
        } else {
          data->gather(job.rows.data() + at, n, pointer(index));
        }
      }
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
      if (width > 0) std::copy_n(pointer(job.output), n * width, job.collected.begin() + at * width);
      ++job.steps;
    }
  }

  // Room for the results, made before the first step.
  void prepare(Job<T>& job) const {
    const Index steps = job.stepCount();
    job.report.resize(static_cast<std::size_t>(times(steps, reportSize())));
    if (job.output >= 0) job.collected.resize(static_cast<std::size_t>(times(job.count, buffer(job.output).size)));
  }

 private:
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
      throw std::invalid_argument("Expected '" + spec.kernel + "' (" + row->signature + ") to be given " + what);
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
    if (spec.buffers.size() != signature.buffers.size()) {
      refuse(std::to_string(signature.buffers.size()) + " buffers, got " + std::to_string(spec.buffers.size()));
    }
    const auto dependsOnB = [&](std::size_t k) { return signature.buffers[k].find('B') != std::string::npos; };
    for (std::size_t k = 0; k < spec.buffers.size(); ++k) {
      if (spec.buffers[k] == kNone || !dependsOnB(k)) continue;
      out.isBatched = buffer(spec.buffers[k]).batched;
      break;
    }
    for (std::size_t k = 0; k < spec.buffers.size(); ++k) {
      if (spec.buffers[k] == kNone && signature.operands[k].mayBeLeftOut) continue;
      const auto& length = signature.buffers[k];
      const auto& b = buffer(spec.buffers[k]);
      const bool batched = dependsOnB(k) && out.isBatched;
      const Index size = times(signature.size(length, out.dim), dependsOnB(k) ? spec.rows : 1);
      if (b.batched != batched || b.size != size) {
        refuse(length + " = " + (batched ? "batch x " : "") + std::to_string(size) + " values in buffer " +
               std::to_string(k) + ", got " + (b.batched ? "batch x " : "") + std::to_string(b.size));
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
        refuse(b.name + " apart from " + a.name + (onWhole ? " or on the whole of it" : "") + ", got buffer " +
               std::to_string(second) + (first == second ? " for both" : " over buffer " + std::to_string(first)));
      }
    }
    for (const auto& name : signature.scalars) {
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

  // Strides, dilations and paddings are no buffer's dimensions: however large, the places they lead to have 64 bits.
  template <typename Refuse>
  static void checkSizes(const Signature& signature, const std::vector<Index>& dim, const Refuse& refuse) {
    const auto isLength = [&](char c) {
      return std::any_of(signature.buffers.begin(), signature.buffers.end(),
                         [c](const std::string& length) { return length.find(c) != std::string::npos; });
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
    return a.batched == b.batched && a.offset < b.offset + b.size && b.offset < a.offset + a.size;
  }

  void allocate(Index capacity) {
    if (capacity > kMostSize) throw std::out_of_range("Expected batches of fewer than 2^31 samples");
    if (capacity > (Index{1} << 40) / std::max<Index>(spec_.rowSize, 1)) throw std::bad_alloc();
    batched_ = Block<T>();
    capacity_ = 0;
    Block<T> room(spec_.rowSize * capacity);
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
    batched_ = std::move(room);
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
        for (int b : i.bufferIndex) i.buffer.push_back(b == kNone ? nullptr : pointer(b));
        i.args = {i.buffer.data(), i.dim.data(), i.scalar.data(), shared_.data(), perSlot_.data(), stride_, nullptr};
      }
    }
  }

  PlanSpec spec_;
  std::vector<double> scalars_;
  std::map<std::string, std::vector<Instruction>> programs_;
  Block<T> fixed_, batched_, shared_, perSlot_;
  Index capacity_ = 0, slotSize_ = 0, stride_ = 0;
  int slots_ = 2;
};

}  // namespace fjordnet
