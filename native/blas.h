// Matrix products, row-major, on one thread; blas.cc knows which BLAS is underneath.
//   gemm: C (m x n) = op(A) (m x k) @ op(B) (k x n), added to C where that isAdded; op transposes or not, and lda, ldb
//   and ldc are the lengths of the rows as stored.
//   blasReserve: makes sure that products on the calling thread have the memory they pack into; false where the system
//   has none left. To be asked before them, because a product itself cannot fail. It is let go when the thread ends.
//   blasReserveToHelp: the same for a thread that can be done without.
#pragma once

namespace fjordnet {

struct BlasInfo {
  const char* library;  // "OpenBLAS", "Accelerate" or "built-in"
  const char* config;   // the library's version and build options, in its own words
  const char* core;     // the CPU model whose kernels are in use, such as "SkylakeX"
  const char* parallel;
  const char* linkage;  // "static" or "shared"
};
BlasInfo blasInfo();

// Sets the library up. Returns null, or why it cannot be used.
const char* blasInit();

bool blasReserve();
bool blasReserveToHelp();
void* blasBuffer();  // what a static OpenBLAS packs into on the calling thread; null where the system has none left

// T is float or double.
template <typename T>
void gemm(bool transA, bool transB, int m, int n, int k, const T* a, int lda, const T* b, int ldb, bool isAdded, T* c,
          int ldc);

}  // namespace fjordnet
