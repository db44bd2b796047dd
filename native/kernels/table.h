// The kernels of one instruction set. Included once by each of kernels.cc, kernels_avx2.cc and kernels_avx512.cc, which
// set FJORDNET_ISA and the compiler's target; everything below lives in that namespace, so that the linker cannot mix
// them.

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
#include "gemm.h"
//
#include "activation.h"
#include "conv2d_direct.h"
#include "dense.h"
#include "log_loss.h"
#include "loss.h"
#include "metric.h"
#include "update.h"
//
#include "algebra.h"
#include "conv2d.h"
#include "dropout.h"
#include "normalization.h"
#include "penalty.h"
#include "pool.h"

#define ROW(name, signature, function) \
  { name, signature, function<float>, function<double>, nullptr }
#define ROW_WITH_SCRATCH(name, signature, function, scratch) \
  { name, signature, function<float>, function<double>, scratch }

const Kernel kRows[] = {
    ROW("affine", "B O I : BI, IO, O -> BO", affine),
    ROW("matmul", "B O I : BI, IO -> BO", matmul),
    ROW("weightGradient", "B O I : BI, BO -> IO", weightGradient),
    ROW("biasGradient", "B O : BO -> O", biasGradient),
    ROW_WITH_SCRATCH("inputGradient", "B O I : BO, IO -> BI", inputGradient, inputGradientScratch),
    ROW_WITH_SCRATCH("conv2d", "B H W C K L F Y X s t d e p q : BHWC, KLCF, F -> BYXF", conv2d, conv2dScratch),
    ROW_WITH_SCRATCH("conv2dNoBias", "B H W C K L F Y X s t d e p q : BHWC, KLCF -> BYXF", conv2dNoBias, conv2dScratch),
    ROW_WITH_SCRATCH("conv2dWeightGradient", "B H W C K L F Y X s t d e p q : BHWC, BYXF -> KLCF, F",
                     conv2dWeightGradient, conv2dWeightGradientScratch),
    ROW_WITH_SCRATCH("conv2dWeightGradientNoBias", "B H W C K L F Y X s t d e p q : BHWC, BYXF -> KLCF",
                     conv2dWeightGradientNoBias, conv2dWeightGradientScratch),
    ROW_WITH_SCRATCH("conv2dInputGradient", "B H W C K L F Y X s t d e p q : BYXF, KLCF -> BHWC", conv2dInputGradient,
                     conv2dInputGradientScratch),
    ROW("maxPooling2d", "B H W C Y X K L s t p q : BHWC -> BYXC, BYXC", maxPooling2d),
    ROW("maxPooling2dGradient", "B H W C Y X K L s t p q : BYXC, BYXC -> BHWC", maxPooling2dGradient),
    ROW("averagePooling2d", "B H W C Y X K L s t p q : BHWC -> BYXC", averagePooling2d),
    ROW("averagePooling2dGradient", "B H W C Y X K L s t p q : BYXC -> BHWC", averagePooling2dGradient),
    ROW("globalAveragePooling", "B N C : BNC -> BC", globalAveragePooling),
    ROW("globalAveragePoolingGradient", "B N C : BC -> BNC", globalAveragePoolingGradient),
    ROW_WITH_SCRATCH("batchNormalization", "B N C : BNC, C, C -> C, C, C, C, BNC | momentum epsilon",
                     batchNormalization, batchNormalizationScratch),
    ROW_WITH_SCRATCH("batchNormalizationGradient", "B N C : BNC, BNC, C, C, C -> C, C, BNC", batchNormalizationGradient,
                     batchNormalizationScratch),
    ROW_WITH_SCRATCH("batchNormalizationInference", "B N C : BNC, C, C, C, C -> BNC | epsilon",
                     batchNormalizationInference, batchNormalizationInferenceScratch),
    ROW("add", "B N : BN, BN -> BN", add),
    ROW("subtract", "B N : BN, BN -> BN", subtract),
    ROW("multiply", "B N : BN, BN -> BN", multiply),
    ROW("divide", "B N : BN, BN -> BN", divide),
    ROW("maximum", "B N : BN, BN -> BN", maximum),
    ROW("minimum", "B N : BN, BN -> BN", minimum),
    ROW("greater", "B N : BN, BN -> BN", greater),
    ROW("greaterEqual", "B N : BN, BN -> BN", greaterEqual),
    ROW("equal", "B N : BN, BN -> BN", equal),
    ROW("select", "B N : BN, BN, BN -> BN", select),
    ROW("linear", "B N : BN -> BN | scale shift", linear),
    ROW("abs", "B N : BN -> BN", absolute),
    ROW("absGradient", "B N : BN, BN -> BN", absoluteGradient),
    ROW("sign", "B N : BN -> BN", sign),
    ROW("log", "B N : BN -> BN", logarithm),
    ROW("log1p", "B N : BN -> BN", log1p),
    ROW("log1pGradient", "B N : BN, BN -> BN", log1pGradient),
    ROW("sqrt", "B N : BN -> BN", squareRoot),
    ROW("sqrtGradient", "B N : BN, BN -> BN", squareRootGradient),
    ROW("square", "B N : BN -> BN", square),
    ROW("squareGradient", "B N : BN, BN -> BN", squareGradient),
    ROW("power", "B N : BN, BN -> BN", power),
    ROW("powerBaseGradient", "B N : BN, BN, BN -> BN", powerBaseGradient),
    ROW("powerExponentGradient", "B N : BN, BN, BN -> BN", powerExponentGradient),
    ROW("sumAxis", "B A N C : BANC -> BAC | scale", sumAxis),
    ROW("repeatAxis", "B A N C : BAC -> BANC | scale", repeatAxis),
    ROW("maximumAxis", "B A N C : BANC -> BAC", maximumAxis),
    ROW("minimumAxis", "B A N C : BANC -> BAC", minimumAxis),
    ROW("extremeAxisGradient", "B A N C : BANC, BAC, BAC -> BANC", extremeAxisGradient),
    ROW("repeatRows", "B N : N -> BN", repeatRows),
    ROW("swapAxes", "B P Q R S : BPQRS -> BPRQS", swapAxes),
    ROW("slice", "B A M N C : BAMC -> BANC | start", slice),
    ROW("place", "B A M N C : BANC -> BAMC | start", place),
    ROW("fill", "B N : -> BN | value", fill),
    ROW("batchMatmul", "B M K N : BMK, BKN -> BMN", batchMatmul),
    ROW("gather", "B N C J : BNC, BJ -> BJC", gather),
    ROW("gatherGradient", "B N C J : BJ, BJC -> BNC", gatherGradient),
    ROW("oneHot", "B J N : BJ -> BJN", oneHot),
    ROW("logSoftmax", "B M N : BMN -> BMN", logSoftmax),
    ROW("logSoftmaxGradient", "B M N : BMN, BMN -> BMN", logSoftmaxGradient),
    ROW("dropout", "B N : BN -> BN, BN | rate seed", dropout),
    ROW("dropoutGradient", "B N : BN, BN -> BN", dropoutGradient),
    ROW("copy", "B N : BN -> BN", copy),
    ROW("exp", "B N : BN -> BN", exponential),
    ROW("sigmoid", "B N : BN -> BN", sigmoid),
    ROW("sigmoidGradient", "B N : BN, BN -> BN", sigmoidGradient),
    ROW("tanh", "B N : BN -> BN", tanh),
    ROW("tanhGradient", "B N : BN, BN -> BN", tanhGradient),
    ROW("relu", "B N : BN -> BN", relu),
    ROW("reluGradient", "B N : BN, BN -> BN", reluGradient),
    ROW("leakyRelu", "B N : BN -> BN | alpha", leakyRelu),
    ROW("leakyReluGradient", "B N : BN, BN -> BN | alpha", leakyReluGradient),
    ROW("elu", "B N : BN -> BN | alpha", elu),
    ROW("eluGradient", "B N : BN, BN -> BN | alpha", eluGradient),
    ROW("selu", "B N : BN -> BN", selu),
    ROW("seluGradient", "B N : BN, BN -> BN", seluGradient),
    ROW("softplus", "B N : BN -> BN", softplus),
    ROW("softplusGradient", "B N : BN, BN -> BN", softplusGradient),
    ROW("gelu", "B N : BN -> BN | approximate", gelu),
    ROW("geluGradient", "B N : BN, BN -> BN | approximate", geluGradient),
    ROW("silu", "B N : BN -> BN", silu),
    ROW("siluGradient", "B N : BN, BN -> BN", siluGradient),
    ROW("heaviside", "B N : BN -> BN", heaviside),
    ROW("softmax", "B M N : BMN -> BMN", softmax),
    ROW("softmaxGradient", "B M N : BMN, BMN -> BMN", softmaxGradient),
    ROW("softmaxCrossentropy", "B N : BN, BN -> BN, B, BN | mean", softmaxCrossentropy),
    ROW("softmaxCrossentropyRows", "B M N : BMN, BMN -> BMN, B, BMN", softmaxCrossentropyRows),
    ROW("sparseSoftmaxCrossentropy", "B M N : BMN, BM -> BMN, B, BMN", sparseSoftmaxCrossentropy),
    ROW("sigmoidCrossentropy", "B N : BN, BN -> BN, B, BN", sigmoidCrossentropy),
    ROW("categoricalCrossentropy", "B M N : BMN, BMN -> B, BMN", categoricalCrossentropy),
    ROW("sparseCategoricalCrossentropy", "B M N : BMN, BM -> B, BMN", sparseCategoricalCrossentropy),
    ROW("binaryCrossentropy", "B N : BN, BN -> B, BN", binaryCrossentropy),
    ROW("meanSquaredError", "B N : BN, BN -> B, BN", meanSquaredError),
    ROW("meanAbsoluteError", "B N : BN, BN -> B, BN", meanAbsoluteError),
    ROW("huber", "B N : BN, BN -> B, BN | delta", huber),
    ROW("hinge", "B N : BN, BN -> B, BN", hinge),
    ROW("softmaxLogLoss", "B N : BN, BN -> BN, B, BN | scale", softmaxLogLoss),
    ROW("logisticLogLoss", "B N : BN, BN -> BN, B, BN | scale", logisticLogLoss),
    ROW("halfSquaredError", "B N : BN, BN -> B, BN | scale", halfSquaredError),
    ROW("halfPoissonDeviance", "B N : BN, BN -> BN, B, BN | scale", halfPoissonDeviance),
    ROW("sumRows", "B : B -> 1", sumRows),
    ROW("categoricalMatches", "B M N : BMN, BMN -> 1", categoricalMatches),
    ROW("sparseMatches", "B M N : BMN, BM -> 1", sparseMatches),
    ROW("topKMatches", "B M N : BMN, BMN -> 1 | k", topKMatches),
    ROW("sparseTopKMatches", "B M N : BMN, BM -> 1 | k", sparseTopKMatches),
    ROW("binaryMatches", "B N : BN, BN -> 1 | threshold negative", binaryMatches),
    ROW("positives", "B M N : BMN, BMN -> 1, 1, 1 | threshold", positives),
    ROW("sparsePositives", "B M N : BMN, BM -> 1, 1, 1 | threshold", sparsePositives),
    ROW("squaredErrors", "B N : BN, BN -> 1", squaredErrors),
    ROW("absoluteErrors", "B N : BN, BN -> 1", absoluteErrors),
    ROW("rSquaredSums", "B N : BN, BN -> 1, 1, 1, 1, 1 | column", rSquaredSums),
    ROW_WITH_SCRATCH("penalty", "N : N -> N, 1 | l1 l2", penalty, penaltyScratch),
    ROW("weightRows", "B N : BN, B -> BN", weightRows),
    ROW("sgd", "N : N -> N | eta lmbd", sgd),
    ROW("momentum", "N : N -> N, N | rate momentum nesterov lmbd", momentum),
    ROW("adam", "N : N -> N, N, N | rate beta1 beta2 epsilon lmbd", adam),
    ROW("sgdW", "N : N -> N, N | rate momentum nesterov decay", sgdW),
    ROW("adamW", "N : N -> N, N, N | rate beta1 beta2 epsilon decay", adamW),
    ROW("nadam", "N : N -> N, N, N | rateM rateG correction beta1 beta2 epsilon decay", nadam),
    ROW("rmsprop", "N : N -> N, N, N, N | rate rho momentum epsilon centered decay", rmsprop),
    ROW("adagrad", "N : N -> N, N | rate epsilon decay", adagrad),
    ROW("adadelta", "N : N -> N, N, N | rate rho epsilon decay", adadelta),
    ROW_WITH_SCRATCH("sumSquares", "N : 1, N -> 1", sumSquares, sumSquaresScratch),
    ROW("clipNorm", "N : 1, N -> N | limit", clipNorm),
    ROW("clipValue", "N : N -> N | limit", clipValue),
};

}  // namespace

KernelTable table(const char* simd, int bits) {
  return {kRows, static_cast<int>(sizeof kRows / sizeof kRows[0]), simd, bits};
}

}  // namespace FJORDNET_ISA
}  // namespace fjordnet
