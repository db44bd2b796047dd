// The signature of a kernel, taken apart.
#pragma once

#include <algorithm>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "kernel.h"

namespace fjordnet {

// Of a batch, and of a buffer's dimensions: the sizes of matrix products have 32 bits.
constexpr Index kMostSize = (Index{1} << 31) - 1;

inline Index times(Index a, Index b) {
  constexpr Index kMost = Index{1} << 50;
  if (b > 0 && a > kMost / b) throw std::out_of_range("Expected fewer than 2^50 values");
  return a * b;
}

// What a buffer holds: numbers of the plan's type, or integers, which name rows and categories.
enum class Type { kReal, kInt32 };

// At most kMost of something, in the order in which they were added.
template <typename V, std::size_t kMost>
class ShortList {
 public:
  constexpr void add(const V& value) {
    if (size_ == kMost) throw std::length_error("Expected a shorter signature");
    values_[size_++] = value;
  }
  constexpr const V* begin() const { return values_; }
  constexpr const V* end() const { return values_ + size_; }
  constexpr const V& operator[](std::size_t k) const { return values_[k]; }
  constexpr std::size_t size() const { return size_; }

 private:
  V values_[kMost]{};
  std::size_t size_ = 0;
};

// The parts of a kernel's signature (kernel.h): pieces of its text. The table reads it when it is compiled (row.h),
// plans when they are made.
struct Signature {
  struct Operand {
    std::string_view name;
    std::string_view length{};  // "BI": the product of these dimensions
    Type type = Type::kReal;
    bool isOutput = false;
    bool mayLieOnInput = false;
    bool mayBeLeftOut = false;
    bool isSum = false;
    bool isReadByStep = false;

    constexpr bool dependsOn(char dim) const { return length.find(dim) != std::string_view::npos; }
  };
  ShortList<char, 16> dims;
  ShortList<Operand, 16> operands;  // inputs before outputs
  ShortList<std::string_view, 12> scalars;

  constexpr explicit Signature(std::string_view text) {
    enum { kDims, kInputs, kOutputs, kScalars } part = kDims;
    Operand operand;
    while (!text.empty()) {
      const auto end = std::min(text.find(' '), text.size());
      auto word = text.substr(0, end);
      text.remove_prefix(std::min(end + 1, text.size()));
      if (!word.empty() && word.back() == ',') word.remove_suffix(1);
      if (word.empty()) continue;
      if (word == ":") {
        part = kInputs;
      } else if (word == "->") {
        part = kOutputs;
      } else if (word == "|") {
        part = kScalars;
      } else if (part == kDims) {
        dims.add(word[0]);
      } else if (part == kScalars) {
        scalars.add(word);
      } else if (operand.name.empty()) {
        operand = named(word, part == kOutputs);
      } else {
        operand.length = word;
        operands.add(operand);
        operand = {};
      }
    }
  }

  // Values that an operand holds, B counted as 1. Kernels may rely on buffers that are not empty.
  Index size(const Operand& operand, const std::vector<Index>& dim) const {
    Index n = 1;
    for (char c : operand.length) {
      if (c == 'B') continue;
      const Index factor = lengthOf(c, dim);
      if (factor < 1) throw std::out_of_range(std::string("Expected dimension ") + c + " to be positive");
      n = times(n, factor);
    }
    return n;
  }

  // Of a dimension, or of a digit, which stands for itself.
  Index lengthOf(char c, const std::vector<Index>& dim) const {
    if (c >= '1' && c <= '9') return c - '0';
    return dim[static_cast<std::size_t>(std::find(dims.begin(), dims.end(), c) - dims.begin())];
  }

 private:
  // A name with its marks.
  static constexpr Operand named(std::string_view word, bool isOutput) {
    Operand operand{word};
    operand.isOutput = isOutput;
    if (word.substr(0, 2) == "i:") {
      operand.type = Type::kInt32;
      operand.name.remove_prefix(2);
    }
    operand.name = operand.name.substr(0, operand.name.find_first_of("?!~+*"));
    operand.mayLieOnInput = word.find('~') != std::string_view::npos;
    operand.mayBeLeftOut = word.find('?') != std::string_view::npos;
    operand.isSum = word.find('+') != std::string_view::npos;
    operand.isReadByStep = word.find('*') != std::string_view::npos;
    return operand;
  }
};

}  // namespace fjordnet
