// A bias for every pixel.
#pragma once

#include "tiles.h"

namespace fjordnet::FJORDNET_ISA {
namespace {

// y[B,O] = x[B,O] + b[O]
template <typename T>
void addBias(const Args<T>& a) {
  const Index O = a.dim[1];
  const T *x = a.buffer[0], *b = a.buffer[1];
  T* y = a.buffer[2];
  rows(*a.team, a.dim[0], O, [&](Index first, Index last) {
    for (Index r = first; r < last; ++r) {
#pragma GCC ivdep
      for (Index o = 0; o < O; ++o) y[r * O + o] = x[r * O + o] + b[o];
    }
  });
}

}  // namespace
}  // namespace fjordnet::FJORDNET_ISA
