// What an environment (the main thread or one Worker) has: threads, asynchronous calls under way, and native memory.
#pragma once

#include <napi.h>

#include <algorithm>
#include <cstdint>
#include <exception>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "../blas.h"
#include "../parallel.h"
#include "marshal.h"

namespace fjordnet {

class Holder;

// The native memory of one environment. Outlives the environment's other data: the last finalizers run after it.
struct Ledger {
  std::vector<Holder*> holders;
  std::int64_t bytes = 0;
  std::int64_t added = 0;  // since the last look for collected objects

  void add(Napi::Env env, std::int64_t change);
};

// What a JavaScript object owns natively. Its bytes are reported to V8, so that garbage collection sees them.
//
// Node runs finalizers between turns of the event loop only: a loop that makes networks and never ends its turn would
// keep them all. A weak reference, however, is empty as soon as its object was collected. So as memory grows we look
// for such objects, and let go of what they own; the finalizer finds an empty shell.
class Holder {
 public:
  Holder(Napi::Env env, std::shared_ptr<Ledger> ledger)
      : env_(env), ledger_(std::move(ledger)), index_(ledger_->holders.size()) {
    ledger_->holders.push_back(this);
  }
  virtual ~Holder() {
    ledger_->holders.back()->index_ = index_;
    std::swap(ledger_->holders[index_], ledger_->holders.back());
    ledger_->holders.pop_back();
    hold(0);
  }
  Holder(const Holder&) = delete;
  Holder& operator=(const Holder&) = delete;

  virtual bool collected() = 0;
  virtual void release() = 0;

  void hold(std::int64_t bytes) {
    if (bytes != bytes_) ledger_->add(env_, bytes - std::exchange(bytes_, bytes));
  }

 private:
  Napi::Env env_;
  std::shared_ptr<Ledger> ledger_;
  std::size_t index_;
  std::int64_t bytes_ = 0;
};

inline void Ledger::add(Napi::Env env, std::int64_t change) {
  constexpr std::int64_t kLook = 16 << 20;
  bytes += change;
  Napi::MemoryManagement::AdjustExternalMemory(env, change);
  if (change <= 0 || (added += change) < std::max(kLook, bytes / 2)) return;
  added = 0;
  const Napi::HandleScope scope(env);
  for (auto* holder : holders) {
    if (!holder->collected()) continue;
    holder->release();
    holder->hold(0);
  }
}

// An asynchronous call. It belongs to the JavaScript thread, which makes it, finishes it and lets it go, when no thread
// of the pool knows of it any more: those borrow it for work, and tell the JavaScript thread last.
struct Task {
  explicit Task(Napi::Env env) : deferred(env) {}
  virtual ~Task() = default;
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;

  virtual void work(Team& team) = 0;              // a thread of the pool
  virtual void stop() = 0;                        // any thread
  virtual Napi::Value finish(Napi::Env env) = 0;  // JavaScript thread: makes the result

  Napi::Promise::Deferred deferred;
  std::exception_ptr failed;
};

class Addon;

// The environments that have threads: the one thing a process has one of. process.exit() runs no cleanup hooks of the
// main environment; it goes straight to the exit handlers, among them OpenBLAS', which unmaps what running products
// use. This is made after OpenBLAS was loaded, hence ends before it, and ends those threads. (Windows ends all other
// threads before it gets here.)
class Environments {
 public:
  static Environments& all() {
    static Environments environments;
    return environments;
  }
  ~Environments();

  void add(Addon* addon) {
    std::lock_guard lock(mutex_);
    addons_.push_back(addon);
  }
  void remove(Addon* addon) {
    std::lock_guard lock(mutex_);
    addons_.remove(addon);
  }

