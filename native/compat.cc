// What stands in the place of OpenBLAS' own, where its archive is inside: its settings, and its buffers. `--wrap` in
// scripts/openblas.cjs, and of scripts/platforms/windows.js, sends these names here.
#if defined(FJORDNET_BLAS_STATIC)

#include <cstdlib>
#include <cstring>

#include "blas.h"
#include "cpu.h"

extern "C" {

// Stands where OpenBLAS' tables point to kernels that blas.cc never uses (scripts/openblas.cjs leaves those out).
[[noreturn]] void fjordnet_unused_blas() { std::abort(); }

// OpenBLAS reads its settings, and starts its threads, while the .node loads. It finds one thread set there, whatever
// the process's environment says, and, where that names no CPU model, the table for what this processor has: OpenBLAS
// 0.3.21 goes by a list of models, and takes Prescott's SSE3 kernels, a third as fast, on Intel's newer servers
// (Emerald and Granite Rapids). The environment stays as it is.
char* __real_getenv(const char* name);
char* __wrap_getenv(const char* name) {
  static char one[] = "1";
  if (std::strcmp(name, "OPENBLAS_NUM_THREADS") == 0) return one;
  char* value = __real_getenv(name);
#if defined(__x86_64__)
  static char avx512[] = "SkylakeX", avx2[] = "Haswell";
  if (std::strcmp(name, "OPENBLAS_CORETYPE") == 0 && (value == nullptr || *value == '\0')) {
    switch (fjordnet::bestSimd()) {
      case fjordnet::Simd::kAvx512: return avx512;
      case fjordnet::Simd::kAvx2: return avx2;
      case fjordnet::Simd::kBaseline: break;
    }
  }
#endif
  return value;
}

// The buffer of the calling thread (blas.cc says why), which blasReserve has made. OpenBLAS sets up what depends on the
// CPU when it loads, but for the sizes of blocks in builds for one CPU model: those with its first buffer.
void blas_set_parameter() __attribute__((weak));
void* __wrap_blas_memory_alloc(int) {
  static const bool set = [] {
    if (blas_set_parameter != nullptr) blas_set_parameter();
    return true;
  }();
  static_cast<void>(set);
  void* buffer = fjordnet::blasBuffer();
  if (buffer == nullptr) std::abort();
  return buffer;
}
void __wrap_blas_memory_free(void*) {}

}  // extern "C"

#if defined(__MINGW32__)

// MinGW computes these in registers of the x87, whose precision is each thread's own: 64 bits in the one that loads the
// .node, 53 in others, which would give other results. They get 64.
namespace {
class Extended {
 public:
  Extended() {
    __asm__ volatile("fnstcw %0" : "=m"(before_));
    set(static_cast<unsigned short>(before_ | 0x300));
  }
  ~Extended() { set(before_); }
  Extended(const Extended&) = delete;
  Extended& operator=(const Extended&) = delete;

 private:
  static void set(unsigned short word) { __asm__ volatile("fldcw %0" : : "m"(word)); }
  unsigned short before_;
};
}  // namespace

#define FJORDNET_EXTENDED(T, name, PARAMETERS, ARGUMENTS) \
  extern "C" T __real_##name PARAMETERS;                  \
  extern "C" T __wrap_##name PARAMETERS {                 \
    const Extended extended;                              \
    return __real_##name ARGUMENTS;                       \
  }

FJORDNET_EXTENDED(double, log, (double x), (x))
FJORDNET_EXTENDED(float, logf, (float x), (x))
FJORDNET_EXTENDED(double, log1p, (double x), (x))
FJORDNET_EXTENDED(float, log1pf, (float x), (x))
FJORDNET_EXTENDED(double, pow, (double x, double y), (x, y))
FJORDNET_EXTENDED(float, powf, (float x, float y), (x, y))
FJORDNET_EXTENDED(void, sincos, (double x, double* sine, double* cosine), (x, sine, cosine))

#endif

// What lets a binary that was linked on a new system load on every system that runs Node 20 (glibc 2.28, libstdc++
// 6.0.25): each of these names, wrapped too, asks for the oldest version of the symbol. Linking libstdc++ or libgcc
// statically would raise the floor to glibc 2.35 instead.
#if defined(__GLIBC__)

#include <pthread.h>

#include <cmath>
#include <condition_variable>
#include <mutex>
#include <new>

#include "oldest.h"

#if defined(__x86_64__)
#define FJORDNET_OLDEST_AFFINITY(name) __asm__(".symver " #name "," #name "@GLIBC_2.3.4")
#else
#define FJORDNET_OLDEST_AFFINITY(name) FJORDNET_OLDEST(name)
#endif

FJORDNET_OLDEST(pthread_create);
FJORDNET_OLDEST(pthread_join);
FJORDNET_OLDEST_AFFINITY(pthread_setaffinity_np);
FJORDNET_OLDEST_AFFINITY(pthread_getaffinity_np);
FJORDNET_OLDEST(exp);
FJORDNET_OLDEST(log);
FJORDNET_OLDEST(pow);

extern "C" {

char __libc_single_threaded = 0;  // glibc 2.32; 0 is always right, and makes shared_ptr count atomically

int __wrap_pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*run)(void*), void* argument) {
  return pthread_create(thread, attributes, run, argument);
}
int __wrap_pthread_join(pthread_t thread, void** result) { return pthread_join(thread, result); }
int __wrap_pthread_setaffinity_np(pthread_t thread, size_t size, const cpu_set_t* cpus) {
  return pthread_setaffinity_np(thread, size, cpus);
}
int __wrap_pthread_getaffinity_np(pthread_t thread, size_t size, cpu_set_t* cpus) {
  return pthread_getaffinity_np(thread, size, cpus);
}
double __wrap_exp(double x) { return exp(x); }
double __wrap_log(double x) { return log(x); }
double __wrap_pow(double x, double y) { return pow(x, y); }

// std::condition_variable::wait, whose newest version is of libstdc++ 6.0.30.
void fjordnet_wait(std::condition_variable*, std::unique_lock<std::mutex>&);
__asm__(".symver fjordnet_wait,_ZNSt18condition_variable4waitERSt11unique_lockISt5mutexE@GLIBCXX_3.4.11");
void __wrap__ZNSt18condition_variable4waitERSt11unique_lockISt5mutexE(std::condition_variable* condition,
                                                                      std::unique_lock<std::mutex>& lock) {
  fjordnet_wait(condition, lock);
}

// std::exception_ptr counts its references in _M_addref and _M_release since libstdc++ 6.0.29; before, its copy
// constructor and destructor did, and they still do.
void fjordnet_copy(void* copy, const void* pointer);
void fjordnet_destroy(void* pointer);
__asm__(".symver fjordnet_copy,_ZNSt15__exception_ptr13exception_ptrC1ERKS0_@CXXABI_1.3.3");
__asm__(".symver fjordnet_destroy,_ZNSt15__exception_ptr13exception_ptrD1Ev@CXXABI_1.3.3");
void __wrap__ZNSt15__exception_ptr13exception_ptr9_M_addrefEv(void* pointer) {
  void* never_destroyed;
  fjordnet_copy(&never_destroyed, pointer);
}
void __wrap__ZNSt15__exception_ptr13exception_ptr10_M_releaseEv(void* pointer) { fjordnet_destroy(pointer); }

}  // extern "C"

namespace std {
void __throw_bad_array_new_length() { throw bad_array_new_length(); }  // libstdc++ 6.0.29
}  // namespace std

#endif
#endif
