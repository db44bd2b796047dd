// What vmath.h is written with: functions of one value, and the same of a vector of them.
#pragma once

#include "vector.h"

namespace fjordnet::FJORDNET_ISA {
namespace {

namespace simd {}  // namespace simd
using namespace simd;

template <typename T>
struct ValueOf {
  using Type = T;
};

// Of two values the one on the right where either is NaN.
template <typename V>
inline V min_(V a, V b) {
  return a < b ? a : b;
}
template <typename V>
inline V max_(V a, V b) {
  return a > b ? a : b;
}

inline double splat(double x, double) { return x; }
inline float splat(float x, float) { return x; }
inline double sqrt_(double x) { return std::sqrt(x); }
inline float sqrt_(float x) { return std::sqrt(x); }

#if FJORDNET_VECTOR_BYTES == 0
// vector.h has these
#elif FJORDNET_VECTOR_BYTES >= 32 || defined(__FMA__) || defined(__ARM_FEATURE_FMA)
inline double fma_(double a, double b, double c) { return __builtin_fma(a, b, c); }
inline float fma_(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
#else
inline double fma_(double a, double b, double c) { return a * b + c; }
inline float fma_(float a, float b, float c) { return a * b + c; }
#endif

template <typename To, typename From>
inline To bits(From from) {
  To to;
  static_assert(sizeof to == sizeof from, "");
  std::memcpy(&to, &from, sizeof to);
  return to;
}
inline std::uint64_t toBits(double x) { return bits<std::uint64_t>(x); }
inline std::uint32_t toBits(float x) { return bits<std::uint32_t>(x); }
inline double fromBits(std::uint64_t x) { return bits<double>(x); }
inline float fromBits(std::uint32_t x) { return bits<float>(x); }

#if FJORDNET_VECTOR_BYTES > 0

using Doubles = Vector<double>;
using Floats = Vector<float>;
typedef std::uint64_t Bits64 __attribute__((vector_size(FJORDNET_VECTOR_BYTES)));
typedef std::uint32_t Bits32 __attribute__((vector_size(FJORDNET_VECTOR_BYTES)));

template <>
struct ValueOf<Doubles> {
  using Type = double;
};
template <>
struct ValueOf<Floats> {
  using Type = float;
};

inline Doubles splat(double x, Doubles) { return broadcast(x); }
inline Floats splat(float x, Floats) { return broadcast(x); }
inline Bits64 toBits(Doubles x) { return (Bits64)x; }
inline Bits32 toBits(Floats x) { return (Bits32)x; }
inline Doubles fromBits(Bits64 x) { return (Doubles)x; }
inline Floats fromBits(Bits32 x) { return (Floats)x; }

#if FJORDNET_VECTOR_BYTES == 64
// Intrinsics that take a mask: GCC 12 warns of uninitialized values in its own definitions of the others (its bug
// 105593).
constexpr __mmask8 kAll8 = 0xff;
constexpr __mmask16 kAll16 = 0xffff;
inline Doubles min_(Doubles a, Doubles b) { return _mm512_maskz_min_pd(kAll8, a, b); }
inline Floats min_(Floats a, Floats b) { return _mm512_maskz_min_ps(kAll16, a, b); }
inline Doubles max_(Doubles a, Doubles b) { return _mm512_maskz_max_pd(kAll8, a, b); }
inline Floats max_(Floats a, Floats b) { return _mm512_maskz_max_ps(kAll16, a, b); }
inline Doubles sqrt_(Doubles x) { return _mm512_maskz_sqrt_pd(kAll8, x); }
inline Floats sqrt_(Floats x) { return _mm512_maskz_sqrt_ps(kAll16, x); }
#elif FJORDNET_VECTOR_BYTES == 32
inline Doubles min_(Doubles a, Doubles b) { return _mm256_min_pd(a, b); }
inline Floats min_(Floats a, Floats b) { return _mm256_min_ps(a, b); }
inline Doubles max_(Doubles a, Doubles b) { return _mm256_max_pd(a, b); }
inline Floats max_(Floats a, Floats b) { return _mm256_max_ps(a, b); }
inline Doubles sqrt_(Doubles x) { return _mm256_sqrt_pd(x); }
inline Floats sqrt_(Floats x) { return _mm256_sqrt_ps(x); }
#else
template <typename V>
inline V sqrt_(V x) {
  for (unsigned i = 0; i < sizeof x / sizeof x[0]; ++i) x[i] = std::sqrt(x[i]);
  return x;
}
#endif

#endif

template <typename V>
using Value = typename ValueOf<V>::Type;

// A constant in every lane.
template <typename V>
inline V all(double x) {
  return splat(static_cast<Value<V>>(x), V{});
}

template <typename V>
constexpr auto kSign = ~(~decltype(toBits(Value<V>{})){0} >> 1);

template <typename V>
inline V abs_(V x) {
  return fromBits(toBits(x) & ~kSign<V>);
}
template <typename V>
inline V copysign_(V x, V sign) {
  return fromBits((toBits(x) & ~kSign<V>) | (toBits(sign) & kSign<V>));
}

// All lanes of a vector, or the first n < kLanes.
struct Whole {};
struct Part {
  Index n;
};
template <typename T>
inline Vector<T> load(const T* from, Whole) {
  return load(from);
}
template <typename T>
inline Vector<T> load(const T* from, Part part) {
  return load(from, part.n);
}
template <typename T>
inline void store(T* to, Vector<T> v, Whole) {
  store(to, v);
}
template <typename T>
inline void store(T* to, Vector<T> v, Part part) {
  store(to, v, part.n);
}

// x in the lanes in use and 0 in the others, which so add nothing to a sum.
template <typename T>
inline Vector<T> spread(T x, Whole) {
  return broadcast(x);
}
template <typename T>
inline Vector<T> spread(T x, Part part) {
  T lanes[kLanes<T>];
  std::fill_n(lanes, kLanes<T>, x);
  return load(lanes, part.n);
}

// fn(i, lanes) over [begin, end) by vectors, the last of which may be a Part.
template <typename T, typename F>
inline void vectors(Index begin, Index end, const F& fn) {
  Index i = begin;
  for (; i + kLanes<T> <= end; i += kLanes<T>) fn(i, Whole{});
  if (i < end) fn(i, Part{end - i});
}

#if FJORDNET_VECTOR_BYTES > 0

typedef double Doubles2 __attribute__((vector_size(16)));
typedef float Floats4 __attribute__((vector_size(16)));
#if FJORDNET_VECTOR_BYTES == 64
typedef double Doubles4 __attribute__((vector_size(32)));
typedef float Floats8 __attribute__((vector_size(32)));
inline Doubles4 lower(Doubles v) { return lowerHalf(v); }
inline Doubles4 upper(Doubles v) { return _mm512_maskz_extractf64x4_pd(kAll8, v, 1); }
inline Floats8 lower(Floats v) { return lowerHalf(v); }
inline Floats8 upper(Floats v) { return _mm512_maskz_extractf32x8_ps(kAll8, v, 1); }
#elif FJORDNET_VECTOR_BYTES == 32
using Doubles4 = Doubles;
using Floats8 = Floats;
#endif
#if FJORDNET_VECTOR_BYTES >= 32
inline Doubles2 lower(Doubles4 v) { return _mm256_castpd256_pd128(v); }
inline Doubles2 upper(Doubles4 v) { return _mm256_extractf128_pd(v, 1); }
inline Floats4 lower(Floats8 v) { return _mm256_castps256_ps128(v); }
inline Floats4 upper(Floats8 v) { return _mm256_extractf128_ps(v, 1); }
#endif

// op over all lanes, by halves
template <typename V, typename F>
inline auto fold(V v, const F& op) {
  if constexpr (sizeof(V) > 16) {
    return fold(op(lower(v), upper(v)), op);
  } else if constexpr (sizeof v[0] == 8) {
    return op(v[0] + 0, v[1] + 0);
  } else {
    return op(op(v[0] + 0, v[2] + 0), op(v[1] + 0, v[3] + 0));
  }
}

#else

template <typename V, typename F>
inline V fold(V v, const F&) {
  return v;
}

#endif

// x.max() of n > 0 values
template <typename T>
inline T maximum(const T* x, Index n) {
  const auto larger = [](auto a, auto b) { return max_(b, a); };
  T most = x[0];
  Index i = 1;
  if (n >= kLanes<T>) {
    Vector<T> m = load(x);
    for (i = kLanes<T>; i + kLanes<T> <= n; i += kLanes<T>) m = larger(m, load(x + i));
    m = larger(m, load(x + n - kLanes<T>));
    return fold(m, larger);
  }
  for (; i < n; ++i) most = larger(most, x[i]);
  return most;
}

// Rows or vectors whose sum is added to a sum of such sums: so many rounding errors add up, not one for each of all.
constexpr Index kSumBlock = 128;

// The sum over i in [first, last) of fn(i, lanes), which gives vectors.
template <typename T, typename F>
inline T sumBlock(Index first, Index last, const F& fn) {
  Vector<T> total{};
  vectors<T>(first, last, [&](Index i, auto lanes) { total = total + fn(i, lanes); });
  return fold(total, [](auto a, auto b) { return a + b; });
}

// The same from 0 on, of more than a block: apart, so that short rows keep their speed.
template <typename T, typename F>
[[gnu::noinline]] T sumBlocks(Index n, F fn) {
  constexpr Index kBlock = kSumBlock * kLanes<T>;
  double total = 0;
  for (Index first = 0; first < n; first += kBlock) total += sumBlock<T>(first, std::min(n, first + kBlock), fn);
  return static_cast<T>(total);
}

// The sum over i in [0, n) of fn(i, lanes), which gives vectors. In an order that depends on n alone.
template <typename T, typename F>
inline T sum(Index n, const F& fn) {
  return n > kSumBlock * kLanes<T> ? sumBlocks<T>(n, fn) : sumBlock<T>(0, n, fn);
}

// x.sum()
template <typename T>
inline T sum(const T* x, Index n) {
  return sum<T>(n, [x](Index i, auto lanes) { return load(x + i, lanes); });
}

// sum += x[rows, n].sum(0) of `Many` neighbouring vectors, which are whole but for a single one
template <Index Many, typename T>
inline void addColumns(const T* x, Index rows, Index n, Index stride, T* sum) {
  const auto width = [n](Index k) { return std::min<Index>(kLanes<T>, n - k * kLanes<T>); };
  Vector<T> total[Many]{};
  Index start = 0;
  if constexpr (Many == 1) {  // alone, each addition would wait for the one before
    constexpr Index kAtOnce = 4;
    for (; start + kAtOnce * kSumBlock <= rows; start += kAtOnce * kSumBlock) {
      Vector<T> block[kAtOnce]{};
      for (Index r = start; r < start + kSumBlock; ++r)
#pragma GCC unroll 4
        for (Index b = 0; b < kAtOnce; ++b) block[b] = block[b] + simd::loadSome(x + (r + b * kSumBlock) * stride, n);
      for (const auto& sums : block) total[0] = total[0] + sums;
    }
  }
  for (Index first = start; first < rows; first += kSumBlock) {
    const Index end = std::min(rows, first + kSumBlock);
    Vector<T> block[Many]{};
    for (Index r = first; r < end; ++r)
      for (Index k = 0; k < Many; ++k) {
        const T* from = x + r * stride + k * kLanes<T>;
        block[k] = block[k] + (Many > 1 ? load(from) : simd::loadSome(from, width(k)));
      }
    for (Index k = 0; k < Many; ++k) total[k] = total[k] + block[k];
  }
  for (Index k = 0; k < Many; ++k) {
    T* to = sum + k * kLanes<T>;
    simd::storeSome(to, simd::loadSome(to, width(k)) + total[k], width(k));
  }
}

// sum[N] += x[rows,N].sum(0), where stride values lie from a row to the next
template <typename T>
void addRows(const T* x, Index rows, Index N, Index stride, T* sum) {
  constexpr Index kMany = 4;
  Index j = 0;
  for (; j + kMany * kLanes<T> <= N; j += kMany * kLanes<T>)
    addColumns<kMany>(x + j, rows, kMany * kLanes<T>, stride, sum + j);
  for (; j < N; j += kLanes<T>) addColumns<1>(x + j, rows, std::min<Index>(kLanes<T>, N - j), stride, sum + j);
}

}  // namespace
}  // namespace fjordnet::FJORDNET_ISA
