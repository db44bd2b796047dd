// exp, expm1, log, log1p, tanh, sigmoid and the normal distribution without branches or calls, for single values and
// vectors. exp and tanh are within 2 ulp. Methods: P. Tang, "Table-driven implementation of the exponential function in
// IEEE floating-point arithmetic" (1989); the logarithm after fdlibm's e_log.c. Polynomials: interpolation in Chebyshev
// points, errors below 3e-17 (float: 5e-9).
#pragma once

#include "pack.h"

namespace fjordnet::FJORDNET_ISA {
namespace {

// c[0] x^n + c[1] x^(n-1) + … + c[n]
template <typename V, typename... C>
inline V polynomial(V x, double first, C... rest) {
  V p = all<V>(first);
  ((p = fma_(p, x, all<V>(rest))), ...);
  return p;
}

// 1.5 * 2^52 (2^23 in float): adding it rounds to an integer and leaves that in the low bits.
template <typename V>
constexpr double kShift = sizeof(Value<V>) == 8 ? 0x1.8p52 : 0x1.8p23;

// 2^k for the integer k in the low bits of shifted = k + kShift; 0 for the least exponent, Infinity for the largest.
template <typename V>
inline V pow2(V shifted) {
  if constexpr (sizeof(Value<V>) == 8) {
    return fromBits((toBits(shifted) + 1023) << 52);
  } else {
    return fromBits((toBits(shifted) + 127) << 23);
  }
}

// x = k ln(2) + r with |r| <= ln(2) / 2, and exp(r) - 1.
template <typename V>
struct Reduced {
  V shifted, k, expm1;

