// Random flips, rotations, shifts and zooms of images, as Keras' layers: what each image goes through is drawn by
// counters as dropout's masks (dropout.h), of its place in the batch, and then all of them are read by one kernel. A
// transform of six numbers says where in the image each pixel is read: (m0 x + m1 y + m2, m3 x + m4 y + m5).
#pragma once

#include "dropout.h"

namespace fjordnet::FJORDNET_ISA {
namespace {

// In the order of lib/graph/ops/augmentation.ts, as the next two.
enum class Change { kFlip, kRotation, kTranslation, kZoom, kEvenZoom };
enum class Fill { kReflect, kConstant, kWrap, kNearest };
enum class Reading { kBilinear, kNearest };

// Whatever the scalar says.
template <typename Code>
inline Code codeOf(double scalar, Code last) {
  return scalar > 0.0 && scalar <= static_cast<double>(last) ? static_cast<Code>(static_cast<int>(scalar)) : Code{};
}

struct Transform {
  float m[6];
};

// Number `counter` of a uniform distribution over [low, high).
inline double uniform(double seed, Index counter, double low, double high) {
  const auto key = static_cast<std::uint64_t>(seed);
  const auto word = static_cast<std::uint32_t>(key) + static_cast<std::uint32_t>(counter);
  const auto other = static_cast<std::uint32_t>(key >> 32) ^ mix(static_cast<std::uint32_t>(counter >> 32));
  return low + (high - low) * (mix(mix(word) ^ other) * 0x1p-32);
}

// m[B,6] for images [H,W]: a flip along each axis whose `high` is 1, of half of them, along both at once where both
// are; a rotation about the middle by a share of a turn in [yLow, yHigh); a shift by shares of height and width; a zoom
// about the middle to 1 + such shares, or by the same one along both axes. In float as Keras, and in its order, so that
// ties between pixels fall as there. seed: an integer in [0, 2^53)
template <typename T>
void imageTransforms(const Cpu<T>& cpu, Index B, Index H, Index W, Out<T> m, double change, double yLow, double yHigh,
                     double xLow, double xHigh, double seed) {
  constexpr auto kDegree = static_cast<float>(3.14159265358979323846 / 180.0);
  const Change kind = codeOf(change, Change::kEvenZoom);
  const auto height = static_cast<float>(H), width = static_cast<float>(W);
  const float middleX = (width - 1.0f) / 2.0f, middleY = (height - 1.0f) / 2.0f;
  rows(cpu.team, B, 6, [&](Index begin, Index end) {
    for (Index row = begin; row < end; ++row) {
      const Index counter = 2 * (cpu.first + row);
      const double y = uniform(seed, counter, yLow, yHigh), x = uniform(seed, counter + 1, xLow, xHigh);
      Transform to;
      if (kind == Change::kFlip) {
        const bool isFlipped = uniform(seed, counter, 0.0, 1.0) < 0.5;
        const bool across = isFlipped && xHigh > 0.0, down = isFlipped && yHigh > 0.0;
        to = {across ? -1.0f : 1.0f,      0.0f, across ? width - 1.0f : 0.0f, 0.0f, down ? -1.0f : 1.0f,
              down ? height - 1.0f : 0.0f};
      } else if (kind == Change::kRotation) {
        const double angle = static_cast<float>(360.0 * y) * kDegree;
        const auto c = static_cast<float>(std::cos(angle)), s = static_cast<float>(std::sin(angle));
        to = {c, -s, middleX - middleX * c + middleY * s, s, c, middleY - middleX * s - middleY * c};
      } else if (kind == Change::kTranslation) {
        to = {1.0f, 0.0f, -static_cast<float>(x) * width, 0.0f, 1.0f, -static_cast<float>(y) * height};
      } else {
        const auto zoomY = static_cast<float>(1.0 + y);
        const auto zoomX = kind == Change::kEvenZoom ? zoomY : static_cast<float>(1.0 + x);
        to = {zoomX, 0.0f, middleX * (1.0f - zoomX), 0.0f, zoomY, middleY * (1.0f - zoomY)};
      }
      std::copy_n(to.m, 6, m + row * 6);
    }
  });
}

// How images are read, and the dimensions of the kernels' signatures.
struct ImageReader {
  static constexpr const char* kDims = "B H W C";
  Index B, H, W, C;
  Fill fill = Fill::kReflect;

