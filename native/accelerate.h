// Apple's BLAS, looked up at run time: a binary that names no framework can be linked without Apple's SDK, and loads
// whatever the framework is like. The types are those of Apple's header vecLib/cblas.h.
#pragma once

#include <dlfcn.h>

#include <cstring>
#include <string>

#if !defined(FJORDNET_ACCELERATE)
#define FJORDNET_ACCELERATE "/System/Library/Frameworks/Accelerate.framework/Accelerate"
#endif

namespace fjordnet {

enum { CblasRowMajor = 101, CblasNoTrans = 111, CblasTrans = 112 };

struct Accelerate {
  template <typename T>
  using Gemm = void (*)(int order, int transA, int transB, int m, int n, int k, T alpha, const T* a, int lda,
                        const T* b, int ldb, T beta, T* c, int ldc);
  template <typename T>
  using Gemv = void (*)(int order, int trans, int m, int n, T alpha, const T* a, int lda, const T* x, int incx, T beta,
                        T* y, int incy);

  Gemm<float> sgemm;
  Gemm<double> dgemm;
  Gemv<float> sgemv;
  Gemv<double> dgemv;
  int (*setThreading)(unsigned model) = nullptr;  // of the calling thread; null before macOS 15

  // Null where it lacks one of the products.
  static const Accelerate* get() {
    static Accelerate found;
    static const bool isWhole = found.load();
    return isWhole ? &found : nullptr;
  }

  // Keeps products on the calling thread, where that can be asked for.
  void stay() const {
    constexpr unsigned kSingleThreaded = 1;
    if (setThreading != nullptr) setThreading(kSingleThreaded);
  }

 private:
  bool load() {
    void* library = dlopen(FJORDNET_ACCELERATE, RTLD_LAZY | RTLD_LOCAL);
    if (library == nullptr) return false;
    find(library, "BLASSetThreading", setThreading);
    return product(library, "cblas_sgemm", sgemm) && product(library, "cblas_dgemm", dgemm) &&
           product(library, "cblas_sgemv", sgemv) && product(library, "cblas_dgemv", dgemv);
  }

  // The newer interface (macOS 13.3) goes first: the other is kept for old programs.
  template <typename F>
  static bool product(void* library, const std::string& name, F& function) {
    return find(library, name + "$NEWLAPACK", function) || find(library, name, function);
  }

  template <typename F>
  static bool find(void* library, const std::string& name, F& function) {
    void* at = dlsym(library, name.c_str());
    if (at != nullptr) std::memcpy(&function, &at, sizeof at);
    return at != nullptr;
  }
};

// As C declares them, where the library is there.
template <typename... Arguments>
void cblas_sgemm(Arguments... arguments) {
  Accelerate::get()->sgemm(arguments...);
}
template <typename... Arguments>
void cblas_dgemm(Arguments... arguments) {
  Accelerate::get()->dgemm(arguments...);
}
template <typename... Arguments>
void cblas_sgemv(Arguments... arguments) {
  Accelerate::get()->sgemv(arguments...);
}
template <typename... Arguments>
void cblas_dgemv(Arguments... arguments) {
  Accelerate::get()->dgemv(arguments...);
}

}  // namespace fjordnet
