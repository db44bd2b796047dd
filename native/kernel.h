// What a kernel is: a function of buffers, dimensions and scalars, and its row in the table.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

#include "parallel.h"

namespace fjordnet {

using Index = std::int64_t;

// Memory that will be read, or written, soon.
template <bool write = false>
inline void prefetch([[maybe_unused]] const void* at) {
#if defined(__GNUC__)
  __builtin_prefetch(at, write);
#endif
}

// A kernel's arguments as a plan keeps them, checked once when it is made. Kernels carry no checks of their own.
template <typename T>
struct Args {
  T* const* buffer;             // in the order of the signature, inputs before outputs
  const Index* dim;             // in the order of the signature
  const double* const* scalar;  // in the order of the signature
  T* shared;                    // scratch for all threads together: Scratch::shared elements
  T* perSlot;                   // scratch for each thread: Scratch::perSlot elements at perSlot + slot * stride
  Index stride;
  Index first;  // of a tile of rows: the rows before it, and those of the whole batch; else 0 and B
  Index batch;
  Team* team;
  const std::atomic<bool>* stop = nullptr;  // where set: once true, what the kernel writes is of no use any more
};

// What a kernel computes on: threads, the scratch that it asked for, and the place of its B rows in the batch.
template <typename T>
struct Cpu {
  Team& team;
  T* shared;
  T* perSlot;
  Index stride;
  Index first, batch;
  const std::atomic<bool>* stop;

  explicit Cpu(const Args<T>& a)
      : team(*a.team),
        shared(a.shared),
        perSlot(a.perSlot),
        stride(a.stride),
        first(a.first),
        batch(a.batch),
        stop(a.stop) {}

  // May the kernel return, whatever it has written? Kernels ask that may take longer than people wait.
  bool isStopped() const { return stop != nullptr && stop->load(std::memory_order_relaxed); }

  T* scratch(int slot) const { return perSlot + slot * stride; }
};

// Buffers among a kernel's parameters.
template <typename T>
using In = const T*;
template <typename T>
using Out = T*;
template <typename T>
using InOut = T*;  // an output that is read, too

// Elements of scratch a kernel wants, of unspecified content. A plan asks once, with B at its capacity, and then runs
// every shorter batch in that room: what is asked for must be enough for every B up to the one it was asked with, and
// so must never grow as B shrinks. (Tiles are where that goes wrong: fewer rows may make more of them.)
struct Scratch {
  Index shared = 0;
  Index perSlot = 0;
};

// The signature is check and documentation in one: "N : dw N -> v! N, w! N | rate momentum". Left of the colon stand
// the dimensions, then the input and the output buffers, each with its length as a product of dimensions and digits
// ("1" for one value), then the scalars. B is the batch size, the one dimension that may differ from call to call.
// Marks:
//   !  an output that is read, too
//   ~  an output that may lie on the whole of an input, where the kernel writes the same as anywhere else. Any other
//      overlap of an output with an input or another output is refused when the plan is made.
//   i: before the name: integers of 32 bits, whatever the plan's type, In<std::int32_t>
//   +  an output without B that is a sum over rows: over tiles of rows it is summed apart, and added up in their order
//   *  an input without B that is read whole again and again, by all rows of a tile together: tiles of few are slow
//   ?  what a plan may leave out: buffer -1 there, a null pointer here
// The kernel's function has one parameter for each of these, in this order and by these names, after the processor:
//   template <typename T> void momentum(const Cpu<T>& cpu, Index N, In<T> dw, InOut<T> v, InOut<T> w, T rate, …)
// Where no output is without B but those with a +, a plan may call the kernel for tiles of rows, on several threads at
// once: what it writes into a row follows from that row, what has no B, and the row's place in the batch (cpu.first).
// Where N is the only dimension and the length of every buffer, it may call it for stretches of them: each value is
// treated apart.
// Scalars are of type T, double where the precision is needed, or bool. kernels/row.h takes them out of Args.
struct Kernel {
  const char* name;
  const char* signature;
  void (*f32)(const Args<float>&);
  void (*f64)(const Args<double>&);
  Scratch (*scratch)(const Index* dim);  // null where none is needed
};

struct KernelTable {
  const Kernel* rows;
  int size;
  const char* simd;  // "AVX-512", "AVX2", "baseline"
  int simdBits;
  // Beside plans: draws batches of rows (kernels/draw.h).
  void (*drawBatches)(std::int32_t* state, Index n, Index size, Index batches, std::int32_t* scratch,
                      std::int32_t* rows);
};

// The table compiled for the best instruction set of this processor.
KernelTable kernelTable();

// The row of this name. Throws std::invalid_argument where there is none.
inline const Kernel& find(const KernelTable& table, std::string_view name) {
  const auto* end = table.rows + table.size;
  const auto* row = std::find_if(table.rows, end, [&](const Kernel& k) { return name == k.name; });
  if (row == end)
    throw std::invalid_argument("Expected kernel to be one of the table, got '" + std::string(name) + "'");
  return *row;
}

}  // namespace fjordnet
