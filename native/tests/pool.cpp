// The pool of threads: all work is done once, and exceptions come back to the caller.
#include "base/pool.hpp"

#include <atomic>
#include <numeric>
#include <stdexcept>
#include <vector>

#include "check.hpp"

namespace arborank::tests {

TEST(every_task_runs_once_for_any_number_of_threads) {
  for (const int n_threads : {1, 2, 7, 64}) {
    std::vector<std::atomic<int>> runs(100);
    parallel_for(n_threads, 100, {}, [&](std::int64_t task, int thread, Job&) {
      CHECK(thread >= 0 && thread < n_threads);
      runs[task]++;
    });
    for (const auto& n : runs)
      CHECK(n == 1);
  }
}

TEST(no_task_is_no_work) {
  parallel_for(4, 0, {}, [](std::int64_t, int, Job&) { CHECK(false); });
}

TEST(an_exception_of_a_worker_reaches_the_caller_and_stops_the_others) {
  std::atomic<std::int64_t> done{0};
  const auto run = [&] {
    parallel_for(2, 1 << 20, {}, [&](std::int64_t task, int, Job&) {
      if (task == 3)
        throw std::runtime_error("three");
      done++;
    });
    return 0;
  };
  THROWS(std::runtime_error, run());
  CHECK(done < 1 << 20);
}

TEST(an_exception_of_the_tick_stops_the_work) {
  const auto run = [] {
    const Tick tick = [](std::int64_t) { throw std::runtime_error("interrupted"); };
    run_threads(2, tick, [](int, Job& job) {
      while (!job.stopped())
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    });
    return 0;
  };
  THROWS(std::runtime_error, run());
}

TEST(a_negative_number_of_threads_is_refused) { THROWS(std::invalid_argument, resolve_threads(-1)); }

}  // namespace arborank::tests
