// A plan as JavaScript sees it: made from a specification, and run, on this thread or on one of the pool's.
#pragma once

#include <napi.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "../blas.h"
#include "../plan.h"
#include "dataset.h"
#include "environment.h"
#include "marshal.h"
#include "plan_spec.h"

namespace fjordnet {

class PlanWrap : public Napi::ObjectWrap<PlanWrap>, public Holder {
 public:
  // Methods only: V8 checks their receivers, but not those of accessors.
  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "Plan",
                       {InstanceMethod<&PlanWrap::run>("run"), InstanceMethod<&PlanWrap::runSync>("runSync"),
                        InstanceMethod<&PlanWrap::stop>("stop"), InstanceMethod<&PlanWrap::read>("read"),
                        InstanceMethod<&PlanWrap::write>("write"), InstanceMethod<&PlanWrap::busy>("busy"),
                        InstanceMethod<&PlanWrap::bytes>("bytes"), InstanceMethod<&PlanWrap::direct>("direct"),
                        InstanceMethod<&PlanWrap::runDirect>("runDirect")});
  }

  // new Plan(dtype, spec)
  explicit PlanWrap(const Napi::CallbackInfo& info)
      : Napi::ObjectWrap<PlanWrap>(info), Holder(info.Env(), addon(info.Env()).ledger) {
    guarded(info.Env(), [&] {
      auto spec = parsePlan(info[1]);
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

 private:
  // What a running job shares with its Plan object, and may outlive it.
  template <typename T>
  struct Core {
    explicit Core(PlanSpec spec) : plan(std::move(spec), kernelTable()) {}
    Plan<T> plan;
    std::vector<typename Plan<T>::Direct> directs;
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
    std::vector<int> outputs;
    std::optional<Napi::Value> shares;
    const Exchange* exchange = nullptr;
    bool isToStop = false, overlaps = false;
  };

  // What the addon of MPI made.
  static const Exchange* exchangeOf(const Napi::Value& value) {
    const auto wrapped = object(value, "exchange");
    const auto env = value.Env();
    const napi_type_tag tag = {kExchangeTag[0], kExchangeTag[1]};
    bool isTagged = false;
    void* exchange = nullptr;
    if (napi_check_object_type_tag(env, wrapped, &tag, &isTagged) != napi_ok || !isTagged ||
        napi_unwrap(env, wrapped, &exchange) != napi_ok)
      throw std::invalid_argument("Expected exchange to be made by the addon of MPI");
    const auto* made = static_cast<const Exchange*>(exchange);
    if (made->version != Exchange::kVersion)
      throw std::invalid_argument("Expected fjordnet and fjordnet/mpi to be of one version of the package");
    return made;
  }

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
    if (const auto exchange = from.Get("exchange"); !exchange.IsUndefined()) {
      request.exchange = exchangeOf(exchange);
      request.shares = from.Get("shares");
      request.isToStop = from.Get("stop").ToBoolean();
      request.overlaps = from.Get("overlap").ToBoolean();
    }
    if (const auto outputs = from.Get("outputs"); !outputs.IsUndefined())
      request.outputs = ordinals(outputs, "outputs");
    return request;
  }

  // Inputs are Datasets; of a synchronous job also typed arrays, which are read in place.
  template <typename T>
  static Job<T> take(const Plan<T>& plan, Request&& request, bool sync) {
    Job<T> job;
    job.program = std::move(request.program);
    for (const auto& [index, data] : request.inputs) {
      if (sync && data.IsTypedArray()) {
        const Index width = plan.arena().buffer(index).size;
        if (isArrayOf<std::int32_t>(data)) {
          job.int32Inputs.emplace_back(index, borrowed<std::int32_t>(data, width));
        } else {
          job.inputs.emplace_back(index, borrowed<T>(data, width));
        }
      } else if (const auto integers = DatasetWrap::find<std::int32_t>(data)) {
        job.int32Inputs.emplace_back(index, integers);
      } else if (const auto samples = DatasetWrap::find<T>(data)) {
        job.inputs.emplace_back(index, samples);
      } else {
        throw std::invalid_argument("Expected a Dataset of the plan's dtype");
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
    job.outputs = std::move(request.outputs);
    job.exchange = request.exchange;
    job.isToStop = request.isToStop;
    job.overlaps = request.overlaps;
    if (request.shares) {
      const auto shares = view<std::int32_t>(*request.shares);
      if (shares.size % 3 != 0) throw std::invalid_argument("Expected shares of three numbers each");
      for (Index at = 0; at < shares.size; at += 3)
        job.shares.push_back({shares.data[at], shares.data[at + 1], shares.data[at + 2]});
    }
    return job;
  }

  template <typename V>
  static std::shared_ptr<const Dataset<V>> borrowed(const Napi::Value& data, Index width) {
    const auto values = view<V>(data);
    const Index rows = width == 0 ? 0 : values.size / width;
    if (rows * width != values.size) {
      throw std::invalid_argument("Expected input samples of " + std::to_string(width) + " values, got " +
                                  std::to_string(values.size) + " values");
    }
    return std::make_shared<const Dataset<V>>(values.data, rows, width);
  }

  // A job in progress: its plan is busy as long as this lives.
  template <typename T>
  struct Run {
    Run(std::shared_ptr<Core<T>> core_, Job<T>&& job_) : core(std::move(core_)), job(std::move(job_)) {
      core->plan.busy = true;
      core->plan.stop = job.isToStop;
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
      if (job.isStopped) out.Set("stopped", true);
      if (!job.outputs.empty()) {
        auto outputs = Napi::Array::New(env, job.collected.size());
        for (std::size_t k = 0; k < job.collected.size(); ++k)
          outputs.Set(static_cast<std::uint32_t>(k), copyOut(env, job.collected[k]));
        out.Set("outputs", outputs);
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
    if (job.exchange != nullptr) core.plan.exchanging(job.program, job.overlaps, kernelTable());
    core.plan.prepare(job);
    reserve(env, core.plan, std::min(job.batchSize, std::max<Index>(job.count, 1)));
    return job;
  }

  template <typename T>
  void reserve(Napi::Env env, Plan<T>& plan, Index rows) {
    try {
      plan.reserve(rows, addon(env).pool.slots());
    } catch (...) {  // what it had is gone
      hold(plan.bytes());
      throw;
    }
    hold(plan.bytes());
  }

  // run(job): Promise<{steps, seconds, report} or {steps, seconds, outputs}>
  Napi::Value run(const Napi::CallbackInfo& info) {
    const auto env = info.Env();
    return guarded(env, [&] {
      return std::visit(
          [&](auto core) -> Napi::Value {
            using T = typename decltype(core->plan)::Real;
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
            using T = typename decltype(core->plan)::Real;
            auto job = begin(env, *core, info[0], true);
            Run<T> run(core, std::move(job));
            addon(env).pool.runHere([&](Team& team) { run.execute(team); });
            return run.result(env);
          },
          core_);
    });
  }

  // direct(program, inputs, outputs): a number for runDirect
  Napi::Value direct(const Napi::CallbackInfo& info) {
    const auto env = info.Env();
    return guarded(env, [&] {
      const auto program = text(info[0], "program");
      auto inputs = ordinals(info[1], "inputs"), outputs = ordinals(info[2], "outputs");
      return std::visit(
          [&](auto& core) -> Napi::Value {
            core->directs.push_back(core->plan.direct(program, std::move(inputs), std::move(outputs)));
            return Napi::Number::New(env, static_cast<double>(core->directs.size() - 1));
          },
          core_);
    });
  }

  // runDirect(number, batchSize, ...inputs, ...outputs): typed arrays of the plan's types, read and written in place
  void runDirect(const Napi::CallbackInfo& info) {
    const auto env = info.Env();
    guarded(env, [&] {
      const Index number = integer(info[0], "number"), batchSize = integer(info[1], "batchSize");
      std::visit(
          [&](auto& core) {
            using T = typename decltype(core->plan)::Real;
            if (number < 0 || number >= static_cast<Index>(core->directs.size()) || batchSize < 1)
              throw std::invalid_argument("Expected a number that direct gave, and a batchSize");
            auto& direct = core->directs[static_cast<std::size_t>(number)];
            direct.from.clear();
            direct.to.clear();
            Index count = -1;
            std::size_t place = 2;
            const auto take = [&](int index, auto view) {
              const Index width = core->plan.arena().buffer(index).size;
              const Index rows = width == 0 ? 0 : view.size / width;
              if (rows * width != view.size || rows < 1 || (count >= 0 && rows != count))
                throw std::invalid_argument("Expected arrays of as many rows of their buffers' sizes");
              count = rows;
              return view.data;
            };
            for (int index : direct.inputs) {
              const auto value = info[place++];
              if (core->plan.arena().buffer(index).type == Type::kInt32) {
                direct.from.push_back(take(index, view<std::int32_t>(value)));
              } else {
                direct.from.push_back(take(index, view<T>(value)));
              }
            }
            for (int index : direct.outputs) direct.to.push_back(take(index, view<T>(info[place++])));
            if (core->plan.busy)
              throw coded(env, "ERR_BUSY", "Expected the network to be idle, but it is training or predicting already");
            reserve(env, core->plan, std::min(batchSize, count));
            core->plan.stop = false;  // which may be that of a job that was aborted
            if (!blasReserve()) throw std::bad_alloc();
            std::lock_guard lock(core->running);
            addon(env).pool.runHere([&](Team& team) { core->plan.run(direct, count, batchSize, team); });
          },
          core_);
    });
  }

  // Ends the running job after its current batch.
  void stop(const Napi::CallbackInfo&) {
    std::visit([](auto& core) { core->plan.stop = true; }, core_);
  }

  // read(offset, into) and write(offset, from): the fixed part of the arena; with an Int32Array, that of integers.
  void read(const Napi::CallbackInfo& info) { transfer(info, false); }
  void write(const Napi::CallbackInfo& info) { transfer(info, true); }

  void transfer(const Napi::CallbackInfo& info, bool write) {
    guarded(info.Env(), [&] {
      std::visit(
          [&](auto& core) {
            using T = typename decltype(core->plan)::Real;
            const Index offset = integer(info[0], "offset");
            const auto move = [&](auto values, const auto& region) {
              if (offset < 0 || values.size > region.fixedSize() || offset > region.fixedSize() - values.size)
                throw std::out_of_range("Expected offset and length to lie inside the arena");
              std::lock_guard lock(core->running);
              auto* here = region.fixed() + offset;
              std::copy_n(write ? values.data : here, values.size, write ? here : values.data);
            };
            if (isArrayOf<std::int32_t>(info[1])) {
              move(view<std::int32_t>(info[1]), core->plan.arena().template region<std::int32_t>());
            } else {
              move(view<T>(info[1]), core->plan.arena().template region<T>());
            }
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

}  // namespace fjordnet
