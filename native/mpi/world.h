// MPI of this process: one thread makes all of its calls, in the order they were asked for, and another one watches how
// long they take.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <list>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "../exchange.h"
#include "library.h"

namespace fjordnet::mpi {

// A collective call, and what all ranks must say of it alike.
struct Call {
  enum Kind { kExchange, kAllreduce, kBroadcast, kGather, kAllGather, kScatter, kBarrier, kFinalize };
  enum Type { kByte, kFloat32, kFloat64 };
  Kind kind = kBarrier;
  Type type = kByte;
  bool max = false;  // the largest value in place of the sum
  int root = 0;
  std::int64_t count = 0;  // values, of all ranks together where bytes are moved
  std::int64_t form = 0;   // a hash of what kind of value JavaScript has
};

struct Task {
  virtual ~Task() = default;
  virtual void done() noexcept = 0;  // on the thread of MPI, which looks at the task no more
  std::string error;                 // empty where it worked
};

struct Job : Task {
  Call call;
  void* data = nullptr;
  std::vector<std::int64_t> parts;  // how many of the bytes belong to each rank; none for a reduction
};

// From one rank to another, at any time, and without a limit of it.
struct Message : Task {
  static constexpr int kAny = -1;
  bool sends = false;
  int peer = kAny;
  int tag = 0;
  std::vector<char> bytes;
  void* request = nullptr;
  bool started = false;
};

class World {
 public:
  using Clock = std::chrono::steady_clock;

  World(std::string library, double seconds, Task& started);

  // Throw std::runtime_error where MPI is not running.
  void submit(Job& job);
  void submit(Message& message);

  // Says why on stderr, and ends all ranks of the job, this one too: with `code`, or 1 where that would pass for
  // success.
  [[noreturn]] void abort(int code, const std::string& why);
  // What a process ends with before finalize(). Called by the exit handlers.
  void atExit();
  void noteExit(int code) { exitCode_ = code; }
  bool running() const { return state_ == State::kRunning; }
  bool ended() const { return state_ == State::kEnded; }
  // Whether nothing of MPI was started, so that another attempt may be made.
  bool untouched() const { return untouched_; }
  void join();  // once it has ended

  int rank = 0, size = 1;
  double processors = 1;  // this rank's part of those that it may run on, which other ranks may run on too
  std::string host;
  Library mpi{};
  Exchange exchange{Exchange::kVersion, this, startSum, waitForSum};

 private:
  enum class State { kStarting, kRunning, kEnded };

  static void* startSum(void* self, void* values, std::int64_t n, int bytes, char* error, std::size_t size);
  static bool waitForSum(void* self, void* started, char* error, std::size_t size);

  void run(Task& started);
  void start();
  void serve();
  void watch();
  void end();

  void shareProcessors();
  void perform(const Job& job);
  void agree(const Call& call);
  // In place; of bytes.
  int allreduce(void* values, int n, Handle type, Handle op) const;
  int broadcast(void* bytes, int n, int root) const;
  int send(const void* bytes, int n, int to) const;
  int receive(void* bytes, int n, int from) const;
  int wait(int code, void* request) const;
  void reduce(const Job& job);
  void move(const Job& job);
  void finalize();
  bool advance(Message& message);  // whether it is through
  void check(int code, const char* function) const;

  const std::string named_;
  const std::chrono::duration<double> limit_;
  bool crowded_ = false;  // some ranks have less than a processor: who waits must leave its own to the others
  std::atomic<State> state_{State::kStarting};
  std::atomic<bool> untouched_{false}, aborting_{false};
  std::atomic<int> exitCode_{-1};

  std::mutex mutex_;
  std::condition_variable wake_, stop_;
  std::deque<Job*> jobs_;
  std::list<Message*> arrived_;
  bool busy_ = true;  // with `doing_`, since `since_`
  Call doing_;
  Clock::time_point since_ = Clock::now();

  std::list<Message*> messages_;  // of the thread of MPI
  std::thread thread_, watch_;
};

// std::condition_variable::wait is of a newer libstdc++ than Node.js 20 needs, wait_until is not.
inline constexpr auto kForever = std::chrono::system_clock::time_point::max();

// By Call::Kind, as JavaScript names them.
inline constexpr const char* kNames[] = {"exchange",  "allreduce", "broadcast", "gather",
                                         "allGather", "scatter",   "barrier",   "finalize"};

}  // namespace fjordnet::mpi
