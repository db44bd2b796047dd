// macOS, built by zig. Nothing here can run it: what can be seen in the file is checked, the rest is up to
// `fjordnet try-darwin`, on a Mac.
import { join } from 'node:path';
import { compile } from './compile.js';
import { checkMacho, dropWeakBinds } from './macho.js';
import { root } from './root.js';
import { zigCompiler, zigVersion } from './zig.js';

/** The package that holds them, and the folder it is packed from. */
export const DARWIN_PACKAGE = 'fjordnet-darwin';
/** As MACOSX_DEPLOYMENT_TARGET in binding.gyp. */
const OLDEST = '11.0';
/** zig's names of the oldest processors. */
const MACS = { arm64: ['aarch64', 'apple_m1'], x64: ['x86_64', 'x86_64'] };

/** Of libSystem. Before a name is added, look whether that macOS has it. */
const SYSTEM = `
  __DefaultRuneLocale __Unwind_DeleteException __Unwind_GetIP __Unwind_GetLanguageSpecificData __Unwind_GetRegionStart
  __Unwind_RaiseException __Unwind_Resume __Unwind_SetGR __Unwind_SetIP ___bzero ___cxa_atexit ___error ___sincos_stret
  ___stderrp __exit __tlv_atexit __tlv_bootstrap _abort _aligned_alloc _atexit _atoi _bzero _calloc _ceil _ceilf
  _clock_gettime _dladdr _dlerror _dlopen _dlsym _floorf _fputc _free _fwrite _getenv _gethostname _log _log1p _log1pf
  _logf _malloc _memchr _memcmp _memcpy _memmove _memset _memset_pattern16 _nanosleep _pause _posix_memalign _pow _powf
  _pthread_cond_broadcast _pthread_cond_destroy _pthread_cond_signal _pthread_cond_timedwait _pthread_cond_wait
  _pthread_create _pthread_detach _pthread_getspecific _pthread_join _pthread_key_create _pthread_mach_thread_np
  _pthread_mutex_destroy _pthread_mutex_init _pthread_mutex_lock _pthread_mutex_trylock _pthread_mutex_unlock
  _pthread_mutexattr_destroy _pthread_mutexattr_init _pthread_mutexattr_settype _pthread_self _pthread_setspecific
  _realloc _roundf _sched_yield _setenv _signal _snprintf _strcmp _strerror_r _strlen _strtod _strtof _strtol _strtold
  _strtoll _strtoul _strtoull _swprintf _sysconf _trunc _truncf _vfprintf _wcslen _wcstod _wcstof _wcstol _wcstold
  _wcstoll _wcstoul _wcstoull _wmemchr _wmemcmp _write dyld_stub_binder
`
  .trim()
  .split(/\s+/);

const LINK = [
  '-O3', // of libc++ and the like, which zig builds here
  '-shared',
  '-s',
  '-Wl,-x',
  '-Wl,-undefined,dynamic_lookup', // Node-API is in Node.js' own binary
  '-Wl,-dead_strip',
];

export const darwin = Object.entries(MACS).map(([arch, [cpu, model]]) => {
  const files = [`darwin-${arch}/fjordnet.node`, `darwin-${arch}/mpi/fjordnet_mpi.node`];
  return {
    name: `darwin-${arch}`,
    package: DARWIN_PACKAGE,
    files,
    contains: ['libc++', 'libc++abi'],
    compilers: zigVersion,
    recipe: ['compile', 'darwin', 'macho', 'zig'].map((name) => `scripts/platforms/${name}.js`),
    async build(folder) {
      const compiler = zigCompiler('-target', `${cpu}-macos.${OLDEST}`, `-mcpu=${model}`);
      for (const [place, name] of ['fjordnet', 'fjordnet_mpi'].entries()) {
        const file = join(root, DARWIN_PACKAGE, 'prebuilds', files[place]);
        await compile({
          name,
          folder: join(folder, name),
          compiler,
          defines: ['FJORDNET_BLAS_ACCELERATE'],
          flags: ['-g0', '-fvisibility-global-new-delete=force-hidden'],
          also: ['native/compat_macos.cc'],
          link: LINK,
          file,
        });
        dropWeakBinds(file);
      }
    },
    check: (file) => checkMacho(file, { arch, oldest: OLDEST, system: SYSTEM }),
  };
});
