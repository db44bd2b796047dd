#include "library.h"

#include <dlfcn.h>

#include <cstdlib>
#include <cstring>
#include <new>
#include <stdexcept>
#include <vector>

#include "../oldest.h"

FJORDNET_OLDEST(dlopen);
FJORDNET_OLDEST(dlsym);
FJORDNET_OLDEST(dladdr);
FJORDNET_OLDEST(dlerror);

#if defined(__GLIBCXX__)
namespace std {
void __throw_bad_array_new_length() { throw bad_array_new_length(); }  // libstdc++ 6.0.29
}  // namespace std
#endif

namespace fjordnet::mpi {
namespace {

// Whether Open MPI's own launcher has started this process, or one that knows PMIx alone, as `srun --mpi=pmix` does.
bool isForOpen() {
  return std::getenv("OMPI_COMM_WORLD_SIZE") || (std::getenv("PMIX_NAMESPACE") && !std::getenv("PMI_SIZE"));
}

// In the order they are tried: several families may be installed.
std::vector<std::string> names() {
#if defined(__APPLE__)
  const std::string open = "libmpi.40.dylib";
  std::vector<std::string> all = {"libmpi_abi.1.dylib", "libmpi.12.dylib", "libmpich.12.dylib"};
#else
  const std::string open = "libmpi.so.40";
  std::vector<std::string> all = {"libmpi_abi.so.1", "libmpi.so.12", "libmpich.so.12", "libmpi_cray.so.12"};
#endif
  all.insert(isForOpen() ? all.begin() : all.end(), open);
  return all;
}

template <typename F>
void find(void* library, const char* name, F& function) {
  void* found = dlsym(library, name);
  if (!found) throw std::runtime_error(std::string("it has no ") + name);
  std::memcpy(&function, &found, sizeof found);
}

Handle address(void* library, const char* name) {
  Handle handle = 0;
  find(library, name, handle);
  return handle;
}

void* pointer(Handle value) { return reinterpret_cast<void*>(value); }

void setOpen(Library& mpi, void* library) {
  mpi.world = address(library, "ompi_mpi_comm_world");
  mpi.float32 = address(library, "ompi_mpi_float");
  mpi.float64 = address(library, "ompi_mpi_double");
  mpi.byte = address(library, "ompi_mpi_byte");
  mpi.sum = address(library, "ompi_mpi_op_sum");
  mpi.max = address(library, "ompi_mpi_op_max");
  mpi.errorsReturn = address(library, "ompi_mpi_errors_return");
  mpi.inPlace = pointer(1);
  mpi.ignore = nullptr;
  mpi.funneled = 1;
}

void setMpich(Library& mpi) {
  mpi.world = 0x44000000;
  mpi.float32 = 0x4c00040a;
  mpi.float64 = 0x4c00080b;
  mpi.byte = 0x4c00010d;
  mpi.sum = 0x58000003;
  mpi.max = 0x58000001;
  mpi.errorsReturn = 0x54000001;
  mpi.inPlace = pointer(-1);
  mpi.ignore = pointer(1);
  mpi.funneled = 1;
}

// MPI 5.0, chapter 20.
void setStandard(Library& mpi) {
  mpi.world = 0x101;
  mpi.float32 = 0x210;
  mpi.float64 = 0x214;
  mpi.byte = 0x247;
  mpi.sum = 0x21;
  mpi.max = 0x23;
  mpi.errorsReturn = 0x143;
  mpi.inPlace = pointer(1);
  mpi.ignore = nullptr;
  mpi.funneled = 0x400;
}

Library bind(void* library) {
  Library mpi{};
  find(library, "MPI_Initialized", mpi.initialized);
  find(library, "MPI_Init_thread", mpi.initThread);
  find(library, "MPI_Finalize", mpi.finalize);
  find(library, "MPI_Abort", mpi.abort);
  find(library, "MPI_Comm_set_errhandler", mpi.setErrorHandler);
  find(library, "MPI_Comm_size", mpi.commSize);
  find(library, "MPI_Comm_rank", mpi.commRank);
  find(library, "MPI_Get_library_version", mpi.libraryVersion);
  find(library, "MPI_Error_string", mpi.errorString);
  find(library, "MPI_Allreduce", mpi.allreduce);
  find(library, "MPI_Iallreduce", mpi.startAllreduce);
  find(library, "MPI_Bcast", mpi.broadcast);
  find(library, "MPI_Ibcast", mpi.startBroadcast);
  find(library, "MPI_Send", mpi.send);
  find(library, "MPI_Recv", mpi.receive);
  find(library, "MPI_Irecv", mpi.startReceive);
  find(library, "MPI_Isend", mpi.startSend);
  find(library, "MPI_Test", mpi.test);
  find(library, "MPI_Iprobe", mpi.probe);
  find(library, "MPI_Get_count", mpi.count);

  Dl_info found{};
  void* function = nullptr;
  std::memcpy(&function, &mpi.initThread, sizeof function);
  if (dladdr(function, &found) != 0 && found.dli_fname) mpi.file = found.dli_fname;
  if (dlsym(library, "ompi_mpi_comm_world")) {
    setOpen(mpi, library);
  } else if (mpi.file.find("libmpi_abi") != std::string::npos && dlsym(library, "MPI_Abi_get_version")) {
    setStandard(mpi);
  } else {
    setMpich(mpi);
  }
  return mpi;
}

}  // namespace

std::string Library::said(int code) const {
  std::vector<char> text(8192);
  int length = 0;
  if (errorString(code, text.data(), &length) != 0) return "error " + std::to_string(code);
  return text.data();
}

Library load(const std::string& named) {
  // UCX, which MPICH may bring, else takes the handler of SIGSEGV away that V8 catches WebAssembly's traps with.
  setenv("UCX_ERROR_SIGNALS", "", 1);
  // It also tries its hooks of memory calls by moving the end of the heap up a page and back, from MPI's thread: what
  // another thread was given there meanwhile is gone, which ended one job in some thirty.
  setenv("UCX_MEM_EVENTS", "no", 0);
  std::string tried;
  for (const auto& name : named.empty() ? names() : std::vector<std::string>{named}) {
    tried += tried.empty() ? "" : "; ";
    // its own plug-ins look for its symbols among the global ones
    if (void* library = dlopen(name.c_str(), RTLD_NOW | RTLD_GLOBAL)) {
      try {
        return bind(library);
      } catch (const std::runtime_error& e) {
        tried += name + ": " + e.what();
      }
    } else {
      tried += dlerror();
    }
  }
  throw std::runtime_error(tried);
}

}  // namespace fjordnet::mpi
