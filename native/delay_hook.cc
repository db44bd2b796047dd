// Windows: Node-API's functions are those of node.exe, which is loaded with the first call to one. The program that
// runs may have another name, as Electron's has, or have Node.js in a library: this names it. node-gyp has the same for
// MSVC.
#if defined(__MINGW32__)

#include <windows.h>
// takes the types of that
#include <delayimp.h>

#include <cstring>

static FARPROC WINAPI hook(unsigned notice, PDelayLoadInfo info) {
  if (notice != dliNotePreLoadLibrary || _stricmp(info->szDll, "node.exe") != 0) return nullptr;
  HMODULE library = GetModuleHandleA("libnode.dll");
  return reinterpret_cast<FARPROC>(library != nullptr ? library : GetModuleHandleA(nullptr));
}

extern "C" {
PfnDliHook __pfnDliNotifyHook2 = hook;
}

#endif
