// Reads arguments, and refuses those of other kinds. TypeScript checks what users pass; what is refused here is a
// mistake in this library.
//
// Reading a property, an array's element or an object's keys may run JavaScript (getters, proxies), which may do
// anything: shrink or detach a buffer, start a job, change the number of threads. So every call reads all of its
// arguments first, values alone, and only then looks at memory (view) and at the plan, with no JavaScript in between.
#pragma once

#include <napi.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <new>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

#include "../dataset.h"
#include "../exchange.h"
#include "../kernel.h"

namespace fjordnet {

inline Napi::Error coded(Napi::Env env, const char* code, const std::string& message) {
  auto error = Napi::Error::New(env, message);
  error.Set("code", Napi::String::New(env, code));
  return error;
}

// Turns what kernels' set-up throws into JavaScript errors.
template <typename F>
auto guarded(Napi::Env env, const F& body) -> decltype(body()) {
  try {
    return body();
  } catch (const OverLimit& e) {
    throw coded(env, "ERR_MEMORY", e.what());
  } catch (const std::bad_alloc&) {
    throw coded(env, "ERR_MEMORY",
                "Expected enough memory for this network and batch size, but the system has none left");
  } catch (const std::length_error&) {
    throw coded(env, "ERR_MEMORY", "Expected enough memory for the results, but they are more than any system has");
  } catch (const std::out_of_range& e) {
    throw Napi::RangeError::New(env, e.what());
  } catch (const std::invalid_argument& e) {
    throw Napi::TypeError::New(env, e.what());
  } catch (const Napi::Error&) {
    throw;
  } catch (const ExchangeError& e) {
    throw coded(env, "ERR_MPI", e.what());
  } catch (const std::exception& e) {
    throw coded(env, "ERR_NATIVE", e.what());
  }
}

template <typename T>
constexpr napi_typedarray_type arrayType();
template <>
constexpr napi_typedarray_type arrayType<float>() {
  return napi_float32_array;
}
template <>
constexpr napi_typedarray_type arrayType<double>() {
  return napi_float64_array;
}
template <>
constexpr napi_typedarray_type arrayType<std::int32_t>() {
  return napi_int32_array;
}
template <>
constexpr napi_typedarray_type arrayType<std::uint32_t>() {
  return napi_uint32_array;
}

// What was given in another value's place. Runs no JavaScript.
inline std::string shown(const Napi::Value& value) {
  static constexpr const char* kTypes[] = {"undefined", "null",      "a boolean",  "a number",    "a string",
                                           "a symbol",  "an object", "a function", "an external", "a bigint"};
  return value.IsNumber() ? value.ToString().Utf8Value() : kTypes[value.Type()];
}

[[noreturn]] inline void refuse(const std::string& name, const std::string& expected, const Napi::Value& value) {
  throw std::invalid_argument("Expected " + name + " to be " + expected + ", got " + shown(value));
}

inline Napi::Object object(const Napi::Value& value, const std::string& name) {
  if (!value.IsObject()) refuse(name, "an object", value);
  return value.As<Napi::Object>();
}

// A proxy of an array is none: its length may differ from one look to the next.
inline Napi::Array array(const Napi::Value& value, const std::string& name) {
  if (!value.IsArray()) refuse(name, "an array", value);
  return value.As<Napi::Array>();
}

inline std::string text(const Napi::Value& value, const std::string& name) {
  if (!value.IsString()) refuse(name, "a string", value);
  return value.As<Napi::String>().Utf8Value();
}

// Empty where there is none.
inline std::string textOrNone(const Napi::Value& value, const std::string& name) {
  return value.IsUndefined() ? "" : text(value, name);
}

inline double number(const Napi::Value& value, const std::string& name) {
  if (!value.IsNumber()) refuse(name, "a number", value);
  return value.As<Napi::Number>().DoubleValue();
}

// At most 2^62, so that a sum of two fits.
inline Index integer(const Napi::Value& value, const std::string& name) {
  constexpr double kMost = 4611686018427387904.0;
  const double x = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : 0.5;
  if (!(std::abs(x) <= kMost) || std::trunc(x) != x) refuse(name, "an integer", value);
  return static_cast<Index>(x);
}

inline Index integer(const Napi::Value& value, const std::string& name, Index low, Index high) {
  const Index x = integer(value, name);
  if (x < low || x > high)
    refuse(name, "an integer in [" + std::to_string(low) + ", " + std::to_string(high) + "]", value);
  return x;
}

// An int, which tells a buffer or a scalar of a plan by its number; what there is the plan knows.
inline int ordinal(const Napi::Value& value, const std::string& name) {
  return static_cast<int>(integer(value, name, std::numeric_limits<int>::min(), std::numeric_limits<int>::max()));
}

// Element by element, for as long as they are integers: a length alone takes no memory.
inline std::vector<int> ordinals(const Napi::Value& value, const std::string& name) {
  const auto list = array(value, name);
  std::vector<int> out;
  for (std::uint32_t i = 0; i < list.Length(); ++i)
    out.push_back(ordinal(list.Get(i), name + "[" + std::to_string(i) + "]"));
  return out;
}

inline bool isFloat32(const Napi::Value& dtype) {
  const auto name = text(dtype, "dtype");
  if (name != "float32" && name != "float64")
    throw std::invalid_argument("Expected dtype to be float32 or float64, got '" + name + "'");
  return name == "float32";
}

// f(0) of the type that dtype names, int32 among them.
template <typename F>
auto typed(const Napi::Value& dtype, const F& f) {
  const auto name = text(dtype, "dtype");
  if (name == "float32") return f(float{});
  if (name == "float64") return f(double{});
  if (name == "int32") return f(std::int32_t{});
  throw std::invalid_argument("Expected dtype to be float32, float64 or int32, got '" + name + "'");
}

template <typename T>
bool isArrayOf(const Napi::Value& value) {
  return value.IsTypedArray() && value.As<Napi::TypedArray>().TypedArrayType() == arrayType<T>();
}

// A typed array's memory, until JavaScript runs again. A detached array, or one whose buffer has shrunk below it, is
// empty.
template <typename T>
struct View {
  T* data;
  Index size;
};

// In one call: each asks the engine for all of it again.
template <typename T>
View<T> view(const Napi::Value& value) {
  napi_typedarray_type type;
  std::size_t length = 0;
  void* data = nullptr;
  if (napi_get_typedarray_info(value.Env(), value, &type, &length, &data, nullptr, nullptr) != napi_ok ||
      type != arrayType<T>()) {
    throw std::invalid_argument(std::string("Expected a typed array of ") +
                                (std::is_same_v<T, float>          ? "float32"
                                 : std::is_same_v<T, double>       ? "float64"
                                 : std::is_same_v<T, std::int32_t> ? "int32"
                                                                   : "uint32"));
  }
  return {static_cast<T*>(data), static_cast<Index>(length)};
}

}  // namespace fjordnet
