// The wall between JavaScript and the kernels: argument marshalling, asynchronous jobs, and nothing else. The only file
// with napi.h. TypeScript checks what users pass; what is refused here is a mistake in this library.
//
// Reading a property, an array's element or an object's keys may run JavaScript (getters, proxies), which may do
// anything: shrink or detach a buffer, start a job, change the number of threads. So every call reads all of its
// arguments first, values alone, and only then looks at memory (view) and at the plan, with no JavaScript in between.
#include <napi.h>

#include <chrono>
#include <cmath>
#include <limits>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <variant>

#include "blas.h"
#include "cpu.h"
#include "dataset.h"
#include "kernel.h"
#include "parallel.h"
#include "plan.h"
#include "random.h"

namespace {

using namespace fjordnet;

// Tells the Datasets of this very library from those of another copy of it, whose layout may be another.
const char kThisLibrary = 0;
const napi_type_tag kDatasetTag = {0x6a0c5d3f1b9e4e21, reinterpret_cast<std::uintptr_t>(&kThisLibrary)};

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

  void hold(std::int64_t bytes) { ledger_->add(env_, bytes - std::exchange(bytes_, bytes)); }

 private:
  Napi::Env env_;
  std::shared_ptr<Ledger> ledger_;
  std::size_t index_;
  std::int64_t bytes_ = 0;
};

