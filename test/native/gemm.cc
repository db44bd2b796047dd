// gemm fuzz N [THREADS]: compares N products of blas.h's gemm with sums in double: random shapes, transposes, row
// lengths, into C or on top of it; in THREADS threads, each for itself.
// gemm rate: prints, for some shapes of training, gemm's rate and the built-in's, in GFLOP/s.
// Built and run by test/blas.test.ts, once for each BLAS.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <random>
#include <thread>
#include <vector>

#include "../../native/blas.h"
#include "../../native/blas_fallback.h"

namespace {

using Generator = std::mt19937;

int between(Generator& draw, int low, int high) { return low + static_cast<int>(draw() % (high - low + 1)); }

template <typename T>
std::vector<T> values(Generator& draw, int n) {
  std::vector<T> out(n);
  for (T& x : out) x = static_cast<T>(between(draw, -1000, 1000)) / T(500);
  return out;
}

struct Shape {
  int m, n, k;
};

Shape shape(Generator& draw, int trial) {
  if (trial % 200 == 0)
    return {between(draw, 1, 230), between(draw, 1, 90), between(draw, 200, 600)};  // several panels
  if (trial % 500 == 1) return {between(draw, 1, 30), between(draw, 1000, 2100), between(draw, 1, 300)};
  const int line = between(draw, 0, 9);
  return {line == 0 || line == 2 ? 1 : between(draw, 1, 60), line == 1 || line == 2 ? 1 : between(draw, 1, 70),
          between(draw, 0, 70)};
}

template <typename T>
bool fuzz(const char* name, int trials) {
  Generator draw(1);
  double worst = 0;
  for (int trial = 0; trial < trials; ++trial) {
    const auto [m, n, k] = shape(draw, trial);
    const bool transA = draw() & 1, transB = draw() & 1;
    const int lda = std::max(1, (transA ? m : k) + between(draw, 0, 3));
    const int ldb = std::max(1, (transB ? k : n) + between(draw, 0, 3));
    const int ldc = n + between(draw, 0, 3);
    const bool isAdded = draw() & 1;
    const auto a = values<T>(draw, (transA ? k : m) * lda), b = values<T>(draw, (transB ? n : k) * ldb);
    const auto before =
        isAdded ? values<T>(draw, m * ldc) : std::vector<T>(m * ldc, std::numeric_limits<T>::quiet_NaN());
    auto c = before;
    fjordnet::gemm<T>(transA, transB, m, n, k, a.data(), lda, b.data(), ldb, isAdded, c.data(), ldc);
    for (int i = 0; i < m; ++i) {
      for (int j = 0; j < n; ++j) {
        double sum = 0, size = 1;
        for (int p = 0; p < k; ++p) {
          const double term =
              double(transA ? a[p * lda + i] : a[i * lda + p]) * (transB ? b[j * ldb + p] : b[p * ldb + j]);
          sum += term;
          size += std::abs(term);
        }
        const double expected = sum + (isAdded ? double(before[i * ldc + j]) : 0);
        const double error = std::abs(c[i * ldc + j] - expected) / size / std::numeric_limits<T>::epsilon();
        if (!(error <= 16)) {
          std::printf(
              "%s %c%c m=%d n=%d k=%d lda=%d ldb=%d ldc=%d added=%d: c[%d,%d] = %.17g, expected %.17g\n", name,
              "NT"[transA], "NT"[transB], m, n, k, lda, ldb, ldc, isAdded, i, j,
              double(c[i * ldc + j]), expected);
          return false;
        }
        worst = std::max(worst, error);
      }
      if (std::memcmp(&c[i * ldc + n], &before[i * ldc + n], (ldc - n) * sizeof(T)) != 0) {
        std::printf("%s m=%d n=%d k=%d ldc=%d: wrote past row %d\n", name, m, n, k, ldc, i);
        return false;
      }
    }
  }
  std::printf("%s: %d products, worst error %.2f eps\n", name, trials, worst);
  return true;
}

// The best of 7, in GFLOP/s.
template <typename T, typename F>
double rate(Shape s, const F& gemm) {
  const std::vector<T> a(s.m * s.k, T(0.5)), b(s.k * s.n, T(0.25));
  std::vector<T> c(s.m * s.n);
  const double flop = 2.0 * s.m * s.n * s.k;
  const int repeats = std::max(1, static_cast<int>(2e7 / flop));
  double best = std::numeric_limits<double>::infinity();
  for (int trial = 0; trial < 7; ++trial) {
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < repeats; ++i)
      gemm(false, false, s.m, s.n, s.k, a.data(), s.k, b.data(), s.n, false, c.data(), s.n);
    best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() / repeats);
  }
  return flop / best * 1e-9;
}

template <typename T>
void builtin(bool transA, bool transB, int m, int n, int k, const T* a, int lda, const T* b, int ldb, bool isAdded,
             T* c, int ldc) {
  fjordnet::fallback::gemm(transA, transB, m, n, k, a, lda, b, ldb, isAdded, c, ldc);
}

template <typename T>
void rates(const char* name) {
  for (const Shape s : {Shape{512, 512, 512}, Shape{128, 512, 784}, Shape{100, 50, 64}})
    std::printf("%s %dx%dx%d %.1f %.1f\n", name, s.m, s.n, s.k, rate<T>(s, fjordnet::gemm<T>), rate<T>(s, builtin<T>));
}

}  // namespace

int main(int count, char** arguments) {
  if (const char* refused = fjordnet::blasInit()) {
    std::puts(refused);
    return 1;
  }
  if (!fjordnet::blasReserve()) return 1;
  std::printf("%s %s\n", fjordnet::blasInfo().library, fjordnet::blasInfo().core);
  if (std::strcmp(arguments[1], "fuzz") == 0) {
    const int trials = std::atoi(arguments[2]);
    std::atomic<bool> right{true};
    std::vector<std::thread> threads(count > 3 ? std::atoi(arguments[3]) : 1);
    for (std::thread& one : threads)
      one = std::thread([&] {
        if (!fjordnet::blasReserve() || !fuzz<float>("float32", trials) || !fuzz<double>("float64", trials))
          right = false;
      });
    for (std::thread& one : threads) one.join();
    return right ? 0 : 1;
  }
  rates<float>("float32");
  rates<double>("float64");
}
