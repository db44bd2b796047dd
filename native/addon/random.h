// The generator of native/random.h as JavaScript sees it.
#pragma once

#include <napi.h>

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <limits>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <system_error>
#include <utility>
#include <vector>

#include "../kernel.h"
#include "../random.h"
#include "environment.h"
#include "marshal.h"

namespace fjordnet {

// Rows of batches to be drawn from a copy of a generator.
class Draw {
 public:
  Draw(const Mt19937<>& generator, const Napi::Value& n, const Napi::Value& size, Index rows)
      : drawBatches_(kernelTable().drawBatches),
        n_(integer(n, "n", 1, std::numeric_limits<std::int32_t>::max())),
        size_(integer(size, "size", 1, n_)),
        batches_(rows / size_) {
    if (rows % size_ != 0) throw std::invalid_argument("Expected out to hold whole batches of rows");
    if (rows > 0) scratch_.resize(static_cast<std::size_t>(2 * n_));
    generator.save(state_);
  }
  void into(std::int32_t* rows) { drawBatches_(state_, n_, size_, batches_, scratch_.data(), rows); }
  Mt19937<> generator() const { return Mt19937<>(state_); }

 private:
  decltype(KernelTable::drawBatches) drawBatches_;
  Index n_, size_, batches_;
  std::vector<std::int32_t> scratch_;
  std::int32_t state_[Mt19937<>::kStateWords];
};

// A draw on its way, of its own: whoever wanted it may be gone. (A std::promise would need glibc 2.34.)
struct Ahead {
  Ahead(Draw what, Index count) : draw(std::move(what)), rows(static_cast<std::size_t>(count)) {}
  void run() {
    draw.into(rows.data());
    const std::lock_guard lock(mutex);
    isDone = true;
    done.notify_one();
  }
  void wait() {
    std::unique_lock lock(mutex);
    done.wait(lock, [this] { return isDone; });
  }

  Draw draw;
  std::vector<std::int32_t> rows;
  std::mutex mutex;
  std::condition_variable done;
  bool isDone = false;
};

class RandomStateWrap : public Napi::ObjectWrap<RandomStateWrap>, public Holder {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(
        env, "RandomState",
        {InstanceMethod<&RandomStateWrap::doubles>("doubles"), InstanceMethod<&RandomStateWrap::gaussians>("gaussians"),
         InstanceMethod<&RandomStateWrap::bounded>("bounded"), InstanceMethod<&RandomStateWrap::shuffle>("shuffle"),
         InstanceMethod<&RandomStateWrap::batches>("batches"),
         InstanceMethod<&RandomStateWrap::beginBatches>("beginBatches"),
         InstanceMethod<&RandomStateWrap::endBatches>("endBatches"),
         InstanceMethod<&RandomStateWrap::getState>("getState"),
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
  void release() override {
    state_.reset();
    ahead_.reset();
  }

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
      const auto out = view<std::int32_t>(info[1]);
      Draw draw(*state_, info[0], info[2], out.size);
      draw.into(out.data);
      *state_ = draw.generator();
    });
  }
  // beginBatches(n, count, size): count rows, drawn on a thread of the pool while this one goes on; false where no
  // second one is to spare. The generator is behind them when endBatches has given them; without that nothing was
  // drawn.
  Napi::Value beginBatches(const Napi::CallbackInfo& info) {
    return guarded(info.Env(), [&]() -> Napi::Value {
      const Index count = integer(info[1], "count", 0, std::numeric_limits<std::int32_t>::max());
      Draw draw(*state_, info[0], info[2], count);
      auto& pool = addon(info.Env()).pool;
      if (pool.threads() < 2) return Napi::Boolean::New(info.Env(), false);
      auto ahead = std::make_shared<Ahead>(std::move(draw), count);
      try {
        pool.submitBeside([ahead](Team&) { ahead->run(); });
      } catch (const std::system_error&) {
        return Napi::Boolean::New(info.Env(), false);
      }
      ahead_ = std::move(ahead);
      return Napi::Boolean::New(info.Env(), true);
    });
  }
  // endBatches(out: Int32Array): waits for those begun last
  void endBatches(const Napi::CallbackInfo& info) {
    guarded(info.Env(), [&] {
      const auto out = view<std::int32_t>(info[0]);
      if (!ahead_ || out.size != static_cast<Index>(ahead_->rows.size()))
        throw std::invalid_argument("Expected out to hold the batches that were begun");
      const auto ahead = std::exchange(ahead_, nullptr);
      ahead->wait();
      std::copy(ahead->rows.begin(), ahead->rows.end(), out.data);
      *state_ = ahead->draw.generator();
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
  std::shared_ptr<Ahead> ahead_;
};

}  // namespace fjordnet
