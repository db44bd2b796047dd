// One register of the instruction set that this is compiled for: for sums that stay in registers and for rows shorter
// than a vector, neither of which compilers vectorise well. Where the compiler has no vector types a register holds one
// value.
#pragma once

#include "isa.h"

namespace fjordnet::FJORDNET_ISA {
namespace {

namespace simd {

#if FJORDNET_VECTOR_BYTES == 64 || defined(__aarch64__)
constexpr int kRegisters = 32;
#else
constexpr int kRegisters = 16;
#endif

#if FJORDNET_VECTOR_BYTES > 0

template <typename T>
struct VectorOf {
  typedef T Type __attribute__((vector_size(FJORDNET_VECTOR_BYTES)));
  typedef T Unaligned __attribute__((vector_size(FJORDNET_VECTOR_BYTES), aligned(alignof(T)), may_alias));
};
template <typename T>
constexpr int kLanes = FJORDNET_VECTOR_BYTES / static_cast<int>(sizeof(T));

#else

template <typename T>
struct VectorOf {
  using Type = T;
  using Unaligned = T;
};
template <typename T>
constexpr int kLanes = 1;

#endif

template <typename T>
using Vector = typename VectorOf<T>::Type;

// Not memcpy, which GCC 12 splits into 16-byte moves.
template <typename T>
inline Vector<T> load(const T* from) {
  return *reinterpret_cast<const typename VectorOf<T>::Unaligned*>(from);
}
template <typename T>
inline void store(T* to, Vector<T> v) {
  *reinterpret_cast<typename VectorOf<T>::Unaligned*>(to) = v;
}
template <typename T>
inline Vector<T> broadcast(T x) {
  return x - Vector<T>{};  // 0 + x would lose the sign of -0, and so be computed
}

// load(p, n) and store(p, v, n) touch the first n < kLanes values alone; what is not loaded is zero.
// fma_ is a * b + c, rounded once where the processor can.
#if FJORDNET_VECTOR_BYTES == 64

inline Vector<float> load(const float* from, Index n) {
  return _mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << n) - 1), from);
}
inline Vector<double> load(const double* from, Index n) {
  return _mm512_maskz_loadu_pd(static_cast<__mmask8>((1u << n) - 1), from);
}
inline void store(float* to, Vector<float> v, Index n) {
  _mm512_mask_storeu_ps(to, static_cast<__mmask16>((1u << n) - 1), v);
}
inline void store(double* to, Vector<double> v, Index n) {
  _mm512_mask_storeu_pd(to, static_cast<__mmask8>((1u << n) - 1), v);
}
inline Vector<float> fma_(Vector<float> a, Vector<float> b, Vector<float> c) { return _mm512_fmadd_ps(a, b, c); }
inline Vector<double> fma_(Vector<double> a, Vector<double> b, Vector<double> c) { return _mm512_fmadd_pd(a, b, c); }

#else

// In halves of the halves: short loops over single values cost as much as the arithmetic.
template <int N, typename T>
inline void copyFirst(T* to, const T* from, Index n) {
  if constexpr (N > 0) {
    if (n & N) {
      std::memcpy(to, from, N * sizeof(T));
      to += N;
      from += N;
    }
    copyFirst<N / 2>(to, from, n);
  }
}
#if FJORDNET_VECTOR_BYTES == 32
inline Vector<float> load(const float* from, Index n) {
  return _mm256_maskload_ps(
      from, _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7)));
}
inline Vector<double> load(const double* from, Index n) {
  return _mm256_maskload_pd(from, _mm256_cmpgt_epi64(_mm256_set1_epi64x(n), _mm256_setr_epi64x(0, 1, 2, 3)));
}
#else
template <typename T>
inline Vector<T> load(const T* from, Index n) {
  T lanes[kLanes<T>] = {};
  copyFirst<kLanes<T> / 2>(lanes, from, n);
  return load(lanes);
}
#endif
template <typename T>
inline void store(T* to, Vector<T> v, Index n) {
  T lanes[kLanes<T>];
  store(lanes, v);
  copyFirst<kLanes<T> / 2>(to, lanes, n);
}

#if FJORDNET_VECTOR_BYTES == 32
inline Vector<float> fma_(Vector<float> a, Vector<float> b, Vector<float> c) { return _mm256_fmadd_ps(a, b, c); }
inline Vector<double> fma_(Vector<double> a, Vector<double> b, Vector<double> c) { return _mm256_fmadd_pd(a, b, c); }
#elif defined(__aarch64__)
inline Vector<float> fma_(Vector<float> a, Vector<float> b, Vector<float> c) { return vfmaq_f32(c, a, b); }
inline Vector<double> fma_(Vector<double> a, Vector<double> b, Vector<double> c) { return vfmaq_f64(c, a, b); }
#else
inline Vector<float> fma_(Vector<float> a, Vector<float> b, Vector<float> c) { return a * b + c; }
inline Vector<double> fma_(Vector<double> a, Vector<double> b, Vector<double> c) { return a * b + c; }
#endif

