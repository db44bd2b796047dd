// The wall between JavaScript and the kernels: argument marshalling, asynchronous jobs, and nothing else. Only this
// folder knows napi.h.
#include <napi.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "../blas.h"
#include "../cpu.h"
#include "../kernel.h"
#include "../plan.h"
#include "dataset.h"
#include "environment.h"
#include "marshal.h"
#include "plan.h"
#include "random.h"

namespace {

using namespace fjordnet;

// One kernel's arguments as JavaScript hands them over, before any memory is looked at.
struct KernelCall {
  std::vector<Index> dim;  // in the order of the signature
  std::vector<Napi::Value> arrays;
  std::vector<double> scalars;
};

KernelCall read(const Kernel& row, const Signature& signature, const Napi::CallbackInfo& info) {
  const auto forWhat = std::string(" for '") + row.name + "' (" + row.signature + ")";
  KernelCall call;
  const auto dims = object(info[1], "dims");
  const auto arrays = array(info[2], "arrays");
  const auto values = object(info[3], "scalars");
  for (char c : signature.dims) {
    const auto size = dims.Get(std::string(1, c));
    if (!size.IsNumber() || integer(size, std::string("dims.") + c) < (c == 'B' ? 1 : 0))
      throw std::invalid_argument(std::string("Expected dims to hold a size ") + c + forWhat);
    call.dim.push_back(integer(size, std::string("dims.") + c));
  }
  if (arrays.Length() != signature.operands.size()) {
    throw std::invalid_argument("Expected '" + std::string(row.name) + "' (" + row.signature + ") to be given " +
                                std::to_string(signature.operands.size()) + " arrays, got " +
                                std::to_string(arrays.Length()));
  }
  for (std::uint32_t k = 0; k < signature.operands.size(); ++k) call.arrays.push_back(arrays.Get(k));
  for (const auto scalar : signature.scalars) {
    const std::string name(scalar);
    const auto value = values.Get(name);
    if (!value.IsNumber()) throw std::invalid_argument("Expected scalars to hold " + name + forWhat);
    call.scalars.push_back(value.As<Napi::Number>().DoubleValue());
  }
  return call;
}

// Runs one kernel on typed arrays of one dtype, but for its integers; outputs are written in place.
template <typename T>
void runKernel(Napi::Env env, const Kernel& row, const Signature& signature, const KernelCall& call) {
  PlanSpec spec;
  InstructionSpec instruction{row.name, {}, {}, {}};
  for (std::size_t i = 0; i < call.dim.size(); ++i) {
    if (signature.dims[i] == 'B') {
      spec.capacity = call.dim[i];
    } else {
      instruction.dims[std::string(1, signature.dims[i])] = call.dim[i];
    }
  }
  const Index B = spec.capacity;
  std::vector<View<void>> views;
  const auto isInt32 = [&](std::size_t k) { return signature.operands[k].type == Type::kInt32; };
  const auto viewed = [](auto values) { return View<void>{values.data, values.size}; };
  for (std::size_t k = 0; k < call.arrays.size(); ++k) {
    const auto& operand = signature.operands[k];
    const bool batched = operand.dependsOn('B');
    const Index size = signature.size(operand, call.dim);
    views.push_back(isInt32(k) ? viewed(view<std::int32_t>(call.arrays[k])) : viewed(view<T>(call.arrays[k])));
    const Index whole = batched ? times(size, B) : size;
    if (views.back().size != whole) {
      throw std::out_of_range("Expected array " + std::to_string(k) + " of '" + row.name + "' (" + row.signature +
                              ") to hold " + std::to_string(whole) + " values, got " +
                              std::to_string(views.back().size));
    }
    Index& end =
        isInt32(k) ? (batched ? spec.int32RowSize : spec.int32FixedSize) : (batched ? spec.rowSize : spec.fixedSize);
    instruction.buffers.push_back(static_cast<int>(k));
    spec.buffers.push_back({end, size, batched, operand.type});
    end += (size + 15) / 16 * 16;
  }
  for (const auto name : signature.scalars) {
    instruction.scalars[std::string(name)] = static_cast<int>(instruction.scalars.size());
  }
  spec.scalars = call.scalars;
  spec.programs["kernel"] = {instruction};
  Plan<T> plan(spec, kernelTable());
  auto& pool = addon(env).pool;
  plan.reserve(B, pool.slots());
  const auto transfer = [&](bool in) {
    for (std::size_t k = 0; k < views.size(); ++k) {
      void* there = plan.arena().address(static_cast<int>(k), {0, B});
      const auto bytes = static_cast<std::size_t>(views[k].size) * (isInt32(k) ? sizeof(std::int32_t) : sizeof(T));
      std::memcpy(in ? there : views[k].data, in ? views[k].data : there, bytes);
    }
  };
  transfer(true);
  Job<T> job;
  job.program = "kernel";
  job.count = job.batchSize = B;
  if (!blasReserve()) throw std::bad_alloc();
  pool.runHere([&](Team& team) { plan.run(job, team); });
  transfer(false);
}

// kernel(name, dims, arrays, scalars)
void kernel(const Napi::CallbackInfo& info) {
  guarded(info.Env(), [&] {
    const auto& row = find(kernelTable(), text(info[0], "kernel"));
    const Signature signature(row.signature);
    const auto call = read(row, signature, info);
    const auto real = std::find_if(signature.operands.begin(), signature.operands.end(),
                                   [](const auto& operand) { return operand.type == Type::kReal; });
    const auto& first = call.arrays.at(static_cast<std::size_t>(real - signature.operands.begin()));
    const bool single = first.IsTypedArray() && first.As<Napi::TypedArray>().TypedArrayType() == napi_float32_array;
    return single ? runKernel<float>(info.Env(), row, signature, call)
                  : runKernel<double>(info.Env(), row, signature, call);
  });
}

// kernels(): Record<name, signature>
Napi::Value kernels(const Napi::CallbackInfo& info) {
  auto out = Napi::Object::New(info.Env());
  const auto table = kernelTable();
  for (int i = 0; i < table.size; ++i) out.Set(table.rows[i].name, table.rows[i].signature);
  return out;
}

// runsByRows(kernel, dims): may an instruction be run on tiles of rows, so that its batched buffers may be tiled?
Napi::Value runsByRows(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const auto& row = find(kernelTable(), text(info[0], "kernel"));
    const Signature signature(row.signature);
    const auto from = object(info[1], "dims");
    std::vector<Index> dim;
    for (char c : signature.dims) dim.push_back(c == 'B' ? 1 : integer(from.Get(std::string(1, c)), "a dimension"));
    return Napi::Boolean::New(info.Env(), isByRows(signature, dim));
  });
}

