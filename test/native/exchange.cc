// What a plan does with an exchange, for test/mpi.test.ts: sum(exchange, array, times) adds an array up over the ranks,
// in place, on a thread of its own, and gives the seconds that it took; or throws the sentence of what failed.
#include "../../native/exchange.h"

#include <node_api.h>

#include <chrono>
#include <thread>

namespace {

napi_value sum(napi_env env, napi_callback_info info) {
  napi_value args[3], result;
  size_t count = 3;
  napi_get_cb_info(env, info, &count, args, nullptr, nullptr);
  const napi_type_tag tag{fjordnet::kExchangeTag[0], fjordnet::kExchangeTag[1]};
  bool tagged = false;
  void* wrapped = nullptr;
  if (napi_check_object_type_tag(env, args[0], &tag, &tagged) != napi_ok || !tagged ||
      napi_unwrap(env, args[0], &wrapped) != napi_ok) {
    napi_throw_error(env, nullptr, "no exchange");
    return nullptr;
  }
  const auto& exchange = *static_cast<const fjordnet::Exchange*>(wrapped);
  napi_typedarray_type type;
  size_t length;
  void* data;
  std::uint32_t times;
  napi_get_typedarray_info(env, args[1], &type, &length, &data, nullptr, nullptr);
  napi_get_value_uint32(env, args[2], &times);
  const int bytes = type == napi_float32_array ? 4 : 8;
  char error[500] = "";
  const auto start = std::chrono::steady_clock::now();
  std::thread([&] {
    bool worked = true;
    for (std::uint32_t k = 0; k < times && worked; ++k)
      if (void* sum = exchange.start(exchange.self, data, static_cast<std::int64_t>(length), bytes, error, sizeof error))
        worked = exchange.wait(exchange.self, sum, error, sizeof error);
      else
        worked = false;
  }).join();
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  if (*error) {
    napi_throw_error(env, nullptr, error);
    return nullptr;
  }
  napi_create_double(env, exchange.version == fjordnet::Exchange::kVersion ? seconds.count() : -1, &result);
  return result;
}

napi_value exported(napi_env env, napi_value exports) {
  napi_value function;
  napi_create_function(env, "sum", NAPI_AUTO_LENGTH, sum, nullptr, &function);
  napi_set_named_property(env, exports, "sum", function);
  return exports;
}

}  // namespace

NAPI_MODULE(exchange, exported)
