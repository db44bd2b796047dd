// Everything the kernels include, ahead of any change of the compiler's target: functions of the standard library must
// not be compiled for an instruction set the processor may lack.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>
#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#include "../blas.h"
#include "../kernel.h"
#include "../signature.h"
#include "tuning.h"