// firstNotFinite(values): the place of the first number that is NaN or infinite, or -1
Napi::Value placeNotFinite(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const auto find = [](const auto& values) { return firstNotFinite(values.data, values.size); };
    const bool isFloat = isArrayOf<float>(info[0]);
    const Index at = isFloat ? find(view<float>(info[0])) : find(view<double>(info[0]));
    return Napi::Number::New(info.Env(), static_cast<double>(at));
  });
}

Napi::Value buildInfo(const Napi::CallbackInfo& info) {
  auto out = Napi::Object::New(info.Env());
  const auto blas = blasInfo();
  const auto table = kernelTable();
  out.Set("blas", blas.library);
  out.Set("blasConfig", blas.config);
  out.Set("blasCore", blas.core);
  out.Set("blasLinkage", blas.linkage);
  out.Set("simd", table.simd);
  out.Set("simdBits", table.simdBits);
  out.Set("napiVersion", NAPI_VERSION);
  return out;
}

void setThreads(const Napi::CallbackInfo& info) {
  guarded(info.Env(), [&] {
    const auto threads = std::clamp<Index>(integer(info[0], "threads"), 1, Pool::kMostThreads);
    addon(info.Env()).pool.resize(static_cast<int>(threads));
  });
}
Napi::Value getThreads(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), addon(info.Env()).pool.threads());
}

// setMemoryLimit(bytes): of this process, for all its threads
void setMemoryLimit(const Napi::CallbackInfo& info) {
  guarded(info.Env(), [&] { memoryLimit = integer(info[0], "bytes"); });
}

// memory(): {objects, bytes} of live plans and datasets
Napi::Value memory(const Napi::CallbackInfo& info) {
  auto out = Napi::Object::New(info.Env());
  const auto& ledger = *addon(info.Env()).ledger;
  out.Set("objects", static_cast<double>(ledger.holders.size()));
  out.Set("bytes", static_cast<double>(ledger.bytes));
  return out;
}

Napi::Object init(Napi::Env env, Napi::Object exports) {
  if (const char* refused = blasInit()) throw coded(env, "ERR_BLAS", refused);
  if (const char* refused = simdChoice().refused) throw coded(env, "ERR_SIMD", refused);
  env.SetInstanceData(new Addon(env));
  exports.Set("Dataset", DatasetWrap::define(env));
  exports.Set("Plan", PlanWrap::define(env));
  exports.Set("RandomState", RandomStateWrap::define(env));
  exports.Set("kernel", Napi::Function::New<kernel>(env, "kernel"));
  exports.Set("kernels", Napi::Function::New<kernels>(env, "kernels"));
  exports.Set("runsByRows", Napi::Function::New<runsByRows>(env, "runsByRows"));
  exports.Set("firstNotFinite", Napi::Function::New<placeNotFinite>(env, "firstNotFinite"));
  exports.Set("buildInfo", Napi::Function::New<buildInfo>(env, "buildInfo"));
  exports.Set("setThreads", Napi::Function::New<setThreads>(env, "setThreads"));
  exports.Set("getThreads", Napi::Function::New<getThreads>(env, "getThreads"));
  exports.Set("setMemoryLimit", Napi::Function::New<setMemoryLimit>(env, "setMemoryLimit"));
  exports.Set("memory", Napi::Function::New<memory>(env, "memory"));
  return exports;
}

}  // namespace

NODE_API_MODULE(fjordnet, init)
