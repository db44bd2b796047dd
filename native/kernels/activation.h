// Activations and their derivatives. A derivative is written from the activation's value y where that determines it to
// the last digits, else from z, and multiplies the gradient, in place where wanted: dz = dy * f'(z).
#pragma once

#include "tiles.h"
#include "vmath.h"

namespace fjordnet::FJORDNET_ISA {
namespace {

// y = f(x), one value at a time: for what compilers vectorise
template <typename T, typename F>
void map1(const Cpu<T>& cpu, Index n, In<T> x, Out<T> y, const F& f) {
  elements(cpu.team, n, [&](Index begin, Index end) {
#pragma GCC ivdep
    for (Index i = begin; i < end; ++i) y[i] = f(x[i]);
  });
}
template <typename T, typename F>
void map2(const Cpu<T>& cpu, Index n, In<T> x, In<T> y, Out<T> z, const F& f) {
  elements(cpu.team, n, [&](Index begin, Index end) {
#pragma GCC ivdep
    for (Index i = begin; i < end; ++i) z[i] = f(x[i], y[i]);
  });
}

// The same with a function of vectors.
template <typename T, typename F>
void mapVectors1(const Cpu<T>& cpu, Index n, In<T> x, Out<T> y, const F& f) {
  elements(cpu.team, n, [&](Index begin, Index end) {
    vectors<T>(begin, end, [&](Index i, auto lanes) { store(y + i, f(load(x + i, lanes)), lanes); });
  });
}
template <typename T, typename F>
void mapVectors2(const Cpu<T>& cpu, Index n, In<T> x, In<T> y, Out<T> z, const F& f) {
  elements(cpu.team, n, [&](Index begin, Index end) {
    vectors<T>(begin, end,
               [&](Index i, auto lanes) { store(z + i, f(load(x + i, lanes), load(y + i, lanes)), lanes); });
  });
}

// y = exp(x)
template <typename T>
void exponential(const Cpu<T>& cpu, Index B, Index N, In<T> x, Out<T> y) {
  mapVectors1(cpu, B * N, x, y, [](auto x) { return exp_(x); });
}

// y = 1 / (1 + exp(-z));  dz = dy * y * (1 - y)
template <typename T>
void sigmoid(const Cpu<T>& cpu, Index B, Index N, In<T> z, Out<T> y) {
  mapVectors1(cpu, B * N, z, y, [](auto z) { return sigmoid_(z); });
}
template <typename T>
void sigmoidGradient(const Cpu<T>& cpu, Index B, Index N, In<T> y, In<T> dy, Out<T> dz) {
  map2(cpu, B * N, y, dy, dz, [](T y, T dy) { return dy * y * (T(1) - y); });
}

// y = tanh(z);  dz = dy * (1 - y^2)
template <typename T>
void tanh(const Cpu<T>& cpu, Index B, Index N, In<T> z, Out<T> y) {
  mapVectors1(cpu, B * N, z, y, [](auto z) { return tanh_(z); });
}
template <typename T>
void tanhGradient(const Cpu<T>& cpu, Index B, Index N, In<T> y, In<T> dy, Out<T> dz) {
  map2(cpu, B * N, y, dy, dz, [](T y, T dy) { return dy * (T(1) - y * y); });
}

// y = max(z, 0), NaN kept;  dz = dy where y > 0
template <typename T>
void relu(const Cpu<T>& cpu, Index B, Index N, In<T> z, Out<T> y) {
  map1(cpu, B * N, z, y, [](T z) { return z < T(0) ? T(0) : z; });
}
template <typename T>
void reluGradient(const Cpu<T>& cpu, Index B, Index N, In<T> y, In<T> dy, Out<T> dz) {
  map2(cpu, B * N, y, dy, dz, [](T y, T dy) { return y > T(0) ? dy : T(0); });
}

// y = min(max(z, 0), 6), NaN kept;  dz = dy where 0 < y < 6
template <typename T>
inline T clippedAt6(T z) {
  return z < T(0) ? T(0) : z > T(6) ? T(6) : z;
}
template <typename T>
void relu6(const Cpu<T>& cpu, Index B, Index N, In<T> z, Out<T> y) {
  map1(cpu, B * N, z, y, [](T z) { return clippedAt6(z); });
}
template <typename T>
void relu6Gradient(const Cpu<T>& cpu, Index B, Index N, In<T> y, In<T> dy, Out<T> dz) {
  map2(cpu, B * N, y, dy, dz, [](T y, T dy) { return y > T(0) && y < T(6) ? dy : T(0); });
}

// y = relu6(z + 3) / 6;  dz = dy / 6 where 0 < y < 1
template <typename T>
void hardSigmoid(const Cpu<T>& cpu, Index B, Index N, In<T> z, Out<T> y) {
  map1(cpu, B * N, z, y, [](T z) { return clippedAt6(z + T(3)) / T(6); });
}
template <typename T>
void hardSigmoidGradient(const Cpu<T>& cpu, Index B, Index N, In<T> y, In<T> dy, Out<T> dz) {
  map2(cpu, B * N, y, dy, dz, [](T y, T dy) { return y > T(0) && y < T(1) ? dy / T(6) : T(0); });
}

// y = z * relu6(z + 3) / 6;  dz = dy * (2 z + 3) / 6 where |z| < 3, dy above, 0 below
template <typename T>
void hardSilu(const Cpu<T>& cpu, Index B, Index N, In<T> z, Out<T> y) {
  map1(cpu, B * N, z, y, [](T z) { return z * (clippedAt6(z + T(3)) / T(6)); });
}
template <typename T>
void hardSiluGradient(const Cpu<T>& cpu, Index B, Index N, In<T> z, In<T> dy, Out<T> dz) {
  map2(cpu, B * N, z, dy, dz, [](T z, T dy) {
    const T slope = z <= T(-3) ? T(0) : z >= T(3) ? T(1) : (z + z + T(3)) / T(6);
    return dy * slope;
  });
}

// y = z / (1 + |z|);  dz = dy / (1 + |z|)^2
template <typename T>
void softsign(const Cpu<T>& cpu, Index B, Index N, In<T> z, Out<T> y) {
  map1(cpu, B * N, z, y, [](T z) { return z / (T(1) + std::fabs(z)); });
}
template <typename T>
void softsignGradient(const Cpu<T>& cpu, Index B, Index N, In<T> z, In<T> dy, Out<T> dz) {
  map2(cpu, B * N, z, dy, dz, [](T z, T dy) {
    const T size = T(1) + std::fabs(z);
    return dy / (size * size);
  });
}

// y = z where z > 0, else alpha * z with alpha >= 0;  dz = dy or alpha * dy
template <typename T>
void leakyRelu(const Cpu<T>& cpu, Index B, Index N, In<T> z, Out<T> y, T alpha) {
  map1(cpu, B * N, z, y, [alpha](T z) { return z > T(0) ? z : alpha * z; });
}
template <typename T>
void leakyReluGradient(const Cpu<T>& cpu, Index B, Index N, In<T> y, In<T> dy, Out<T> dz, T alpha) {
  map2(cpu, B * N, y, dy, dz, [alpha](T y, T dy) { return y > T(0) ? dy : alpha * dy; });
}

// y = scale * z where z > 0, else scale * alpha * (exp(z) - 1);  dz = dy * scale, or dy * scale * alpha * exp(z)
template <typename T>
void exponentialUnit(const Cpu<T>& cpu, Index n, In<T> z, Out<T> y, double scale, double alpha) {
  mapVectors1(cpu, n, z, y, [=](auto z) {
    using V = decltype(z);
    return z > V{} ? all<V>(scale) * z : all<V>(scale * alpha) * expm1_(z);
  });
}
template <typename T>
void exponentialUnitGradient(const Cpu<T>& cpu, Index n, In<T> z, In<T> dy, Out<T> dz, double scale, double alpha) {
  mapVectors2(cpu, n, z, dy, dz, [=](auto z, auto dy) {
    using V = decltype(z);
    return dy * (z > V{} ? all<V>(scale) : all<V>(scale * alpha) * expNormal(z));
  });
}

template <typename T>
void elu(const Cpu<T>& cpu, Index B, Index N, In<T> z, Out<T> y, double alpha) {
  exponentialUnit(cpu, B * N, z, y, 1.0, alpha);
}
template <typename T>
void eluGradient(const Cpu<T>& cpu, Index B, Index N, In<T> z, In<T> dy, Out<T> dz, double alpha) {
  exponentialUnitGradient(cpu, B * N, z, dy, dz, 1.0, alpha);
}

// Klambauer, Unterthiner, Mayr and Hochreiter (2017), equation 14
constexpr double kSeluScale = 1.0507009873554804934, kSeluAlpha = 1.6732632423543772848;

template <typename T>
void selu(const Cpu<T>& cpu, Index B, Index N, In<T> z, Out<T> y) {
  exponentialUnit(cpu, B * N, z, y, kSeluScale, kSeluAlpha);
}
template <typename T>
void seluGradient(const Cpu<T>& cpu, Index B, Index N, In<T> z, In<T> dy, Out<T> dz) {
  exponentialUnitGradient(cpu, B * N, z, dy, dz, kSeluScale, kSeluAlpha);
}

// y = z where z > 0, else alpha * (exp(z / alpha) - 1) with alpha > 0;  dz = dy or dy * exp(z / alpha)
template <typename T>
void celu(const Cpu<T>& cpu, Index B, Index N, In<T> z, Out<T> y, double alpha) {
  mapVectors1(cpu, B * N, z, y, [=](auto z) {
    using V = decltype(z);
    return z > V{} ? z : all<V>(alpha) * expm1_(z / all<V>(alpha));
  });
}
template <typename T>
void celuGradient(const Cpu<T>& cpu, Index B, Index N, In<T> z, In<T> dy, Out<T> dz, double alpha) {
  mapVectors2(cpu, B * N, z, dy, dz, [=](auto z, auto dy) {
    using V = decltype(z);
    return dy * (z > V{} ? all<V>(1.0) : expNormal(z / all<V>(alpha)));
  });
}

// y = log(1 + exp(z)), as max(z, 0) + log(1 + exp(-|z|));  dz = dy * (1 - exp(-y))
template <typename T>
void softplus(const Cpu<T>& cpu, Index B, Index N, In<T> z, Out<T> y) {
  mapVectors1(cpu, B * N, z, y, [](auto z) {
    using V = decltype(z);
    return max_(V{}, z) + log1pSmall(expNormal(-abs_(z)));
  });
}
template <typename T>
void softplusGradient(const Cpu<T>& cpu, Index B, Index N, In<T> y, In<T> dy, Out<T> dz) {
  mapVectors2(cpu, B * N, y, dy, dz, [](auto y, auto dy) { return -dy * expm1_(-y); });
}

// y = log(sigmoid(z)), as min(z, 0) - log(1 + exp(-|z|));  dz = dy * (1 - exp(y))
template <typename T>
void logSigmoid(const Cpu<T>& cpu, Index B, Index N, In<T> z, Out<T> y) {
  mapVectors1(cpu, B * N, z, y, [](auto z) {
    using V = decltype(z);
    return min_(V{}, z) - log1pSmall(expNormal(-abs_(z)));
  });
}
template <typename T>
void logSigmoidGradient(const Cpu<T>& cpu, Index B, Index N, In<T> y, In<T> dy, Out<T> dz) {
  mapVectors2(cpu, B * N, y, dy, dz, [](auto y, auto dy) { return -dy * expm1_(y); });
}

// y = z * sigmoid(z);  dz = dy * s * (1 + z * (1 - s)), s = sigmoid(z)
template <typename T>
void silu(const Cpu<T>& cpu, Index B, Index N, In<T> z, Out<T> y) {
  mapVectors1(cpu, B * N, z, y, [](auto z) { return z * sigmoid_(z); });
}
template <typename T>
void siluGradient(const Cpu<T>& cpu, Index B, Index N, In<T> z, In<T> dy, Out<T> dz) {
  mapVectors2(cpu, B * N, z, dy, dz, [](auto z, auto dy) {
    using V = decltype(z);
    const V s = sigmoid_(z);
    return dy * s * (all<V>(1.0) + z * (all<V>(1.0) - s));
  });
}

// y = z * tanh(softplus(z)) = z * n / m, n = e (e + 2), m = n + 2, e = exp(z);  dz = dy * (n + 4 z e (e + 1) / m) / m
// From 40 on, where tanh and the derivative are 1 to the last digit, by the e of 40: its square is no Infinity.
template <typename T>
void mish(const Cpu<T>& cpu, Index B, Index N, In<T> z, Out<T> y) {
  mapVectors1(cpu, B * N, z, y, [](auto z) {
    using V = decltype(z);
    const V e = expNormal(min_(all<V>(40.0), z));
    const V n = e * (e + all<V>(2.0));
    return z * (n / (n + all<V>(2.0)));
  });
}
template <typename T>
void mishGradient(const Cpu<T>& cpu, Index B, Index N, In<T> z, In<T> dy, Out<T> dz) {
  mapVectors2(cpu, B * N, z, dy, dz, [](auto z, auto dy) {
    using V = decltype(z);
    const V least = min_(all<V>(40.0), z);
    const V e = expNormal(least);
    const V n = e * (e + all<V>(2.0)), m = n + all<V>(2.0);
    return dy * ((n + all<V>(4.0) * least * (e * (e + all<V>(1.0)) / m)) / m);
  });
}

// y = z - tanh(z);  dz = dy * tanh(z)^2
template <typename T>
void tanhShrink(const Cpu<T>& cpu, Index B, Index N, In<T> z, Out<T> y) {
  mapVectors1(cpu, B * N, z, y, [](auto z) { return z - tanh_(z); });
}
template <typename T>
void tanhShrinkGradient(const Cpu<T>& cpu, Index B, Index N, In<T> z, In<T> dy, Out<T> dz) {
  mapVectors2(cpu, B * N, z, dy, dz, [](auto z, auto dy) {
    using V = decltype(z);
    const V t = tanh_(z);
    return dy * t * t;
  });
}

// y = (z + s) / 2, s = sqrt(z^2 + b) with b > 0;  dz = dy * y / s
// s by the larger of |z| and sqrt(b), as z^2 may be Infinity; below 0, where z + s cancels, y = b / (2 (s - z))
template <typename T>
inline T squareplusRoot(T z, T least) {
  const T size = std::fabs(z), most = size > least ? size : least, ratio = (size > least ? least : z) / most;
  return most * std::sqrt(T(1) + ratio * ratio);
}
template <typename T>
inline T squareplusOf(T z, T s, T half) {
  return z > T(0) ? T(0.5) * z + T(0.5) * s : half / (s - z);
}
template <typename T>
void squareplus(const Cpu<T>& cpu, Index B, Index N, In<T> z, Out<T> y, double b) {
  const T least = T(std::sqrt(b)), half = T(0.5 * b);
  map1(cpu, B * N, z, y, [=](T z) { return squareplusOf(z, squareplusRoot(z, least), half); });
}
template <typename T>
void squareplusGradient(const Cpu<T>& cpu, Index B, Index N, In<T> z, In<T> dy, Out<T> dz, double b) {
  const T least = T(std::sqrt(b)), half = T(0.5 * b);
  map2(cpu, B * N, z, dy, dz, [=](T z, T dy) {
    const T s = squareplusRoot(z, least);
    return dy * (squareplusOf(z, s, half) / s);
  });
}

// y = min(max(z, -1), 1), NaN kept;  dz = dy where -1 < y < 1
template <typename T>
inline T clippedAt1(T z) {
  return z < T(-1) ? T(-1) : z > T(1) ? T(1) : z;
}
template <typename T>
void hardTanh(const Cpu<T>& cpu, Index B, Index N, In<T> z, Out<T> y) {
  map1(cpu, B * N, z, y, [](T z) { return clippedAt1(z); });
}
template <typename T>
void hardTanhGradient(const Cpu<T>& cpu, Index B, Index N, In<T> y, In<T> dy, Out<T> dz) {
  map2(cpu, B * N, y, dy, dz, [](T y, T dy) { return y > T(-1) && y < T(1) ? dy : T(0); });
}

// y = z where |z| > threshold, else 0;  dz = dy there. Soft: y is moved towards 0 by the threshold.
template <typename T>
void hardShrink(const Cpu<T>& cpu, Index B, Index N, In<T> z, Out<T> y, T threshold) {
  map1(cpu, B * N, z, y, [threshold](T z) { return std::fabs(z) <= threshold ? T(0) : z; });
}
template <typename T>
void hardShrinkGradient(const Cpu<T>& cpu, Index B, Index N, In<T> z, In<T> dy, Out<T> dz, T threshold) {
  map2(cpu, B * N, z, dy, dz, [threshold](T z, T dy) { return std::fabs(z) <= threshold ? T(0) : dy; });
}
template <typename T>
void softShrink(const Cpu<T>& cpu, Index B, Index N, In<T> z, Out<T> y, T threshold) {
  map1(cpu, B * N, z, y, [threshold](T z) {
    const T moved = z > T(0) ? z - threshold : z + threshold;
    return std::fabs(z) <= threshold ? T(0) : moved;
  });
}
template <typename T>
void softShrinkGradient(const Cpu<T>& cpu, Index B, Index N, In<T> z, In<T> dy, Out<T> dz, T threshold) {
  hardShrinkGradient(cpu, B, N, z, dy, dz, threshold);
}

// y = (1 + clip(z, -1, 1)) / 2;  dz = dy / 2 where 0 < y < 1
template <typename T>
inline T sparseSigmoidOf(T z) {
  return T(0.5) * (T(1) + clippedAt1(z));
}
template <typename T>
void sparseSigmoid(const Cpu<T>& cpu, Index B, Index N, In<T> z, Out<T> y) {
  map1(cpu, B * N, z, y, [](T z) { return sparseSigmoidOf(z); });
}
template <typename T>
void sparseSigmoidGradient(const Cpu<T>& cpu, Index B, Index N, In<T> y, In<T> dy, Out<T> dz) {
  map2(cpu, B * N, y, dy, dz, [](T y, T dy) { return y > T(0) && y < T(1) ? T(0.5) * dy : T(0); });
}

// y = ((1 + clip(z, -1, 1)) / 2)^2 where z < 1, else z: the integral of the above;  dz = dy * sparseSigmoid(z)
template <typename T>
void sparsePlus(const Cpu<T>& cpu, Index B, Index N, In<T> z, Out<T> y) {
  map1(cpu, B * N, z, y, [](T z) {
    const T root = sparseSigmoidOf(z);
    return z > T(1) ? z : root * root;
  });
}
template <typename T>
void sparsePlusGradient(const Cpu<T>& cpu, Index B, Index N, In<T> z, In<T> dy, Out<T> dz) {
  map2(cpu, B * N, z, dy, dz, [](T z, T dy) { return dy * sparseSigmoidOf(z); });
}

// y = z * Phi(z), Phi the normal distribution's cumulative function;  dz = dy * (Phi(z) + z * phi(z))
// approximate: Phi(z) = (1 + tanh(u)) / 2 with u = sqrt(2 / pi) * (z + 0.044715 z^3)  (Hendrycks and Gimpel 2016)
constexpr double kSqrt2OverPi = 0.79788456080286535588;
constexpr double kPhi0 = 0.39894228040143267794;  // 1 / sqrt(2 pi)

template <typename V>
inline V geluTanh(V z) {
  return tanh_(all<V>(kSqrt2OverPi) * z * (all<V>(1.0) + all<V>(0.044715) * z * z));
}

template <typename T>
void gelu(const Cpu<T>& cpu, Index B, Index N, In<T> z, Out<T> y, bool approximate) {
  if (approximate) {
    mapVectors1(cpu, B * N, z, y, [](auto z) {
      using V = decltype(z);
      return all<V>(0.5) * z * (all<V>(1.0) + geluTanh(z));
    });
  } else {
    mapVectors1(cpu, B * N, z, y, [](auto z) { return z * normal_(z); });
  }
}
template <typename T>
void geluGradient(const Cpu<T>& cpu, Index B, Index N, In<T> z, In<T> dy, Out<T> dz, bool approximate) {
  if (approximate) {
    mapVectors2(cpu, B * N, z, dy, dz, [](auto z, auto dy) {
      using V = decltype(z);
      const V t = geluTanh(z);
      const V du = all<V>(kSqrt2OverPi) * (all<V>(1.0) + all<V>(3.0 * 0.044715) * z * z);
      return dy * all<V>(0.5) * ((all<V>(1.0) + t) + z * (all<V>(1.0) - t * t) * du);
    });
  } else {
    mapVectors2(cpu, B * N, z, dy, dz, [](auto z, auto dy) {
      using V = decltype(z);
      return dy * (normal_(z) + z * (all<V>(kPhi0) * expNormal(all<V>(-0.5) * z * z)));
    });
  }
}

// y = 1 where z >= 0, else 0; NaN kept
template <typename T>
void heaviside(const Cpu<T>& cpu, Index B, Index N, In<T> z, Out<T> y) {
  map1(cpu, B * N, z, y, [](T z) { return z >= T(0) ? T(1) : z < T(0) ? T(0) : z; });
}

}  // namespace
}  // namespace fjordnet::FJORDNET_ISA