#endif

// The first n values of a vector, and of half of one: loadPart(p, n, to), storePart(p, n, v).
#if FJORDNET_VECTOR_BYTES == 64

constexpr bool kHasHalf = true;
template <typename T>
struct HalfOf {
  typedef T Type __attribute__((vector_size(32)));
};
template <typename T>
using HalfVector = typename HalfOf<T>::Type;

inline void loadPart(const float* from, Index n, HalfVector<float>& to) {
  to = _mm256_maskz_loadu_ps(static_cast<__mmask8>((1u << n) - 1), from);
}
inline void loadPart(const double* from, Index n, HalfVector<double>& to) {
  to = _mm256_maskz_loadu_pd(static_cast<__mmask8>((1u << n) - 1), from);
}
inline void storePart(float* to, Index n, HalfVector<float> v) {
  _mm256_mask_storeu_ps(to, static_cast<__mmask8>((1u << n) - 1), v);
}
inline void storePart(double* to, Index n, HalfVector<double> v) {
  _mm256_mask_storeu_pd(to, static_cast<__mmask8>((1u << n) - 1), v);
}
// Not __builtin_shufflevector: GCC 12 makes a load of its own of the half of a number that fills a vector.
inline HalfVector<float> lowerHalf(Vector<float> v) { return _mm512_maskz_extractf32x8_ps(0xff, v, 0); }
inline HalfVector<double> lowerHalf(Vector<double> v) { return _mm512_maskz_extractf64x4_pd(0xff, v, 0); }
inline HalfVector<float> fma_(HalfVector<float> a, HalfVector<float> b, HalfVector<float> c) {
  return _mm256_fmadd_ps(a, b, c);
}
inline HalfVector<double> fma_(HalfVector<double> a, HalfVector<double> b, HalfVector<double> c) {
  return _mm256_fmadd_pd(a, b, c);
}

#else

constexpr bool kHasHalf = false;
template <typename T>
using HalfVector = Vector<T>;

#endif

// The lanes of a vector that a part of one has.
template <typename Part, typename V>
inline Part lowerPart(V v) {
  if constexpr (std::is_same_v<Part, V>) {
    return v;
  } else {
    return lowerHalf(v);
  }
}

template <typename T>
inline void loadPart(const T* from, Index n, Vector<T>& to) {
  to = load(from, n);
}
template <typename T>
inline void storePart(T* to, Index n, Vector<T> v) {
  store(to, v, n);
}

// keepLarger: where v is larger than most, or NaN, most becomes v and at becomes place; whereEqual: v where a is x,
// else zero. GCC 12 makes vectors of AVX-512's masks and masks of these again.
#if FJORDNET_VECTOR_BYTES == 64

inline void keepLarger(Vector<float> v, float place, Vector<float>& most, Vector<float>& at) {
  const auto larger =
      static_cast<__mmask16>(_mm512_cmp_ps_mask(v, most, _CMP_GT_OQ) | _mm512_cmp_ps_mask(v, v, _CMP_UNORD_Q));
  most = _mm512_mask_mov_ps(most, larger, v);
  at = _mm512_mask_mov_ps(at, larger, _mm512_set1_ps(place));
}
inline void keepLarger(Vector<double> v, double place, Vector<double>& most, Vector<double>& at) {
  const auto larger =
      static_cast<__mmask8>(_mm512_cmp_pd_mask(v, most, _CMP_GT_OQ) | _mm512_cmp_pd_mask(v, v, _CMP_UNORD_Q));
  most = _mm512_mask_mov_pd(most, larger, v);
  at = _mm512_mask_mov_pd(at, larger, _mm512_set1_pd(place));
}
inline Vector<float> whereEqual(Vector<float> a, float x, Vector<float> v) {
  return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(a, _mm512_set1_ps(x), _CMP_EQ_OQ), v);
}
inline Vector<double> whereEqual(Vector<double> a, double x, Vector<double> v) {
  return _mm512_maskz_mov_pd(_mm512_cmp_pd_mask(a, _mm512_set1_pd(x), _CMP_EQ_OQ), v);
}

#else

template <typename T>
inline void keepLarger(Vector<T> v, T place, Vector<T>& most, Vector<T>& at) {
  const auto larger = (v > most) | (v != v);
  most = larger ? v : most;
  at = larger ? broadcast(place) : at;
}
template <typename T>
inline Vector<T> whereEqual(Vector<T> a, T x, Vector<T> v) {
  return a == broadcast(x) ? v : Vector<T>{};
}

#endif

// The same for n <= kLanes.
template <typename T>
inline Vector<T> loadSome(const T* from, Index n) {
  return n == kLanes<T> ? load(from) : load(from, n);
}
template <typename T>
inline void storeSome(T* to, Vector<T> v, Index n) {
  if (n == kLanes<T>) {
    store(to, v);
  } else {
    store(to, v, n);
  }
}

}  // namespace simd

}  // namespace
}  // namespace fjordnet::FJORDNET_ISA
