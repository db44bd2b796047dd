// The inner loops of blas_fallback.cc, compiled once for each instruction set. The file that includes this sets the
// compiler's target, FJORDNET_BLOCK_ISA (a namespace), FJORDNET_VECTOR_BYTES and FJORDNET_BLOCK_ROWS: a block of sums,
// rows x 2 vectors, stays in registers, with the two vectors of b and one broadcast value of a beside it.

namespace FJORDNET_BLOCK_ISA {

constexpr int kRows = FJORDNET_BLOCK_ROWS;

template <typename T>
constexpr int kLanes = FJORDNET_VECTOR_BYTES / sizeof(T);

#if defined(__GNUC__)
template <typename T>
struct VectorOf {
  typedef T Type __attribute__((vector_size(FJORDNET_VECTOR_BYTES)));
  typedef T Unaligned __attribute__((vector_size(FJORDNET_VECTOR_BYTES), aligned(alignof(T)), may_alias));
};
#else
template <typename T>
struct VectorOf {
  struct Type {
    T lane[kLanes<T>];
    T& operator[](int j) { return lane[j]; }
    Type& operator+=(const Type& other) {
      for (int j = 0; j < kLanes<T>; ++j) lane[j] += other.lane[j];
      return *this;
    }
    friend Type operator*(T x, Type y) {
      for (int j = 0; j < kLanes<T>; ++j) y.lane[j] *= x;
      return y;
    }
    friend Type operator*(Type x, const Type& y) {
      for (int j = 0; j < kLanes<T>; ++j) x.lane[j] *= y.lane[j];
      return x;
    }
  };
  using Unaligned = Type;
};
#endif

// Not memcpy, which GCC 12 splits into 16-byte moves that stall the 32-byte load after them.
template <typename T>
inline typename VectorOf<T>::Type load(const T* from) {
  return *reinterpret_cast<const typename VectorOf<T>::Unaligned*>(from);
}
template <typename T>
inline void store(T* to, typename VectorOf<T>::Type value) {
  *reinterpret_cast<typename VectorOf<T>::Unaligned*>(to) = value;
}

// c (R x columns, of at most V vectors) = alpha * a (R x k) @ b (k x V vectors) + beta * c. Column p of a lies at
// a + p * aStep, row p of b at b + p * bStep.
template <typename T, int R, int V>
void block(int k, const T* a, Index aStep, const T* b, Index bStep, T alpha, T beta, T* c, Index ldc, int columns) {
  using Vector = typename VectorOf<T>::Type;
  constexpr int L = kLanes<T>;
  Vector sum[R][V] = {};
  for (int p = 0; p < k; ++p, a += aStep, b += bStep) {
    Vector right[V];
#pragma GCC unroll 2
    for (int v = 0; v < V; ++v) right[v] = load(b + v * L);
#pragma GCC unroll 16
    for (int i = 0; i < R; ++i)
#pragma GCC unroll 2
      for (int v = 0; v < V; ++v) sum[i][v] += a[i] * right[v];
  }
  if (columns == V * L) {
#pragma GCC unroll 16
    for (int i = 0; i < R; ++i)
#pragma GCC unroll 2
      for (int v = 0; v < V; ++v) {
        T* to = c + i * ldc + v * L;
        Vector value = alpha * sum[i][v];
        if (beta != T(0)) value += beta * load(to);
        store(to, value);
      }
    return;
  }
  T sums[R][V * L];
  std::memcpy(sums, sum, sizeof sums);
  for (int i = 0; i < R; ++i)
    for (int j = 0; j < columns; ++j)
      c[i * ldc + j] = alpha * sums[i][j] + (beta != T(0) ? beta * c[i * ldc + j] : T(0));
}

template <typename T>
T dot(int k, const T* a, const T* b) {
  using Vector = typename VectorOf<T>::Type;
  constexpr int L = kLanes<T>;
  Vector sum[4] = {};
  int p = 0;
  for (; p + 4 * L <= k; p += 4 * L)
#pragma GCC unroll 4
    for (int v = 0; v < 4; ++v) sum[v] += load(a + p + v * L) * load(b + p + v * L);
  sum[0] += sum[1];
  sum[2] += sum[3];
  sum[0] += sum[2];
  T total = 0;
  for (int j = 0; j < L; ++j) total += sum[0][j];
  for (; p < k; ++p) total += a[p] * b[p];
  return total;
}

template <typename T, int... R>
Routines<T> routines(const char* core, std::integer_sequence<int, R...>) {
  return {core, kRows, kLanes<T>, {{block<T, R + 1, 1>...}, {block<T, R + 1, 2>...}}, dot<T>};
}

template <typename T>
Routines<T> routines(const char* core) {
  return routines<T>(core, std::make_integer_sequence<int, kRows>());
}

}  // namespace FJORDNET_BLOCK_ISA

#undef FJORDNET_BLOCK_ISA
#undef FJORDNET_VECTOR_BYTES
#undef FJORDNET_BLOCK_ROWS