 private:
  std::mutex mutex_;
  std::list<Addon*> addons_;
};

// Everything an environment (the main thread or one Worker) owns.
class Addon {
 public:
  // Without threads, until lib/load.ts has said how many.
  explicit Addon(Napi::Env env) : pool(0, blasReserveToHelp) {
    float32Array = Napi::Persistent(env.Global().Get("Float32Array").As<Napi::Function>());
    float64Array = Napi::Persistent(env.Global().Get("Float64Array").As<Napi::Function>());
    napi_value name = Napi::String::New(env, "fjordnet");
    // What async hooks see: Jest's --detectOpenHandles asks it whether the process is kept alive.
    Napi::Object resource = Napi::Object::New(env);
    auto hasRef = [this](const Napi::CallbackInfo& info) { return Napi::Boolean::New(info.Env(), !tasks_.empty()); };
    resource.Set("hasRef", Napi::Function::New(env, hasRef, "hasRef"));
    napi_status status =
        napi_create_threadsafe_function(env, nullptr, resource, name, 0, 1, nullptr, nullptr, this, deliver, &done_);
    if (status != napi_ok) throw Napi::Error::New(env);
    napi_unref_threadsafe_function(env, done_);
    // Runs before Node unloads the addon, when a Worker or the process has nothing left to do and when a Worker is
    // terminated: no thread of ours outlives it.
    napi_add_env_cleanup_hook(
        env, [](void* self) { static_cast<Addon*>(self)->shutDown(); }, this);
    Environments::all().add(this);
  }

  Napi::Promise submit(Napi::Env env, std::unique_ptr<Task> owned) {
    Task* task = owned.get();
    const auto promise = task->deferred.Promise();
    tasks_.push_back(std::move(owned));
    if (tasks_.size() == 1) napi_ref_threadsafe_function(env, done_);
    const auto forget = [&] {
      tasks_.pop_back();
      if (tasks_.empty()) napi_unref_threadsafe_function(env, done_);
    };
    try {
      pool.submit([this, task](Team& team) {
        try {
          task->work(team);
        } catch (...) {
          task->failed = std::current_exception();
        }
        napi_call_threadsafe_function(done_, task, napi_tsfn_nonblocking);
      });
    } catch (const std::system_error& e) {
      forget();
      throw coded(env, "ERR_THREAD", std::string("Expected the system to start a thread, got: ") + e.what());
    } catch (...) {
      forget();
      throw;
    }
    return promise;
  }

  // Runs no further job, stops those that run after their batch, and waits for them.
  void stop() {
    for (auto& task : tasks_) task->stop();
    pool.stop();
  }

  Pool pool;
  Napi::FunctionReference float32Array, float64Array;  // as they were when the addon was loaded
  const std::shared_ptr<Ledger> ledger = std::make_shared<Ledger>();

 private:
  static void deliver(napi_env rawEnv, napi_value, void* context, void* data) {
    if (rawEnv == nullptr) return;  // the environment is going away; shutDown has the task
    const Napi::Env env(rawEnv);
    auto& self = *static_cast<Addon*>(context);
    std::unique_ptr<Task> task;
    for (auto it = self.tasks_.begin(); it != self.tasks_.end(); ++it) {
      if (it->get() != data) continue;
      task = std::move(*it);
      self.tasks_.erase(it);
      break;
    }
    if (self.tasks_.empty()) napi_unref_threadsafe_function(env, self.done_);
    try {
      const auto value = guarded(env, [&] {
        if (task->failed) std::rethrow_exception(task->failed);
        return task->finish(env);
      });
      task->deferred.Resolve(value);
    } catch (const Napi::Error& e) {
      try {
        task->deferred.Reject(e.Value());
      } catch (const Napi::Error&) {  // a Worker that is being terminated runs no JavaScript any more: there is nobody
                                      // to tell
      }
    }
  }

  void shutDown() {
    Environments::all().remove(this);
    stop();
    napi_release_threadsafe_function(done_, napi_tsfn_abort);
  }

  napi_threadsafe_function done_ = nullptr;
  std::list<std::unique_ptr<Task>> tasks_;
};

inline Environments::~Environments() {
#if !defined(_WIN32)
  for (Addon* addon : addons_) addon->stop();
#endif
}

inline Addon& addon(Napi::Env env) { return *env.GetInstanceData<Addon>(); }

// A new typed array of these values. Made by JavaScript's own constructor: napi_create_arraybuffer ends the process
// where there is no memory.
template <typename T>
Napi::Value copyOut(Napi::Env env, const std::vector<T>& values) {
  const auto& constructor = std::is_same_v<T, float> ? addon(env).float32Array : addon(env).float64Array;
  const auto made = [&] {
    try {
      return constructor.New({Napi::Number::New(env, static_cast<double>(values.size()))});
    } catch (const Napi::Error&) {
      throw std::bad_alloc();
    }
  }();
  const auto to = view<T>(made);
  std::copy_n(values.begin(), std::min(values.size(), static_cast<std::size_t>(to.size)), to.data);
  return made;
}

}  // namespace fjordnet
