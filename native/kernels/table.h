// The kernels of one instruction set (isa.h). Included once by each of kernels.cc, kernels_avx2.cc and
// kernels_avx512.cc; all of it lies in a namespace of its own and there in an unnamed one, so that the linker cannot
// mix them.
#pragma once

#include "activation.h"
#include "algebra.h"
#include "bias.h"
#include "confusion.h"
#include "contrast.h"
#include "conv2d.h"
#include "conv2d_grouped.h"
#include "dense.h"
#include "depthwise.h"
#include "draw.h"
#include "dropout.h"
#include "embedding.h"
#include "gru.h"
#include "image_transform.h"
#include "log_loss.h"
#include "loss.h"
#include "lstm.h"
#include "metric.h"
#include "moments.h"
#include "noise.h"
#include "normalization.h"
#include "penalty.h"
#include "pool.h"
#include "recurrent.h"
#include "resize.h"
#include "row.h"
#include "softmax.h"
#include "sparse.h"
#include "update.h"

namespace fjordnet {
namespace FJORDNET_ISA {
namespace {

#define ROW(name, signature, function)                                                   \
  {                                                                                      \
    name, signature, functionOf<function<float>>(SIGNATURE(signature), function<float>), \
        functionOf<function<double>>(SIGNATURE(signature), function<double>), nullptr    \
  }
#define ROW_WITH_SCRATCH(name, signature, function, scratch)                             \
  {                                                                                      \
    name, signature, functionOf<function<float>>(SIGNATURE(signature), function<float>), \
        functionOf<function<double>>(SIGNATURE(signature), function<double>),            \
        scratchOf<scratch>(SIGNATURE(signature), scratch)                                \
  }

constexpr Kernel kRows[] = {
    ROW_WITH_SCRATCH("affine", "B O I : x BI, w IO, b O -> y BO", affine, affineScratch),
    ROW_WITH_SCRATCH("matmul", "B O I : x BI, w IO -> y BO", matmul, affineScratch),
    ROW_WITH_SCRATCH("weightGradient", "B O I : x BI, dy BO -> dw+ IO", weightGradient, weightGradientScratch),
    ROW("biasGradient", "B O : dy BO -> db+ O", biasGradient),
    ROW_WITH_SCRATCH("sparseAffine", "B O I : x BI, w IO, b O -> y BO", sparseAffine, sparseAffineScratch),
    ROW_WITH_SCRATCH("sparseWeightUpdate", "B O I : x BI, dy BO -> w! IO | keep", sparseWeightUpdate,
                     sparseWeightUpdateScratch),
    ROW_WITH_SCRATCH("inputGradient", "B O I : dy BO, w IO -> dx BI", inputGradient, inputGradientScratch),
    ROW_WITH_SCRATCH("conv2d", "B H W C K L F Y X s t d e p q : x BHWC, w KLCF, b? F -> y BYXF", conv2d, conv2dScratch),
    ROW_WITH_SCRATCH("conv2dWeightGradient", "B H W C K L F Y X s t d e p q : x BHWC, dy BYXF -> dw+ KLCF, db?+ F",
                     conv2dWeightGradient, conv2dWeightGradientScratch),
    ROW_WITH_SCRATCH("conv2dInputGradient", "B H W C K L F Y X s t d e p q : dy BYXF, w KLCF -> dx BHWC",
                     conv2dInputGradient, conv2dInputGradientScratch),
    ROW("maxPooling2d", "B H W C Y X K L s t p q : x BHWC -> y BYXC, winner BYXC", maxPooling2d),
    ROW("maxPooling2dGradient", "B H W C Y X K L s t p q : winner BYXC, dy BYXC -> dx BHWC", maxPooling2dGradient),
    ROW("averagePooling2d", "B H W C Y X K L s t p q : x BHWC -> y BYXC", averagePooling2d),
    ROW("averagePooling2dGradient", "B H W C Y X K L s t p q : dy BYXC -> dx BHWC", averagePooling2dGradient),
    ROW("globalAveragePooling", "B N C : x BNC -> y BC", globalAveragePooling),
    ROW("globalAveragePoolingGradient", "B N C : dy BC -> dx BNC", globalAveragePoolingGradient),
    ROW_WITH_SCRATCH("batchNormalization",
                     "B N C : x BNC, gamma C, beta C, mask? BN -> movingMean! C, movingVariance! C, mean C, scale C, "
                     "y~ BNC | momentum epsilon",
                     batchNormalization, batchNormalizationScratch),
    ROW_WITH_SCRATCH("batchNormalizationGradient",
                     "B N C : x BNC, dy BNC, gamma C, mean C, scale C, mask? BN -> dgamma C, dbeta C, dx~ BNC",
                     batchNormalizationGradient, batchNormalizationScratch),
    ROW_WITH_SCRATCH("batchNormalizationInference",
                     "B N C : x BNC, gamma C, beta C, movingMean C, movingVariance C -> y~ BNC | epsilon",
                     batchNormalizationInference, batchNormalizationInferenceScratch),
    ROW("layerNormalization", "B N : x BN, gamma N, beta N -> y~ BN, mean B, scale B | epsilon", layerNormalization),
    ROW_WITH_SCRATCH("layerNormalizationGradient",
                     "B N : x BN, dy BN, gamma N, mean B, scale B -> dgamma?+ N, dbeta?+ N, dx?~ BN",
                     layerNormalizationGradient, layerNormalizationGradientScratch),
    ROW("add", "B N : x BN, y BN -> z~ BN", add),
    ROW("subtract", "B N : x BN, y BN -> z~ BN", subtract),
    ROW("multiply", "B N : x BN, y BN -> z~ BN", multiply),
    ROW("divide", "B N : x BN, y BN -> z~ BN", divide),
    ROW("maximum", "B N : x BN, y BN -> z~ BN", larger),
    ROW("minimum", "B N : x BN, y BN -> z~ BN", smaller),
    ROW("greater", "B N : x BN, y BN -> z~ BN", greater),
    ROW("greaterEqual", "B N : x BN, y BN -> z~ BN", greaterEqual),
    ROW("equal", "B N : x BN, y BN -> z~ BN", equal),
    ROW("select", "B N : condition BN, x BN, y BN -> z~ BN", select),
    ROW("linear", "B N : x BN -> y~ BN | scale shift", linear),
    ROW("abs", "B N : x BN -> y~ BN", absolute),
    ROW("absGradient", "B N : x BN, dy BN -> dx~ BN", absoluteGradient),
    ROW("sign", "B N : x BN -> y~ BN", sign),
    ROW("floor", "B N : x BN -> y~ BN", floor),
    ROW("round", "B N : x BN -> y~ BN", round),
    ROW("sin", "B N : x BN -> y~ BN", sine),
    ROW("sinGradient", "B N : x BN, dy BN -> dx~ BN", sineGradient),
    ROW("cos", "B N : x BN -> y~ BN", cosine),
    ROW("cosGradient", "B N : x BN, dy BN -> dx~ BN", cosineGradient),
    ROW("erf", "B N : x BN -> y~ BN", erf),
    ROW("erfGradient", "B N : x BN, dy BN -> dx~ BN", erfGradient),
    ROW("log", "B N : x BN -> y~ BN", logarithm),
    ROW("log1p", "B N : x BN -> y~ BN", log1p),
    ROW("log1pGradient", "B N : x BN, dy BN -> dx~ BN", log1pGradient),
    ROW("sqrt", "B N : x BN -> y~ BN", squareRoot),
    ROW("sqrtGradient", "B N : y BN, dy BN -> dx~ BN", squareRootGradient),
    ROW("square", "B N : x BN -> y~ BN", square),
    ROW("squareGradient", "B N : x BN, dy BN -> dx~ BN", squareGradient),
    ROW("power", "B N : x BN, y BN -> z~ BN", power),
    ROW("powerBaseGradient", "B N : x BN, y BN, dz BN -> dx~ BN", powerBaseGradient),
    ROW("powerExponentGradient", "B N : x BN, y BN, dz BN -> dy~ BN", powerExponentGradient),
    ROW("sumAxis", "B A N C : x BANC -> y BAC | scale", sumAxis),
    ROW("repeatAxis", "B A N C : x BAC -> y BANC | scale", repeatAxis),
    ROW("cumulativeSum", "B A N C : x BANC -> y BANC | reverse", cumulativeSum),
    ROW("maximumAxis", "B A N C : x BANC -> y BAC", maximumAxis),
    ROW("minimumAxis", "B A N C : x BANC -> y BAC", minimumAxis),
    ROW("extremeAxisGradient", "B A N C : x BANC, y BAC, dy BAC -> dx BANC", extremeAxisGradient),
    ROW("drawBernoulli", "B N : p BN -> i:state! 998, y~ BN", drawBernoulli),
    ROW("drawNormal", "B N : mean BN -> i:state! 998, y~ BN", drawNormal),
    ROW("repeatRows", "B N : x N -> y BN", repeatRows),
    ROW("swapAxes", "B P Q R S : x BPQRS -> y BPRQS", swapAxes),
    ROW("slice", "B A M N C : x BAMC -> y BANC | start", slice),
    ROW("place", "B A M N C : y BANC -> x! BAMC | start", place),
    ROW("fill", "B N : -> y BN | value", fill),
    ROW("meanGradient", "B N : -> dx BN", meanGradient),
    ROW_WITH_SCRATCH("batchMatmul", "B M K N : x BMK, y BKN -> z BMN", batchMatmul, batchMatmulScratch),
    ROW("gather", "B N C J : x BNC, index BJ -> y BJC", gather),
    ROW("gatherGradient", "B N C J : index BJ, dy BJC -> dx BNC", gatherGradient),
    ROW("real", "B N : i:x BN -> y BN", realOfInt32),
    ROW("embedding", "B J V E : i:index BJ, table VE -> y BJE", embedding),
    ROW("scatterAdd", "B V E : i:index B, x BE -> table! VE", scatterAdd),
    ROW("embeddingGradient", "B J V E : i:index BJ, dy BJE -> dtable+ VE", embeddingGradient),
    ROW_WITH_SCRATCH("simpleRnn", "B S U : z BSU, r* UU, h0? BU, drop? BU, mask? BS -> h BSU | activation", simpleRnn,
                     simpleRnnScratch),
    ROW_WITH_SCRATCH("simpleRnnGradient",
                     "B S U : h BSU, rt* UU, drop? BU, mask? BS, dh? BSU, dlast? BU -> dz BSU, dh0? BU | activation",
                     simpleRnnGradient, simpleRnnGradientScratch),
    ROW_WITH_SCRATCH("lstm",
                     "B S U : z BSU4, r* UU4, h0? BU, c0? BU, drop? BU, mask? BS -> gates BSU4, c BSU, h BSU | "
                     "activation recurrent",
                     lstm, lstmScratch),
    ROW_WITH_SCRATCH("lstmGradient",
                     "B S U : gates BSU4, c BSU, rt* UU4, c0? BU, drop? BU, mask? BS, dh? BSU, dlast? BU, dc? BU -> "
                     "dz BSU4, dh0? BU, dc0? BU | activation recurrent",
                     lstmGradient, lstmGradientScratch),
    ROW_WITH_SCRATCH("gru",
                     "B S U : z BSU3, r* UU3, b? U32, h0? BU, drop? BU, mask? BS -> gates BSU3, inner BSU, h BSU | "
                     "activation recurrent after",
                     gru, gruScratch),
    ROW_WITH_SCRATCH("gruGradient",
                     "B S U : gates BSU3, inner BSU, h BSU, rt* UU3, h0? BU, drop? BU, mask? BS, dh? BSU, dlast? BU -> "
                     "dz BSU3, delta? BSU3, dh0? BU | activation recurrent",
                     gruGradient, gruGradientScratch),
    ROW("previousStates", "B S U : h BSU, h0? BU, drop? BU -> before BSU", previousStates),
    ROW("reverseAxis", "B A N C : x BANC -> y BANC", reverseAxis),
    ROW("interpolateAxis", "B A M N C : x BAMC -> y BANC", interpolateAxis),
    ROW("interpolateAxisGradient", "B A M N C : dy BANC -> dx BAMC", interpolateAxisGradient),
    ROW("oneHot", "B J N : index BJ -> y BJN", oneHot),
    ROW("logSoftmax", "B M N : z BMN -> y BMN", logSoftmax),
    ROW("logSoftmaxGradient", "B M N : y BMN, dy BMN -> dz~ BMN", logSoftmaxGradient),
    ROW("dropout", "B N : x BN -> y~ BN, mask BN | rate seed", dropout),
    ROW("dropoutGradient", "B N : mask BN, dy BN -> dx~ BN", dropoutGradient),
    ROW("copy", "B N : x BN -> y~ BN", copy),
    ROW("exp", "B N : x BN -> y~ BN", exponential),
    ROW("sigmoid", "B N : z BN -> y~ BN", sigmoid),
    ROW("sigmoidGradient", "B N : y BN, dy BN -> dz~ BN", sigmoidGradient),
    ROW("tanh", "B N : z BN -> y~ BN", tanh),
    ROW("tanhGradient", "B N : y BN, dy BN -> dz~ BN", tanhGradient),
    ROW("relu", "B N : z BN -> y~ BN", relu),
    ROW("reluGradient", "B N : y BN, dy BN -> dz~ BN", reluGradient),
    ROW("relu6", "B N : z BN -> y~ BN", relu6),
    ROW("relu6Gradient", "B N : y BN, dy BN -> dz~ BN", relu6Gradient),
    ROW("hardSigmoid", "B N : z BN -> y~ BN", hardSigmoid),
    ROW("hardSigmoidGradient", "B N : y BN, dy BN -> dz~ BN", hardSigmoidGradient),
    ROW("hardSilu", "B N : z BN -> y~ BN", hardSilu),
    ROW("hardSiluGradient", "B N : z BN, dy BN -> dz~ BN", hardSiluGradient),
    ROW("softsign", "B N : z BN -> y~ BN", softsign),
    ROW("softsignGradient", "B N : z BN, dy BN -> dz~ BN", softsignGradient),
    ROW("leakyRelu", "B N : z BN -> y~ BN | alpha", leakyRelu),
    ROW("leakyReluGradient", "B N : y BN, dy BN -> dz~ BN | alpha", leakyReluGradient),
    ROW("elu", "B N : z BN -> y~ BN | alpha", elu),
    ROW("eluGradient", "B N : z BN, dy BN -> dz~ BN | alpha", eluGradient),
    ROW("selu", "B N : z BN -> y~ BN", selu),
    ROW("seluGradient", "B N : z BN, dy BN -> dz~ BN", seluGradient),
    ROW("celu", "B N : z BN -> y~ BN | alpha", celu),
    ROW("celuGradient", "B N : z BN, dy BN -> dz~ BN | alpha", celuGradient),
    ROW("softplus", "B N : z BN -> y~ BN", softplus),
    ROW("softplusGradient", "B N : y BN, dy BN -> dz~ BN", softplusGradient),
    ROW("logSigmoid", "B N : z BN -> y~ BN", logSigmoid),
    ROW("logSigmoidGradient", "B N : y BN, dy BN -> dz~ BN", logSigmoidGradient),
    ROW("gelu", "B N : z BN -> y~ BN | approximate", gelu),
    ROW("geluGradient", "B N : z BN, dy BN -> dz~ BN | approximate", geluGradient),
    ROW("silu", "B N : z BN -> y~ BN", silu),
    ROW("siluGradient", "B N : z BN, dy BN -> dz~ BN", siluGradient),
    ROW("mish", "B N : z BN -> y~ BN", mish),
    ROW("mishGradient", "B N : z BN, dy BN -> dz~ BN", mishGradient),
    ROW("tanhShrink", "B N : z BN -> y~ BN", tanhShrink),
    ROW("tanhShrinkGradient", "B N : z BN, dy BN -> dz~ BN", tanhShrinkGradient),
    ROW("squareplus", "B N : z BN -> y~ BN | b", squareplus),
    ROW("squareplusGradient", "B N : z BN, dy BN -> dz~ BN | b", squareplusGradient),
    ROW("hardTanh", "B N : z BN -> y~ BN", hardTanh),
    ROW("hardTanhGradient", "B N : y BN, dy BN -> dz~ BN", hardTanhGradient),
    ROW("hardShrink", "B N : z BN -> y~ BN | threshold", hardShrink),
    ROW("hardShrinkGradient", "B N : z BN, dy BN -> dz~ BN | threshold", hardShrinkGradient),
    ROW("softShrink", "B N : z BN -> y~ BN | threshold", softShrink),
    ROW("softShrinkGradient", "B N : z BN, dy BN -> dz~ BN | threshold", softShrinkGradient),
    ROW("sparseSigmoid", "B N : z BN -> y~ BN", sparseSigmoid),
    ROW("sparseSigmoidGradient", "B N : y BN, dy BN -> dz~ BN", sparseSigmoidGradient),
    ROW("sparsePlus", "B N : z BN -> y~ BN", sparsePlus),
    ROW("sparsePlusGradient", "B N : z BN, dy BN -> dz~ BN", sparsePlusGradient),
    ROW("heaviside", "B N : z BN -> y~ BN", heaviside),
    ROW("softmax", "B M N : z BMN -> y~ BMN", softmax),
    ROW("softmaxGradient", "B M N : y BMN, dy BMN -> dz~ BMN", softmaxGradient),
    ROW("maskedSoftmax", "B H M N : z BHMN, seen BMN -> y~ BHMN", maskedSoftmax),
    ROW("maskedSoftmaxGradient", "B H M N : y BHMN, seen BMN, dy BHMN -> dz~ BHMN", maskedSoftmaxGradient),
    ROW("softmaxCrossentropy", "B N : z BN, y BN -> p BN, loss B, delta BN | mean", softmaxCrossentropy),
    ROW("softmaxCrossentropyRows", "B M N : z BMN, y BMN -> p BMN, loss B, delta BMN", softmaxCrossentropyRows),
    ROW("sparseSoftmaxCrossentropy", "B M N : z BMN, y BM -> p BMN, loss B, delta BMN", sparseSoftmaxCrossentropy),
    ROW("sigmoidCrossentropy", "B N : z BN, y BN -> p BN, loss B, delta BN", sigmoidCrossentropy),
    ROW("categoricalCrossentropy", "B M N : p BMN, y BMN -> loss B, delta BMN", categoricalCrossentropy),
    ROW("sparseCategoricalCrossentropy", "B M N : p BMN, y BM -> loss B, delta BMN", sparseCategoricalCrossentropy),
    ROW("binaryCrossentropy", "B N : p BN, y BN -> loss B, delta BN", binaryCrossentropy),
    ROW("meanSquaredError", "B N : p BN, y BN -> loss B, delta BN", meanSquaredError),
    ROW("meanAbsoluteError", "B N : p BN, y BN -> loss B, delta BN", meanAbsoluteError),
    ROW("huber", "B N : p BN, y BN -> loss B, dp BN | delta", huber),
    ROW("hinge", "B N : p BN, y BN -> loss B, delta BN", hinge),
    ROW("softmaxLogLoss", "B N : z BN, y BN -> p BN, loss B, delta BN | scale", softmaxLogLoss),
    ROW("logisticLogLoss", "B N : z BN, y BN -> p BN, loss B, delta BN | scale", logisticLogLoss),
    ROW("halfSquaredError", "B N : z BN, y BN -> loss B, delta BN | scale", halfSquaredError),
    ROW("halfPoissonDeviance", "B N : z BN, y BN -> p BN, loss B, delta BN | scale", halfPoissonDeviance),
    ROW("maskWeights", "B : mask B, valid 1 -> weight~ B", maskWeights),
    ROW("sumRows", "B : x B -> total+ 1", sumRows),
    ROW("categoricalMatches", "B M N : p BMN, y BMN, weight? B -> count+ 1", categoricalMatches),
    ROW("sparseMatches", "B M N : p BMN, y BM, weight? B -> count+ 1", sparseMatches),
    ROW("topKMatches", "B M N : p BMN, y BMN, weight? B -> count+ 1 | k", topKMatches),
    ROW("sparseTopKMatches", "B M N : p BMN, y BM, weight? B -> count+ 1 | k", sparseTopKMatches),
    ROW("nearest", "B K : d BK, offset K -> label B", nearest),
    ROW("binaryMatches", "B N : p BN, y BN, weight? B -> count+ 1 | threshold negative", binaryMatches),
    ROW("squaredErrors", "B N : p BN, y BN, weight? B -> sum+ 1", squaredErrors),
    ROW("absoluteErrors", "B N : p BN, y BN, weight? B -> sum+ 1", absoluteErrors),
    ROW("rSquaredSums",
        "B N : p BN, y BN, weight? B -> residual 1, total 1, totalRest 1, sum 1, sumRest 1, squares 1, squaresRest 1 | "
        "column",
        rSquaredSums),
    ROW_WITH_SCRATCH("penalty", "N : w N -> value 1 | l1 l2", penalty, penaltyScratch),
    ROW("penaltyGradient", "N : w N -> dw!~ N | l1 l2", penaltyGradient),
    ROW("weightRows", "B N : x BN, weight B -> y~ BN", weightRows),
    ROW("sgd", "N : dw N -> w!~ N | eta lmbd", sgd),
    ROW("momentum", "N : dw N -> v!~ N, w!~ N | rate momentum nesterov lmbd decay", momentum),
    ROW("adam", "N : dw N -> m!~ N, v!~ N, w!~ N | rate beta1 beta2 epsilon lmbd decay", adam),
    ROW("nadam", "N : dw N -> m!~ N, v!~ N, w!~ N | rateM rateG correction beta1 beta2 epsilon decay", nadam),
    ROW("rmsprop", "N : dw N -> v!~ N, mean?!~ N, velocity?!~ N, w!~ N | rate rho momentum epsilon centered decay",
        rmsprop),
    ROW("adagrad", "N : dw N -> v!~ N, w!~ N | rate epsilon decay", adagrad),
    ROW("adadelta", "N : dw N -> v!~ N, u!~ N, w!~ N | rate rho epsilon decay", adadelta),
    ROW("allReduce", "G : -> g! G", allReduce),
    ROW_WITH_SCRATCH("sumSquares", "N : before 1, g N -> total~ 1", sumSquares, sumSquaresScratch),
    ROW("clipNorm", "N : squares 1, g N -> clipped~ N | limit", clipNorm),
    ROW("clipValue", "N : g N -> clipped~ N | limit", clipValue),
    ROW("addBias", "B O : x BO, b O -> y~ BO", addBias),
    ROW("depthwiseConv2d", "B H W C K L Y X s t d e p q : x BHWC, w KLC, b? C -> y BYXC", depthwiseConv2d),
    ROW("depthwiseConv2dInputGradient", "B H W C K L Y X s t d e p q : dy BYXC, w KLC -> dx BHWC",
        depthwiseConv2dInputGradient),
    ROW_WITH_SCRATCH("depthwiseConv2dWeightGradient",
                     "B H W C K L Y X s t d e p q : x BHWC, dy BYXC -> dw+ KLC, db?+ C", depthwiseConv2dWeightGradient,
                     depthwiseConv2dWeightGradientScratch),
    ROW("conv2dGrouped", "B H W C K L F Y X s t d e p q G : x BHWGC, w KLCGF, b? GF -> y BYXGF", conv2dGrouped),
    ROW_WITH_SCRATCH("conv2dGroupedInputGradient", "B H W C K L F Y X s t d e p q G : dy BYXGF, w KLCGF -> dx BHWGC",
                     conv2dGroupedInputGradient, conv2dGroupedInputGradientScratch),
    ROW_WITH_SCRATCH("conv2dGroupedWeightGradient",
                     "B H W C K L F Y X s t d e p q G : x BHWGC, dy BYXGF -> dw+ KLCGF, db?+ GF",
                     conv2dGroupedWeightGradient, conv2dGroupedWeightGradientScratch),
    ROW("gaussianNoise", "B N : x BN -> y~ BN | stddev seed", gaussianNoise),
    ROW("imageTransforms", "B H W : -> m B6 | change yLow yHigh xLow xHigh seed", imageTransforms),
    ROW("transformImage", "B H W C : x BHWC, m B6 -> y BHWC | fill interpolation fillValue", transformImage),
    ROW("transformImageGradient", "B H W C : m B6, dy BHWC -> dx BHWC | fill interpolation", transformImageGradient),
    ROW("contrast", "B N C : x BNC -> y~ BNC, factor B | low high least most seed", contrast),
    ROW("contrastGradient", "B N C : x BNC, factor B, dy BNC -> dx~ BNC | least most", contrastGradient),
    ROW("amsgrad", "N : dw N -> m!~ N, v!~ N, most!~ N, w!~ N | rate beta1 beta2 epsilon decay", amsgrad),
    ROW("adamax", "N : dw N -> m!~ N, u!~ N, w!~ N | rate beta1 beta2 epsilon decay", adamax),
    ROW("lion", "N : dw N -> m!~ N, w!~ N | rate beta1 beta2 decay", lion),
    ROW("movingAverage", "N : w N -> average!~ N | momentum", movingAverage),
    ROW("confusion",
        "B M N : p BMN, y BMN, weight? B -> truePositives+ 1, falsePositives+ 1, trueNegatives+ 1, falseNegatives+ 1 | "
        "threshold top column",
        confusion),
    ROW("sparseConfusion",
        "B M N : p BMN, y BM, weight? B -> truePositives+ 1, falsePositives+ 1, trueNegatives+ 1, falseNegatives+ 1 | "
        "threshold top column",
        sparseConfusion),
    ROW("classCounts", "B M N : p BMN, y BMN, weight? B -> both+ N, predicted+ N, actual+ N | threshold largest",
        classCounts),
    ROW("sparseClassCounts", "B M N : p BMN, y BM, weight? B -> both+ N, predicted+ N, actual+ N | threshold largest",
        sparseClassCounts),
    ROW("thresholdCounts", "B M N K : p BMN, y BMN, weight? B -> positives+ K, negatives+ K | column", thresholdCounts),
    ROW("sparseThresholdCounts", "B M N K : p BMN, y BM, weight? B -> positives+ K, negatives+ K | column",
        sparseThresholdCounts),
    ROW("classOverlaps", "B M N C K : p BMN, y BMC, weight? B -> both+ K, predicted+ K, actual+ K | ignore",
        classOverlaps),
};

}  // namespace

KernelTable table(const char* simd, int bits) {
  return {kRows, static_cast<int>(sizeof kRows / sizeof kRows[0]), simd, bits, drawBatches};
}

}  // namespace FJORDNET_ISA
}  // namespace fjordnet