void Ledger::add(Napi::Env env, std::int64_t change) {
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

Napi::Error coded(Napi::Env env, const char* code, const std::string& message) {
  auto error = Napi::Error::New(env, message);
  error.Set("code", Napi::String::New(env, code));
  return error;
}

// Turns what kernels' set-up throws into JavaScript errors.
template <typename F>
auto guarded(Napi::Env env, const F& body) -> decltype(body()) {
  try {
    return body();
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
std::string shown(const Napi::Value& value) {
  static constexpr const char* kTypes[] = {"undefined", "null",      "a boolean",  "a number",    "a string",
                                           "a symbol",  "an object", "a function", "an external", "a bigint"};
  return value.IsNumber() ? value.ToString().Utf8Value() : kTypes[value.Type()];
}

[[noreturn]] void refuse(const std::string& name, const std::string& expected, const Napi::Value& value) {
  throw std::invalid_argument("Expected " + name + " to be " + expected + ", got " + shown(value));
}

Napi::Object object(const Napi::Value& value, const std::string& name) {
  if (!value.IsObject()) refuse(name, "an object", value);
  return value.As<Napi::Object>();
}

// A proxy of an array is none: its length may differ from one look to the next.
Napi::Array array(const Napi::Value& value, const std::string& name) {
  if (!value.IsArray()) refuse(name, "an array", value);
  return value.As<Napi::Array>();
}

std::string text(const Napi::Value& value, const std::string& name) {
  if (!value.IsString()) refuse(name, "a string", value);
  return value.As<Napi::String>().Utf8Value();
}

double number(const Napi::Value& value, const std::string& name) {
  if (!value.IsNumber()) refuse(name, "a number", value);
  return value.As<Napi::Number>().DoubleValue();
}

// At most 2^62, so that a sum of two fits.
Index integer(const Napi::Value& value, const std::string& name) {
  constexpr double kMost = 4611686018427387904.0;
  const double x = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : 0.5;
  if (!(std::abs(x) <= kMost) || std::trunc(x) != x) refuse(name, "an integer", value);
  return static_cast<Index>(x);
}

Index integer(const Napi::Value& value, const std::string& name, Index low, Index high) {
  const Index x = integer(value, name);
  if (x < low || x > high)
    refuse(name, "an integer in [" + std::to_string(low) + ", " + std::to_string(high) + "]", value);
  return x;
}

// An int, which tells a buffer or a scalar of a plan by its number; what there is the plan knows.
int ordinal(const Napi::Value& value, const std::string& name) {
  return static_cast<int>(integer(value, name, std::numeric_limits<int>::min(), std::numeric_limits<int>::max()));
}

// Element by element, for as long as they are integers: a length alone takes no memory.
std::vector<int> ordinals(const Napi::Value& value, const std::string& name) {
  const auto list = array(value, name);
  std::vector<int> out;
  for (std::uint32_t i = 0; i < list.Length(); ++i)
    out.push_back(ordinal(list.Get(i), name + "[" + std::to_string(i) + "]"));
  return out;
}

bool isFloat32(const Napi::Value& dtype) {
  const auto name = text(dtype, "dtype");
  if (name != "float32" && name != "float64")
    throw std::invalid_argument("Expected dtype to be float32 or float64, got '" + name + "'");
  return name == "float32";
}

// A typed array's memory, until JavaScript runs again. A detached array, or one whose buffer has shrunk below it, is
// empty.
template <typename T>
struct View {
  T* data;
  Index size;
};

template <typename T>
View<T> view(const Napi::Value& value) {
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != arrayType<T>()) {
    throw std::invalid_argument(std::string("Expected a typed array of ") +
                                (std::is_same_v<T, float>          ? "float32"
                                 : std::is_same_v<T, double>       ? "float64"
                                 : std::is_same_v<T, std::int32_t> ? "int32"
                                                                   : "uint32"));
  }
  auto array = value.As<Napi::TypedArrayOf<T>>();
  return {array.Data(), static_cast<Index>(array.ElementLength())};
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
  explicit Addon(Napi::Env env, int threads) : pool(threads, blasReserveToHelp) {
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

Environments::~Environments() {
#if !defined(_WIN32)
  for (Addon* addon : addons_) addon->stop();
#endif
}

Addon& addon(Napi::Env env) { return *env.GetInstanceData<Addon>(); }

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

// ---------------------------------------------------------------- Dataset

// The first value that is NaN or infinite, or -1. 0 * x sums to 0 unless there is one; eight sums, for compilers to
// vectorise.
template <typename T>
Index firstNotFinite(const T* x, Index n) {
  T sums[8] = {};
  Index i = 0;
  for (; i + 8 <= n; i += 8) {
    for (int k = 0; k < 8; ++k) sums[k] += x[i + k] * T(0);
  }
  for (; i < n; ++i) sums[0] += x[i] * T(0);
  for (int k = 1; k < 8; ++k) sums[0] += sums[k];
  if (sums[0] == T(0)) return -1;
  return std::find_if(x, x + n, [](T value) { return !std::isfinite(value); }) - x;
}

// new Dataset(name, values, rows, width, dtype): copies values, refuses those that are not finite, by row and column.
class DatasetWrap : public Napi::ObjectWrap<DatasetWrap>, public Holder {
 public:
  template <typename T>
  using Pointer = std::shared_ptr<const Dataset<T>>;

  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "Dataset", {InstanceMethod<&DatasetWrap::holds>("holds")});
  }

  explicit DatasetWrap(const Napi::CallbackInfo& info)
      : Napi::ObjectWrap<DatasetWrap>(info), Holder(info.Env(), addon(info.Env()).ledger) {
    const auto env = info.Env();
    guarded(env, [&] {
      const auto name = text(info[0], "name");
      const Index rows = integer(info[2], "rows"), width = integer(info[3], "width");
      if (isFloat32(info[4])) {
        fill<float>(env, name, info[1], rows, width);
      } else {
        fill<double>(env, name, info[1], rows, width);
      }
    });
    napi_type_tag_object(env, info.This(), &kDatasetTag);
  }

  template <typename T>
  static Pointer<T> unwrap(const Napi::Value& value) {
    bool ours = false;
    if (value.IsObject()) napi_check_object_type_tag(value.Env(), value, &kDatasetTag, &ours);
    if (!ours) throw std::invalid_argument("Expected a Dataset");
    const auto* found = std::get_if<Pointer<T>>(&Unwrap(value.As<Napi::Object>())->data_);
    if (found == nullptr) throw std::invalid_argument("Expected a Dataset of the plan's dtype");
    return *found;
  }

  bool collected() override { return Value().IsEmpty(); }
  void release() override { data_ = {}; }

  // holds(values, width, dtype): whether this is still what a new Dataset of these values would be
  Napi::Value holds(const Napi::CallbackInfo& info) {
    const bool same = guarded(info.Env(), [&] {
      if (!info[0].IsTypedArray()) refuse("values", "a typed array", info[0]);
      const Index width = integer(info[1], "width");
      const bool single = isFloat32(info[2]);
      const auto among = [&](const auto& data) {
        using T = std::decay_t<decltype(*data->values)>;
        if (data == nullptr || single != std::is_same_v<T, float> || data->width != width) return false;
        switch (info[0].As<Napi::TypedArray>().TypedArrayType()) {
          case napi_float64_array: return equal(*data, view<double>(info[0]));
          case napi_float32_array: return equal(*data, view<float>(info[0]));
          case napi_int32_array: return equal(*data, view<std::int32_t>(info[0]));
          default: return false;
        }
      };
      return std::visit(among, data_);
    });
    return Napi::Boolean::New(info.Env(), same);
  }

 private:
  template <typename T, typename From>
  static bool equal(const Dataset<T>& data, const View<From>& from) {
    constexpr Index kBlock = 1024;  // without a branch inside, a block is compared a vector at a time
    if (from.size != data.rows * data.width) return false;
    for (Index at = 0; at < from.size; at += kBlock) {
      bool same = true;
      for (Index i = at; i < std::min(at + kBlock, from.size); ++i)
        same &= static_cast<T>(from.data[i]) == data.values[i];
      if (!same) return false;
    }
    return true;
  }

  template <typename T>
  void fill(Napi::Env env, const std::string& name, const Napi::Value& values, Index rows, Index width) {
    if (!values.IsTypedArray()) refuse("values", "a typed array", values);
    switch (values.As<Napi::TypedArray>().TypedArrayType()) {
      case napi_float64_array: return copy<T, double>(env, name, values, rows, width);
      case napi_float32_array: return copy<T, float>(env, name, values, rows, width);
      case napi_int32_array: return copy<T, std::int32_t>(env, name, values, rows, width);
      default: throw std::invalid_argument("Expected a typed array of float64, float32 or int32");
    }
  }

  template <typename T, typename From>
  void copy(Napi::Env env, const std::string& name, const Napi::Value& values, Index rows, Index width) {
    const auto from = view<From>(values);
    if (rows < 1 || width < 1 || from.size % width != 0 || from.size / width != rows) {
      throw std::invalid_argument("Expected rows x width values");
    }
    auto data = std::make_shared<Dataset<T>>(rows, width);
    T* to = data->owned.data();
    for (Index i = 0; i < from.size; ++i) to[i] = static_cast<T>(from.data[i]);
    if (const Index at = firstNotFinite(to, from.size); at >= 0) {
      const auto where = width == 1 ? "row " + std::to_string(at)
                                    : "row " + std::to_string(at / width) + ", column " + std::to_string(at % width);
      const auto what = std::isnan(to[at]) ? "NaN" : to[at] > T(0) ? "Infinity" : "-Infinity";
      throw Napi::RangeError::New(env, "Expected " + name + " to hold finite numbers, got " + what + " at " + where);
    }
    hold(data->owned.bytes());
    data_ = Pointer<T>(std::move(data));
  }

  std::variant<Pointer<float>, Pointer<double>> data_;
};

// ---------------------------------------------------------------- Plan

class PlanWrap : public Napi::ObjectWrap<PlanWrap>, public Holder {
 public:
  // Methods only: V8 checks their receivers, but not those of accessors.
  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "Plan",
                       {InstanceMethod<&PlanWrap::run>("run"), InstanceMethod<&PlanWrap::runSync>("runSync"),
                        InstanceMethod<&PlanWrap::stop>("stop"), InstanceMethod<&PlanWrap::read>("read"),
                        InstanceMethod<&PlanWrap::write>("write"), InstanceMethod<&PlanWrap::busy>("busy"),
                        InstanceMethod<&PlanWrap::bytes>("bytes")});
  }

  // new Plan(dtype, spec)
  explicit PlanWrap(const Napi::CallbackInfo& info)
      : Napi::ObjectWrap<PlanWrap>(info), Holder(info.Env(), addon(info.Env()).ledger) {
    guarded(info.Env(), [&] {
      auto spec = parse(info[1]);
      if (isFloat32(info[0])) {
        core_ = std::make_shared<Core<float>>(std::move(spec));
      } else {
        core_ = std::make_shared<Core<double>>(std::move(spec));
      }
    });
    std::visit([&](auto& core) { hold(core->plan.bytes()); }, core_);
  }

  bool collected() override { return Value().IsEmpty(); }
  void release() override { core_ = {}; }

  static PlanSpec parse(const Napi::Value& value) {
    PlanSpec spec;
    const auto from = object(value, "spec");
    spec.fixedSize = integer(from.Get("fixedSize"), "fixedSize");
    spec.rowSize = integer(from.Get("rowSize"), "rowSize");
    if (const auto capacity = from.Get("capacity"); !capacity.IsUndefined())
      spec.capacity = integer(capacity, "capacity");
    if (const auto report = from.Get("report"); !report.IsUndefined()) spec.report = ordinal(report, "report");
    const auto buffers = array(from.Get("buffers"), "buffers");
    for (std::uint32_t i = 0; i < buffers.Length(); ++i) {
      const auto name = "buffers[" + std::to_string(i) + "]";
      const auto b = object(buffers.Get(i), name);
      spec.buffers.push_back({integer(b.Get("offset"), name + ".offset"), integer(b.Get("size"), name + ".size"),
                              b.Get("batched").ToBoolean()});
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

 private:
  static InstructionSpec parseInstruction(const Napi::Value& value, const std::string& name) {
    const auto from = object(value, name);
    InstructionSpec instruction{
        text(from.Get("kernel"), name + ".kernel"), ordinals(from.Get("buffers"), name + ".buffers"), {}, {}};
    for (const auto& [dim, size] : entries(from.Get("dims"), name + ".dims"))
      instruction.dims[dim] = integer(size, name + ".dims." + dim);
    for (const auto& [scalar, index] : entries(from.Get("scalars"), name + ".scalars"))
      instruction.scalars[scalar] = ordinal(index, name + ".scalars." + scalar);
    if (const auto rows = from.Get("rows"); !rows.IsUndefined()) instruction.rows = integer(rows, name + ".rows");
    if (const auto when = from.Get("when"); !when.IsUndefined()) instruction.when = ordinal(when, name + ".when");
    return instruction;
  }

  static std::vector<std::pair<std::string, Napi::Value>> entries(const Napi::Value& value, const std::string& name) {
    const auto from = object(value, name);
    const auto keys = from.GetPropertyNames();
    std::vector<std::pair<std::string, Napi::Value>> out;
    for (std::uint32_t i = 0; i < keys.Length(); ++i) {
      const Napi::Value key = keys.Get(i);
      out.emplace_back(text(key, name), from.Get(key));
    }
    return out;
  }

  // What a running job shares with its Plan object, and may outlive it.
  template <typename T>
  struct Core {
    explicit Core(PlanSpec spec) : plan(std::move(spec), kernelTable()) {}
    Plan<T> plan;
    std::mutex running;  // held while a job runs: read() waits for the end of the job, at most some 20 ms
  };

  // A job as JavaScript hands it over, before any memory is looked at.
  struct Request {
    std::string program;
    std::vector<std::pair<int, Napi::Value>> inputs;
    std::optional<Napi::Value> rows;
    Index first = 0, count = 0, batchSize = 0, period = 0;
    std::optional<std::vector<int>> scalars;
    Napi::Value values;
    int output = -1;
  };

  static Request read(const Napi::Value& value) {
    Request request;
    const auto from = object(value, "job");
    request.program = text(from.Get("program"), "program");
    const auto inputs = array(from.Get("inputs"), "inputs");
    for (std::uint32_t i = 0; i < inputs.Length(); ++i) {
      const auto name = "inputs[" + std::to_string(i) + "]";
      const auto pair = array(inputs.Get(i), name);
      request.inputs.emplace_back(ordinal(pair.Get(0u), name + "[0]"), pair.Get(1u));
    }
    if (const auto rows = from.Get("rows"); !rows.IsUndefined()) {
      request.rows = rows;
    } else {
      request.first = integer(from.Get("first"), "first");
      request.count = integer(from.Get("count"), "count");
    }
    request.batchSize = integer(from.Get("batchSize"), "batchSize");
    if (const auto period = from.Get("period"); !period.IsUndefined()) request.period = integer(period, "period");
    if (const auto scalars = from.Get("scalars"); !scalars.IsUndefined()) {
      request.scalars = ordinals(scalars, "scalars");
      request.values = from.Get("values");
    }
    if (const auto output = from.Get("output"); !output.IsUndefined()) request.output = ordinal(output, "output");
    return request;
  }

  // Inputs are Datasets; of a synchronous job also typed arrays, which are read in place.
  template <typename T>
  static Job<T> take(const Plan<T>& plan, Request&& request, bool sync) {
    Job<T> job;
    job.program = std::move(request.program);
    for (const auto& [index, data] : request.inputs) {
      if (sync && data.IsTypedArray()) {
        const auto values = view<T>(data);
        const Index width = plan.buffer(index).size;
        const Index rows = width == 0 ? 0 : values.size / width;
        if (rows * width != values.size)
          throw std::invalid_argument("Expected input samples of " + std::to_string(width) + " values, got " +
                                      std::to_string(values.size) + " values");
        job.inputs.emplace_back(index, std::make_shared<const Dataset<T>>(values.data, rows, width));
      } else {
        job.inputs.emplace_back(index, DatasetWrap::unwrap<T>(data));
      }
    }
    job.first = request.first;
    job.count = request.count;
    if (request.rows) {
      const auto rows = view<std::int32_t>(*request.rows);
      job.rows.assign(rows.data, rows.data + rows.size);
      job.count = rows.size;
    }
    job.batchSize = request.batchSize;
    job.period = request.period;
    if (request.scalars) {
      job.scalars = std::move(*request.scalars);
      const auto values = view<double>(request.values);
      job.values.assign(values.data, values.data + values.size);
    }
    job.output = request.output;
    return job;
  }

  // A job in progress: its plan is busy as long as this lives.
  template <typename T>
  struct Run {
    Run(std::shared_ptr<Core<T>> core_, Job<T>&& job_) : core(std::move(core_)), job(std::move(job_)) {
      core->plan.busy = true;
      core->plan.stop = false;
    }
    ~Run() { core->plan.busy = false; }
    Run(const Run&) = delete;
    Run& operator=(const Run&) = delete;

    void execute(Team& team) {
      if (!blasReserve()) throw std::bad_alloc();
      std::lock_guard lock(core->running);
      const auto start = std::chrono::steady_clock::now();
      core->plan.run(job, team);
      job.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    }

    Napi::Value result(Napi::Env env) {
      auto out = Napi::Object::New(env);
      out.Set("steps", static_cast<double>(job.steps));
      out.Set("seconds", job.seconds);
      if (job.output >= 0) {
        out.Set("output", copyOut(env, job.collected));
      } else {
        job.report.resize(static_cast<std::size_t>(job.steps * core->plan.reportSize()));
        out.Set("report", copyOut(env, job.report));
      }
      return out;
    }

    const std::shared_ptr<Core<T>> core;  // which the Plan object may leave alone meanwhile
    Job<T> job;
  };

  template <typename T>
  struct RunTask : Task {
    RunTask(Napi::Env env, std::shared_ptr<Core<T>> core, Job<T>&& job)
        : Task(env), run(std::in_place, std::move(core), std::move(job)) {}
    void work(Team& team) override { run->execute(team); }
    void stop() override { run->core->plan.stop = true; }
    Napi::Value finish(Napi::Env env) override { return run->result(env); }

    std::optional<Run<T>> run;
  };

  // Everything that can be refused is, before the plan is marked busy.
  template <typename T>
  Job<T> begin(Napi::Env env, Core<T>& core, const Napi::Value& from, bool sync) {
    auto request = read(from);
    if (core.plan.busy)
      throw coded(env, "ERR_BUSY", "Expected the network to be idle, but it is training or predicting already");
    auto job = take<T>(core.plan, std::move(request), sync);
    core.plan.check(job);
    core.plan.prepare(job);
    try {
      core.plan.reserve(std::min(job.batchSize, std::max<Index>(job.count, 1)), addon(env).pool.slots());
    } catch (...) {  // what it had is gone
      hold(core.plan.bytes());
      throw;
    }
    hold(core.plan.bytes());
    return job;
  }

  // run(job): Promise<{steps, report, output?}>
  Napi::Value run(const Napi::CallbackInfo& info) {
    const auto env = info.Env();
    return guarded(env, [&] {
      return std::visit(
          [&](auto core) -> Napi::Value {
            using T = std::decay_t<decltype(*core->plan.fixed())>;
            auto job = begin(env, *core, info[0], false);
            return addon(env).submit(env, std::make_unique<RunTask<T>>(env, core, std::move(job)));
          },
          core_);
    });
  }

  Napi::Value runSync(const Napi::CallbackInfo& info) {
    const auto env = info.Env();
    return guarded(env, [&] {
      return std::visit(
          [&](auto core) -> Napi::Value {
            using T = std::decay_t<decltype(*core->plan.fixed())>;
            auto job = begin(env, *core, info[0], true);
            Run<T> run(core, std::move(job));
            addon(env).pool.runHere([&](Team& team) { run.execute(team); });
            return run.result(env);
          },
          core_);
    });
  }

  // Ends the running job after its current batch.
  void stop(const Napi::CallbackInfo&) {
    std::visit([](auto& core) { core->plan.stop = true; }, core_);
  }

  // read(offset, into) and write(offset, from): the fixed part of the arena.
  void read(const Napi::CallbackInfo& info) { transfer(info, false); }
  void write(const Napi::CallbackInfo& info) { transfer(info, true); }

  void transfer(const Napi::CallbackInfo& info, bool write) {
    guarded(info.Env(), [&] {
      std::visit(
          [&](auto& core) {
            using T = std::decay_t<decltype(*core->plan.fixed())>;
            const Index offset = integer(info[0], "offset");
            const auto values = view<T>(info[1]);
            if (offset < 0 || values.size > core->plan.fixedSize() || offset > core->plan.fixedSize() - values.size) {
              throw std::out_of_range("Expected offset and length to lie inside the arena");
            }
            std::lock_guard lock(core->running);
            T* here = core->plan.fixed() + offset;
            std::copy_n(write ? values.data : here, values.size, write ? here : values.data);
          },
          core_);
    });
  }

  Napi::Value busy(const Napi::CallbackInfo& info) {
    return Napi::Boolean::New(info.Env(), std::visit([](auto& core) { return core->plan.busy.load(); }, core_));
  }
  Napi::Value bytes(const Napi::CallbackInfo& info) {
    return Napi::Number::New(info.Env(),
                             static_cast<double>(std::visit([](auto& core) { return core->plan.bytes(); }, core_)));
  }

  std::variant<std::shared_ptr<Core<float>>, std::shared_ptr<Core<double>>> core_;
};

// ---------------------------------------------------------------- RandomState

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
          return std::make_unique<Mt19937>(static_cast<std::uint32_t>(integer(info[0], "seed", 0, 0xffffffff)));
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
      for (Index i = 0; i < out.size; ++i) out.data[i] = state_->nextDouble();
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
      std::copy_n(state_->key, Mt19937::kWords, words(info[0]));
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
      if (pos < 0 || pos > Mt19937::kWords) throw std::out_of_range("Expected a position in [0, 624]");
      std::copy_n(key, Mt19937::kWords, state_->key);
      state_->pos = static_cast<int>(pos);
      state_->hasGauss = hasGauss;
      state_->gauss = gauss;
    });
  }

  static std::uint32_t* words(const Napi::Value& value) {
    const auto key = view<std::uint32_t>(value);
    if (key.size != Mt19937::kWords) throw std::out_of_range("Expected a key of 624 words");
    return key.data;
  }

  std::unique_ptr<Mt19937> state_;
};

