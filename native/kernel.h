// What a kernel is: a function of buffers, dimensions and scalars, and its row in the table.
#pragma once

#include <cstdint>

#include "parallel.h"

namespace fjordnet {

using Index = std::int64_t;

// A kernel's arguments, checked once when the plan is made. Kernels carry no checks of their own.
template <typename T>
struct Args {
  T* const* buffer;             // in the order of the signature, inputs before outputs
  const Index* dim;             // in the order of the signature
  const double* const* scalar;  // in the order of the signature
  T* shared;                    // scratch for all threads together: Scratch::shared elements
  T* perSlot;                   // scratch for each thread: Scratch::perSlot elements at perSlot + slot * stride
  Index stride;
  Team* team;

  T* scratch(int slot) const { return perSlot + slot * stride; }
};

// Elements of scratch a kernel wants, of unspecified content.
struct Scratch {
  Index shared = 0;
  Index perSlot = 0;
};

// The signature is check and documentation in one: "B O I : BI, IO, O -> BO | eta". Left of the colon stand the
// dimensions, then the lengths of the input and output buffers as products of dimensions ("1" for one value), then the
// scalars. B is the batch size, the one dimension that may differ from call to call.
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
};

// The table compiled for the best instruction set of this processor.
KernelTable kernelTable();

}  // namespace fjordnet
