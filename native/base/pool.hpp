// Runs work on a few threads while the calling thread only supervises: it reports progress and hears Ctrl-C.
// Threads live for one call, so nothing is left behind that a fork could break.
#pragma once
#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace arborank::inline base {

class Job {
 public:
  // Long loops ask this often (every few hundred microseconds of work) and return early when it is true.
  bool stopped() const noexcept { return stop_.load(std::memory_order_relaxed); }
  void advance(std::int64_t units) noexcept { done_.fetch_add(units, std::memory_order_relaxed); }
  std::int64_t done() const noexcept { return done_.load(std::memory_order_relaxed); }
  void stop() noexcept { stop_.store(true, std::memory_order_relaxed); }

 private:
  std::atomic<bool> stop_{false};
  std::atomic<std::int64_t> done_{0};
};

// Called on the calling thread about ten times a second with the work units done; throws to stop the job.
using Tick = std::function<void(std::int64_t)>;

// For loops on the calling thread itself: passes a tick on about ten times a second.
class Clock {
 public:
  explicit Clock(const Tick& tick) : tick_(tick) {}
  void tick(std::int64_t done) {
    const auto now = std::chrono::steady_clock::now();
    if (!tick_ || now - last_ < std::chrono::milliseconds(100))
      return;
    last_ = now;
    tick_(done);
  }

 private:
  const Tick& tick_;
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

// Reads a file of the system each time, which takes as long as a short search: ask only where the answer matters.
inline int n_cores() { return std::max(1, static_cast<int>(std::thread::hardware_concurrency())); }

// 0 is every core. Python's n_jobs, where -1 is, is translated long before. More threads than two a core, or than a few
// on any machine, as tests use them, would only wait for one another.
inline int resolve_threads(int n_threads) {
  constexpr int kFew = 16;
  if (n_threads < 0)
    throw std::invalid_argument("n_threads must be at least 0 (0 for every core), found " + std::to_string(n_threads));
  if (n_threads == 0)
    return n_cores();
  return n_threads <= kFew ? n_threads : std::min(n_threads, std::max(kFew, 2 * n_cores()));
}

// work(thread, job) on n_threads threads; the first exception, a worker's or the tick's, is rethrown here.
inline void run_threads(int n_threads, const Tick& tick, const std::function<void(int, Job&)>& work) {
  Job job;
  std::mutex mutex;
  std::condition_variable finished;
  int running = n_threads;
  std::exception_ptr error;
  auto body = [&](int thread) {
    std::exception_ptr mine;
    try {
      work(thread, job);
    } catch (...) {
      mine = std::current_exception();
      job.stop();
    }
    std::lock_guard lock(mutex);
    if (mine && !error)
      error = mine;
    running--;
    finished.notify_one();
  };
  std::vector<std::thread> threads;
  threads.reserve(n_threads);
  try {
    for (int t = 0; t < n_threads; t++)
      threads.emplace_back(body, t);
  } catch (...) {  // the system gave fewer threads than asked: say so rather than hang
    {
      std::lock_guard lock(mutex);
      running -= n_threads - static_cast<int>(threads.size());
      error = std::current_exception();
    }
    job.stop();
  }
  std::unique_lock lock(mutex);
  while (running > 0) {
    if (finished.wait_for(lock, std::chrono::milliseconds(100), [&] { return running == 0; }))
      break;
    if (job.stopped())
      continue;
    lock.unlock();
    try {
      if (tick)
        tick(job.done());
    } catch (...) {
      std::lock_guard guard(mutex);
      if (!error)
        error = std::current_exception();
      job.stop();
    }
    lock.lock();
  }
  lock.unlock();
  for (auto& thread : threads)
    thread.join();
  if (error)
    std::rethrow_exception(error);
}

// Threads that have something to do.
inline int busy_threads(int n_threads, std::int64_t n_tasks) {
  if (n_tasks <= 1 && n_threads >= 0)
    return 1;
  return static_cast<int>(std::clamp<std::int64_t>(n_tasks, 1, resolve_threads(n_threads)));
}

// body(task, thread, job) for every task, handed out in order, one at a time, to whichever thread is free.
template <class Body>
void parallel_for(int n_threads, std::int64_t n_tasks, const Tick& tick, Body&& body) {
  n_threads = busy_threads(n_threads, n_tasks);
  std::atomic<std::int64_t> next{0};
  run_threads(n_threads, tick, [&](int thread, Job& job) {
    for (std::int64_t task; !job.stopped() && (task = next.fetch_add(1)) < n_tasks;)
      body(task, thread, job);
  });
}

}  // namespace arborank::inline base
