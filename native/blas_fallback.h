// Matrix products where there is no BLAS; blas.cc chooses.
#pragma once

#include <cstdint>

namespace fjordnet::fallback {

using Index = std::int64_t;

// As blas.h says: row-major C = op(A) @ op(B), added to C where that isAdded.
template <typename T>
using Product = void (*)(bool transA, bool transB, Index m, Index n, Index k, const T* a, Index lda, const T* b,
                         Index ldb, bool isAdded, T* c, Index ldc, T* room);

// The products of one instruction set (kernels/builtin.h).
struct Products {
  const char* core;  // "AVX2"
  Index room;        // values that each is lent
  Product<float> f32;
  Product<double> f64;
};

// With the best of them.
template <typename T>
void gemm(bool transA, bool transB, int m, int n, int k, const T* a, Index lda, const T* b, Index ldb, bool isAdded,
          T* c, Index ldc);

// Makes the calling thread's memory for packed panels; false where the system has none left.
bool reserve();

const char* core();  // the instruction set in use

}  // namespace fjordnet::fallback
