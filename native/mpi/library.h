// An MPI library, found when it is needed: nothing of it is there when this is compiled. Three families have three
// binary interfaces; what differs is in this table.
#pragma once

#include <cstdint>
#include <string>

namespace fjordnet::mpi {

// Open MPI's and the standard's are pointers, MPICH's are ints, which a callee reads from the low half.
using Handle = std::intptr_t;

struct Library {
  std::string file, version;  // version: once MPI is initialized

  Handle world, float32, float64, byte, sum, max, errorsReturn;
  void* inPlace;
  void* ignore;  // in a status' place
  int funneled;

  int (*initialized)(int*);
  int (*initThread)(int*, char***, int, int*);
  int (*finalize)();
  int (*abort)(Handle, int);
  int (*setErrorHandler)(Handle, Handle);
  int (*commSize)(Handle, int*);
  int (*commRank)(Handle, int*);
  int (*libraryVersion)(char*, int*);
  int (*errorString)(int, char*, int*);
  int (*allreduce)(const void*, void*, int, Handle, Handle, Handle);
  int (*startAllreduce)(const void*, void*, int, Handle, Handle, Handle, void*);
  int (*broadcast)(void*, int, Handle, int, Handle);
  int (*startBroadcast)(void*, int, Handle, int, Handle, void*);
  int (*send)(const void*, int, Handle, int, int, Handle);
  int (*receive)(void*, int, Handle, int, int, Handle, void*);
  int (*startReceive)(void*, int, Handle, int, int, Handle, void*);
  int (*startSend)(const void*, int, Handle, int, int, Handle, void*);
  int (*test)(void*, int*, void*);
  int (*probe)(int, int, Handle, int*, void*);
  int (*count)(const void*, Handle, int*);

  std::string said(int code) const;  // what the library says to an error's code
};

// Loads the library that `named` names, or else the first that the system's loader finds.
// Throws std::runtime_error, which says what was tried.
Library load(const std::string& named);

}  // namespace fjordnet::mpi
