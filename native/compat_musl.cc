// Threads of musl (scripts/platforms/musl.js wraps pthread_create). And what musl lacks of what Debian's archive of
// OpenBLAS calls, which is compiled for glibc: of the C library's types it holds mutexes, conditions and sets of
// processors, which musl makes no larger than glibc (below), and starts as zeros too; the numbers that it gives
// sysconf, mmap and getrlimit mean the same.
#if defined(__linux__) && !defined(__GLIBC__)

#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

// glibc's sizes, on x86-64 and arm64
static_assert(sizeof(pthread_mutex_t) <= 40 && sizeof(pthread_cond_t) <= 48 && sizeof(cpu_set_t) == 128);
static_assert(_SC_NPROCESSORS_CONF == 83 && _SC_NPROCESSORS_ONLN == 84 && _SC_PAGESIZE == 30);

extern "C" {

// musl gives a thread 128 kB of stack, glibc 8 MB, which is address space until it is used.
int __real_pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*run)(void*), void* argument);
int __wrap_pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*run)(void*), void* argument) {
  if (attributes != nullptr) return __real_pthread_create(thread, attributes, run, argument);
  pthread_attr_t large;
  pthread_attr_init(&large);
  pthread_attr_setstacksize(&large, std::size_t{8} << 20);
  const int error = __real_pthread_create(thread, &large, run, argument);
  pthread_attr_destroy(&large);
  return error;
}

void* mmap64(void* at, std::size_t size, int protection, int flags, int file, off_t offset) {
  return mmap(at, size, protection, flags, file, offset);
}

cpu_set_t* __sched_cpualloc(std::size_t count) {
  return static_cast<cpu_set_t*>(std::calloc(1, CPU_ALLOC_SIZE(count)));
}
void __sched_cpufree(cpu_set_t* set) { std::free(set); }

#if defined(__aarch64__)
// libgcc's: GCC leaves it to the processor at hand how to exchange.
std::uint64_t __aarch64_swp8_acq_rel(std::uint64_t value, std::uint64_t* at) {
  return __atomic_exchange_n(at, value, __ATOMIC_ACQ_REL);
}
#endif

// The functions of _FORTIFY_SOURCE.
void* __memset_chk(void* to, int value, std::size_t size, std::size_t room) {
  if (size > room) std::abort();
  return std::memset(to, value, size);
}
char* __strcat_chk(char* to, const char* from, std::size_t room) {
  if (std::strlen(to) + std::strlen(from) >= room) std::abort();
  return std::strcat(to, from);
}
int __snprintf_chk(char* to, std::size_t size, int, std::size_t room, const char* format, ...) {
  if (size > room) std::abort();
  std::va_list arguments;
  va_start(arguments, format);
  const int written = std::vsnprintf(to, size, format, arguments);
  va_end(arguments);
  return written;
}
int __sprintf_chk(char* to, int, std::size_t room, const char* format, ...) {
  std::va_list arguments;
  va_start(arguments, format);
  const int written = std::vsnprintf(to, std::min(room, std::size_t{INT_MAX}), format, arguments);
  va_end(arguments);
  if (written >= 0 && static_cast<std::size_t>(written) >= room) std::abort();
  return written;
}
int __fprintf_chk(std::FILE* file, int, const char* format, ...) {
  std::va_list arguments;
  va_start(arguments, format);
  const int written = std::vfprintf(file, format, arguments);
  va_end(arguments);
  return written;
}
int __printf_chk(int, const char* format, ...) {
  std::va_list arguments;
  va_start(arguments, format);
  const int written = std::vprintf(format, arguments);
  va_end(arguments);
  return written;
}

}  // extern "C"

#endif
