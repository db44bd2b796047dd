// Matrix products where there is no BLAS; blas.h chooses.
#pragma once

#include <cstdint>

namespace fjordnet::fallback {

// As blas.h says: row-major C = alpha * op(A) @ op(B) + beta * C.
template <typename T>
void gemm(bool transA, bool transB, int m, int n, int k, T alpha, const T* a, std::int64_t lda, const T* b,
          std::int64_t ldb, T beta, T* c, std::int64_t ldc);

// Makes the calling thread's memory for packed panels; false where the system has none left.
bool reserve();

const char* core();  // the instruction set in use, such as "AVX2"

}  // namespace fjordnet::fallback
