// The worker pool: jobs off the main thread, and tiles of one job over idle threads. No N-API, no BLAS.
#pragma once

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#if defined(__linux__)
#include <unistd.h>
#elif defined(_MSC_VER)
#include <intrin.h>
#endif

#include "kernels/tuning.h"

namespace fjordnet {

inline void pause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("isb");
#elif defined(_M_X64)
  _mm_pause();
#elif defined(_M_ARM64)
  __yield();
#endif
}

// Puts the calling thread behind the event loop's, for the whole of its life: with as many threads computing as there
// are processors, the loop's delay at p99 falls from some 11 ms to 6. (On Linux the nice value belongs to the thread.)
inline void giveWay() {
#if defined(__linux__)
  static_cast<void>(!nice(5));
#endif
}

class Pool;

// One running job and the threads that help it. The leader (the thread that runs the job) publishes a region of tiles;
// every member takes tiles by compare-and-swap until none is left, the leader from the first on and helpers from the
// last, so that a core finds in its cache what it has left there in another region. Which thread computes a tile
// changes nothing in its result: tiles depend on shapes alone, and what must be summed over tiles is summed by the
// leader in tile order.
class Team {
 public:
  Team(Pool& pool, int slot) : pool_(pool), slot_(slot) {}
  // This thread alone, in a tile of the other team's.
  Team(const Team& outer, int slot) : pool_(outer.pool_), slot_(slot), isAlone_(true) {}
  ~Team();  // no thread helps any more
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  // Calls fn(tile, slot) once for each tile in [0, tiles); slot numbers the calling thread, for per-thread scratch.
  // No exception may leave fn. It is there once, for one thread as for several: inlined it would be there twice.
  template <typename F>
  void parallel_for(int tiles, const F& fn) {
    run(
        tiles, [](const void* f, int tile, int slot) { (*static_cast<const F*>(f))(tile, slot); }, &fn);
  }

  int slot() const { return slot_; }

 private:
  friend class Pool;
  using Call = void (*)(const void* context, int tile, int slot);
  static constexpr std::uint64_t kTileBits = 20;  // ticket = generation | end | begin of the tiles that are left
  static constexpr std::uint64_t kTileMask = (1u << kTileBits) - 1;
  static constexpr int kMostTiles = static_cast<int>(kTileMask);

  [[gnu::noinline]] void run(int tiles, Call call, const void* context) {
    if (tiles < 2 || tiles > kMostTiles || !wantHelp()) {
      for (int tile = 0; tile < tiles; ++tile) call(context, tile, slot_);
    } else {
      publish(tiles, call, context);
    }
  }
  bool wantHelp();
  void publish(int tiles, Call call, const void* context);
  bool takeTile(int slot, bool isLast);

  Pool& pool_;
  const int slot_;
  const bool isAlone_ = false;
  bool asked_ = false;
  std::atomic<int> members_{0};  // helpers inside help(); changed under the pool's mutex
  alignas(64) std::atomic<std::uint64_t> ticket_{0};
  alignas(64) std::atomic<int> done_{0};
  Call call_ = nullptr;
  const void* context_ = nullptr;
  alignas(64) std::atomic<bool> finished_{false};
};

// Threads of one environment. A thread takes queued jobs in turn; with none queued it helps a job that has tiles to
// share, where it is ready to: `ready` is asked by every thread before it helps for the first time.
class Pool {
 public:
  using Job = std::function<void(Team&)>;
  static constexpr int kMostThreads = 256;

  explicit Pool(
      int threads, bool (*ready)() = [] { return true; })
      : ready_(ready), size_(threads) {}
  ~Pool() { stop(); }

  // Slots that scratch must provide for: one for each pool thread and one for the caller of runHere.
  int slots() const { return size_ + 1; }
  int threads() const { return size_; }

  // Waits for queued and running jobs, then changes the number of threads.
  void resize(int threads) {
    drain();
    size_ = threads;
  }

  // Runs the job on a thread of the pool. Throws std::system_error where no thread can be started.
  void submit(Job job) { submit(std::move(job), size_); }

  // The same for a job beside one of runHere, whose caller is one of the threads.
  void submitBeside(Job job) { submit(std::move(job), size_ - 1); }

  // Runs the job on the calling thread, with the pool's threads as helpers.
  template <typename F>
  void runHere(const F& job) {
    Team team(*this, 0);
    job(team);
  }

