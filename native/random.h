// MT19937 and the draws of NumPy's legacy RandomState (numpy/random/src/mt19937, legacy-distributions.c, mtrand.pyx),
// draw for draw. NumPy froze this stream in NEP 19.
#pragma once

#include "kernels/includes.h"

namespace fjordnet {

// Kernels draw, too: those of each instruction set have a class of their own, of an owner that nobody else knows.
template <typename Owner = void>
class Mt19937 {
 public:
  static constexpr int kWords = 624;

  std::uint32_t key[kWords];
  int pos = kWords;
  bool hasGauss = false;
  double gauss = 0.0;

  explicit Mt19937(std::uint32_t seed) {
    for (int i = 0; i < kWords; ++i) {
      key[i] = seed;
      seed = 1812433253u * (seed ^ (seed >> 30)) + static_cast<std::uint32_t>(i) + 1u;
    }
  }

  // As kWords words of the key, the position, whether a normal number is kept, and that number's bits.
  static constexpr int kStateWords = kWords + 4;

  explicit Mt19937(const std::int32_t* state)
      : pos(std::clamp(state[kWords], 0, kWords)), hasGauss(state[kWords + 1] != 0) {
    std::memcpy(key, state, sizeof key);
    std::memcpy(&gauss, state + kWords + 2, sizeof gauss);
  }
  void save(std::int32_t* state) const {
    std::memcpy(state, key, sizeof key);
    state[kWords] = pos;
    state[kWords + 1] = hasGauss ? 1 : 0;
    std::memcpy(state + kWords + 2, &gauss, sizeof gauss);
  }

  std::uint32_t next32() {
    if (pos == kWords) twist();
    return temper(key[pos++]);
  }

  std::uint64_t next64() {
    const std::uint64_t high = next32();
    return (high << 32) | next32();
  }

  // Uniform in [0, 1) with 53 bits.
  double nextDouble() {
    const std::uint32_t a = next32();
    return below<double>(a, next32());
  }

  // n of them. Of T float the largest that is not above each: below a probability in float where the number itself is.
  // Words are tempered many at once, which vectorises.
  template <typename T>
  void doubles(T* out, std::int64_t n) {
    for (std::int64_t i = 0; i < n;) {
      if (pos == kWords) twist();
      const auto count = static_cast<int>(std::min<std::int64_t>((kWords - pos) / 2, n - i));
      const std::uint32_t* words = key + pos;
      for (int k = 0; k < count; ++k) out[i + k] = below<T>(temper(words[2 * k]), temper(words[2 * k + 1]));
      pos += 2 * count;
      i += count;
      if (count > 0) continue;
      const std::uint32_t first = next32();  // the last of its 624
      out[i++] = below<T>(first, next32());
    }
  }

  // Standard normal by the polar method; every second value is kept for the next call.
  double nextGauss() {
    if (hasGauss) {
      hasGauss = false;
      const double kept = gauss;
      gauss = 0.0;
      return kept;
    }
    double x1, x2, r2;
    do {
      x1 = 2.0 * nextDouble() - 1.0;
      x2 = 2.0 * nextDouble() - 1.0;
      r2 = x1 * x1 + x2 * x2;
    } while (r2 >= 1.0 || r2 == 0.0);
    const double f = std::sqrt(-2.0 * std::log(r2) / r2);
    gauss = f * x1;
    hasGauss = true;
    return f * x2;
  }

  // Uniform integer in [0, max] by masked rejection; no draw for max = 0.
  std::uint64_t nextBounded(std::uint64_t max) {
    if (max == 0) return 0;
    const std::uint64_t mask = maskFor(max);
    std::uint64_t value;
    do {
      value = max <= 0xffffffffu ? next32() & mask : next64() & mask;
    } while (value > max);
    return value;
  }

