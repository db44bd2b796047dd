// Stands in for Apple's BLAS in test/blas.test.ts: that of macOS 15, or with OLD that of macOS 11.
#include <cstdio>
#include <cstdlib>

#if defined(OLD)
#define NAME(name) name
#else
#define NAME(name) name##$NEWLAPACK

thread_local bool stays = false;
extern "C" int BLASSetThreading(unsigned model) {
  stays = model == 1;
  return 0;
}
#endif

namespace {

template <typename T>
void product(int order, int transA, int transB, int m, int n, int k, T alpha, const T* a, int lda, const T* b, int ldb,
             T beta, T* c, int ldc) {
  const auto isTrans = [](int trans) { return trans == 111 || trans == 112; };
#if !defined(OLD)
  if (!stays) std::exit(2);
#endif
  if (order != 101 || !isTrans(transA) || !isTrans(transB)) std::exit(3);
  for (int i = 0; i < m; ++i) {
    for (int j = 0; j < n; ++j) {
      double sum = 0;
      for (int p = 0; p < k; ++p)
        sum +=
            double(transA == 112 ? a[p * lda + i] : a[i * lda + p]) * (transB == 112 ? b[j * ldb + p] : b[p * ldb + j]);
      T& to = c[i * ldc + j];
      to = T(alpha * sum + (beta == 0 ? 0 : beta * double(to)));
    }
  }
}

}  // namespace

extern "C" {
void NAME(cblas_sgemm)(int order, int transA, int transB, int m, int n, int k, float alpha, const float* a, int lda,
                       const float* b, int ldb, float beta, float* c, int ldc) {
  product(order, transA, transB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}
void NAME(cblas_dgemm)(int order, int transA, int transB, int m, int n, int k, double alpha, const double* a, int lda,
                       const double* b, int ldb, double beta, double* c, int ldc) {
  product(order, transA, transB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}
void NAME(cblas_sgemv)(int order, int trans, int m, int n, float alpha, const float* a, int lda, const float* x,
                       int incx, float beta, float* y, int incy) {
  const bool isT = trans == 112;
  product(order, trans, 111, isT ? n : m, 1, isT ? m : n, alpha, a, lda, x, incx, beta, y, incy);
}
#if !defined(PART)
void NAME(cblas_dgemv)(int order, int trans, int m, int n, double alpha, const double* a, int lda, const double* x,
                       int incx, double beta, double* y, int incy) {
  const bool isT = trans == 112;
  product(order, trans, 111, isT ? n : m, 1, isT ? m : n, alpha, a, lda, x, incx, beta, y, incy);
}
#endif
}