  // Runs no further job, waits for those that run.
  void stop() {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
      queue_.clear();
      queued_ = 1;  // sends helpers back
    }
    wake_.notify_all();
    for (auto& thread : threads_) thread.join();
    threads_.clear();
  }

 private:
  friend class Team;

  void submit(Job job, int threads) {
    start(threads);
    {
      std::lock_guard lock(mutex_);
      queue_.push_back(std::move(job));
      queued_.store(static_cast<int>(queue_.size()), std::memory_order_release);
      news_.fetch_add(1, std::memory_order_release);
    }
    wake_.notify_one();
  }

  void start(int threads) {
    std::lock_guard lock(mutex_);
    if (stopping_) return;
    while (static_cast<int>(threads_.size()) < threads) {
      const int slot = static_cast<int>(threads_.size()) + 1;
      try {
        threads_.emplace_back([this, slot] { work(slot); });
      } catch (const std::exception&) {  // fewer threads than wished for change the speed, not the result
        if (threads_.empty()) throw;
        return;
      }
    }
  }

  void drain() {
    {
      std::unique_lock lock(mutex_);
      idle_.wait(lock, [this] { return queue_.empty() && running_ == 0; });
      stopping_ = true;
    }
    wake_.notify_all();
    for (auto& thread : threads_) thread.join();
    threads_.clear();
    stopping_ = false;
  }

  // A team asks once a job. With one thread, or none to spare, it works alone. The caller of runHere is one of them.
  bool recruit(Team& team) {
    if (size_ < 2) return false;
    try {
      start(team.slot_ == 0 ? size_ - 1 : size_);
      std::lock_guard lock(mutex_);
      teams_.push_back(&team);
      news_.fetch_add(1, std::memory_order_release);
      // Those that linger look before they sleep.
      if (lingering_ >= size_ - 1) return true;
    } catch (const std::exception&) {  // no thread, or no memory
      return false;
    }
    wake_.notify_all();
    return true;
  }

  void finish(Team& team) {
    if (!team.asked_) return;
    team.finished_.store(true, std::memory_order_release);
    {
      std::lock_guard lock(mutex_);
      teams_.erase(std::find(teams_.begin(), teams_.end(), &team));
    }
    // Helpers see at once that it is finished: falling asleep until they have left takes longer.
    const auto left = [&team] { return team.members_.load(std::memory_order_acquire) == 0; };
    for (int spin = 0; spin < tuning::kHelperSpins && !left(); ++spin) pause();
    if (left()) return;
    std::unique_lock lock(mutex_);
    left_.wait(lock, left);
  }

  Team* needy() {
    Team* least = nullptr;
    for (Team* team : teams_) {
      if (team->members_ < size_ - 1 && (least == nullptr || team->members_ < least->members_)) least = team;
    }
    return least;
  }

  void work(int slot) {
    giveWay();
    bool helps = true, ready = false;
    std::unique_lock lock(mutex_);
    while (true) {
      Team* team = nullptr;
      wake_.wait(lock, [&] { return stopping_ || !queue_.empty() || (helps && (team = needy()) != nullptr); });
      if (stopping_) return;
      if (!queue_.empty()) {
        Job job = std::move(queue_.front());
        queue_.pop_front();
        queued_.store(static_cast<int>(queue_.size()), std::memory_order_release);
        ++running_;
        lock.unlock();
        {
          Team own(*this, slot);
          job(own);
        }
        job = nullptr;
        lock.lock();
        --running_;
        if (queue_.empty() && running_ == 0) idle_.notify_all();
      } else {
        ++team->members_;
        lock.unlock();
        if (!ready) ready = helps = ready_();
        if (ready) help(*team, slot);
        lock.lock();
        --team->members_;
        left_.notify_all();
        if (ready && !stopping_ && queue_.empty() && needy() == nullptr) linger(lock);
      }
    }
  }

  // The next epoch, or call, often begins a few microseconds after this one: it finds this thread awake.
  void linger(std::unique_lock<std::mutex>& lock) {
    ++lingering_;
    const int seen = news_.load(std::memory_order_relaxed);
    lock.unlock();
    for (int spin = 0; spin < tuning::kLingerSpins && news_.load(std::memory_order_acquire) == seen; ++spin) pause();
    lock.lock();
    --lingering_;
  }

  // Spins while the job lasts: a tile is handed over in well under 1 us, where a sleeping thread takes 50.
  void help(Team& team, int slot) {
    int idle = 0;
    while (!team.finished_.load(std::memory_order_acquire) && queued_.load(std::memory_order_relaxed) == 0) {
      if (team.takeTile(slot, true)) {
        idle = 0;
      } else if (++idle < tuning::kHelperSpins) {
        pause();
      } else {
        std::this_thread::yield();
      }
    }
  }

  bool (*const ready_)();
  int size_;
  std::mutex mutex_;
  std::condition_variable wake_, idle_, left_;
  std::deque<Job> queue_;
  std::vector<Team*> teams_;
  std::vector<std::thread> threads_;
  std::atomic<int> queued_{0};
  std::atomic<int> news_{0};  // counts jobs and teams as they come
  int lingering_ = 0;
  int running_ = 0;
  bool stopping_ = false;
};

inline Team::~Team() { pool_.finish(*this); }

inline bool Team::wantHelp() {
  if (!asked_ && !isAlone_) asked_ = pool_.recruit(*this);
  return asked_;
}

inline void Team::publish(int tiles, Call call, const void* context) {
  call_ = call;
  context_ = context;
  done_.store(0, std::memory_order_relaxed);
  const std::uint64_t generation = (ticket_.load(std::memory_order_relaxed) >> (2 * kTileBits)) + 1;
  ticket_.store((generation << (2 * kTileBits)) | (static_cast<std::uint64_t>(tiles) << kTileBits),
                std::memory_order_release);
  while (takeTile(slot_, false)) {
  }
  // A helper may have lost its core to another process in the middle of a tile: after a while, give it this one.
  for (int spin = 0; done_.load(std::memory_order_acquire) < tiles; ++spin) {
    if (spin < tuning::kLeaderSpins) {
      pause();
    } else {
      std::this_thread::yield();
    }
  }
}

inline bool Team::takeTile(int slot, bool isLast) {
  std::uint64_t ticket = ticket_.load(std::memory_order_acquire);
  while (true) {
    const auto end = static_cast<int>((ticket >> kTileBits) & kTileMask);
    const auto begin = static_cast<int>(ticket & kTileMask);
    if (begin >= end) return false;
    const std::uint64_t rest = isLast ? ticket - (std::uint64_t{1} << kTileBits) : ticket + 1;
    if (ticket_.compare_exchange_weak(ticket, rest, std::memory_order_acq_rel, std::memory_order_acquire)) {
      call_(context_, isLast ? end - 1 : begin, slot);
      done_.fetch_add(1, std::memory_order_release);
      return true;
    }
  }
}

}  // namespace fjordnet
