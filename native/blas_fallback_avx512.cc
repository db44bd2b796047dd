#include "cpu.h"
#include "kernels/includes.h"

#if (defined(FJORDNET_BLAS_BUILTIN) || defined(FJORDNET_BLAS_ACCELERATE)) && FJORDNET_AVX512
#define FJORDNET_ISA avx512
#define FJORDNET_VECTOR_BYTES 64
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,avx2,fma,bmi2"))), \
                             apply_to = function)
#include "kernels/builtin.h"
#pragma clang attribute pop
#else
#pragma GCC target("avx512f,avx512dq,avx512bw,avx512vl,avx2,fma,bmi2,prefer-vector-width=512")
#include "kernels/builtin.h"
#endif
#endif
