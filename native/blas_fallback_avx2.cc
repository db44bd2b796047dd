#include "cpu.h"
#include "kernels/includes.h"

#if (defined(FJORDNET_BLAS_BUILTIN) || defined(FJORDNET_BLAS_ACCELERATE)) && FJORDNET_AVX2
#define FJORDNET_ISA avx2
#define FJORDNET_VECTOR_BYTES 32
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma,bmi2"))), apply_to = function)
#include "kernels/builtin.h"
#pragma clang attribute pop
#else
#pragma GCC target("avx2,fma,bmi2")
#include "kernels/builtin.h"
#endif
#endif