// ---------------------------------------------------------------- functions

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
  if (arrays.Length() != signature.buffers.size()) {
    throw std::invalid_argument("Expected '" + std::string(row.name) + "' (" + row.signature + ") to be given " +
                                std::to_string(signature.buffers.size()) + " arrays, got " +
                                std::to_string(arrays.Length()));
  }
  for (std::uint32_t k = 0; k < signature.buffers.size(); ++k) call.arrays.push_back(arrays.Get(k));
  for (const auto& name : signature.scalars) {
    const auto value = values.Get(name);
    if (!value.IsNumber()) throw std::invalid_argument("Expected scalars to hold " + name + forWhat);
    call.scalars.push_back(value.As<Napi::Number>().DoubleValue());
  }
  return call;
}

// Runs one kernel on typed arrays of one dtype, outputs written in place.
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
  std::vector<View<T>> views;
  for (std::size_t k = 0; k < call.arrays.size(); ++k) {
    const auto& length = signature.buffers[k];
    const bool batched = length.find('B') != std::string::npos;
    const Index size = signature.size(length, call.dim);
    views.push_back(view<T>(call.arrays[k]));
    const Index whole = batched ? times(size, B) : size;
    if (views.back().size != whole) {
      throw std::out_of_range("Expected array " + std::to_string(k) + " of '" + row.name + "' (" + row.signature +
                              ") to hold " + std::to_string(whole) + " values, got " +
                              std::to_string(views.back().size));
    }
    Index& end = batched ? spec.rowSize : spec.fixedSize;
    instruction.buffers.push_back(static_cast<int>(k));
    spec.buffers.push_back({end, size, batched});
    end += (size + 15) / 16 * 16;
  }
  for (const auto& name : signature.scalars) {
    instruction.scalars[name] = static_cast<int>(instruction.scalars.size());
  }
  spec.scalars = call.scalars;
  spec.programs["kernel"] = {instruction};
  Plan<T> plan(spec, kernelTable());
  auto& pool = addon(env).pool;
  plan.reserve(B, pool.slots());
  for (std::size_t k = 0; k < views.size(); ++k)
    std::copy_n(views[k].data, views[k].size, plan.pointer(static_cast<int>(k)));
  Job<T> job;
  job.program = "kernel";
  job.count = job.batchSize = B;
  if (!blasReserve()) throw std::bad_alloc();
  pool.runHere([&](Team& team) { plan.run(job, team); });
  for (std::size_t k = 0; k < views.size(); ++k)
    std::copy_n(plan.pointer(static_cast<int>(k)), views[k].size, views[k].data);
}

