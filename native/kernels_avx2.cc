#include "kernels/includes.h"

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#pragma GCC target("avx2,fma,bmi2")
#define FJORDNET_ISA avx2
#define FJORDNET_VECTOR_BYTES 32
#include "kernels/table.h"
#endif
