// The dense layer: forward, and the gradients of weights, bias and inputs. B samples, I inputs, O outputs.
#pragma once

#include "gemm.h"

namespace fjordnet::FJORDNET_ISA {
namespace {

// fn(first, n) for stretches of rows: one, unless there are very many, as of long sequences. Between them a job may
// stop.
template <typename T, typename F>
void manyRows(const Cpu<T>& cpu, Index B, const F& fn) {
  for (Index first = 0; first < B && (first == 0 || !cpu.isStopped()); first += kMostProductRows)
    fn(first, std::min(kMostProductRows, B - first));
}

// y[B,O] = x[B,I] @ w[I,O] + b[O]
template <typename T>
void affine(const Cpu<T>& cpu, Index B, Index O, Index I, In<T> x, In<T> w, In<T> b, Out<T> y) {
  manyRows(cpu, B, [&](Index first, Index n) {
    productTiled<T>(cpu, {false, false, n, O, I, x + first * I, I, w, O, b, y + first * O, O});
  });
}
inline Scratch affineScratch(Index, Index O, Index I) { return productScratch(I, O); }

// y[B,O] = x[B,I] @ w[I,O]
template <typename T>
void matmul(const Cpu<T>& cpu, Index B, Index O, Index I, In<T> x, In<T> w, Out<T> y) {
  affine(cpu, B, O, I, x, w, In<T>{nullptr}, y);
}

// dw[I,O] = x[B,I].T @ dy[B,O]
template <typename T>
void weightGradient(const Cpu<T>& cpu, Index B, Index O, Index I, In<T> x, In<T> dy, Out<T> dw) {
  manyRows(cpu, B, [&](Index first, Index n) {
    productTiled<T>(cpu, {true, false, I, O, n, x + first * I, I, dy + first * O, O, nullptr, dw, O, first > 0});
  });
}
inline Scratch weightGradientScratch(Index B, Index O, Index) {
  return productScratch(std::min(B, kMostProductRows), O);
}

// db[O] = dy[B,O].sum(0)
template <typename T>
void biasGradient(const Cpu<T>& cpu, Index B, Index O, In<T> dy, Out<T> db) {
  elements(
      cpu.team, O,
      [&](Index begin, Index end) {
        std::fill(db + begin, db + end, T(0));
        addRows(dy + begin, B, end - begin, O, db + begin);
      },
      std::max<Index>(64, kElementTile / std::max<Index>(B, 1)));
}

// dx[B,I] = dy[B,O] @ w[I,O].T; small weights are transposed first, which takes less than the product then gains; with
// large ones it is dx.T = w @ dy.T, of rows of w as they lie.
inline bool isByDeltas(Index B, Index O, Index I) {
  return O * I >= kDeltaWeights && B >= kFewestDeltas && B <= kMostDeltas;
}
inline Scratch inputGradientScratch(Index B, Index O, Index I) {
  if (O * I <= kTransposed) return {O * I, 0};
  const Index n = std::min(B, kMostDeltas);
  if (!isByDeltas(n, O, I)) return {};
  return {std::max(Panels<float>::room(O, n), Panels<double>::room(O, n)), kDeltaTile * n};
}
template <typename T>
void inputGradient(const Cpu<T>& cpu, Index B, Index O, Index I, In<T> dy, In<T> w, Out<T> dx) {
  if (isByDeltas(B, O, I)) {
    const Panels<T> deltas(cpu.team, dy, O, B, cpu.shared);
    const Split tiles(I, std::min(kMostProductTiles, 2 * B * O * I / kProductTileFlop), kDeltaTile, kDeltaTile);
    cpu.team.parallel_for(tiles.tiles, [&](int tile, int slot) {
      const Index end = std::min(I, (tile + 1) * tiles.size);
      for (Index first = tile * tiles.size; first < end; first += kDeltaTile) {
        const Index n = std::min(kDeltaTile, end - first);
        T* part = cpu.scratch(slot);
        deltas.multiply(n, w + first * O, O, part, B);
        transpose(n, B, part, B, dx + first, I);
      }
    });
    return;
  }
  const bool isTransposed = O * I <= kTransposed;
  T* transposed = cpu.shared;
  if (isTransposed) transpose<T>(I, O, w, O, transposed, I);
  manyRows(cpu, B, [&](Index first, Index n) {
    const T* from = dy + first * O;
    T* to = dx + first * I;
    if (isTransposed) {
      productTiled<T>(cpu, {false, false, n, I, O, from, O, transposed, I, nullptr, to, I});
    } else {
      productTiled<T>(cpu, {false, true, n, I, O, from, O, w, O, nullptr, to, I});
    }
  });
}

}  // namespace
}  // namespace fjordnet::FJORDNET_ISA
