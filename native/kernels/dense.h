// The dense layer: forward, and the gradients of weights, bias and inputs. B samples, I inputs, O outputs.

// y[B,O] = x[B,I] @ w[I,O] + b[O]
template <typename T>
void affine(const Args<T>& a) {
  const Index B = a.dim[0], O = a.dim[1], I = a.dim[2];
  const T *x = a.buffer[0], *w = a.buffer[1], *b = a.buffer[2];
  T* y = a.buffer[3];
  gemmTiled(*a.team, false, false, B, O, I, x, I, w, O, T(1), y, O, [&](Index i, Index m, Index j, Index n) {
    for (Index r = i; r < i + m; ++r) std::copy_n(b + j, n, y + r * O + j);
  });
}

// y[B,O] = x[B,I] @ w[I,O]
template <typename T>
void matmul(const Args<T>& a) {
  const Index B = a.dim[0], O = a.dim[1], I = a.dim[2];
  gemmTiled(*a.team, false, false, B, O, I, a.buffer[0], I, a.buffer[1], O, T(0), a.buffer[2], O);
}

// dw[I,O] = x[B,I].T @ dy[B,O]
template <typename T>
void weightGradient(const Args<T>& a) {
  const Index B = a.dim[0], O = a.dim[1], I = a.dim[2];
  gemmTiled(*a.team, true, false, I, O, B, a.buffer[0], I, a.buffer[1], O, T(0), a.buffer[2], O);
}

// db[O] = dy[B,O].sum(0)
template <typename T>
void biasGradient(const Args<T>& a) {
  const Index B = a.dim[0], O = a.dim[1];
  const T* dy = a.buffer[0];
  T* db = a.buffer[1];
  elements(
      *a.team, O,
      [&](Index begin, Index end) {
        std::fill(db + begin, db + end, T(0));
        for (Index r = 0; r < B; ++r) {
          const T* row = dy + r * O;
#pragma GCC ivdep
          for (Index o = begin; o < end; ++o) db[o] += row[o];
        }
      },
      std::max<Index>(64, kElementTile / std::max<Index>(B, 1)));
}

// dx[B,I] = dy[B,O] @ w[I,O].T
template <typename T>
void inputGradient(const Args<T>& a) {
  const Index B = a.dim[0], O = a.dim[1], I = a.dim[2];
  gemmTiled(*a.team, false, true, B, I, O, a.buffer[0], O, a.buffer[1], O, T(0), a.buffer[2], I);
}
