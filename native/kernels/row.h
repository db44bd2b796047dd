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
constexpr bool hasDims(const Signature& s) {
  std::size_t k = 0;
  for (const char* c = P::kDims; *c != '\0'; ++c) {
    if (*c != ' ' && (k == s.dims.size() || s.dims[k++] != *c)) return false;
  }
  return k == s.dims.size();
}

// Is the parameter that stands at this place of the signature of the type that belongs there?
template <typename T, typename P>
constexpr bool fits(const Signature& s, std::size_t place) {
  const auto dims = s.dims.size();
  if constexpr (isShape<P>) {
    return hasDims<P>(s) && place == dims - 1;
  } else {
    if (place < dims) return std::is_same_v<P, Index>;
    if (place >= dims + s.operands.size())
      return std::is_same_v<P, T> || std::is_same_v<P, double> || std::is_same_v<P, bool>;
    const auto& operand = s.operands[place - dims];
    const bool isInt32 = operand.type == Type::kInt32;
    if (operand.isOutput) return isInt32 ? std::is_same_v<P, Out<std::int32_t>> : std::is_same_v<P, Out<T>>;
    return isInt32 ? std::is_same_v<P, In<std::int32_t>> : std::is_same_v<P, In<T>>;
  }
}

// Parameters P, the first of which stands at place `first` of a signature with so many dimensions and buffers.
template <typename T, std::size_t dims, std::size_t buffers, typename... P>
struct Unpacked {
  static constexpr std::size_t first = (isShape<P> || ...) ? dims - 1 : 0;

  template <std::size_t... i>
  static constexpr bool agree(const Signature& s, std::size_t count, std::index_sequence<i...>) {
    return (fits<T, P>(s, first + i) && ...) && first + sizeof...(P) == count;
  }

  template <typename Parameter, std::size_t place>
  static Parameter at(const Args<T>& a) {
    if constexpr (isShape<Parameter>) {
      return Parameter::of(a.dim);
    } else if constexpr (place < dims) {
      return a.dim[place];
    } else if constexpr (std::is_same_v<Parameter, In<std::int32_t>> || std::is_same_v<Parameter, Out<std::int32_t>>) {
      return reinterpret_cast<Parameter>(a.buffer[place - dims]);
    } else if constexpr (place < dims + buffers) {
      return a.buffer[place - dims];
    } else {
      return static_cast<Parameter>(*a.scalar[place - dims - buffers]);
    }
  }

  template <void (*kernel)(const Cpu<T>&, P...), std::size_t... i>
  static void callWith(const Args<T>& a, std::index_sequence<i...>) {
    kernel(Cpu<T>(a), at<P, first + i>(a)...);
  }
  template <void (*kernel)(const Cpu<T>&, P...)>
  static void call(const Args<T>& a) {
    callWith<kernel>(a, std::make_index_sequence<sizeof...(P)>());
  }

  template <Scratch (*scratch)(P...), std::size_t... i>
  static Scratch roomWith(const Index* dim, std::index_sequence<i...>) {
    return scratch(at<P, first + i>({nullptr, dim, nullptr, nullptr, nullptr, 0, 0, 0, nullptr})...);
  }
  template <Scratch (*scratch)(P...)>
  static Scratch room(const Index* dim) {
    return roomWith<scratch>(dim, std::make_index_sequence<sizeof...(P)>());
  }
};

template <typename T>
using Call = void (*)(const Args<T>&);
using Room = Scratch (*)(const Index* dim);

// A signature as a type, so that it is taken apart for its row alone: as part of the table's value, all of them
// together are more steps than Clang takes for one value (2^20).
#define SIGNATURE(text)                                       \
  [] {                                                        \
    struct Text {                                             \
      static constexpr std::string_view of() { return text; } \
    };                                                        \
    return Text();                                            \
  }()
template <typename Text>
constexpr Signature kSignature(Text::of());

// The kernel as a plan calls it.
template <auto kernel, typename Text, typename T, typename... P>
constexpr Call<T> functionOf(Text, void (*)(const Cpu<T>&, P...)) {
  constexpr const Signature& s = kSignature<Text>;
  using All = Unpacked<T, s.dims.size(), s.operands.size(), P...>;
  static_assert(
      All::agree(s, s.dims.size() + s.operands.size() + s.scalars.size(), std::make_index_sequence<sizeof...(P)>()),
      "Expected the parameters of a kernel to be those of its signature, in that order");
  return All::template call<kernel>;
}
template <auto scratch, typename Text, typename... P>
constexpr Room scratchOf(Text, Scratch (*)(P...)) {
  constexpr const Signature& s = kSignature<Text>;
  using All = Unpacked<float, s.dims.size(), 0, P...>;
  static_assert(All::agree(s, s.dims.size(), std::make_index_sequence<sizeof...(P)>()),
                "Expected the parameters of a kernel's scratch to be the dimensions of its signature, in that order");
  return All::template room<scratch>;
}

}  // namespace
}  // namespace fjordnet::FJORDNET_ISA
