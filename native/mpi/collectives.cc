// What the thread of MPI does.
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <stdexcept>

#include "world.h"

namespace fjordnet::mpi {
namespace {

constexpr std::int64_t kPiece = std::int64_t{1} << 28;  // values of a call, whose count is an int
constexpr double kRounding = 1e-9;                      // of a sum of parts
constexpr int kPartTag = 0, kFirstTag = 1;              // of parts of a gather, and of messages

template <typename F>
void inPieces(std::int64_t count, const F& call) {
  for (std::int64_t at = 0; at < count; at += kPiece) call(at, static_cast<int>(std::min(kPiece, count - at)));
}

std::string integer(double x) { return std::to_string(static_cast<std::int64_t>(x)); }

// Which processors this process may run on.
std::vector<bool> allowed() {
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) {
    std::vector<bool> all(CPU_SETSIZE);
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = CPU_ISSET(i, &set);
    return all;
  }
#endif
  return std::vector<bool>(static_cast<std::size_t>(std::max(1L, sysconf(_SC_NPROCESSORS_ONLN))), true);
}

// The job of a thread that waits for it.
struct Awaited : Job {
  void done() noexcept override {
    const std::lock_guard lock(mutex);  // until notify_one is through: the waiting thread takes this away
    ready = true;
    changed.notify_one();
  }
  void wait() {
    std::unique_lock lock(mutex);
    changed.wait_until(lock, kForever, [&] { return ready; });
  }
  std::mutex mutex;
  std::condition_variable changed;
  bool ready = false;
};

}  // namespace

void World::check(int code, const char* function) const {
  if (code != 0) throw std::runtime_error(std::string(function) + " failed: " + mpi.said(code));
}

// Launchers bind ranks to processors or leave them free, containers and Slurm have some of a machine's, and few say how
// many ranks a machine has: so each tells all what it may run on. Every rank makes the same kind of calls, so that all
// of them are crowded where one is.
void World::shareProcessors() {
  constexpr std::size_t kMost = 1024, kBits = 32,
                        kHost = kMost / kBits;  // the last number of a row tells machines apart
  std::vector<double> all(static_cast<std::size_t>(size) * (kHost + 1));
  const auto row = [&](int i) { return &all[static_cast<std::size_t>(i) * (kHost + 1)]; };
  const auto may = [&](int i, std::size_t processor) {
    return (static_cast<std::uint32_t>(row(i)[processor / kBits]) >> processor % kBits) & 1U;
  };
  const auto own = allowed();
  for (std::size_t i = 0; i < std::min(kMost, own.size()); ++i)
    if (own[i]) row(rank)[i / kBits] += static_cast<double>(std::uint32_t{1} << i % kBits);
  row(rank)[kHost] = static_cast<double>(std::hash<std::string>{}(host)&0xffffffffU);
  check(allreduce(all.data(), static_cast<int>(all.size()), mpi.float64, mpi.sum), "MPI_Allreduce");

  std::map<double, std::vector<int>> ranks;  // by machine, of each processor
  for (int i = 0; i < size; ++i) {
    auto& counts = ranks.try_emplace(row(i)[kHost], kMost).first->second;
    for (std::size_t k = 0; k < kMost; ++k) counts[k] += static_cast<int>(may(i, k));
  }
  for (int i = 0; i < size; ++i) {
    const auto& counts = ranks[row(i)[kHost]];
    double part = 0;
    for (std::size_t k = 0; k < kMost; ++k)
      if (may(i, k)) part += 1.0 / counts[k];
    if (part < 1 - kRounding) crowded_ = true;
    if (i == rank) processors = part;
  }
}

void World::perform(const Job& job) {
  agree(job.call);
  if (job.call.kind == Call::kFinalize) {
    finalize();
  } else if (job.parts.empty()) {
    reduce(job);
  } else {
    move(job);
  }
}

