// Preloaded under LeakSanitizer, which names the library of a leak only where that is still loaded: MPI unloads its plug-ins.
extern "C" int dlclose(void*) noexcept { return 0; }
