// The instruction set that the kernels are compiled for: a namespace, and the bytes of its registers. kernels.cc,
// kernels_avx2.cc and kernels_avx512.cc set both beside the compiler's target; a header on its own, as in an editor, is
// for any processor. GCC 12 defines no __AVX512F__ after #pragma GCC target.
#pragma once

#include "includes.h"

#if !defined(FJORDNET_ISA)
#define FJORDNET_ISA baseline
#endif

#if !defined(FJORDNET_VECTOR_BYTES)
#if defined(__GNUC__)
#define FJORDNET_VECTOR_BYTES 16
#else
#define FJORDNET_VECTOR_BYTES 0
#endif
#endif

namespace fjordnet::FJORDNET_ISA {
namespace {
using namespace tuning;
}
}  // namespace fjordnet::FJORDNET_ISA
