// For binaries that have libc++ inside: its operators new and delete are weak, and dyld would take those of the first
// library that has any. These are hidden: -fvisibility-global-new-delete=force-hidden.
#include <cstdlib>
#include <new>

namespace {

void* checked(void* at) {
  if (at == nullptr) throw std::bad_alloc();
  return at;
}
void* aligned(std::size_t size, std::align_val_t alignment) noexcept {
  void* at = nullptr;
  const auto bytes = static_cast<std::size_t>(alignment);
  return posix_memalign(&at, bytes < sizeof(void*) ? sizeof(void*) : bytes, size) == 0 ? at : nullptr;
}

}  // namespace

using std::align_val_t, std::nothrow_t, std::size_t;

void* operator new(size_t size) { return checked(std::malloc(size)); }
void* operator new[](size_t size) { return checked(std::malloc(size)); }
void* operator new(size_t size, const nothrow_t&) noexcept { return std::malloc(size); }
void* operator new[](size_t size, const nothrow_t&) noexcept { return std::malloc(size); }
void* operator new(size_t size, align_val_t alignment) { return checked(aligned(size, alignment)); }
void* operator new[](size_t size, align_val_t alignment) { return checked(aligned(size, alignment)); }
void* operator new(size_t size, align_val_t alignment, const nothrow_t&) noexcept { return aligned(size, alignment); }
void* operator new[](size_t size, align_val_t alignment, const nothrow_t&) noexcept { return aligned(size, alignment); }

void operator delete(void* at) noexcept { std::free(at); }
void operator delete[](void* at) noexcept { std::free(at); }
void operator delete(void* at, size_t) noexcept { std::free(at); }
void operator delete[](void* at, size_t) noexcept { std::free(at); }
void operator delete(void* at, const nothrow_t&) noexcept { std::free(at); }
void operator delete[](void* at, const nothrow_t&) noexcept { std::free(at); }
void operator delete(void* at, align_val_t) noexcept { std::free(at); }
void operator delete[](void* at, align_val_t) noexcept { std::free(at); }
void operator delete(void* at, size_t, align_val_t) noexcept { std::free(at); }
void operator delete[](void* at, size_t, align_val_t) noexcept { std::free(at); }
void operator delete(void* at, align_val_t, const nothrow_t&) noexcept { std::free(at); }
void operator delete[](void* at, align_val_t, const nothrow_t&) noexcept { std::free(at); }
