// Two-dimensional convolution: forward, and the gradients of weights, bias and inputs. Images are [B,H,W,C], kernels
// [K,L,C,F]; strides s, t, dilations d, e, and p rows and q columns of zeros before the first.

inline Conv2d conv2dOf(const Index* dim) {
  return {dim[0], dim[1], dim[2], dim[3], dim[4], dim[5], dim[6], dim[7], dim[8], dim[9], dim[10], dim[11], dim[12], dim[13], dim[14]};
}

// The convolution of dy with the kernel turned around that gives the input gradient, where all strides are 1.
inline Conv2d turned(const Conv2d& c) {
  return {c.B, c.Y, c.X, c.F, c.K, c.L, c.C, c.H, c.W, 1, 1, c.d, c.e, (c.K - 1) * c.d - c.p, (c.L - 1) * c.e - c.q};
}

// Weights beyond this many bytes leave the outer cache, and those of a layer with few filters most lanes of a vector.
constexpr Index kDirectBytes = 262144;
template <typename T>
bool isDirect(const Conv2d& c) {
  return packedRoom<T>(c) * static_cast<Index>(sizeof(T)) <= kDirectBytes;
}
template <typename T>
bool isInputDirect(const Conv2d& c) {
  return c.s == 1 && c.t == 1 && isDirect<T>(turned(c));
}

// Samples a tile, of some 0.3 MFLOP and more.
inline Index samplesPerTile(const Conv2d& c) {
  const Index work = 2 * c.output() * c.taps();
  return std::clamp<Index>(300000 / std::max<Index>(work, 1), 1, std::max<Index>(1, c.B / 4));
}

// fn(sample, slot) for every sample, in tiles.
template <typename F>
void samples(Team& team, const Conv2d& c, const F& fn) {
  const Index size = samplesPerTile(c);
  team.parallel_for(static_cast<int>((c.B + size - 1) / size), [&](int tile, int slot) {
    for (Index n = tile * size; n < std::min(tile * size + size, c.B); ++n) fn(n, slot);
  });
}

template <typename T>
void conv2d(const Args<T>& a) {
  const Conv2d c = conv2dOf(a.dim);
  const T *x = a.buffer[0], *w = a.buffer[1], *b = a.buffer[2];
  T* y = a.buffer[3];
  const Packed<T> packed(c, a.shared);
  packed.pack(*a.team, c, [&](Index tap, Index f) { return w[tap * c.F + f]; }, [&](Index f) { return b[f]; });
  samples(*a.team, c, [&](Index n, int slot) {
    directForward(c, x + n * c.image(), packed, y + n * c.output(), a.scratch(slot));
  });
}
inline Scratch conv2dScratch(const Index* dim) {
  const Conv2d c = conv2dOf(dim);
  return {packedRoom<float>(c)+packedRoom<double>(c), std::max(patchRoom<float>(c), patchRoom<double>(c))};
}

// Partial sums of the weights' gradient: groups of samples, by their shape alone.
inline Index groups(const Conv2d& c) {
  return std::clamp<Index>(2 * c.B * c.output() * c.taps() / 300000, 1, std::min<Index>(16, std::max<Index>(c.B, 1)));
}
inline Index groupSize(const Conv2d& c) { return (c.taps() * c.F + c.F + 15) / 16 * 16; }

template <typename T>
void conv2dWeightGradient(const Args<T>& a) {
  const Conv2d c = conv2dOf(a.dim);
  const T *x = a.buffer[0], *dy = a.buffer[1];
  T *dw = a.buffer[2], *db = a.buffer[3];
  const Index count = groups(c), size = groupSize(c), weights = c.taps() * c.F;
  const Packed<T> packed(c, a.shared + count * size);
  a.team->parallel_for(static_cast<int>(count), [&](int g, int slot) {
    T* sum = a.shared + g * size;
    std::fill_n(sum, size, T(0));
    for (Index n = g * c.B / count; n < (g + 1) * c.B / count; ++n) {
      directGradient(c, x + n * c.image(), dy + n * c.output(), packed, sum, sum + weights, a.scratch(slot));
    }
  });
  elements(*a.team, weights + c.F, [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) {
      T total = a.shared[i];
      for (Index g = 1; g < count; ++g) total += a.shared[g * size + i];
      (i < weights ? dw[i] : db[i - weights]) = total;
    }
  });
}
inline Scratch conv2dWeightGradientScratch(const Index* dim) {
  const Conv2d c = conv2dOf(dim);
  return {std::min<Index>(16, std::max<Index>(c.B, 1)) * groupSize(c) + roundUp(c.taps(), 16)*2+c.F, std::max(patchRoom<float>(c), patchRoom<double>(c))};
}

template <typename T>
void conv2dInputGradient(const Args<T>& a) {
  const Conv2d c = conv2dOf(a.dim), r = turned(c);
  const T *dy = a.buffer[0], *w = a.buffer[1];
  T* dx = a.buffer[2];
  const Packed<T> packed(r, a.shared);
  packed.pack(*a.team, r, [&](Index tap, Index channel) {
        const Index f = tap % c.F, place = c.K * c.L - 1 - tap / c.F;
        return w[(place * c.C + channel) * c.F + f];
      }, [](Index) { return T(0); });
  samples(*a.team, r, [&](Index n, int slot) {
    directForward(r, dy + n * r.image(), packed, dx + n * r.output(), a.scratch(slot));
  });
}
inline Scratch conv2dInputGradientScratch(const Index* dim) {
  const Conv2d c = turned(conv2dOf(dim));
  return {packedRoom<float>(c)+packedRoom<double>(c), std::max(patchRoom<float>(c), patchRoom<double>(c))};
}
