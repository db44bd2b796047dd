// Every constant that decides between kernels or cuts work into tiles, and what it was seen to do. None depends on the
// number of threads, and changing one changes bits: tiles are summed in their order.
//
// Where no other machine is named, times are the least of 45 runs on two cores of an Intel Xeon (family 6, model 207,
// AVX-512, 2 MB of L2 a core), GCC 12, OpenBLAS 0.3.21 (SkylakeX), float32, one thread. Two threads could be measured
// only beside other work on those two cores: there differences below a third say little.
#pragma once

#include <cstdint>

namespace fjordnet::tuning {

using Index = std::int64_t;

// Elements of a tile of an element-wise pass; shorter passes stay on one thread. Handing a tile over costs as much as
// 1,000 elements. sgd of 131,072 weights by two threads: 10.0 us with tiles of 16,384 and 65,536, 14 with 4,096 and
// with one tile. Of 32,768 weights, all in cache: 3.7 whatever the tile.
constexpr Index kElementTile = 16384;

// Tiles of rows (program.h), each by one thread from the gather to the deltas: multiplications that one has to be worth
// for each run of a program, and for each value of the sums over rows that every tile makes apart; rows below which
// products of dense layers read their weights too often; values of all tiles' sums together; tiles at most; values of
// weights or of a sum beyond which a kernel has tiles of its output instead, and the whole plan with it. A step without
// and with tiles of rows in us, batches of 100, least of 12 runs: 64-50-10 24.9, 25.6 by one thread, 24.6, 27.2 by two
// (float64 46.7, 46.9 and 46.2, 41.0); 64-100-50-10 67, 71 and 67, 61; digits CNN 161, 183 and 141, 116;
// 784-128-128-10, batch of 128, 498, 523 and 422, 330; CNN of 32x32x3, batch of 32, 1050, 1115 and 756, 625. On this
// machine a cache line takes 0.1 us from one core to the other, so the smallest gain nothing; elsewhere they do (Zen 5,
// 64-50-10 in float64: 45, 28). With 16 tiles of 2 rows the last CNN took 1267 and 808; batch normalization in between,
// with two tiles in each of its four runs, 29.3 without and 39.6 with them by two threads.
constexpr Index kBatchTileWork = 400000;
constexpr Index kBatchTileSums = 100;
constexpr Index kProductRows = 8;
constexpr Index kBatchTileRoom = Index{1} << 20;
constexpr Index kMostBatchTiles = 16;
constexpr Index kMostTiledWeights = 131072;

// Bytes of a batch's rows, all buffers together, beyond which tiles go through the same memory one after the other,
// where each has its own up to there. Steps with and without on a Zen 4 with 1 MB of L2, in ms: CNN of 32x32x3, batch
// of 128 (11 MB), 3.85, 4.43 by one thread, 2.20, 2.42 by two; of 8x8x1, batch of 100 (1 MB), 0.164, 0.166 and 0.101,
// 0.102.
constexpr Index kTiledRoom = Index{1} << 20;

// What follows tiles of rows, by parts of buffers: values of sums and of updates together in one part, and parts at
// most.
constexpr Index kPart = 3000;
constexpr Index kMostParts = 16;

// Sums over rows (batch normalization): rows that are added up before they are added to the tile's sum, and tiles.
// Blocks of 16, 64 and 256 rows: 165, 151 and 156 us for [100,196,16], 1.7, 1.5 and 1.5 for [100,1,64]; the shorter,
// the less is lost by rounding. At most 8, 64 and 512 tiles made no difference beyond that of repetition.
constexpr Index kRowBlock = 64;
constexpr Index kMostRowTiles = 64;

// Rows whose exponentials are taken in one pass: their maxima and sums lie on the stack meanwhile. Not measured.
constexpr Index kSoftmaxBlock = 64;

// Bytes of b, with what lies between its rows, up to which products read it in place (gemm.h), where the caches keep
// it; beyond, it is packed into panels, unless there are but a few rows of a. Rates of OpenBLAS 0.3.21, in place and by
// panels in GFLOP/s, [rows,depth] @ [depth,columns]:
//   float32 100x128x128 165, 217, 226; 100x784x128 168, 235, 224; 128x784x300 174, 188, 209; 128x784x512 170, 148, 211;
//   128x1024x1024 154, 80, 174; 32x256x256 133, 205, 170; 32x1024x1024 81, 72, 144; 12x784x512 58, 101, 109
//   float64 100x784x128 63, 97, 94; 128x512x512 74, 47, 86; 128x1024x1024 77, 37, 84; 32x784x512 57, 39, 69
//   AVX2, float32 128x512x512 107, 106, 121; 128x1024x1024 107, 39, 111; float64 128x512x512 52, 23, 57
//   transposed a, float32 784x128x512 171, 168, 193; 128x3584x128 156, 53, 185; float64 784x128x512 81, 76, 90
constexpr Index kProductCache = 524288;

// Panels: rows of a and depth at a time, rows from which they pay, and columns from which a transposed a that is beyond
// kProductCache is packed, too. 128x784x1024 with 126, 252 and 504 rows 157, 173, 173 GFLOP/s; 1024x1024x1024 with
// depths of 256, 512 and 1,024 187, 191, 195, of a transposed a 512x3584x512 159, 152, 98. Its packing brought
// 1024x128x1024 from 165 to 175, in float64 from 90 to 98, and cost 128x128x128 7 %.
constexpr Index kPanelRows = 252;
constexpr Index kPanelDepth = 256;
constexpr Index kPanelPad = 16;  // keeps the rows of a apart, lest they fall on the same lines of a cache
constexpr Index kFewestPanelRows = 12;
constexpr Index kPackedColumns = 256;

// Rows of b that a block asks for ahead: they lie apart, where the processor does not guess them. Of 8 matrices in
// turn, more than a cache holds, with none, 8, 12 and 24, in GFLOP/s: 128x784x512 84, 119, 122, 77; 128x512x512 110,
// 130, 128, 116; by two threads 136, 207, 196, 174 and 179, 219, 209, 177. The block's part of c is asked for, too:
// weights' gradients [128,784].T @ [128,512] 99 without, 112 with it, by two threads 192, 218. Of b that lies in the
// inner cache nothing is asked for: 100x64x48 on the Xeon 187 with, 210 without.
constexpr Index kRowsAhead = 10;

// Multiplications up to which a product of a transposed a, without bias, is the library's, which has kernels of its own
// for them with AVX-512. Its rate and that of gemm.h in GFLOP/s: [32,64].T @ [32,50] 166, 152; [100,64].T @ [100,50]
// 174, 164; [100,64].T @ [100,100] 180, 172; above the bound [100,128].T @ [100,128] 146, 188; [512,64].T @ [512,50]
// 119, 168; [128,784].T @ [128,128] 187, 209.
constexpr Index kSmallProduct = 1000000;

// Tiles of a product: at most so many, of so many FLOP, columns and rows. Tiles below 48 columns or 32 rows lose more
// than they gain, and those below 2 MFLOP gain nothing in a whole step (100x64x50 takes half the time alone, but its
// operands then lie in the other core's cache) and lose much where the other core is busy.
constexpr Index kMostProductTiles = 8;
constexpr Index kProductTileFlop = 2000000;
constexpr Index kProductTileColumns = 48;
constexpr Index kProductTileRows = 32;

// Weights up to which the input gradient transposes them first, and so has a product without transposes. Without and
// with in us: B = 100, 50x64 6.8, 5.4; B = 32 3.5, 2.9; B = 10, 64x64 1.6, 2.5; above the bound B = 100, 128x64 15.7,
// 13.2, 128x128 28.4, 29.9, 256x128 60.9, 77.8; B = 32, 128x128 15.7, 17.4.
constexpr Index kTransposed = 4096;

// Columns that a transpose writes at a time. [64,512] of float32 in ns a value on a Zen 4, by 8, 16 and all 0.31, 0.29,
// 2.0; of float64 0.55, 0.55, 2.6, into rows that lie 4 KB apart by 8 and 16 0.59, 2.3.
constexpr Index kTransposedStrip = 8;

// Input gradients of larger weights: values of these, and rows of the batch, with which they are those of the
// transposed product, and rows of the weights that it takes at a time. The library's and that one in us: B = 128,
// 512x512 657, 582, by two threads 479, 403; B = 32, 9216x128 1130, 807 and 642, 486; B = 16, 512x512 154, 109; B = 12
// 128, 109; B = 64, 144x512 104, 102; below the bounds B = 128, 128x128 43, 50; beyond them B = 512, 1024x1024 8447,
// 8973.
constexpr Index kDeltaWeights = 131072;
constexpr Index kFewestDeltas = 12;
constexpr Index kMostDeltas = 256;
constexpr Index kDeltaTile = 48;

// Bytes of weights up to which a convolution goes the direct way (conv2d_direct.h) and not by im2col; beyond, as much
// for one block of filters is enough where there are so many pixels. Convolutions of 3x3, by im2col and directly, in
// us:
//   14x14, C -> F 32 -> 64 385, 348; 64 -> 64 810, 727; 64 -> 128 1497, 1438; 128 -> 128 4671, 2905
//   4x4, all filters within the bound 64 -> 64 130, 140; beyond it 64 -> 128 241, 276; 128 -> 128 478, 550
//   128 -> 128 by blocks of filters: 2x2 355, 614; 4x4 960, 1091; 5x5 1726, 1558; 6x6 2264, 2163; 7x7 4695, 2961
constexpr Index kDirectWeights = 262144;
constexpr Index kDirectPixels = 32;

// Bytes of y and of its part of the image that the direct way takes at a time, so that the weights of a block of
// filters stay in cache too. 16 KB, 128 KB, 1 MB: 64x64x32 -> 64 942, 913, 930 us, 64x64x16 -> 32 470, 462, 482;
// weights' gradients 1046, 1015, 1052 and 517, 521, 519.
constexpr Index kStretch = 131072;

// Values of im2col that one product takes (1 MB in float), and pixels that it takes in any case, of a long row of y
// too; of a row longer than kMostIm2col, only those. 16,384, 65,536, 262,144 and 1,048,576 values were within 3 % of
// each other (3x3, 4x4x256 -> 256, and input gradients of stride 2: 28x28x16 -> 32, 14x14x64 -> 64): what the bound
// keeps small is the scratch. 16 to 1,024 pixels were, too (2x2x512 -> 512, 3x3x512 -> 256). kMostIm2col bounds the
// scratch for rows that no usual image has; not measured.
constexpr Index kIm2col = 262144;
constexpr Index kIm2colPixels = 256;
constexpr Index kMostIm2col = 4194304;

// Tiles of a convolution: FLOP of one, and how many at most. By two threads, 30 kFLOP, 300 kFLOP and 3 MFLOP: 100
// images 8x8x1 -> 10 25.8, 15.7, 26.2 us; 32 of 26x26x1 -> 16 62, 37, 42; 8 of 14x14x32 -> 64 217, 197, 237.
constexpr Index kConvolutionTileFlop = 300000;
constexpr Index kMostConvolutionTiles = 64;

// F(2x2, 3x3) (winograd.h): channels and filters from which it pays, the product of both up to which its weights stay
// in the outer cache, and values of a unit of tiles, which a thread takes through all steps there. Times of the direct
// way (or im2col) over its own, forward, gradients of inputs and weights, copies included: 26x26x32 ->
// 64 1.3, 1.4, 1.9; 14x14x64 -> 64 1.4, 1.4, 1.4; 14x14x128 -> 256 1.4, 1.4; 14x14x256 -> 256 1.5, 1.4; 7x7x128 ->
// 128 1.25, 1.3, 1.2; 4x4x64 -> 64 1.6, 1.5, 1.2; 28x28x32 -> 32 1.1, 1.1, 1.1; below the bounds 28x28x16 ->
// 32 1.0, 1.06, 0.9 and 16 -> 16 0.96, 0.97; beyond them 7x7x512 -> 512 2.2, 0.8. Units of 400 KB, 800 KB and 1.6 MB
// differ by up to 20 % from 128 channels on. The largest error over that of the other way (normal numbers, same dtype):
// 0.2 to 0.4 forward, 0.3 to 0.5 for inputs' gradients, 0.5 to 1.6 for weights', where both are 1e-7 to 2e-6 of the
// largest value.
constexpr Index kWinogradChannels = 32;
constexpr Index kWinogradWeights = 65536;
constexpr Index kWinogradRoom = 196608;

// Groups of images whose weights' gradients are summed apart: products of one, values of all groups' sums, and how many
// at most. By two threads, 15,000, 150,000 and 1,500,000 products: 100 images 8x8x1 -> 10 26, 31, 35 us; 32 of 26x26x1
// -> 16 52, 56, 78. Room for 2^18 and 2^22 values: 16 images 14x14x128 -> 128 5.9, 9.0 ms: many groups of large weights
// cost more to clear and to add up than the second core brings. Kept, for other bounds give other bits.
constexpr Index kGroupProducts = 150000;
constexpr Index kGroupRoom = Index{1} << 22;
constexpr Index kMostGroups = 16;

// Rows of a product at a time; between them a job may stop. 8,192 rows of 96 values by 288 take some 6 ms.
constexpr Index kMostProductRows = 8192;

// Rows of a batch of sequences that a thread takes through all steps at a time, at least, and tiles of rows at most.
// Training steps in ms, 28 steps, two threads, with 8, 16 and 32 rows: LSTM of 128 units, 128 sequences 11.0, 10.6,
// 12.5; 32 and 32 0.41, 0.44, 0.48; 256 and 64 27.6, 24.0, 26.6; 512 and 128 268, 204, 217; GRU of 128, 128 8.2, 8.2,
// 6.9 to 11.7. More tiles at most were not measured.
constexpr Index kRecurrentRows = 16;
constexpr Index kMostRecurrentTiles = 16;

// Bytes of what every step of a recurrent layer multiplies by, beyond which a tile of rows packs it into panels at its
// first product. Products of 16 rows in GFLOP/s, in place and from panels: [16,128] @ [128,512] 168, 193; [16,512] @
// [512,128] 180, 198; [16,256] @ [256,1024] 143, 193; [4,32] @ [32,128], within the bound, 183, 183.
constexpr Index kStepCache = 32768;

// Turns of a waiting thread before it offers its core to others: of a helper that finds no tile, and of the leader that
// waits for a helper's last tile. A tile is handed over in well under 1 us, where a sleeping thread takes 50; a helper
// may have lost its core to another process in the middle of a tile. Networks of 64-128-128-10 and 64-512-512-10, with
// 10 to 40,000 turns of the helper: 3.8 to 3.9 and 29 to 32 ms an epoch of 3,000, without order; 10 to 200,000 of the
// leader: 3.9 to 4.0 and 31 to 47, without order.
constexpr int kHelperSpins = 4000;
constexpr int kLeaderSpins = 20000;

// Turns of a helper that looks out for the next job before it sleeps, which it then would take 50 us to wake from. With
// none, 4,000 and 8,000 (some 0.1 ms) on two cores of a Zen 5, in us: a step of the lecture's class 17.5, 16.5, 16.6;
// of 64-50-10 in float32, 14 an epoch, 9.6, 9.3, 9.2; of an LSTM of 32 units 139, 137, 133; 1,000 predictions 48,
// 39, 39.
constexpr int kLingerSpins = 8000;

}  // namespace fjordnet::tuning
