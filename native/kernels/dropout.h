// Dropout (Srivastava et al., 2014), inverted: what is kept grows by 1 / (1 - rate), so that nothing changes in
// inference.

// Random bits of counter i: two rounds of C. Wellons' lowbias32 ("Prospecting for hash functions", 2018), keyed by both
// halves of the seed. Any element's bits are computed alone, so that tiles need no order.
inline std::uint32_t mix(std::uint32_t x) {
  x ^= x >> 16;
  x *= 0x21f0aaadu;
  x ^= x >> 15;
  x *= 0x735a2d97u;
  return x ^ (x >> 15);
}

// mask = 1 / (1 - rate) with probability 1 - rate, else 0;  y = x * mask. seed: an integer in [0, 2^53)
// x[B,N] -> y[B,N], mask[B,N]
template <typename T>
void dropout(const Args<T>& a) {
  const T* x = a.buffer[0];
  T *y = a.buffer[1], *mask = a.buffer[2];
  const double rate = *a.scalar[0];
  const auto seed = static_cast<std::uint64_t>(*a.scalar[1]);
  const auto dropped = static_cast<std::uint64_t>(rate * 4294967296.0);
  const T scale = rate < 1.0 ? static_cast<T>(1.0 / (1.0 - rate)) : T(0);
  const auto threshold = static_cast<std::uint32_t>(std::min<std::uint64_t>(dropped, 0xffffffffu));
  elements(*a.team, a.dim[0] * a.dim[1], [&](Index begin, Index end) {
    const auto low = static_cast<std::uint32_t>(seed) + static_cast<std::uint32_t>(begin);
    const auto high = static_cast<std::uint32_t>(seed >> 32) ^ mix(static_cast<std::uint32_t>(begin >> 32));
    const T factor = scale,
            zero = T(0);  // copies: the compiler does not vectorise a choice between a captured value and another
    const T* from = x + begin;
    T *to = y + begin, *factors = mask + begin;
    const auto n = static_cast<std::uint32_t>(end - begin);
#pragma GCC ivdep
    for (std::uint32_t i = 0; i < n; ++i) {
      factors[i] = mix(mix(low + i) ^ high) >= threshold ? factor : zero;
      to[i] = from[i] * factors[i];
    }
  });
}

// dx = dy * mask
template <typename T>
void dropoutGradient(const Args<T>& a) {
  map2(a, [](T mask, T dy) { return dy * mask; });
}

// y = x
template <typename T>
void copy(const Args<T>& a) {
  map1(a, [](T x) { return x; });
}
