// The table for any processor, and the choice between the tables.
#include "cpu.h"
#include "kernels/includes.h"

#if FJORDNET_BASELINE
#define FJORDNET_ISA baseline
#include "kernels/table.h"
#endif

namespace fjordnet {

namespace avx2 {
KernelTable table(const char* simd, int bits);
}
namespace avx512 {
KernelTable table(const char* simd, int bits);
}

KernelTable kernelTable() {
#if !FJORDNET_BASELINE
  return avx512::table("AVX-512", 512);
#else
#if FJORDNET_AVX512
  if (simdChoice().simd == Simd::kAvx512) return avx512::table("AVX-512", 512);
#endif
#if FJORDNET_AVX2
  if (simdChoice().simd == Simd::kAvx2) return avx2::table("AVX2", 256);
#endif
#if defined(__x86_64__)
  return baseline::table("SSE2", 128);
#else
  return baseline::table("baseline", 128);
#endif
#endif
}

}  // namespace fjordnet
