// The dense layer: forward, and the gradients of weights, bias and inputs. B samples, I inputs, O outputs.

// y[B,O] = x[B,I] @ w[I,O] + b[O]
template <typename T>
void affine(const Args<T>& a) {
  const Index B = a.dim[0], O = a.dim[1], I = a.dim[2];
  productTiled<T>(*a.team, {false, false, B, O, I, a.buffer[0], I, a.buffer[1], O, a.buffer[2], a.buffer[3], O});
}

// y[B,O] = x[B,I] @ w[I,O]
template <typename T>
void matmul(const Args<T>& a) {
  const Index B = a.dim[0], O = a.dim[1], I = a.dim[2];
  productTiled<T>(*a.team, {false, false, B, O, I, a.buffer[0], I, a.buffer[1], O, nullptr, a.buffer[2], O});
}

// dw[I,O] = x[B,I].T @ dy[B,O]
template <typename T>
void weightGradient(const Args<T>& a) {
  const Index B = a.dim[0], O = a.dim[1], I = a.dim[2];
  productTiled<T>(*a.team, {true, false, I, O, B, a.buffer[0], I, a.buffer[1], O, nullptr, a.buffer[2], O});
}

// db[O] = dy[B,O].sum(0)
template <typename T>
void biasGradient(const Args<T>& a) {
  const Index B = a.dim[0], O = a.dim[1];
  elements(
      *a.team, O,
      [&](Index begin, Index end) {
        std::fill(a.buffer[1] + begin, a.buffer[1] + end, T(0));
        addRows(a.buffer[0] + begin, B, end - begin, O, a.buffer[1] + begin);
      },
      std::max<Index>(64, kElementTile / std::max<Index>(B, 1)));
}

// dx[B,I] = dy[B,O] @ w[I,O].T; small weights are transposed first, which takes less than the product then gains
constexpr Index kTransposed = 4096;
inline Scratch inputGradientScratch(const Index* dim) {
  return {dim[1] * dim[2] <= kTransposed ? dim[1] * dim[2] : 0, 0};
}
template <typename T>
void inputGradient(const Args<T>& a) {
  const Index B = a.dim[0], O = a.dim[1], I = a.dim[2];
  const T *dy = a.buffer[0], *w = a.buffer[1];
  if (O * I > kTransposed)
    return productTiled<T>(*a.team, {false, true, B, I, O, dy, O, w, O, nullptr, a.buffer[2], I});
  T* transposed = a.shared;
  for (Index o = 0; o < O; ++o) {
    for (Index i = 0; i < I; ++i) transposed[o * I + i] = w[i * O + o];
  }
  productTiled<T>(*a.team, {false, false, B, I, O, dy, O, transposed, I, nullptr, a.buffer[2], I});
}
