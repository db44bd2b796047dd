// The table for any processor, and the choice between the tables.
#include "cpu.h"
#include "kernels/includes.h"

#define FJORDNET_ISA baseline
#include "kernels/table.h"

namespace fjordnet {

#if defined(__x86_64__) && defined(__GNUC__)
namespace avx2 {
KernelTable table(const char* simd, int bits);
}
namespace avx512 {
KernelTable table(const char* simd, int bits);
}

KernelTable kernelTable() {
  switch (simdChoice().simd) {
    case Simd::kAvx512: return avx512::table("AVX-512", 512);
    case Simd::kAvx2: return avx2::table("AVX2", 256);
    default: return baseline::table("SSE2", 128);
  }
}
#else
KernelTable kernelTable() { return baseline::table("baseline", 128); }
#endif

}  // namespace fjordnet
