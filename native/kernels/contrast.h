// Random contrast, as Keras' layer: each channel of an image moves away from its mean, or toward it, by a factor that
// is drawn for the image.
#pragma once

#include "image_transform.h"

namespace fjordnet::FJORDNET_ISA {
namespace {

// fn(first, n) for groups of channels that are summed in registers; three, and one, known to the compiler.
template <typename F>
void channelGroups(Index C, const F& fn) {
  constexpr Index kGroup = 16;
  if (C == 1) return fn(Index{0}, std::integral_constant<Index, 1>());
  if (C == 3) return fn(Index{0}, std::integral_constant<Index, 3>());
  for (Index first = 0; first < C; first += kGroup) fn(first, std::min(kGroup, C - first));
}

// The means of n <= 16 channels of N pixels, C values apart: mean[j] of value(i, j).
template <typename T, typename n, typename F>
void channelMeans(Index N, n channels, T* mean, const F& value) {
  double sum[16] = {};
  for (Index i = 0; i < N; ++i) {
    for (Index j = 0; j < channels; ++j) sum[j] += static_cast<double>(value(i, j));
  }
  for (Index j = 0; j < channels; ++j) mean[j] = static_cast<T>(sum[j] / static_cast<double>(N));
}

// y[B,N,C] = (x - mean) * factor + mean within [least, most], where mean = x.mean(1) and factor[B] is uniform in
// [low, high). seed: an integer in [0, 2^53)
template <typename T>
void contrast(const Cpu<T>& cpu, Index B, Index N, Index C, In<T> x, Out<T> y, Out<T> factor, double low, double high,
              T least, T most, double seed) {
  rows(cpu.team, B, N * C, [&](Index begin, Index end) {
    for (Index row = begin; row < end; ++row) {
      const T f = factor[row] = static_cast<T>(uniform(seed, cpu.first + row, low, high));
      channelGroups(C, [&](Index first, auto n) {
        const T* from = x + row * N * C + first;
        T* to = y + row * N * C + first;
        T mean[16];
        channelMeans(N, n, mean, [&](Index i, Index j) { return from[i * C + j]; });
        for (Index i = 0; i < N; ++i) {
          for (Index j = 0; j < n; ++j) {
            const T v = (from[i * C + j] - mean[j]) * f + mean[j];
            to[i * C + j] = v < least ? least : v > most ? most : v;
          }
        }
      });
    }
  });
}

// dx = factor * d + (1 - factor) * d.mean(1), where d is dy, and 0 where y was cut off
template <typename T>
void contrastGradient(const Cpu<T>& cpu, Index B, Index N, Index C, In<T> x, In<T> factor, In<T> dy, Out<T> dx, T least,
                      T most) {
  rows(cpu.team, B, N * C, [&](Index begin, Index end) {
    for (Index row = begin; row < end; ++row) {
      const T f = factor[row];
      channelGroups(C, [&](Index first, auto n) {
        const Index start = row * N * C + first;
        T mean[16], share[16];
        channelMeans(N, n, mean, [&](Index i, Index j) { return x[start + i * C + j]; });
        const auto passed = [&](Index i, Index j) {
          const T v = (x[start + i * C + j] - mean[j]) * f + mean[j];
          return v < least || v > most ? T(0) : dy[start + i * C + j];
        };
        channelMeans(N, n, share, passed);
        for (Index i = 0; i < N; ++i) {
          for (Index j = 0; j < n; ++j) dx[start + i * C + j] = f * passed(i, j) + (T(1) - f) * share[j];
        }
      });
    }
  });
}

}  // namespace
}  // namespace fjordnet::FJORDNET_ISA
