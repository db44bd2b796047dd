// The signature of a kernel, taken apart.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>
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

// The parts of a kernel signature (kernel.h).
struct Signature {
  struct Operand {
    std::string name;
    Type type;
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
      const bool isInt32 = parts[k].rfind("i:", 0) == 0;
      const std::size_t begin = isInt32 ? 2 : 0, end = parts[k].find_first_of("?!~");
      const auto isMarked = [&](char mark) { return parts[k].find(mark) != std::string::npos; };
      operands.push_back({parts[k].substr(begin, end - begin), isInt32 ? Type::kInt32 : Type::kReal, isOutput,
                          isMarked('~'), isMarked('?')});
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

}  // namespace fjordnet