  explicit Reduced(V x) {
    shifted = fma_(x, all<V>(1.4426950408889634074), all<V>(kShift<V>));
    k = shifted - all<V>(kShift<V>);
    V r, p;
    if constexpr (sizeof(Value<V>) == 8) {
      r = fma_(k, all<V>(-1.42860682030941723212e-6), fma_(k, all<V>(-6.93145751953125e-1), x));
      p = polynomial(r, 2.5100385495510319078e-8, 2.7620088445409748161e-7, 2.7557268459997064772e-6,
                     2.4801521295954375131e-5, 1.9841269863053616878e-4, 1.3888888917213716901e-3,
                     8.3333333333300618325e-3, 4.1666666666624127873e-2, 1.6666666666666667453e-1,
                     5.0000000000000010221e-1);
    } else {
      r = fma_(k, all<V>(2.12194440e-4), fma_(k, all<V>(-0.693359375), x));
      p = polynomial(r, 1.9891080463998842e-4, 1.3933730715792083e-3, 8.3333108446478629e-3, 4.1666464197405692e-2,
                     1.6666666681704215e-1, 5.0000000135387299e-1);
    }
    expm1 = fma_(p, r * r, r);
  }
};

// Infinity above 709.78 (88.72) and 0 below -745.13 (-103.97), as in IEEE 754.
template <typename V>
inline V exp_(V x) {
  constexpr bool isDouble = sizeof(Value<V>) == 8;
  const V bounded = min_(all<V>(isDouble ? 710.0 : 89.0), max_(all<V>(isDouble ? -746.0 : -104.0), x));
  const Reduced<V> e(bounded);
  // 2^k in two halves, so that results below the smallest normal number are right too
  const V half = fma_(e.k, all<V>(0.5), all<V>(kShift<V>));
  return (e.expm1 + all<V>(1.0)) * pow2(half) * pow2(e.k - (half - all<V>(kShift<V>)) + all<V>(kShift<V>));
}

// The same for where a result below the smallest normal number may be 0, and one near the largest Infinity.
template <typename V>
inline V expNormal(V x) {
  constexpr bool isDouble = sizeof(Value<V>) == 8;
  const V bounded = min_(all<V>(isDouble ? 710.0 : 89.0), max_(all<V>(isDouble ? -709.0 : -88.0), x));
  const Reduced<V> e(bounded);
  return (e.expm1 + all<V>(1.0)) * pow2(e.shifted);
}

#if FJORDNET_VECTOR_BYTES == 64

// 2^(j/16)
alignas(64) constexpr double kRoots[16] = {1.0,
                                           1.0442737824274138403,
                                           1.0905077326652576592,
                                           1.1387886347566916537,
                                           1.1892071150027210667,
                                           1.2418578120734840486,
                                           1.2968395546510096659,
                                           1.3542555469368927283,
                                           1.4142135623730950488,
                                           1.4768261459394993114,
                                           1.5422108254079408236,
                                           1.6104903319492543082,
                                           1.6817928305074290861,
                                           1.7562521603732994831,
                                           1.8340080864093424635,
                                           1.9152065613971472939};

// x = k ln(2) + r with k in sixteenths, whose roots of 2 lie in registers; the processor scales, results below the
// smallest normal number included. Half the time of the polynomial above.
inline Doubles exp_(Doubles x) {
  const Doubles bounded = min_(all<Doubles>(710.0), max_(all<Doubles>(-746.0), x));
  const Doubles shifted = fma_(bounded, all<Doubles>(1.4426950408889634074), all<Doubles>(0x1.8p48));
  const Doubles k = shifted - all<Doubles>(0x1.8p48);
  const Doubles r =
      fma_(k, all<Doubles>(-1.42860682030941723212e-6), fma_(k, all<Doubles>(-6.93145751953125e-1), bounded));
  const Doubles p = polynomial(r, 1.3889034377693011883e-3, 8.3334497245283561569e-3, 4.1666666664959767097e-2,
                               1.6666666665301144786e-1, 0.5);
  const Doubles root =
      _mm512_permutex2var_pd(_mm512_load_pd(kRoots), _mm512_castpd_si512(shifted), _mm512_load_pd(kRoots + 8));
  return _mm512_maskz_scalef_pd(kAll8, fma_(root, fma_(p, r * r, r), root), k);
}

inline Floats exp_(Floats x) {
  alignas(64) static constexpr float kFloatRoots[16] = {1.0f,          1.0442737824f, 1.0905077327f, 1.1387886348f,
                                                        1.1892071150f, 1.2418578121f, 1.2968395547f, 1.3542555469f,
                                                        1.4142135624f, 1.4768261459f, 1.5422108254f, 1.6104903319f,
                                                        1.6817928305f, 1.7562521604f, 1.8340080864f, 1.9152065614f};
  const Floats bounded = min_(all<Floats>(89.0), max_(all<Floats>(-104.0), x));
  const Floats shifted = fma_(bounded, all<Floats>(1.4426950408889634074), all<Floats>(0x1.8p19));
  const Floats k = shifted - all<Floats>(0x1.8p19);
  const Floats r = fma_(k, all<Floats>(2.12194440e-4), fma_(k, all<Floats>(-0.693359375), bounded));
  const Floats p = polynomial(r, 0.16666862555784012147, 0.50000979447779434108);
  const Floats root = _mm512_maskz_permutexvar_ps(kAll16, _mm512_castps_si512(shifted), _mm512_load_ps(kFloatRoots));
  return _mm512_maskz_scalef_ps(kAll16, fma_(root, fma_(p, r * r, r), root), k);
}

inline Doubles expNormal(Doubles x) { return exp_(x); }
inline Floats expNormal(Floats x) { return exp_(x); }

#endif

// exp(x) - 1 for x <= 50, within 2.5 ulp. 2^k - 1 is exact, so that nothing cancels.
template <typename V>
inline V expm1_(V x) {
  const Reduced<V> e(max_(all<V>(-50.0), x));
  const V scale = pow2(e.shifted);
  return fma_(scale, e.expm1, scale - all<V>(1.0));
}

// x + x^3 P(x^2) / Q(x^2) below 0.625 (S. Moshier, Cephes Mathematical Library), else 1 - 2 / (exp(2x) + 1), by one
// division.
template <typename V>
inline V tanh_(V x) {
  const V size = abs_(x);
  const auto isSmall = size < all<V>(0.625);
  const V z = size * size;
  const V e = expNormal(size + size) + all<V>(1.0);
  V result;
  if constexpr (sizeof(Value<V>) == 8) {
    const V p = polynomial(z, -9.64399179425052238628e-1, -9.92877231001918586564e1, -1.61468768441708447952e3);
    const V q = polynomial(z, 1.0, 1.12811678491632931402e2, 2.23548839060100448583e3, 4.84406305325125486048e3);
    const V quotient = (isSmall ? size * z * p : all<V>(-2.0)) / (isSmall ? q : e);
    result = (isSmall ? size : all<V>(1.0)) + quotient;
  } else {
    const V p =
        polynomial(z, -5.70498872745e-3, 2.06390887954e-2, -5.37397155531e-2, 1.33314422036e-1, -3.33332819422e-1);
    result = isSmall ? fma_(size * z, p, size) : all<V>(1.0) - all<V>(2.0) / e;
  }
  return copysign_(result, x);
}

template <typename V>
inline V sigmoid_(V x) {
  return all<V>(1.0) / (all<V>(1.0) + expNormal(-x));
}

// log(1 + f) for sqrt(1/2) <= 1 + f <= sqrt(2)
template <typename V>
inline V logNear1(V f, V k) {
  const V s = f / (all<V>(2.0) + f);
  const V z = s * s;
  const V half = all<V>(0.5) * f * f;
  V p;
  if constexpr (sizeof(Value<V>) == 8) {
    p = polynomial(z, 0.14616585424888621989, 0.15331710618210771568, 0.18182889455674946039, 0.22222211130259877029,
                   0.28571428626003268742, 0.39999999999899443233, 0.66666666666666696883);
    return fma_(k, all<V>(6.93147180369123816490e-1),
                f - (half - fma_(s, fma_(p, z, half), k * all<V>(1.90821492927058770002e-10))));
  } else {
    p = polynomial(z, 0.23330581938241894, 0.28550816599711549, 0.40000121876972001, 0.66666666554451646);
    return fma_(k, all<V>(0.693359375), f - (half - fma_(s, fma_(p, z, half), k * all<V>(-2.12194440e-4))));
  }
}

// The natural logarithm of a positive normal number; NaN stays NaN.
template <typename V>
inline V log_(V x) {
  constexpr bool isDouble = sizeof(Value<V>) == 8;
  // the exponent of x / sqrt(1/2), so that the rest lies in [sqrt(1/2), sqrt(2))
  if constexpr (isDouble) {
    const auto shifted = toBits(x) - 0x3fe6a09e667f3bcdu;
    const auto exponent = ((shifted >> 52) ^ 0x800u) + 0x4330000000000000u;  // as a double: 2^52 + 2048 + k
    const V k = fromBits(exponent) - all<V>(4503599627370496.0 + 2048.0);
    const V rest = fromBits((shifted & 0x000fffffffffffffu) + 0x3fe6a09e667f3bcdu);
    return logNear1(rest - all<V>(1.0), k) + (x - x);
  } else {
    const auto shifted = toBits(x) - 0x3f3504f3u;
    const auto exponent = ((shifted >> 23) ^ 0x100u) + 0x4b000000u;
    const V k = fromBits(exponent) - all<V>(8388608.0 + 256.0);
    const V rest = fromBits((shifted & 0x007fffffu) + 0x3f3504f3u);
    return logNear1(rest - all<V>(1.0), k) + (x - x);
  }
}

// log(1 + x) for 0 <= x <= 1
template <typename V>
inline V log1pSmall(V x) {
  const auto large = x > all<V>(0.41421356237309504880);
  const V f = large ? all<V>(0.5) * (x - all<V>(1.0)) : x;
  return logNear1(f, large ? all<V>(1.0) : all<V>(0.0));
}

// Of u >= 0: erf(u) = u + u P(u^2) up to 1, and erfc(u) = exp(-u^2) P((u - K) / (u + K)) above.
template <typename V>
struct ErrorFunction {
  V erf, erfc;
};
template <typename V>
inline ErrorFunction<V> errorFunction(V u) {
  constexpr bool isDouble = sizeof(Value<V>) == 8;
  const V z = u * u;
  const V t = (u - all<V>(isDouble ? 3.0 : 2.0)) / (u + all<V>(isDouble ? 3.0 : 2.0));
  V small, tail;
  if constexpr (isDouble) {
    small = polynomial(z, -7.7958988270021422416e-10, 1.3720064546977685604e-8, -1.6208483801871705902e-7,
                       1.644742470331736241e-6, -1.4924736907419660338e-5, 1.2055294904839707917e-4,
                       -8.5483259753896920806e-4, 5.2239776071164227321e-3, -2.686617064323777036e-2,
                       1.1283791670945006266e-1, -3.7612638903183540438e-1, 1.283791670955125665e-1);
    tail = polynomial(t, 4.373258501798789e-09, 7.257696669951862e-08, -2.1399124714768342e-07, -3.3830251220721836e-07,
                      1.255797636250571e-06, 2.13833475361052e-06, -7.982896113123312e-06, -1.2864478853373562e-05,
                      6.405798917371969e-05, 4.525578765631758e-05, -0.0005970621555833538, 0.0007077464047723373,
                      0.004269136348342123, -0.02439249931737409, 0.07166583719741822, -0.15011593650080107,
                      0.2456038017123385, -0.3262335600430371, 0.17900115118138993);
  } else {
    small = polynomial(z, 7.8758750626854883e-5, -8.0168642871658696e-4, 5.1890874234339740e-3, -2.6854212010626412e-2,
                       1.1283594715160218e-1, -3.7612626666720331e-1, 1.283791658483509e-1);
    tail = polynomial(t, 0.00014017307244903893, 7.63982983202961e-05, -0.0009792301705553118, -0.000854170157935661,
                      0.0069978017862920025, 0.003733436802318462, -0.07897861338427892, 0.24165817943096313,
                      -0.4271858469700162, 0.2553956763774892);
  }
  return {fma_(u, small, u), expNormal(-z) * tail};
}

// Beyond that, erfc is 0: not the least of all numbers, which gelu multiplies by what may be large.
template <typename V>
inline V boundedError(V u) {
  return min_(all<V>(sizeof(Value<V>) == 8 ? 28.0 : 11.0), u);
}

// The normal distribution's cumulative function, within 2 x^2 + 2 ulp: precise in its lower tail too.
template <typename V>
inline V normal_(V x) {
  const V u = boundedError(abs_(x) * all<V>(0.70710678118654752440));
  const auto [erf, erfc] = errorFunction(u);
  const V lower = all<V>(0.5) * (u < all<V>(1.0) ? all<V>(1.0) - erf : erfc);
  return x > V{} ? all<V>(1.0) - lower : lower;
}

template <typename V>
inline V erf_(V x) {
  const V u = boundedError(abs_(x));
  const auto [erf, erfc] = errorFunction(u);
  const V y = u < all<V>(1.0) ? erf : all<V>(1.0) - erfc;
  return x == x ? copysign_(y, x) : x;
}

}  // namespace
}  // namespace fjordnet::FJORDNET_ISA
