// The wall between JavaScript and MPI. lib/mpi/ checks what users pass; what is refused here is a mistake in this
// library, but for calls that are too late.
#include <napi.h>

#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "world.h"

namespace {

using namespace fjordnet;
using namespace fjordnet::mpi;

class Environment;

// MPI can be started once in a process. The world is never deleted: plans may hold its exchange.
struct Process {
  std::mutex mutex;
  World* world = nullptr;
  Environment* owner = nullptr;  // the environment that started it

  static Process& it() {
    static auto& process = *new Process;
    return process;
  }
};

// What JavaScript waits for: made and finished on its thread.
struct Pending {
  explicit Pending(Napi::Env env) : deferred(env) {}
  virtual ~Pending() = default;
  virtual Napi::Value finish(Napi::Env env) = 0;
  Napi::Promise::Deferred deferred;
};

Napi::Error failure(Napi::Env env, const std::string& message) {
  auto error = Napi::Error::New(env, message);
  error.Set("code", "ERR_MPI");
  return error;
}

// The main thread, or one Worker.
class Environment {
 public:
  explicit Environment(Napi::Env env) {
    const napi_value name = Napi::String::New(env, "fjordnet_mpi");
    if (napi_create_threadsafe_function(env, nullptr, nullptr, name, 0, 1, nullptr, nullptr, this, deliver, &done_) !=
        napi_ok)
      throw Napi::Error::New(env);
    napi_unref_threadsafe_function(env, done_);
    napi_add_env_cleanup_hook(
        env, [](void* self) { static_cast<Environment*>(self)->leave(); }, this);
  }

  static Environment& of(Napi::Env env) { return *env.GetInstanceData<Environment>(); }

  // Keeps the event loop alive until the task is done.
  template <typename T, typename F>
  Napi::Value wait(Napi::Env env, std::unique_ptr<T> task, const F& submit) {
    const auto promise = task->deferred.Promise();
    try {
      submit(*task);
    } catch (const std::runtime_error& e) {
      throw failure(env, e.what());
    }
    task.release();
    if (++waiting_ == 1) napi_ref_threadsafe_function(env, done_);
    return promise;
  }

  void tell(Pending* task) { napi_call_threadsafe_function(done_, task, napi_tsfn_nonblocking); }

 private:
  static void deliver(napi_env rawEnv, napi_value, void* context, void* data) {
    std::unique_ptr<Pending> task(static_cast<Pending*>(data));
    if (rawEnv == nullptr) return;  // the environment is going away
    const Napi::Env env(rawEnv);
    auto& self = *static_cast<Environment*>(context);
    if (--self.waiting_ == 0) napi_unref_threadsafe_function(env, self.done_);
    try {
      task->deferred.Resolve(task->finish(env));
    } catch (const Napi::Error& e) {
      task->deferred.Reject(e.Value());
    }
  }

  // Runs when nothing is left to do, and when a Worker is terminated.
  void leave() {
    auto& process = Process::it();
    std::unique_lock lock(process.mutex);
    World* world = process.owner == this ? process.world : nullptr;
    lock.unlock();
    if (world) {
      world->atExit();
      world->join();
    }
    napi_release_threadsafe_function(done_, napi_tsfn_abort);
  }

