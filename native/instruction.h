// An instruction of a plan: a kernel, checked against its signature, with its buffers and scalars.
#pragma once

#include <algorithm>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "kernel.h"
#include "kernels/tuning.h"
#include "region.h"
#include "signature.h"

namespace fjordnet {

// Weights that cost little to read again.
constexpr Index kFewWeights = 1024;

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
  bool mayStop = false;                // may a job that is to stop leave the step here? Nothing it wrote outlives it

  bool isExchange() const { return kernel == "allReduce"; }
};

// What a plan is made of.
struct PlanSpec {
  Index fixedSize = 0;
  Index rowSize = 0;
  Index int32FixedSize = 0;
  Index int32RowSize = 0;
  Index capacity = 1;  // largest batch there is room for
  // Does each program write what it reads of a batch, inputs apart, and is nothing but outputs read behind its end?
  bool isClosed = false;
  bool isTiled = false;  // may rows of a batch lie apart, tile by tile? Then all kernels that have some run by rows
  Index tileRows = 0;    // where positive, rows of a tile in place of what follows from shapes: for tests
  std::vector<BufferSpec> buffers;
  std::vector<double> scalars;
  std::map<std::string, std::vector<InstructionSpec>> programs;
  int report = -1;  // fixed buffer of real numbers that is handed back after every step
  int stop =
      kNone;  // fixed buffer of one real number among those that ranks sum up: above 0 where one of them is to stop
};

template <typename T>
using KernelFunction = void (*)(const Args<T>&);

inline KernelFunction<float> function(const Kernel& row, float) { return row.f32; }
inline KernelFunction<double> function(const Kernel& row, double) { return row.f64; }

template <typename T>
struct Instruction {
  struct Operand {
    int buffer;
    bool isSum;
    Index sumAt = 0;  // of a sum, among those of a tile
  };

  KernelFunction<T> function;
  int batch;  // index of B among the dimensions, or -1
  Index rows;
  bool isBatched;  // are the buffers that B is a dimension of?
  std::vector<Index> dim;
  std::vector<Operand> operands;
  std::vector<const double*> scalar;
  Scratch (*scratch)(const Index*);
  const double* when = nullptr;
  bool isByRows = false;
  bool isByValues = false;  // may it be run on parts of its buffers, a stretch of values each?
  Index work = 0;           // multiplications, or else values, of a row
  Index leastRows = 1;      // of a tile: with fewer weights are read too often
  bool mayStop = false;
  bool isExchange = false;

  Index rowsOf(Index n) const { return isBatched ? n * rows : rows; }
  void setBatch(Index n) {
    if (batch >= 0) dim[static_cast<std::size_t>(batch)] = rowsOf(n);
  }
};

// May a kernel of such dimensions be run on tiles of rows (kernel.h)? Not with large weights and sums: for them, tiles
// of the output are less work.
inline bool isByRows(const Signature& s, const std::vector<Index>& dim) {
  bool hasRows = false;
  for (const auto& operand : s.operands) {
    const Index size = s.size(operand, dim);
    if (operand.dependsOn('B')) {
      hasRows = true;
    } else if ((operand.isOutput && !operand.isSum) || size > tuning::kMostTiledWeights) {
      return false;
    }
  }
  return hasRows;
}

// A kernel of N alone, whose buffers all have N values, treats each value apart (kernel.h).
inline bool isByValues(const Signature& s) {
  return s.dims.size() == 1 && *s.dims.begin() == 'N' &&
         std::all_of(s.operands.begin(), s.operands.end(), [](const auto& operand) { return operand.length == "N"; });
}

// Of a row: what multiplies weights with rows takes as many products as both have dimensions together.
inline Index workOf(const Signature& s, const std::vector<Index>& dim) {
  Index most = 1;
  for (const auto& a : s.operands) {
    if (a.dependsOn('B')) most = std::max(most, s.size(a, dim));
    for (const auto& b : s.operands) {
      if (a.dependsOn('B') || !b.dependsOn('B')) continue;
      Index product = s.size(a, dim);
      for (char c : b.length) {
        if (c == 'B' || a.dependsOn(c)) continue;
        product = times(product, s.lengthOf(c, dim));
      }
      most = std::max(most, product);
    }
  }
  return most;
}