  Index size() const { return H * W * C; }
  static ImageReader of(const Index* dim) { return {dim[0], dim[1], dim[2], dim[3]}; }
};

// The pixels that one is made of: where each begins in the image, -1 outside, and what it counts.
template <typename T, int n>
struct Taps {
  Index at[n];
  T weight[n];
};

// Where on an axis of n pixels a place is read: TensorFlow's formulas (ImageProjectiveTransformV3). Its 'wrap' does not
// mix the last pixel with the first, and is no repetition any more near the far end of the next image and beyond.
inline float placeOf(Fill fill, float at, Index n) {
  const auto size = static_cast<float>(n), last = size - 1.0f;
  if (fill == Fill::kConstant) return at;
  if (fill == Fill::kReflect && n > 1) {
    const float period = 2.0f * size;
    if (at < 0.0f) {
      at += period * std::trunc(-at / period);
      at = at < -size ? at + period : -at - 1.0f;
    } else if (at > last) {
      at -= period * std::trunc(at / period);
      if (at >= size) at = period - at - 1.0f;
    }
  } else if (fill == Fill::kWrap && n > 1) {
    if (at < 0.0f) {
      at += size * (std::trunc(-at / last) + 1.0f);
    } else if (at > last) {
      at -= size * std::trunc(at / last);
    }
  }
  return at > 0.0f ? std::min(at, last) : 0.0f;
}

// The place of pixel (x, y) in the image, or -1. Beyond 2^24 a float may be the pixel behind the last.
inline Index pixelAt(const ImageReader& c, float x, float y) {
  if (!(x >= 0.0f && y >= 0.0f && x < static_cast<float>(c.W) && y < static_cast<float>(c.H))) return -1;
  const auto column = static_cast<Index>(x), row = static_cast<Index>(y);
  return column < c.W && row < c.H ? (row * c.W + column) * c.C : -1;
}

template <typename T>
void tapsAt(const ImageReader& c, float x, float y, Taps<T, 1>& taps) {
  taps = {{pixelAt(c, std::round(x), std::round(y))}, {T(1)}};
}
template <typename T>
void tapsAt(const ImageReader& c, float x, float y, Taps<T, 4>& taps) {
  const float left = std::floor(x), top = std::floor(y);
  const T right = x - left, below = y - top;
  for (int k = 0; k < 4; ++k) {
    taps.at[k] = pixelAt(c, left + static_cast<float>(k & 1), top + static_cast<float>(k >> 1));
    taps.weight[k] = ((k & 1) != 0 ? right : T(1) - right) * (k > 1 ? below : T(1) - below);
  }
}

// The same inside the image, without a look at its borders.
template <typename T>
void tapsInside(const ImageReader& c, float x, float y, Taps<T, 1>& taps) {
  const auto left = static_cast<Index>(x), top = static_cast<Index>(y);
  const Index column = left + (x - static_cast<float>(left) >= 0.5f);
  const Index row = top + (y - static_cast<float>(top) >= 0.5f);
  taps = {{(row * c.W + column) * c.C}, {T(1)}};
}
template <typename T>
void tapsInside(const ImageReader& c, float x, float y, Taps<T, 4>& taps) {
  const auto left = static_cast<Index>(x), top = static_cast<Index>(y);
  const T right = x - static_cast<float>(left), below = y - static_cast<float>(top);
  const Index at = (top * c.W + left) * c.C;
  taps = {{at, at + c.C, at + c.W * c.C, at + (c.W + 1) * c.C},
          {(T(1) - right) * (T(1) - below), right * (T(1) - below), (T(1) - right) * below, right * below}};
}

// fn(first value of a pixel, its taps, are all of these inside?) for the pixels that the transform makes of one image.
template <int n, typename T, typename F>
void eachPixel(const ImageReader& c, const T* m, const F& fn) {
  const auto lastX = static_cast<float>(c.W - 1), lastY = static_cast<float>(c.H - 1);
  Transform to;
  std::copy_n(m, 6, to.m);
  Taps<T, n> taps;
  Index pixel = 0;
  for (Index y = 0; y < c.H; ++y) {
    for (Index x = 0; x < c.W; ++x, pixel += c.C) {
      const auto column = static_cast<float>(x), row = static_cast<float>(y);
      const float atX = to.m[0] * column + to.m[1] * row + to.m[2];
      const float atY = to.m[3] * column + to.m[4] * row + to.m[5];
      if (atX >= 0.0f && atY >= 0.0f && atX < lastX && atY < lastY) {
        tapsInside(c, atX, atY, taps);
        fn(pixel, taps, std::true_type());
      } else {
        tapsAt(c, placeOf(c.fill, atX, c.W), placeOf(c.fill, atY, c.H), taps);
        fn(pixel, taps, std::false_type());
      }
    }
  }
}

// fn(image, taps of a pixel, channels) for all images, with both known to the compiler where they are the usual ones.
template <typename T, typename F>
void eachImage(const Cpu<T>& cpu, const ImageReader& c, double interpolation, const F& fn) {
  const auto images = [&](auto n, auto C) {
    rows(cpu.team, c.B, c.size(), [&](Index begin, Index end) {
      for (Index image = begin; image < end; ++image) fn(image, n, C);
    });
  };
  const auto channels = [&](auto n) {
    if (c.C == 1) return images(n, std::integral_constant<Index, 1>());
    if (c.C == 3) return images(n, std::integral_constant<Index, 3>());
    images(n, c.C);
  };
  if (codeOf(interpolation, Reading::kNearest) == Reading::kNearest) {
    channels(std::integral_constant<int, 1>());
  } else {
    channels(std::integral_constant<int, 4>());
  }
}

// y[B,H,W,C] = x[B,H,W,C] where m[B,6] says, and fillValue outside where fill is 'constant'
template <typename T>
void transformImage(const Cpu<T>& cpu, ImageReader c, In<T> x, In<T> m, Out<T> y, double fill, double interpolation,
                    T fillValue) {
  c.fill = codeOf(fill, Fill::kNearest);
  eachImage(cpu, c, interpolation, [&](Index image, auto n, auto C) {
    constexpr int kTaps = decltype(n)::value;
    const T* from = x + image * c.size();
    T* to = y + image * c.size();
    eachPixel<kTaps>(c, m + image * 6, [&](Index pixel, const auto& taps, auto isInside) {
      for (Index j = 0; j < C; ++j) {
        T sum{};
        for (int k = 0; k < kTaps; ++k) {
          const T part = taps.weight[k] * (isInside || taps.at[k] >= 0 ? from[taps.at[k] + j] : fillValue);
          sum = k == 0 ? part : sum + part;
        }
        to[pixel + j] = sum;
      }
    });
  });
}

// dx[B,H,W,C]: dy[B,H,W,C] handed back to the pixels that each was made of
template <typename T>
void transformImageGradient(const Cpu<T>& cpu, ImageReader c, In<T> m, In<T> dy, Out<T> dx, double fill,
                            double interpolation) {
  c.fill = codeOf(fill, Fill::kNearest);
  eachImage(cpu, c, interpolation, [&](Index image, auto n, auto C) {
    constexpr int kTaps = decltype(n)::value;
    const T* from = dy + image * c.size();
    T* to = dx + image * c.size();
    std::fill_n(to, c.size(), T(0));
    eachPixel<kTaps>(c, m + image * 6, [&](Index pixel, const auto& taps, auto isInside) {
      for (int k = 0; k < kTaps; ++k) {
        if (!isInside && taps.at[k] < 0) continue;
        for (Index j = 0; j < C; ++j) to[taps.at[k] + j] += taps.weight[k] * from[pixel + j];
      }
    });
  });
}

}  // namespace
}  // namespace fjordnet::FJORDNET_ISA