// One small Allreduce, of the largest and the smallest of each: 2 to 4 us in shared memory. Ranks that make different
// calls all learn it here, where they would wait for each other or add what does not belong together.
void World::agree(const Call& call) {
  constexpr int kFields = 6;
  const double mine[kFields] = {static_cast<double>(call.kind),  static_cast<double>(call.root),
                                static_cast<double>(call.max),   static_cast<double>(call.type),
                                static_cast<double>(call.count), static_cast<double>(call.form)};
  double most[2 * kFields];
  for (int i = 0; i < kFields; ++i) {
    most[i] = mine[i];
    most[kFields + i] = -mine[i];
  }
  check(allreduce(most, 2 * kFields, mpi.float64, mpi.max), "MPI_Allreduce");
  static constexpr const char* kOps[] = {"sum", "max"};
  static constexpr const char* kTypes[] = {"bytes", "float32", "float64"};
  for (int i = 0; i < kFields; ++i) {
    const double low = -most[kFields + i], high = most[i];
    if (low == high) continue;
    const auto pair = [](const std::string& a, const std::string& b) {
      return ", got " + a + " on one and " + b + " on another";
    };
    const auto named = [&](const auto& names) {
      return pair(names[static_cast<int>(low)], names[static_cast<int>(high)]);
    };
    const auto numbers = pair(integer(low), integer(high));
    const auto expected = std::string("Expected ") + kNames[call.kind] + " to be called with ";
    if (i == 0) throw std::runtime_error("Expected all ranks to make the same call" + named(kNames));
    if (i == 1) throw std::runtime_error(expected + "the same root on all ranks" + numbers);
    if (i == 2) throw std::runtime_error(expected + "the same operation on all ranks" + named(kOps));
    if (i == 3) throw std::runtime_error(expected + "the same type of numbers on all ranks" + named(kTypes));
    if (i == 4) throw std::runtime_error(expected + "as many values on all ranks" + numbers);
    throw std::runtime_error(expected + "the same kind and shape of value on all ranks");
  }
}

// Libraries wait without a pause. Where there are more ranks than processors, the others are waited for by giving them
// this one: blocking calls took the scheduler's milliseconds each.
int World::wait(int code, void* request) const {
  for (int flag = 0; code == 0 && (code = mpi.test(&request, &flag, mpi.ignore)) == 0 && !flag;) sched_yield();
  return code;
}

int World::allreduce(void* values, int n, Handle type, Handle op) const {
  if (!crowded_) return mpi.allreduce(mpi.inPlace, values, n, type, op, mpi.world);
  void* request = nullptr;
  const int code = mpi.startAllreduce(mpi.inPlace, values, n, type, op, mpi.world, &request);
  return wait(code, request);
}

int World::broadcast(void* bytes, int n, int root) const {
  if (!crowded_) return mpi.broadcast(bytes, n, mpi.byte, root, mpi.world);
  void* request = nullptr;
  const int code = mpi.startBroadcast(bytes, n, mpi.byte, root, mpi.world, &request);
  return wait(code, request);
}

int World::send(const void* bytes, int n, int to) const {
  if (!crowded_) return mpi.send(bytes, n, mpi.byte, to, kPartTag, mpi.world);
  void* request = nullptr;
  const int code = mpi.startSend(bytes, n, mpi.byte, to, kPartTag, mpi.world, &request);
  return wait(code, request);
}

int World::receive(void* bytes, int n, int from) const {
  if (!crowded_) return mpi.receive(bytes, n, mpi.byte, from, kPartTag, mpi.world, mpi.ignore);
  void* request = nullptr;
  const int code = mpi.startReceive(bytes, n, mpi.byte, from, kPartTag, mpi.world, &request);
  return wait(code, request);
}

void World::reduce(const Job& job) {
  const bool single = job.call.type == Call::kFloat32;
  const auto op = job.call.max ? mpi.max : mpi.sum;
  inPieces(job.call.count, [&](std::int64_t at, int n) {
    auto* values = static_cast<char*>(job.data) + at * (single ? 4 : 8);
    check(allreduce(values, n, single ? mpi.float32 : mpi.float64, op), "MPI_Allreduce");
  });
}