// kernel(name, dims, arrays, scalars)
void kernel(const Napi::CallbackInfo& info) {
  guarded(info.Env(), [&] {
    const auto name = text(info[0], "kernel");
    const auto table = kernelTable();
    const auto* row =
        std::find_if(table.rows, table.rows + table.size, [&](const Kernel& k) { return name == k.name; });
    if (row == table.rows + table.size)
      throw std::invalid_argument("Expected kernel to be one of the table, got '" + name + "'");
    const Signature signature(row->signature);
    const auto call = read(*row, signature, info);
    const auto& first = call.arrays.front();
    const bool single = first.IsTypedArray() && first.As<Napi::TypedArray>().TypedArrayType() == napi_float32_array;
    return single ? runKernel<float>(info.Env(), *row, signature, call)
                  : runKernel<double>(info.Env(), *row, signature, call);
  });
}

// kernels(): Record<name, signature>
Napi::Value kernels(const Napi::CallbackInfo& info) {
  auto out = Napi::Object::New(info.Env());
  const auto table = kernelTable();
  for (int i = 0; i < table.size; ++i) out.Set(table.rows[i].name, table.rows[i].signature);
  return out;
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
  const auto cores =
      static_cast<int>(std::clamp(std::thread::hardware_concurrency(), 1u, static_cast<unsigned>(Pool::kMostThreads)));
  env.SetInstanceData(new Addon(env, cores));
  exports.Set("Dataset", DatasetWrap::define(env));
  exports.Set("Plan", PlanWrap::define(env));
  exports.Set("RandomState", RandomStateWrap::define(env));
  exports.Set("kernel", Napi::Function::New<kernel>(env, "kernel"));
  exports.Set("kernels", Napi::Function::New<kernels>(env, "kernels"));
  exports.Set("buildInfo", Napi::Function::New<buildInfo>(env, "buildInfo"));
  exports.Set("setThreads", Napi::Function::New<setThreads>(env, "setThreads"));
  exports.Set("getThreads", Napi::Function::New<getThreads>(env, "getThreads"));
  exports.Set("memory", Napi::Function::New<memory>(env, "memory"));
  return exports;
}

}  // namespace

NODE_API_MODULE(fjordnet, init)
