// exp and tanh without branches or calls, so that the compiler vectorises every loop they stand in. Within 2 ulp.
// Ranges and the tanh approximations: S. Moshier, Cephes Mathematical Library; exp in double: Chebyshev fit, error 1.3e-17.

#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
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

// 2^k for an integer k that lies in the low bits of shifted = k + 1.5 * 2^52 (2^23 in float).
inline double pow2(double shifted) {
  return bits<double>((bits<std::uint64_t>(shifted) + 1023) << 52);
}
inline float pow2(float shifted) {
  return bits<float>((bits<std::uint32_t>(shifted) + 127) << 23);
}

// exp(x) = 2^k exp(r), |r| <= ln(2) / 2. The scale is applied in two halves, so that results below the smallest normal number are
// right too. exp(x) is Infinity above 709.78 (88.72), as in IEEE 754.
inline double exp_(double x) {
  constexpr double shift = 0x1.8p52;
  const double bounded = x < -746.0 ? -746.0 : x > 710.0 ? 710.0 : x;
  const double k = fma_(bounded, 1.4426950408889634074, shift) - shift;
  const double r = fma_(k, -1.42860682030941723212e-6, fma_(k, -6.93145751953125e-1, bounded));
  double p = 2.5100385495510319077e-8;
  p = fma_(p, r, 2.762008844540974816e-7);
  p = fma_(p, r, 2.7557268459997064772e-6);
  p = fma_(p, r, 2.4801521295954375131e-5);
  p = fma_(p, r, 1.9841269863053616878e-4);
  p = fma_(p, r, 1.3888888917213716901e-3);
  p = fma_(p, r, 8.3333333333300618325e-3);
  p = fma_(p, r, 4.1666666666624127873e-2);
  p = fma_(p, r, 1.6666666666666667453e-1);
  p = fma_(p, r, 5.0000000000000010221e-1);
  const double e = fma_(p, r * r, r) + 1.0;
  const double half = fma_(k, 0.5, shift);
  return e * pow2(half) * pow2(k - (half - shift) + shift);
}

inline float exp_(float x) {
  constexpr float shift = 0x1.8p23f;
  const float bounded = x < -104.0f ? -104.0f : x > 89.0f ? 89.0f : x;
  const float k = fma_(bounded, 1.44269504088896341f, shift) - shift;
  const float r = fma_(k, 2.12194440e-4f, fma_(k, -0.693359375f, bounded));
  float p = 1.9875691500e-4f;
  p = fma_(p, r, 1.3981999507e-3f);
  p = fma_(p, r, 8.3334519073e-3f);
  p = fma_(p, r, 4.1665795894e-2f);
  p = fma_(p, r, 1.6666665459e-1f);
  p = fma_(p, r, 5.0000001201e-1f);
  const float e = fma_(p, r * r, r) + 1.0f;
  const float half = fma_(k, 0.5f, shift);
  return e * pow2(half) * pow2(k - (half - shift) + shift);
}

// tanh for |x| < 0.625 by its odd expansion.
inline double tanhSmall(double x) {
  const double z = x * x;
  const double p = fma_(fma_(-9.64399179425052238628e-1, z, -9.92877231001918586564e1), z, -1.61468768441708447952e3);
  const double q = fma_(fma_(z + 1.12811678491632931402e2, z, 2.23548839060100448583e3), z, 4.84406305325125486048e3);
  return fma_(x * z, p / q, x);
}
inline float tanhSmall(float x) {
  const float z = x * x;
  float p = -5.70498872745e-3f;
  p = fma_(p, z, 2.06390887954e-2f);
  p = fma_(p, z, -5.37397155531e-2f);
  p = fma_(p, z, 1.33314422036e-1f);
  p = fma_(p, z, -3.33332819422e-1f);
  return fma_(x * z, p, x);
}

template <typename T>
inline T tanh_(T x) {
  const T magnitude = x < T(0) ? -x : x;
  const T large = T(1) - T(2) / (exp_(T(2) * magnitude) + T(1));
  const T small = tanhSmall(magnitude < T(0.625) ? magnitude : T(0));
  const T result = magnitude < T(0.625) ? small : large;  // NaN takes the large branch and stays NaN
  return x < T(0) ? -result : magnitude == T(0) ? x : result;
}

template <typename T>
inline T sigmoid_(T x) {
  return T(1) / (T(1) + exp_(-x));
}