  // In-place shuffle of a[0..n), n < 2^32: for i = n-1 .. 1, swap a[i] with a[bounded(i)]. The rejection is folded into
  // the swap (a rejected draw swaps a[i] with itself and keeps i): the branch it saves is mispredicted every other
  // draw. Words are tempered many at once, which vectorises, and indices have 32 bits: together 3.3 us instead of 5.1
  // for n = 1437.
  void shuffle(std::int32_t* a, std::int64_t n) { shuffle(a, n, n); }

  // The same where only the first `kept` will be looked at: what a swap would leave at a place behind them is never
  // read again. Half of the loads and stores go, a tenth of the time.
  void shuffle(std::int32_t* a, std::int64_t n, std::int64_t kept) {
    if (n < 2) return;
    std::uint32_t drawn[kWords];
    auto i = static_cast<std::uint32_t>(n - 1);
    while (i > 0) {
      const auto mask = static_cast<std::uint32_t>(maskFor(i));
      const std::uint32_t lowest = mask / 2 + 1;  // the mask serves i down to here
      while (i >= lowest) {
        if (pos == kWords) twist();
        // i falls by at most one a draw, so that a run of this length cannot cross the lowest index
        const auto count = static_cast<int>(std::min(static_cast<std::uint32_t>(kWords - pos), i - lowest + 1));
        for (int k = 0; k < count; ++k) drawn[k] = temper(key[pos + k]) & mask;
        pos += count;
        i = i >= kept + count ? place<false>(a, drawn, count, i) : place<true>(a, drawn, count, i);
      }
    }
  }

 private:
  // Swaps a[i] with a[each drawn number that is at most i], or only puts it there. The next i.
  template <bool swaps>
  static std::uint32_t place(std::int32_t* a, const std::uint32_t* drawn, int count, std::uint32_t i) {
    for (int k = 0; k < count; ++k) {
      const bool accepted = drawn[k] <= i;
      const std::uint32_t j = accepted ? drawn[k] : i;
      const std::int32_t kept = a[i];
      if constexpr (swaps) a[i] = a[j];
      a[j] = kept;
      i -= accepted;
    }
    return i;
  }

  // Uniform in [0, 1) with 53 bits, of two words; in float rounded down.
  template <typename T>
  static T below(std::uint32_t a, std::uint32_t b) {
    const double u = ((a >> 5) * 67108864.0 + (b >> 6)) / 9007199254740992.0;
    if constexpr (std::is_same_v<T, double>) return u;
    std::uint64_t bits;
    std::memcpy(&bits, &u, sizeof bits);
    bits &= ~std::uint64_t{0x1fffffff};  // what a float's significand has not
    double rounded;
    std::memcpy(&rounded, &bits, sizeof rounded);
    return static_cast<T>(rounded);
  }

  static std::uint64_t maskFor(std::uint64_t max) {
    for (int bits = 1; bits < 64; bits *= 2) max |= max >> bits;
    return max;
  }

  static std::uint32_t temper(std::uint32_t y) {
    y ^= y >> 11;
    y ^= (y << 7) & 0x9d2c5680u;
    y ^= (y << 15) & 0xefc60000u;
    return y ^ (y >> 18);
  }

  void twist() {
    constexpr int kShift = 397;
    const auto mix = [](std::uint32_t u, std::uint32_t v) {
      const std::uint32_t y = (u & 0x80000000u) | (v & 0x7fffffffu);
      return (y >> 1) ^ ((0u - (v & 1u)) & 0x9908b0dfu);
    };
    for (int i = 0; i < kWords - kShift; ++i) key[i] = key[i + kShift] ^ mix(key[i], key[i + 1]);
    for (int i = kWords - kShift; i < kWords - 1; ++i) key[i] = key[i + kShift - kWords] ^ mix(key[i], key[i + 1]);
    key[kWords - 1] = key[kShift - 1] ^ mix(key[kWords - 1], key[0]);
    pos = 0;
  }
};

}  // namespace fjordnet
