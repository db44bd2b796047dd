// A row of the table from a kernel's function: its parameters are taken out of Args in the order of the signature
// (kernel.h). A function that does not agree with its signature does not compile.
#pragma once

#include "isa.h"

namespace fjordnet::FJORDNET_ISA {
namespace {

// A parameter that is a class stands for all dimensions: it lists them in kDims, and is made by of(dim).
template <typename P>
constexpr bool isShape = std::is_class_v<P>;

template <typename P>
constexpr bool hasDims(const char* signature) {
  const char* dims = P::kDims;
  for (; *dims != '\0'; ++dims, ++signature) {
    if (*signature != *dims) return false;
  }
  return signature[0] == ' ' && signature[1] == ':';
}

// Is the parameter that stands at this place of the signature of the type that belongs there?
template <typename T, typename P>
constexpr bool fits(const char* signature, int place) {
  const Arity n = arityOf(signature);
  if constexpr (isShape<P>) {
    return hasDims<P>(signature) && place == n.dims - 1;
  } else {
    if (place < n.dims) return std::is_same_v<P, Index>;
    if (place < n.dims + n.inputs)
      return isInt32(signature, place - n.dims) ? std::is_same_v<P, In<std::int32_t>> : std::is_same_v<P, In<T>>;
    if (place < n.dims + n.inputs + n.outputs) return std::is_same_v<P, Out<T>>;
    return std::is_same_v<P, T> || std::is_same_v<P, double> || std::is_same_v<P, bool>;
  }
}

// Parameters P, the first of which stands at place `first` of a signature with so many dimensions and buffers.
template <typename T, int dims, int buffers, typename... P>
struct Unpacked {
  static constexpr int first = (isShape<P> || ...) ? dims - 1 : 0;

  template <int... i>
  static constexpr bool agree(const char* signature, int count, std::integer_sequence<int, i...>) {
    return (fits<T, P>(signature, first + i) && ...) && first + static_cast<int>(sizeof...(P)) == count;
  }

  template <typename Parameter, int place>
  static Parameter at(const Args<T>& a) {
    if constexpr (isShape<Parameter>) {
      return Parameter::of(a.dim);
    } else if constexpr (place < dims) {
      return a.dim[place];
    } else if constexpr (std::is_same_v<Parameter, In<std::int32_t>>) {
      return reinterpret_cast<Parameter>(a.buffer[place - dims]);
    } else if constexpr (place < dims + buffers) {
      return a.buffer[place - dims];
    } else {
      return static_cast<Parameter>(*a.scalar[place - dims - buffers]);
    }
  }

  template <void (*kernel)(const Cpu<T>&, P...), int... i>
  static void callWith(const Args<T>& a, std::integer_sequence<int, i...>) {
    kernel(Cpu<T>(a), at<P, first + i>(a)...);
  }
  template <void (*kernel)(const Cpu<T>&, P...)>
  static void call(const Args<T>& a) {
    callWith<kernel>(a, std::make_integer_sequence<int, sizeof...(P)>());
  }

  template <Scratch (*scratch)(P...), int... i>
  static Scratch roomWith(const Index* dim, std::integer_sequence<int, i...>) {
    return scratch(at<P, first + i>({nullptr, dim, nullptr, nullptr, nullptr, 0, nullptr})...);
  }
  template <Scratch (*scratch)(P...)>
  static Scratch room(const Index* dim) {
    return roomWith<scratch>(dim, std::make_integer_sequence<int, sizeof...(P)>());
  }
};

template <typename T>
using Call = void (*)(const Args<T>&);
using Room = Scratch (*)(const Index* dim);

// The kernel as a plan calls it. text() is the signature.
template <auto kernel, typename Text, typename T, typename... P>
constexpr Call<T> functionOf(Text text, void (*)(const Cpu<T>&, P...)) {
  constexpr Arity n = arityOf(text());
  using All = Unpacked<T, n.dims, n.inputs + n.outputs, P...>;
  static_assert(
      All::agree(text(), n.dims + n.inputs + n.outputs + n.scalars, std::make_integer_sequence<int, sizeof...(P)>()),
      "Expected the parameters of a kernel to be those of its signature, in that order");
  return All::template call<kernel>;
}
template <auto scratch, typename Text, typename... P>
constexpr Room scratchOf(Text text, Scratch (*)(P...)) {
  constexpr Arity n = arityOf(text());
  using All = Unpacked<float, n.dims, 0, P...>;
  static_assert(All::agree(text(), n.dims, std::make_integer_sequence<int, sizeof...(P)>()),
                "Expected the parameters of a kernel's scratch to be the dimensions of its signature, in that order");
  return All::template room<scratch>;
}

}  // namespace
}  // namespace fjordnet::FJORDNET_ISA
