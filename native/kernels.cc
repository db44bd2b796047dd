// The table for any processor, and the choice between the tables.
#include "kernels/includes.h"

#define FJORDNET_ISA baseline
#include "kernels/table.h"

namespace fjordnet {

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
namespace avx2 {
KernelTable table(const char* simd, int bits);
}
namespace avx512 {
KernelTable table(const char* simd, int bits);
}

KernelTable kernelTable() {
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vl")) {
    return avx512::table("AVX-512", 512);
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return avx2::table("AVX2", 256);
  return baseline::table("SSE2", 128);
}
#else
KernelTable kernelTable() { return baseline::table("baseline", 128); }
#endif

}  // namespace fjordnet
