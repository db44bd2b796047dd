// Samples as JavaScript hands them over.
#pragma once

#include <napi.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
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

// new Dataset(name, values, rows, width, dtype): copies values, refuses those that are not finite, or for int32 no
// integers, by row and column.
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
      typed(info[4], [&](auto zero) { fill<decltype(zero)>(env, name, info[1], rows, width); });
    });
    napi_type_tag_object(env, info.This(), &kDatasetTag);
  }

  // Null where it holds values of another type.
  template <typename T>
  static Pointer<T> find(const Napi::Value& value) {
    bool ours = false;
    if (value.IsObject()) napi_check_object_type_tag(value.Env(), value, &kDatasetTag, &ours);
    if (!ours) throw std::invalid_argument("Expected a Dataset");
    const auto* found = std::get_if<Pointer<T>>(&Unwrap(value.As<Napi::Object>())->data_);
    return found == nullptr ? nullptr : *found;
  }

  bool collected() override { return Value().IsEmpty(); }
  void release() override { data_ = {}; }

  // holds(values, width, dtype): whether this is still what a new Dataset of these values would be
  Napi::Value holds(const Napi::CallbackInfo& info) {
    const bool same = guarded(info.Env(), [&] {
      if (!info[0].IsTypedArray()) refuse("values", "a typed array", info[0]);
      const Index width = integer(info[1], "width");
      const bool sameType =
          typed(info[2], [&](auto zero) { return std::holds_alternative<Pointer<decltype(zero)>>(data_); });
      const auto among = [&](const auto& data) {
        if (data == nullptr || !sameType || data->width != width) return false;
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
      for (Index i = at; i < std::min(at + kBlock, from.size); ++i) same &= rounded<T>(from.data[i]) == data.values[i];
      if (!same) return false;
    }
    return true;
  }

  // A number as a dataset of T holds it; as a double where T may have no room for it.
  template <typename T, typename From>
  static auto rounded(From x) {
    if constexpr (std::is_same_v<T, std::int32_t>) {
      return static_cast<double>(x);
    } else {
      return static_cast<T>(x);
    }
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
    const auto refuseAt = [&](Index at, const std::string& expected, double x) {
      const auto where = width == 1 ? "row " + std::to_string(at)
                                    : "row " + std::to_string(at / width) + ", column " + std::to_string(at % width);
      const auto what = Napi::Number::New(env, x).ToString().Utf8Value();
      throw Napi::RangeError::New(env, "Expected " + name + " to hold " + expected + ", got " + what + " at " + where);
    };
    if constexpr (std::is_same_v<T, std::int32_t>) {
      constexpr double kLeast = std::numeric_limits<T>::min(), kMost = std::numeric_limits<T>::max();
      for (Index i = 0; i < from.size; ++i) {
        const double x = from.data[i];
        if (!(x >= kLeast && x <= kMost) || std::trunc(x) != x) refuseAt(i, "integers of 32 bits", x);
        to[i] = static_cast<T>(x);
      }
    } else {
      for (Index i = 0; i < from.size; ++i) to[i] = static_cast<T>(from.data[i]);
      if (const Index at = firstNotFinite(to, from.size); at >= 0) {
        const auto x = static_cast<double>(from.data[at]);
        refuseAt(at, std::isfinite(x) ? "numbers within float32's range" : "finite numbers", x);
      }
    }
    hold(data->owned.bytes());
    data_ = Pointer<T>(std::move(data));
  }

  std::variant<Pointer<float>, Pointer<double>, Pointer<std::int32_t>> data_;
};

}  // namespace fjordnet
