// Who works on a node: all threads together on its blocks of rows, or the one thread that has it alone.
#pragma once
#include <algorithm>
#include <chrono>
#include <cstdint>

#include "base/pool.hpp"

namespace arborank::cluster {

class Team {
 public:
  Team(int n_threads, const Tick& tick) : n_threads_(n_threads), tick_(&tick) {}
  explicit Team(Job& job) : n_threads_(1), job_(&job) {}

  int size() const { return n_threads_; }
  bool stopped() const { return job_ != nullptr && job_->stopped(); }

  // body(task) for every task; tasks must not depend on each other.
  template <class Body>
  void tasks(std::int64_t n, Body&& body) {
    if (job_ != nullptr) {
      for (std::int64_t task = 0; task < n && !job_->stopped(); task++)
        body(task);
    } else {
      // Short jobs end before they are asked to listen: listen between them.
      if (const auto now = std::chrono::steady_clock::now(); now - heard_ > std::chrono::milliseconds(100)) {
        heard_ = now;
        if (*tick_)
          (*tick_)(0);
      }
      parallel_for(n_threads_, n, *tick_, [&](std::int64_t task, int, Job&) { body(task); });
    }
  }

  // body(begin, end) for consecutive blocks of `size` of n rows.
  template <class Body>
  void blocks(std::int64_t n, std::int64_t size, Body&& body) {
    tasks((n + size - 1) / size, [&](std::int64_t b) { body(b * size, std::min(n, (b + 1) * size)); });
  }

 private:
  int n_threads_;
  const Tick* tick_ = nullptr;
  Job* job_ = nullptr;
  std::chrono::steady_clock::time_point heard_ = std::chrono::steady_clock::now();
};

}  // namespace arborank::cluster
