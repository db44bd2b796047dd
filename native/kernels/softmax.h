// Softmax along the last axis, of all columns or of those that are seen, and its gradient.
#pragma once

#include "tiles.h"
#include "vmath.h"

namespace fjordnet::FJORDNET_ISA {
namespace {

// Rows [first, last) of p = exp(z - max z), by blocks: then(begin, end, most, sum) with the maximum of z and the sum of
// p in each row of a block. The maximum is subtracted so that no finite z overflows. p may be z.
template <typename T, typename F>
void softmaxBlocks(const T* z, T* p, Index first, Index last, Index N, const F& then) {
  T most[kSoftmaxBlock], total[kSoftmaxBlock];
  for (Index begin = first; begin < last; begin += kSoftmaxBlock) {
    const Index end = std::min(begin + kSoftmaxBlock, last);
    for (Index r = begin; r < end; ++r) {
      const T* row = z + r * N;
      const T m = most[r - begin] = maximum(row, N);
#pragma GCC ivdep
      for (Index j = 0; j < N; ++j) p[r * N + j] = row[j] - m;
    }
    // one pass over all rows: rows of 10 would leave most of a vector empty
    vectors<T>(begin * N, end * N, [&](Index i, auto lanes) { store(p + i, expNormal(load(p + i, lanes)), lanes); });
    for (Index r = begin; r < end; ++r) total[r - begin] = sum(p + r * N, N);
    then(begin, end, static_cast<const T*>(most), static_cast<const T*>(total));
  }
}

// p[R,N] = softmax(z), rows [first, last)
template <typename T>
void softmaxRows(const T* z, T* p, Index first, Index last, Index N) {
  softmaxBlocks(z, p, first, last, N, [=](Index begin, Index end, const T*, const T* total) {
    for (Index r = begin; r < end; ++r) {
      const T scale = T(1) / total[r - begin];
#pragma GCC ivdep
      for (Index j = r * N; j < (r + 1) * N; ++j) p[j] *= scale;
    }
  });
}

// y = softmax(z) along the last axis;  dz = y * (dy - sum(y * dy))
template <typename T>
void softmax(const Cpu<T>& cpu, Index B, Index M, Index N, In<T> z, Out<T> y) {
  rows(cpu.team, B * M, N, [&](Index first, Index last) { softmaxRows(z, y, first, last, N); });
}
template <typename T>
void softmaxGradient(const Cpu<T>& cpu, Index B, Index M, Index N, In<T> y, In<T> dy, Out<T> dz) {
  rows(cpu.team, B * M, N, [&](Index first, Index last) {
    for (Index r = first; r < last; ++r) {
      const T *yr = y + r * N, *dyr = dy + r * N;
      T* dzr = dz + r * N;
      const T mean = sum<T>(N, [&](Index j, auto lanes) { return load(yr + j, lanes) * load(dyr + j, lanes); });
#pragma GCC ivdep
      for (Index j = 0; j < N; ++j) dzr[j] = yr[j] * (dyr[j] - mean);
    }
  });
}

// y = softmax(z) along the last axis over the columns that seen[B,M,N] has other than 0, whatever z is in the others,
// where y is 0; a row that sees none has the same everywhere.  dz as above, 0 in columns that are not seen
template <typename T>
void maskedSoftmax(const Cpu<T>& cpu, Index B, Index H, Index M, Index N, In<T> z, In<T> seen, Out<T> y) {
  constexpr T kHidden = std::numeric_limits<T>::lowest();
  const auto seenOf = [=](Index r) { return seen + (r / (H * M) * M + r % M) * N; };
  rows(cpu.team, B * H * M, N, [&](Index first, Index last) {
    for (Index begin = first; begin < last; begin += kSoftmaxBlock) {
      const Index end = std::min(begin + kSoftmaxBlock, last);
      for (Index r = begin; r < end; ++r) {
        const T *own = seenOf(r), *zr = z + r * N;
        T* yr = y + r * N;
#pragma GCC ivdep
        for (Index j = 0; j < N; ++j) {
          const T one = zr[j];
          yr[j] = own[j] != T(0) ? one : kHidden;
        }
      }
      softmaxBlocks(y, y, begin, end, N, [&](Index, Index, const T* most, const T* total) {
        for (Index r = begin; r < end; ++r) {
          const T* own = seenOf(r);
          T* yr = y + r * N;
          const T scale = T(1) / total[r - begin], hidden = most[r - begin] == kHidden ? scale : T(0);
#pragma GCC ivdep
          for (Index j = 0; j < N; ++j) {
            const T one = yr[j] * scale;
            yr[j] = own[j] != T(0) ? one : hidden;
          }
        }
      });
    }
  });
}
template <typename T>
void maskedSoftmaxGradient(const Cpu<T>& cpu, Index B, Index H, Index M, Index N, In<T> y, In<T> seen, In<T> dy,
                           Out<T> dz) {
  rows(cpu.team, B * H * M, N, [&](Index first, Index last) {
    for (Index r = first; r < last; ++r) {
      const T *yr = y + r * N, *dyr = dy + r * N, *own = seen + (r / (H * M) * M + r % M) * N;
      T* dzr = dz + r * N;
      const T mean = sum<T>(N, [&](Index j, auto lanes) { return load(yr + j, lanes) * load(dyr + j, lanes); });
#pragma GCC ivdep
      for (Index j = 0; j < N; ++j) {
        const T one = yr[j] * (dyr[j] - mean);
        dzr[j] = own[j] != T(0) ? one : T(0);
      }
    }
  });
}

}  // namespace
}  // namespace fjordnet::FJORDNET_ISA
