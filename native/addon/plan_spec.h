// What a plan is made of, as JavaScript hands it over.
#pragma once

#include <napi.h>

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "../plan.h"
#include "marshal.h"

namespace fjordnet {

inline Type parseType(const Napi::Value& value, const std::string& name) {
  const auto dtype = textOrNone(value, name);
  if (!dtype.empty() && dtype != "real" && dtype != "int32")
    throw std::invalid_argument("Expected " + name + " to be real or int32, got '" + dtype + "'");
  return dtype == "int32" ? Type::kInt32 : Type::kReal;
}

inline std::vector<std::pair<std::string, Napi::Value>> entries(const Napi::Value& value, const std::string& name) {
  const auto from = object(value, name);
  const auto keys = from.GetPropertyNames();
  std::vector<std::pair<std::string, Napi::Value>> out;
  for (std::uint32_t i = 0; i < keys.Length(); ++i) {
    const Napi::Value key = keys.Get(i);
    out.emplace_back(text(key, name), from.Get(key));
  }
  return out;
}

inline InstructionSpec parseInstruction(const Napi::Value& value, const std::string& name) {
  const auto from = object(value, name);
  InstructionSpec instruction{
      text(from.Get("kernel"), name + ".kernel"), ordinals(from.Get("buffers"), name + ".buffers"), {}, {}};
  for (const auto& [dim, size] : entries(from.Get("dims"), name + ".dims"))
    instruction.dims[dim] = integer(size, name + ".dims." + dim);
  for (const auto& [scalar, index] : entries(from.Get("scalars"), name + ".scalars"))
    instruction.scalars[scalar] = ordinal(index, name + ".scalars." + scalar);
  if (const auto rows = from.Get("rows"); !rows.IsUndefined()) instruction.rows = integer(rows, name + ".rows");
  if (const auto when = from.Get("when"); !when.IsUndefined()) instruction.when = ordinal(when, name + ".when");
  instruction.mayStop = from.Get("mayStop").ToBoolean();
  instruction.node = textOrNone(from.Get("node"), name + ".node");
  return instruction;
}

inline PlanSpec parsePlan(const Napi::Value& value) {
  PlanSpec spec;
  const auto from = object(value, "spec");
  spec.fixedSize = integer(from.Get("fixedSize"), "fixedSize");
  spec.rowSize = integer(from.Get("rowSize"), "rowSize");
  const auto optional = [&](const char* name, Index& value) {
    if (const auto given = from.Get(name); !given.IsUndefined()) value = integer(given, name);
  };
  optional("int32FixedSize", spec.int32FixedSize);
  optional("int32RowSize", spec.int32RowSize);
  optional("capacity", spec.capacity);
  optional("tileRows", spec.tileRows);
  spec.isTiled = from.Get("tiled").ToBoolean();
  spec.isClosed = from.Get("closed").ToBoolean();
  if (const auto report = from.Get("report"); !report.IsUndefined()) spec.report = ordinal(report, "report");
  if (const auto stop = from.Get("stop"); !stop.IsUndefined()) spec.stop = ordinal(stop, "stop");
  const auto buffers = array(from.Get("buffers"), "buffers");
  for (std::uint32_t i = 0; i < buffers.Length(); ++i) {
    const auto name = "buffers[" + std::to_string(i) + "]";
    const auto b = object(buffers.Get(i), name);
    spec.buffers.push_back({integer(b.Get("offset"), name + ".offset"), integer(b.Get("size"), name + ".size"),
                            b.Get("batched").ToBoolean(), parseType(b.Get("dtype"), name + ".dtype"),
                            textOrNone(b.Get("name"), name + ".name")});
  }
  const auto scalars = array(from.Get("scalars"), "scalars");
  for (std::uint32_t i = 0; i < scalars.Length(); ++i)
    spec.scalars.push_back(number(scalars.Get(i), "scalars[" + std::to_string(i) + "]"));
  for (const auto& [key, list] : entries(from.Get("programs"), "programs")) {
    auto& program = spec.programs[key];
    const auto instructions = array(list, "programs." + key);
    for (std::uint32_t i = 0; i < instructions.Length(); ++i)
      program.push_back(parseInstruction(instructions.Get(i), "programs." + key + "[" + std::to_string(i) + "]"));
  }
  return spec;
}

}  // namespace fjordnet