void World::move(const Job& job) {
  const auto& call = job.call;
  auto* data = static_cast<char*>(job.data);
  const auto spread = [&](char* from, std::int64_t count, int root) {
    inPieces(count, [&](std::int64_t at, int n) { check(broadcast(from + at, n, root), "MPI_Bcast"); });
  };
  const auto give = [&](const char* from, std::int64_t count, int to) {
    inPieces(count, [&](std::int64_t at, int n) { check(send(from + at, n, to), "MPI_Send"); });
  };
  const auto take = [&](char* into, std::int64_t count, int from) {
    inPieces(count, [&](std::int64_t at, int n) { check(receive(into + at, n, from), "MPI_Recv"); });
  };
  if (call.kind == Call::kBroadcast) return spread(data, call.count, call.root);
  if (call.kind != Call::kAllGather && rank != call.root) {
    const auto own = job.parts[static_cast<std::size_t>(rank)];
    return call.kind == Call::kGather ? give(data, own, call.root) : take(data, own, call.root);
  }
  for (int other = 0; other < size; ++other) {
    const auto count = job.parts[static_cast<std::size_t>(other)];
    if (call.kind == Call::kAllGather) {
      spread(data, count, other);
    } else if (other != rank) {
      call.kind == Call::kGather ? take(data, count, other) : give(data, count, other);
    }
    data += count;
  }
}

void World::finalize() {
  // messages that were sent are wanted somewhere
  const auto sending = [&] {
    return std::any_of(messages_.begin(), messages_.end(), [](const Message* message) { return message->sends; });
  };
  while (sending()) {
    for (auto it = messages_.begin(); it != messages_.end();) {
      if ((*it)->sends && advance(**it)) {
        (*it)->done();
        it = messages_.erase(it);
      } else {
        ++it;
      }
    }
  }
  check(mpi.finalize(), "MPI_Finalize");
}

bool World::advance(Message& message) {
  try {
    const int tag = message.tag + kFirstTag;
    int flag = 0;
    if (message.sends) {
      if (!message.started) {
        const auto n = static_cast<int>(message.bytes.size());
        check(mpi.startSend(message.bytes.data(), n, mpi.byte, message.peer, tag, mpi.world, &message.request),
              "MPI_Isend");
      }
      message.started = true;
      check(mpi.test(&message.request, &flag, mpi.ignore), "MPI_Test");
      return flag != 0;
    }
    const bool any = message.peer == Message::kAny;
    for (int source = any ? 0 : message.peer; source < (any ? size : message.peer + 1); ++source) {
      alignas(16) char status[64];  // 20 to 32 bytes are a status
      check(mpi.probe(source, tag, mpi.world, &flag, status), "MPI_Iprobe");
      if (!flag) continue;
      int n = 0;
      check(mpi.count(status, mpi.byte, &n), "MPI_Get_count");
      message.bytes.resize(static_cast<std::size_t>(n));
      check(mpi.receive(message.bytes.data(), n, mpi.byte, source, tag, mpi.world, mpi.ignore), "MPI_Recv");
      message.peer = source;
      return true;
    }
    return false;
  } catch (const std::exception& e) {
    message.error = e.what();
    return true;
  }
}

void* World::startSum(void* self, void* values, std::int64_t n, int bytes, char* error, std::size_t size) {
  try {
    auto job = std::make_unique<Awaited>();
    job->call.kind = Call::kExchange;
    job->call.type = bytes == 4 ? Call::kFloat32 : Call::kFloat64;
    job->call.count = n;
    job->data = values;
    static_cast<World*>(self)->submit(*job);
    return job.release();
  } catch (const std::exception& e) {
    std::snprintf(error, size, "%s", e.what());
    return nullptr;
  }
}

bool World::waitForSum(void*, void* started, char* error, std::size_t size) {
  const std::unique_ptr<Awaited> job(static_cast<Awaited*>(started));
  job->wait();
  if (!job->error.empty()) std::snprintf(error, size, "%s", job->error.c_str());
  return job->error.empty();
}

}  // namespace fjordnet::mpi
