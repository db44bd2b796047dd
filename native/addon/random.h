// The generator of native/random.h as JavaScript sees it.
#pragma once

#include <napi.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <stdexcept>
#include <vector>

#include "../random.h"
#include "environment.h"
#include "marshal.h"

namespace fjordnet {

class RandomStateWrap : public Napi::ObjectWrap<RandomStateWrap>, public Holder {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(
        env, "RandomState",
        {InstanceMethod<&RandomStateWrap::doubles>("doubles"), InstanceMethod<&RandomStateWrap::gaussians>("gaussians"),
         InstanceMethod<&RandomStateWrap::bounded>("bounded"), InstanceMethod<&RandomStateWrap::shuffle>("shuffle"),
         InstanceMethod<&RandomStateWrap::batches>("batches"), InstanceMethod<&RandomStateWrap::getState>("getState"),
         InstanceMethod<&RandomStateWrap::setState>("setState")});
  }

  explicit RandomStateWrap(const Napi::CallbackInfo& info)
      : Napi::ObjectWrap<RandomStateWrap>(info),
        Holder(info.Env(), addon(info.Env()).ledger),
        state_(guarded(info.Env(), [&] {
          return std::make_unique<Mt19937<>>(static_cast<std::uint32_t>(integer(info[0], "seed", 0, 0xffffffff)));
        })) {
    hold(sizeof *state_);
  }

  bool collected() override { return Value().IsEmpty(); }
  void release() override { state_.reset(); }

 private:
  // doubles(out: Float64Array): uniform in [0, 1)
  void doubles(const Napi::CallbackInfo& info) {
    guarded(info.Env(), [&] {
      const auto out = view<double>(info[0]);
      state_->doubles(out.data, out.size);
    });
  }
  // gaussians(out: Float64Array): standard normal
  void gaussians(const Napi::CallbackInfo& info) {
    guarded(info.Env(), [&] {
      const auto out = view<double>(info[0]);
      for (Index i = 0; i < out.size; ++i) out.data[i] = state_->nextGauss();
    });
  }
  // bounded(out: Float64Array, max): integers in [0, max], max < 2^53
  void bounded(const Napi::CallbackInfo& info) {
    guarded(info.Env(), [&] {
      const auto out = view<double>(info[0]);
      const auto max = static_cast<std::uint64_t>(integer(info[1], "max", 0, (Index{1} << 53) - 1));
      for (Index i = 0; i < out.size; ++i) out.data[i] = static_cast<double>(state_->nextBounded(max));
    });
  }
  // shuffle(values: Int32Array): in place
  void shuffle(const Napi::CallbackInfo& info) {
    guarded(info.Env(), [&] {
      const auto values = view<std::int32_t>(info[0]);
      state_->shuffle(values.data, values.size);
    });
  }
  // batches(n, out: Int32Array, size): for each batch of size rows in out, the first of a permutation of n:
  // choice(n, size, replace = false), as often as out has room
  void batches(const Napi::CallbackInfo& info) {
    guarded(info.Env(), [&] {
      const Index n = integer(info[0], "n", 1, std::numeric_limits<std::int32_t>::max());
      const Index size = integer(info[2], "size", 1, n);
      const auto out = view<std::int32_t>(info[1]);
      if (out.size % size != 0) throw std::invalid_argument("Expected out to hold whole batches of rows");
      if (out.size == 0) return;
      std::vector<std::int32_t> identity(static_cast<std::size_t>(n)), index(identity);
      for (Index i = 0; i < n; ++i) identity[static_cast<std::size_t>(i)] = static_cast<std::int32_t>(i);
      for (Index at = 0; at < out.size; at += size) {
        index = identity;
        state_->shuffle(index.data(), n);
        std::copy_n(index.data(), size, out.data + at);
      }
    });
  }
  // getState(key: Uint32Array(624)): [pos, hasGauss, gauss]
  Napi::Value getState(const Napi::CallbackInfo& info) {
    return guarded(info.Env(), [&]() -> Napi::Value {
      std::copy_n(state_->key, Mt19937<>::kWords, words(info[0]));
      auto out = Napi::Array::New(info.Env(), 3);
      out.Set(0u, state_->pos);
      out.Set(1u, state_->hasGauss ? 1 : 0);
      out.Set(2u, state_->gauss);
      return out;
    });
  }
  void setState(const Napi::CallbackInfo& info) {
    guarded(info.Env(), [&] {
      const auto* key = words(info[0]);
      const Index pos = integer(info[1], "pos");
      const bool hasGauss = integer(info[2], "hasGauss", 0, 1) != 0;
      const double gauss = number(info[3], "gauss");
      if (pos < 0 || pos > Mt19937<>::kWords) throw std::out_of_range("Expected a position in [0, 624]");
      std::copy_n(key, Mt19937<>::kWords, state_->key);
      state_->pos = static_cast<int>(pos);
      state_->hasGauss = hasGauss;
      state_->gauss = gauss;
    });
  }

  static std::uint32_t* words(const Napi::Value& value) {
    const auto key = view<std::uint32_t>(value);
    if (key.size != Mt19937<>::kWords) throw std::out_of_range("Expected a key of 624 words");
    return key.data;
  }

  std::unique_ptr<Mt19937<>> state_;
};

}  // namespace fjordnet
