#include "kernels/includes.h"

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#pragma GCC target("avx512f,avx512dq,avx512bw,avx512vl,avx2,fma,bmi2,prefer-vector-width=512")
#define FJORDNET_ISA avx512
#define FJORDNET_VECTOR_BYTES 64
#include "kernels/table.h"
#endif
