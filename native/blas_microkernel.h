// The inner block of blas_fallback.h, compiled once for each instruction set: the file that includes this sets
// FJORDNET_BLOCK_ISA (a namespace), FJORDNET_VECTOR_BYTES and FJORDNET_BLOCK_ROWS, and the compiler's target.
// A block of sums stays in registers: ROWS x 2 vectors, with the two of b and one broadcast value beside it.

namespace FJORDNET_BLOCK_ISA {

constexpr int kRows = FJORDNET_BLOCK_ROWS;

template <typename T>
constexpr int kLanes = FJORDNET_VECTOR_BYTES / sizeof(T);

// c (R x columns, columns <= V vectors) = alpha * a (R x k) @ b (k x V vectors) + beta * c. The column of a at step p lies
// at a + p * aStep, the row of b at b + p * V vectors.
template <typename T, int R, int V>
void block(int k, const T* a, Index aStep, const T* b, T alpha, T beta, T* c, Index ldc, int columns) {
  constexpr int L = kLanes<T>;
#if defined(__GNUC__)
  typedef T Vector __attribute__((vector_size(FJORDNET_VECTOR_BYTES)));
  Vector sum[R][V] = {};
  for (int p = 0; p < k; ++p, a += aStep, b += V * L) {
    Vector right[V];
    std::memcpy(right, b, sizeof right);
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
        if (beta != T(0)) {
          Vector old;
          std::memcpy(&old, to, sizeof old);
          value += beta * old;
        }
        std::memcpy(to, &value, sizeof value);
      }
    return;
  }
  T sums[R][V * L];
  std::memcpy(sums, sum, sizeof sum);
#else
  T sums[R][V * L] = {};
  for (int p = 0; p < k; ++p, a += aStep, b += V * L)
    for (int i = 0; i < R; ++i)
      for (int j = 0; j < V * L; ++j) sums[i][j] += a[i] * b[j];
#endif
  for (int i = 0; i < R; ++i)
    for (int j = 0; j < columns; ++j)
      c[i * ldc + j] = alpha * sums[i][j] + (beta != T(0) ? beta * c[i * ldc + j] : T(0));
}

template <typename T, int... R>
Blocks<T> blocks(const char* core, std::integer_sequence<int, R...>) {
  return {core, kRows, kLanes<T>, {{block<T, R + 1, 1>...}, {block<T, R + 1, 2>...}}};
}

template <typename T>
Blocks<T> blocks(const char* core) {
  return blocks<T>(core, std::make_integer_sequence<int, kRows>());
}

}  // namespace FJORDNET_BLOCK_ISA

#undef FJORDNET_BLOCK_ISA
#undef FJORDNET_VECTOR_BYTES
#undef FJORDNET_BLOCK_ROWS
