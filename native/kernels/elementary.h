// Functions of single values, element by element, with their derivatives.
#pragma once

#include "activation.h"

namespace fjordnet::FJORDNET_ISA {
namespace {

// |x|, its derivative dy * sign(x), and the sign: -1, 0 or 1, or NaN
template <typename T>
inline T signOf(T x) {
  return x > T(0) ? T(1) : x < T(0) ? T(-1) : x;
}
template <typename T>
void absolute(const Cpu<T>& cpu, Index B, Index N, In<T> x, Out<T> y) {
  map1(cpu, B * N, x, y, [](T x) { return std::fabs(x); });
}
template <typename T>
void absoluteGradient(const Cpu<T>& cpu, Index B, Index N, In<T> x, In<T> dy, Out<T> dx) {
  map2(cpu, B * N, x, dy, dx, [](T x, T dy) { return dy * signOf(x); });
}
template <typename T>
void sign(const Cpu<T>& cpu, Index B, Index N, In<T> x, Out<T> y) {
  map1(cpu, B * N, x, y, [](T x) { return signOf(x); });
}

// The largest whole number that is not above x;  the nearest one, the even one of two
template <typename T>
void floor(const Cpu<T>& cpu, Index B, Index N, In<T> x, Out<T> y) {
  map1(cpu, B * N, x, y, [](T x) { return std::floor(x); });
}
template <typename T>
void round(const Cpu<T>& cpu, Index B, Index N, In<T> x, Out<T> y) {
  map1(cpu, B * N, x, y, [](T x) { return std::nearbyint(x); });
}

// sin(x), its derivative dy * cos(x);  cos(x), -dy * sin(x)
template <typename T>
void sine(const Cpu<T>& cpu, Index B, Index N, In<T> x, Out<T> y) {
  map1(cpu, B * N, x, y, [](T x) { return std::sin(x); });
}
template <typename T>
void sineGradient(const Cpu<T>& cpu, Index B, Index N, In<T> x, In<T> dy, Out<T> dx) {
  map2(cpu, B * N, x, dy, dx, [](T x, T dy) { return dy * std::cos(x); });
}
template <typename T>
void cosine(const Cpu<T>& cpu, Index B, Index N, In<T> x, Out<T> y) {
  map1(cpu, B * N, x, y, [](T x) { return std::cos(x); });
}
template <typename T>
void cosineGradient(const Cpu<T>& cpu, Index B, Index N, In<T> x, In<T> dy, Out<T> dx) {
  map2(cpu, B * N, x, dy, dx, [](T x, T dy) { return -dy * std::sin(x); });
}

// The error function, and its derivative dy * 2 / sqrt(pi) * exp(-x^2)
template <typename T>
void erf(const Cpu<T>& cpu, Index B, Index N, In<T> x, Out<T> y) {
  mapVectors1(cpu, B * N, x, y, [](auto x) { return erf_(x); });
}
template <typename T>
void erfGradient(const Cpu<T>& cpu, Index B, Index N, In<T> x, In<T> dy, Out<T> dx) {
  mapVectors2(cpu, B * N, x, dy, dx, [](auto x, auto dy) {
    using V = decltype(x);
    return dy * (all<V>(1.12837916709551257390) * expNormal(-x * x));
  });
}

// log(x);  log(1 + x), and its derivative dy / (1 + x)
template <typename T>
void logarithm(const Cpu<T>& cpu, Index B, Index N, In<T> x, Out<T> y) {
  map1(cpu, B * N, x, y, [](T x) { return std::log(x); });
}
template <typename T>
void log1p(const Cpu<T>& cpu, Index B, Index N, In<T> x, Out<T> y) {
  map1(cpu, B * N, x, y, [](T x) { return std::log1p(x); });
}
template <typename T>
void log1pGradient(const Cpu<T>& cpu, Index B, Index N, In<T> x, In<T> dy, Out<T> dx) {
  map2(cpu, B * N, x, dy, dx, [](T x, T dy) { return dy / (T(1) + x); });
}

// y = sqrt(x), dx = dy / (2 y);  y = x^2, dx = 2 x dy
template <typename T>
void squareRoot(const Cpu<T>& cpu, Index B, Index N, In<T> x, Out<T> y) {
  map1(cpu, B * N, x, y, [](T x) { return std::sqrt(x); });
}
template <typename T>
void squareRootGradient(const Cpu<T>& cpu, Index B, Index N, In<T> y, In<T> dy, Out<T> dx) {
  map2(cpu, B * N, y, dy, dx, [](T y, T dy) { return dy / (T(2) * y); });
}
template <typename T>
void square(const Cpu<T>& cpu, Index B, Index N, In<T> x, Out<T> y) {
  map1(cpu, B * N, x, y, [](T x) { return x * x; });
}
template <typename T>
void squareGradient(const Cpu<T>& cpu, Index B, Index N, In<T> x, In<T> dy, Out<T> dx) {
  map2(cpu, B * N, x, dy, dx, [](T x, T dy) { return T(2) * x * dy; });
}

// z = x^y;  dx = dz * y * x^(y - 1), which is 0 for y = 0 at every x;  dy = dz * z * log(x), which is 0 at x = 0. Of a
// negative x there are values at whole y alone, and hence no derivative: log(x) counts as 0 there, as in TensorFlow.
template <typename T>
void power(const Cpu<T>& cpu, Index B, Index N, In<T> x, In<T> y, Out<T> z) {
  map2(cpu, B * N, x, y, z, [](T x, T y) { return std::pow(x, y); });
}
template <typename T, typename F>
void map3(const Cpu<T>& cpu, Index n, In<T> x, In<T> y, In<T> z, Out<T> to, const F& f) {
  elements(cpu.team, n, [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) to[i] = f(x[i], y[i], z[i]);
  });
}
template <typename T>
void powerBaseGradient(const Cpu<T>& cpu, Index B, Index N, In<T> x, In<T> y, In<T> dz, Out<T> dx) {
  map3(cpu, B * N, x, y, dz, dx, [](T x, T y, T dz) { return y == T(0) ? T(0) : dz * y * std::pow(x, y - T(1)); });
}
template <typename T>
void powerExponentGradient(const Cpu<T>& cpu, Index B, Index N, In<T> x, In<T> y, In<T> dz, Out<T> dy) {
  map3(cpu, B * N, x, y, dz, dy, [](T x, T y, T dz) {
    if (x == T(0)) return T(0);
    return dz * std::pow(x, y) * (x < T(0) ? T(0) : std::log(x));
  });
}

}  // namespace
}  // namespace fjordnet::FJORDNET_ISA