  napi_threadsafe_function done_ = nullptr;
  int waiting_ = 0;
};

World& running() {
  auto& process = Process::it();
  const std::lock_guard lock(process.mutex);
  if (!process.world) throw std::runtime_error("Expected mpi.init() to be called first");
  return *process.world;
}

// One task of ours: `Native` is what the thread of MPI knows of it.
template <typename Native>
struct Asked : Pending, Native {
  explicit Asked(Napi::Env env) : Pending(env), home(Environment::of(env)) {}
  void done() noexcept override { home.tell(this); }
  Napi::Value finish(Napi::Env env) override {
    if (!this->error.empty()) throw failure(env, this->error);
    return result(env);
  }
  virtual Napi::Value result(Napi::Env env) { return env.Undefined(); }
  Environment& home;
};

Napi::Value describe(Napi::Env env, World& world) {
  auto out = Napi::Object::New(env);
  out.Set("rank", world.rank);
  out.Set("size", world.size);
  out.Set("hostname", world.host);
  out.Set("processors", world.processors);
  out.Set("library", world.mpi.version);
  out.Set("file", world.mpi.file);
  auto exchange = Napi::Object::New(env);
  const napi_type_tag tag{kExchangeTag[0], kExchangeTag[1]};
  if (napi_wrap(env, exchange, &world.exchange, nullptr, nullptr, nullptr) != napi_ok ||
      napi_type_tag_object(env, exchange, &tag) != napi_ok)
    throw Napi::Error::New(env);
  out.Set("exchange", exchange);
  return out;
}

struct Started : Asked<Task> {
  using Asked::Asked;
  Napi::Value finish(Napi::Env env) override {
    auto& process = Process::it();
    std::lock_guard lock(process.mutex);
    if (error.empty()) return describe(env, *process.world);
    process.world->join();
    if (process.world->untouched()) {
      delete process.world;
      process.world = nullptr;
    }
    throw failure(env, error);
  }
};

// init(library, seconds): {rank, size, processors, hostname, library, file, exchange}
Napi::Value init(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  const auto library = info[0].IsString() ? info[0].As<Napi::String>().Utf8Value() : std::string();
  const double seconds = info[1].ToNumber().DoubleValue();
  auto& process = Process::it();
  const std::lock_guard lock(process.mutex);
  auto& home = Environment::of(env);
  if (process.world) {
    if (process.owner != &home)
      throw failure(env,
                    "Expected mpi.init() to be called in one thread of a process, but another one has started MPI");
    if (process.world->ended())
      throw failure(env, "Expected mpi.init() to be called once: MPI cannot be started again after its end");
    if (!process.world->running())
      throw failure(env, "Expected mpi.init() to be waited for before it is called from another realm");
    auto again = Napi::Promise::Deferred(env);
    again.Resolve(describe(env, *process.world));
    return again.Promise();
  }
  static const bool registered = [] {
    // MPI_Abort may call exit() while the first of these runs: the second one ends the process then
    for (int i = 0; i < 2; ++i)
      std::atexit([] {
        if (World* world = Process::it().world) world->atExit();
      });
    return true;
  }();
  static_cast<void>(registered);
  return home.wait(env, std::make_unique<Started>(env), [&](Started& started) {
    process.owner = &home;
    process.world = new World(library, seconds, started);
  });
}

struct Collective : Asked<Job> {
  using Asked::Asked;
  Napi::Reference<Napi::TypedArray> array;
};

std::unique_ptr<Collective> collective(const Napi::CallbackInfo& info, Call::Kind kind) {
  auto job = std::make_unique<Collective>(info.Env());
  job->call.kind = kind;
  return job;
}

// The array's own memory, which lib/mpi/ shows to nobody until the job is done.
void use(Collective& job, const Napi::TypedArray& array) {
  void* data = nullptr;
  if (napi_get_typedarray_info(array.Env(), array, nullptr, nullptr, &data, nullptr, nullptr) != napi_ok)
    throw Napi::Error::New(array.Env());
  job.array = Napi::Persistent(array);
  job.data = data;
}

Napi::Value submit(Napi::Env env, std::unique_ptr<Collective> job) {
  return Environment::of(env).wait(env, std::move(job), [](Collective& task) { running().submit(task); });
}

Call::Kind kind(const Napi::Value& name) {
  const auto wanted = name.As<Napi::String>().Utf8Value();
  int i = 0;
  while (wanted != kNames[i]) ++i;
  return static_cast<Call::Kind>(i);
}

// reduce(kind, root, form, max, Float32Array | Float64Array): in place
Napi::Value reduce(const Napi::CallbackInfo& info) {
  auto job = collective(info, kind(info[0]));
  const auto array = info[4].As<Napi::TypedArray>();
  job->call.root = info[1].ToNumber();
  job->call.form = info[2].ToNumber();
  job->call.max = info[3].ToBoolean();
  job->call.type = array.TypedArrayType() == napi_float32_array ? Call::kFloat32 : Call::kFloat64;
  job->call.count = static_cast<std::int64_t>(array.ElementLength());
  use(*job, array);
  return submit(info.Env(), std::move(job));
}

// move(kind, root, Uint8Array | undefined, parts): the bytes of each rank follow each other where one rank has all;
// nothing where there was no memory for them
Napi::Value move(const Napi::CallbackInfo& info) {
  auto job = collective(info, kind(info[0]));
  job->call.root = info[1].ToNumber();
  const auto parts = info[3].As<Napi::Float64Array>();
  for (std::size_t i = 0; i < parts.ElementLength(); ++i) {
    job->parts.push_back(static_cast<std::int64_t>(parts[i]));
    job->call.count += job->parts.back();
  }
  if (info[2].IsTypedArray()) {
    use(*job, info[2].As<Napi::TypedArray>());
  } else {
    job->call.count = -1;
  }
  return submit(info.Env(), std::move(job));
}

Napi::Value barrier(const Napi::CallbackInfo& info) { return submit(info.Env(), collective(info, Call::kBarrier)); }

struct Final : Collective {
  using Collective::Collective;
  Napi::Value result(Napi::Env env) override {
    running().join();
    return env.Undefined();
  }
};

Napi::Value finalize(const Napi::CallbackInfo& info) {
  auto job = std::make_unique<Final>(info.Env());
  job->call.kind = Call::kFinalize;
  return submit(info.Env(), std::move(job));
}

struct Letter : Asked<Message> {
  using Asked::Asked;
  Napi::Value result(Napi::Env env) override {
    if (sends) return env.Undefined();
    auto out = Napi::Object::New(env);
    out.Set("from", peer);
    out.Set("bytes", Napi::Buffer<char>::Copy(env, bytes.data(), bytes.size()));
    return out;
  }
};

Napi::Value submit(Napi::Env env, std::unique_ptr<Letter> letter) {
  return Environment::of(env).wait(env, std::move(letter), [](Letter& task) { running().submit(task); });
}

// send(Uint8Array, to, tag)
Napi::Value send(const Napi::CallbackInfo& info) {
  auto letter = std::make_unique<Letter>(info.Env());
  const auto bytes = info[0].As<Napi::Uint8Array>();
  letter->bytes.assign(bytes.Data(), bytes.Data() + bytes.ByteLength());
  letter->sends = true;
  letter->peer = info[1].ToNumber();
  letter->tag = info[2].ToNumber();
  return submit(info.Env(), std::move(letter));
}

// receive(from or -1, tag): {from, bytes}
Napi::Value receive(const Napi::CallbackInfo& info) {
  auto letter = std::make_unique<Letter>(info.Env());
  letter->peer = info[0].ToNumber();
  letter->tag = info[1].ToNumber();
  return submit(info.Env(), std::move(letter));
}

// abort(code)
void abort(const Napi::CallbackInfo& info) {
  const int code = info[0].ToNumber();
  running().abort(code, "aborts the job with code " + std::to_string(code));
}

// exiting(code): what atExit is not told
void exiting(const Napi::CallbackInfo& info) { running().noteExit(info[0].ToNumber()); }

Napi::Object exported(Napi::Env env, Napi::Object exports) {
  env.SetInstanceData(new Environment(env));
  const auto add = [&](const char* name, auto function) {
    exports.Set(name, Napi::Function::New(env, function, name));
  };
  add("init", init);
  add("reduce", reduce);
  add("move", move);
  add("barrier", barrier);
  add("finalize", finalize);
  add("send", send);
  add("receive", receive);
  add("abort", abort);
  add("exiting", exiting);
  return exports;
}

}  // namespace

NODE_API_MODULE(fjordnet_mpi, exported)
