// Symbols in the version that every system which runs Node.js 20 has (glibc 2.28), where the newest one is linked
// otherwise.
#pragma once

#include <cstddef>  // __GLIBC__

#if defined(__GLIBC__) && defined(__x86_64__)
#define FJORDNET_OLDEST(name) __asm__(".symver " #name "," #name "@GLIBC_2.2.5")
#elif defined(__GLIBC__) && defined(__aarch64__)
#define FJORDNET_OLDEST(name) __asm__(".symver " #name "," #name "@GLIBC_2.17")
#else
#define FJORDNET_OLDEST(name) static_assert(true)
#endif
