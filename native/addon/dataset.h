// Samples as JavaScript hands them over.
#pragma once

#include <napi.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

#include "../dataset.h"
#include "environment.h"
#include "marshal.h"

namespace fjordnet {

// Tells the Datasets of this very library from those of another copy of it, whose layout may be another.
const char kThisLibrary = 0;
const napi_type_tag kDatasetTag = {0x6a0c5d3f1b9e4e21, reinterpret_cast<std::uintptr_t>(&kThisLibrary)};

// The first value that is NaN or infinite, or -1. 0 * x sums to 0 unless there is one; eight sums, for compilers to
// vectorise.
template <typename T>
Index firstNotFinite(const T* x, Index n) {
  T sums[8] = {};
  Index i = 0;
  for (; i + 8 <= n; i += 8) {
    for (int k = 0; k < 8; ++k) sums[k] += x[i + k] * T(0);
  }
  for (; i < n; ++i) sums[0] += x[i] * T(0);
  for (int k = 1; k < 8; ++k) sums[0] += sums[k];
  if (sums[0] == T(0)) return -1;
  return std::find_if(x, x + n, [](T value) { return !std::isfinite(value); }) - x;
}

// new Dataset(name, values, rows, width, dtype): copies values, refuses those that are not finite, by row and column.
class DatasetWrap : public Napi::ObjectWrap<DatasetWrap>, public Holder {
 public:
  template <typename T>
  using Pointer = std::shared_ptr<const Dataset<T>>;

  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "Dataset", {InstanceMethod<&DatasetWrap::holds>("holds")});
  }

  explicit DatasetWrap(const Napi::CallbackInfo& info)
      : Napi::ObjectWrap<DatasetWrap>(info), Holder(info.Env(), addon(info.Env()).ledger) {
    const auto env = info.Env();
    guarded(env, [&] {
      const auto name = text(info[0], "name");
      const Index rows = integer(info[2], "rows"), width = integer(info[3], "width");
      if (isFloat32(info[4])) {
        fill<float>(env, name, info[1], rows, width);
      } else {
        fill<double>(env, name, info[1], rows, width);
      }
    });
    napi_type_tag_object(env, info.This(), &kDatasetTag);
  }

  template <typename T>
  static Pointer<T> unwrap(const Napi::Value& value) {
    bool ours = false;
    if (value.IsObject()) napi_check_object_type_tag(value.Env(), value, &kDatasetTag, &ours);
    if (!ours) throw std::invalid_argument("Expected a Dataset");
    const auto* found = std::get_if<Pointer<T>>(&Unwrap(value.As<Napi::Object>())->data_);
    if (found == nullptr) throw std::invalid_argument("Expected a Dataset of the plan's dtype");
    return *found;
  }

  bool collected() override { return Value().IsEmpty(); }
  void release() override { data_ = {}; }

  // holds(values, width, dtype): whether this is still what a new Dataset of these values would be
  Napi::Value holds(const Napi::CallbackInfo& info) {
    const bool same = guarded(info.Env(), [&] {
      if (!info[0].IsTypedArray()) refuse("values", "a typed array", info[0]);
      const Index width = integer(info[1], "width");
      const bool single = isFloat32(info[2]);
      const auto among = [&](const auto& data) {
        using T = std::decay_t<decltype(*data->values)>;
        if (data == nullptr || single != std::is_same_v<T, float> || data->width != width) return false;
        switch (info[0].As<Napi::TypedArray>().TypedArrayType()) {
          case napi_float64_array: return equal(*data, view<double>(info[0]));
          case napi_float32_array: return equal(*data, view<float>(info[0]));
          case napi_int32_array: return equal(*data, view<std::int32_t>(info[0]));
          default: return false;
        }
      };
      return std::visit(among, data_);
    });
    return Napi::Boolean::New(info.Env(), same);
  }

 private:
  template <typename T, typename From>
  static bool equal(const Dataset<T>& data, const View<From>& from) {
    constexpr Index kBlock = 1024;  // without a branch inside, a block is compared a vector at a time
    if (from.size != data.rows * data.width) return false;
    for (Index at = 0; at < from.size; at += kBlock) {
      bool same = true;
      for (Index i = at; i < std::min(at + kBlock, from.size); ++i)
        same &= static_cast<T>(from.data[i]) == data.values[i];
      if (!same) return false;
    }
    return true;
  }

  template <typename T>
  void fill(Napi::Env env, const std::string& name, const Napi::Value& values, Index rows, Index width) {
    if (!values.IsTypedArray()) refuse("values", "a typed array", values);
    switch (values.As<Napi::TypedArray>().TypedArrayType()) {
      case napi_float64_array: return copy<T, double>(env, name, values, rows, width);
      case napi_float32_array: return copy<T, float>(env, name, values, rows, width);
      case napi_int32_array: return copy<T, std::int32_t>(env, name, values, rows, width);
      default: throw std::invalid_argument("Expected a typed array of float64, float32 or int32");
    }
  }

  template <typename T, typename From>
  void copy(Napi::Env env, const std::string& name, const Napi::Value& values, Index rows, Index width) {
    const auto from = view<From>(values);
    if (rows < 1 || width < 1 || from.size % width != 0 || from.size / width != rows) {
      throw std::invalid_argument("Expected rows x width values");
    }
    auto data = std::make_shared<Dataset<T>>(rows, width);
    T* to = data->owned.data();
    for (Index i = 0; i < from.size; ++i) to[i] = static_cast<T>(from.data[i]);
    if (const Index at = firstNotFinite(to, from.size); at >= 0) {
      const auto where = width == 1 ? "row " + std::to_string(at)
                                    : "row " + std::to_string(at / width) + ", column " + std::to_string(at % width);
      const auto what = std::isnan(to[at]) ? "NaN" : to[at] > T(0) ? "Infinity" : "-Infinity";
      throw Napi::RangeError::New(env, "Expected " + name + " to hold finite numbers, got " + what + " at " + where);
    }
    hold(data->owned.bytes());
    data_ = Pointer<T>(std::move(data));
  }

  std::variant<Pointer<float>, Pointer<double>> data_;
};

}  // namespace fjordnet
