// The kernels of one instruction set. Included once by each of kernels.cc, kernels_avx2.cc and kernels_avx512.cc, which set
// FJORDNET_ISA and the compiler's target; everything below lives in that namespace, so that the linker cannot mix them.

namespace fjordnet {
namespace FJORDNET_ISA {
namespace {

#include "vector.h"
//
#include "pack.h"
//
#include "vmath.h"
//
#include "tiles.h"
//
#include "activation.h"
#include "dense.h"
#include "loss.h"
#include "log_loss.h"
#include "update.h"

#define ROW(name, signature, function) {name, signature, function<float>, function<double>, nullptr}
#define ROW_WITH_SCRATCH(name, signature, function, scratch) {name, signature, function<float>, function<double>, scratch}

const Kernel kRows[] = {
    ROW("affine", "B O I : BI, IO, O -> BO", affine),
    ROW("matmul", "B O I : BI, IO -> BO", matmul),
    ROW("weightGradient", "B O I : BI, BO -> IO", weightGradient),
    ROW("biasGradient", "B O : BO -> O", biasGradient),
    ROW("inputGradient", "B O I : BO, IO -> BI", inputGradient),
    ROW("exp", "B N : BN -> BN", exponential),
    ROW("sigmoid", "B N : BN -> BN", sigmoid),
    ROW("sigmoidGradient", "B N : BN, BN -> BN", sigmoidGradient),
    ROW("tanh", "B N : BN -> BN", tanh),
    ROW("tanhGradient", "B N : BN, BN -> BN", tanhGradient),
    ROW("relu", "B N : BN -> BN", relu),
    ROW("reluGradient", "B N : BN, BN -> BN", reluGradient),
    ROW("softmax", "B N : BN -> BN", softmax),
    ROW("softmaxCrossentropy", "B N : BN, BN -> BN, B, BN | mean", softmaxCrossentropy),
    ROW("softmaxLogLoss", "B N : BN, BN -> BN, B, BN | scale", softmaxLogLoss),
    ROW("logisticLogLoss", "B N : BN, BN -> BN, B, BN | scale", logisticLogLoss),
    ROW("halfSquaredError", "B N : BN, BN -> B, BN | scale", halfSquaredError),
    ROW("halfPoissonDeviance", "B N : BN, BN -> BN, B, BN | scale", halfPoissonDeviance),
    ROW("sumRows", "B : B -> 1", sumRows),
    ROW("sgd", "N : N -> N | eta lmbd", sgd),
    ROW("momentum", "N : N -> N, N | rate momentum nesterov lmbd", momentum),
    ROW("adam", "N : N -> N, N, N | rate beta1 beta2 epsilon lmbd", adam),
};

}  // namespace

KernelTable table(const char* simd, int bits) {
  return {kRows, static_cast<int>(sizeof kRows / sizeof kRows[0]), simd, bits};
}

}  // namespace FJORDNET_ISA
}  // namespace fjordnet
