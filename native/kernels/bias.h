// A bias for every pixel.
#pragma once

#include "tiles.h"

namespace fjordnet::FJORDNET_ISA {
namespace {

// y[B,O] = x[B,O] + b[O]
template <typename T>
void addBias(const Cpu<T>& cpu, Index B, Index O, In<T> x, In<T> b, Out<T> y) {
  rows(cpu.team, B, O, [&](Index first, Index last) {
    for (Index r = first; r < last; ++r) {
#pragma GCC ivdep
      for (Index o = 0; o < O; ++o) y[r * O + o] = x[r * O + o] + b[o];
    }
  });
}

}  // namespace
}  // namespace fjordnet::FJORDNET_ISA