inline std::string describe(const std::vector<BufferSpec>& buffers, int index) {
  const auto& name = buffers[static_cast<std::size_t>(index)].name;
  return "buffer " + (name.empty() ? std::to_string(index) : "'" + name + "'");
}

// Strides, dilations and paddings are no buffer's dimensions: however large, the places they lead to have 64 bits.
template <typename Refuse>
void checkSizes(const Signature& signature, const std::vector<Index>& dim, const Refuse& refuse) {
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

inline bool overlap(const BufferSpec& a, const BufferSpec& b) {
  return a.type == b.type && a.batched == b.batched && a.offset < b.offset + b.size && b.offset < a.offset + a.size;
}

// The instruction of a plan with these buffers and scalars. Throws what does not fit the kernel's signature.
template <typename T>
Instruction<T> checked(const InstructionSpec& spec, const KernelTable& table, const std::vector<BufferSpec>& buffers,
                       const std::vector<double>& scalars, bool isTiled) {
  const auto buffer = [&](int index) -> const BufferSpec& {
    if (index < 0 || index >= static_cast<int>(buffers.size()))
      throw std::invalid_argument("Expected a buffer of the plan");
    return buffers[static_cast<std::size_t>(index)];
  };
  const auto named = [&](int index) { return describe(buffers, index); };
  const auto& row = find(table, spec.kernel);
  const Signature signature(row.signature);
  const auto refuse = [&](const std::string& what) {
    const auto node = spec.node.empty() ? "" : " of '" + spec.node + "'";
    throw std::invalid_argument("Expected '" + spec.kernel + "' (" + row.signature + ")" + node + " to be given " +
                                what);
  };
  if (spec.rows < 1) refuse("a positive number of rows");
  Instruction<T> out{function(row, T{}), -1, spec.rows, true, {}, {}, {}, row.scratch};
  out.mayStop = spec.mayStop;
  out.isExchange = spec.isExchange();
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
  bool hasRows = false;
  for (std::size_t k = 0; k < spec.buffers.size(); ++k) {
    out.operands.push_back({spec.buffers[k], signature.operands[k].isSum});
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
    hasRows = hasRows || b.batched;
    if (b.batched != batched || b.size != size) {
      refuse(std::string(operand.name) + " " + std::string(operand.length) + " = " + (batched ? "batch x " : "") +
             std::to_string(size) + " values in " + named(spec.buffers[k]) + ", got " + (b.batched ? "batch x " : "") +
             std::to_string(b.size));
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
  out.isByRows = out.batch >= 0 && out.isBatched && isByRows(signature, out.dim);
  out.isByValues = isByValues(signature);
  out.work = workOf(signature, out.dim);
  for (const auto& operand : signature.operands) {
    const Index size = signature.size(operand, out.dim);
    if (operand.dependsOn('B') || size <= kFewWeights) continue;
    if (size == out.work && spec.rows == 1) out.leastRows = std::max(out.leastRows, tuning::kProductRows);
    if (operand.isReadByStep) out.leastRows = std::max(out.leastRows, tuning::kRecurrentRows);
  }
  for (const auto scalar : signature.scalars) {
    const std::string name(scalar);
    const auto found = spec.scalars.find(name);
    if (found == spec.scalars.end() || found->second < 0 || found->second >= static_cast<int>(scalars.size()))
      refuse("a scalar " + name);
    out.scalar.push_back(&scalars[static_cast<std::size_t>(found->second)]);
  }
  if (spec.when != kNone) {
    if (spec.when < 0 || spec.when >= static_cast<int>(scalars.size())) refuse("a scalar for when");
    out.when = &scalars[static_cast<std::size_t>(spec.when)];
  }
  // the sums of a tile that was skipped would be added up all the same
  if (isTiled && hasRows && (!out.isByRows || out.when != nullptr))
    refuse("batches whose rows lie together, which those of a tiled plan do not");
  return out;
}

}  // namespace fjordnet
