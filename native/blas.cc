// The BLAS underneath: OpenBLAS, Accelerate, or the products of blas_fallback.h.
#include "blas.h"

#if defined(FJORDNET_BLAS_STATIC) || defined(FJORDNET_BLAS_SHARED)
#if defined(_WIN32)
#include <windows.h>
#else
#include <sys/mman.h>
#endif

#include <cstddef>
#endif

#if defined(FJORDNET_BLAS_STATIC) || defined(FJORDNET_BLAS_SHARED)
#include <cblas.h>
#elif defined(FJORDNET_BLAS_ACCELERATE)
#include "accelerate.h"
#include "blas_fallback.h"
#elif defined(FJORDNET_BLAS_BUILTIN)
#include "blas_fallback.h"
#else
#error "define FJORDNET_BLAS_STATIC, _SHARED, _ACCELERATE or _BUILTIN (scripts/openblas.cjs)"
#endif

namespace fjordnet {

#if defined(FJORDNET_BLAS_BUILTIN) || defined(FJORDNET_BLAS_ACCELERATE)
namespace {
BlasInfo builtinInfo() { return {"built-in", "portable blocked GEMM", fallback::core(), "none", "static"}; }
}  // namespace
#endif

#if defined(FJORDNET_BLAS_BUILTIN)

const char* blasInit() { return nullptr; }
bool blasReserve() { return fallback::reserve(); }
bool blasReserveToHelp() { return fallback::reserve(); }
BlasInfo blasInfo() { return builtinInfo(); }

template <typename T>
void gemm(bool transA, bool transB, int m, int n, int k, const T* a, int lda, const T* b, int ldb, bool isAdded, T* c,
          int ldc) {
  fallback::gemm(transA, transB, m, n, k, a, lda, b, ldb, isAdded, c, ldc);
}

#else

#if defined(FJORDNET_BLAS_ACCELERATE)

const char* blasInit() { return nullptr; }
bool blasReserve() {
  const Accelerate* accelerate = Accelerate::get();
  if (accelerate == nullptr) return fallback::reserve();
  accelerate->stay();
  return true;
}
bool blasReserveToHelp() { return blasReserve(); }
BlasInfo blasInfo() {
  const Accelerate* accelerate = Accelerate::get();
  if (accelerate == nullptr) return builtinInfo();
  // Without the setting, large products are split among threads, by VECLIB_MAXIMUM_THREADS.
  const bool stays = accelerate->setThreading != nullptr;
  return {"Accelerate", stays ? "one thread" : "own threads", "Accelerate", stays ? "none" : "own", "shared"};
}

#else

namespace {

// OpenBLAS' BUFFER_SIZE on x86-64 and, from 0.3.22 on, on arm64 (common_x86_64.h, common_arm64.h): the largest it has
// unless it is built for another one, which FJORDNET_BLAS_BUFFER then says. All of it is address space; pages become
// memory as a product first writes to them.
#if defined(FJORDNET_BLAS_BUFFER)
constexpr std::size_t kBufferSize = FJORDNET_BLAS_BUFFER;
#else
constexpr std::size_t kBufferSize = std::size_t{128} << 20;
#endif

#if defined(_WIN32)
void* map(std::size_t size, bool use) {
  return VirtualAlloc(nullptr, size, use ? MEM_RESERVE | MEM_COMMIT : MEM_RESERVE,
                      use ? PAGE_READWRITE : PAGE_NOACCESS);
}
bool unmap(void* at, std::size_t) { return VirtualFree(at, 0, MEM_RELEASE) != 0; }
#else
void* map(std::size_t size, bool use) {
  void* at = mmap(nullptr, size, use ? PROT_READ | PROT_WRITE : PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return at == MAP_FAILED ? nullptr : at;
}
bool unmap(void* at, std::size_t size) { return munmap(at, size) == 0; }
#endif

// Whether there is address space for so much more.
bool spare(std::size_t size) {
  void* at = map(size, false);
  return at != nullptr && unmap(at, size);
}

}  // namespace

#if defined(FJORDNET_BLAS_STATIC)

// OpenBLAS' own table of buffers (driver/others/memory.c) asks the system again and again until it has one, which is
// for ever where address space is limited, and breaks when more than 128 threads are in products at a time. So with
// the archive inside, native/compat.cc puts this in its place: a buffer for each thread.
#if defined(_WIN32)
// In a slot of Windows' own: MinGW frees the memory of a thread_local object before it calls the destructor.
void* blasBuffer() {
  static const struct Slot {
    Slot() : index(FlsAlloc([](void* at) { unmap(at, kBufferSize); })) {}
    ~Slot() { FlsFree(index); }  // and with it all buffers
    const DWORD index;
  } slot;
  if (void* at = FlsGetValue(slot.index)) return at;
  void* at = map(kBufferSize, true);
  if (at == nullptr || FlsSetValue(slot.index, at)) return at;
  unmap(at, kBufferSize);
  return nullptr;
}
#else
void* blasBuffer() {
  thread_local struct Buffer {
    ~Buffer() {
      if (at != nullptr) unmap(at, kBufferSize);
    }
    void* at = nullptr;
  } buffer;
  if (buffer.at == nullptr) buffer.at = map(kBufferSize, true);
  return buffer.at;
}
#endif
bool blasReserve() { return blasBuffer() != nullptr; }

#else
// The shared library keeps to its table. What can be done is to look whether there is room for one more buffer, and
// leave it to the library.
bool blasReserve() { return spare(kBufferSize); }
#endif
bool blasReserveToHelp() { return spare(std::size_t{1} << 30) && blasReserve(); }

// Sets OpenBLAS to one thread (our own threads run above it). Returns null, or why this library cannot be used.
const char* blasInit() {
  switch (openblas_get_parallel()) {
    case OPENBLAS_THREAD: openblas_set_num_threads(1); return nullptr;
    case OPENBLAS_OPENMP:
      return "Expected OpenBLAS to be built for pthreads, got the OpenMP build, whose number of threads is set per "
             "thread: install libopenblas-pthread-dev and build fjordnet again";
#if defined(FJORDNET_BLAS_SERIAL)
    // What goes wrong in a serial build is its table of buffers, in whose place are ours.
    case OPENBLAS_SEQUENTIAL: return nullptr;
#endif
    default:
      return "Expected OpenBLAS to be built for pthreads, got the serial build, which returns wrong numbers when two "
             "threads use it: install libopenblas-pthread-dev and build fjordnet again";
  }
}

BlasInfo blasInfo() {
  static constexpr const char* kParallel[] = {"serial", "pthread", "openmp"};
#if defined(FJORDNET_BLAS_STATIC)
  const char* linkage = "static";
#else
  const char* linkage = "shared";
#endif
  return {"OpenBLAS", openblas_get_config(), openblas_get_corename(), kParallel[openblas_get_parallel()], linkage};
}

#endif

namespace {
namespace blas {

inline void gemm(bool transA, bool transB, int m, int n, int k, float alpha, const float* a, int lda, const float* b,
                 int ldb, float beta, float* c, int ldc) {
  cblas_sgemm(CblasRowMajor, transA ? CblasTrans : CblasNoTrans, transB ? CblasTrans : CblasNoTrans, m, n, k, alpha, a,
              lda, b, ldb, beta, c, ldc);
}
inline void gemm(bool transA, bool transB, int m, int n, int k, double alpha, const double* a, int lda, const double* b,
                 int ldb, double beta, double* c, int ldc) {
  cblas_dgemm(CblasRowMajor, transA ? CblasTrans : CblasNoTrans, transB ? CblasTrans : CblasNoTrans, m, n, k, alpha, a,
              lda, b, ldb, beta, c, ldc);
}
inline void gemv(bool transA, int m, int n, float alpha, const float* a, int lda, const float* x, int incx, float beta,
                 float* y, int incy) {
  cblas_sgemv(CblasRowMajor, transA ? CblasTrans : CblasNoTrans, m, n, alpha, a, lda, x, incx, beta, y, incy);
}
inline void gemv(bool transA, int m, int n, double alpha, const double* a, int lda, const double* x, int incx,
                 double beta, double* y, int incy) {
  cblas_dgemv(CblasRowMajor, transA ? CblasTrans : CblasNoTrans, m, n, alpha, a, lda, x, incx, beta, y, incy);
}

}  // namespace blas
}  // namespace

template <typename T>
void gemm(bool transA, bool transB, int m, int n, int k, const T* a, int lda, const T* b, int ldb, bool isAdded, T* c,
          int ldc) {
#if defined(FJORDNET_BLAS_ACCELERATE)
  if (Accelerate::get() == nullptr) return fallback::gemm(transA, transB, m, n, k, a, lda, b, ldb, isAdded, c, ldc);
#endif
  const T alpha = 1, beta = isAdded ? 1 : 0;
  if (k > 0 && m == 1) {  // one row: C^T = op(B)^T @ op(A)^T
    if (transB)
      blas::gemv(false, n, k, alpha, b, ldb, a, transA ? lda : 1, beta, c, 1);
    else
      blas::gemv(true, k, n, alpha, b, ldb, a, transA ? lda : 1, beta, c, 1);
  } else if (k > 0 && n == 1) {
    blas::gemv(transA, transA ? k : m, transA ? m : k, alpha, a, lda, b, transB ? 1 : ldb, beta, c, ldc);
  } else {
    blas::gemm(transA, transB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
  }
}

#endif

template void gemm(bool, bool, int, int, int, const float*, int, const float*, int, bool, float*, int);
template void gemm(bool, bool, int, int, int, const double*, int, const double*, int, bool, double*, int);

}  // namespace fjordnet
