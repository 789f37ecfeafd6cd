// What the memory of this machine gives one thread: reading in a stream, reading cache lines at random as fast as the
// processor can ask for them, and one after the other. Prints bytes a second of the first two, and seconds a line of the
// last; the argument is the size of the memory read, in MiB.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <random>
#include <utility>
#include <vector>

struct alignas(64) Line {
  std::uint64_t words[8];
};

template <class Body>
double best_of(int repeats, Body&& body) {
  double best = 1e30;
  for (int i = 0; i < repeats; i++) {
    const auto start = std::chrono::steady_clock::now();
    body();
    best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  return best;
}

int main(int, char** arguments) {
  const std::size_t n = std::strtoull(arguments[1], nullptr, 10) * (1 << 20) / sizeof(Line);
  std::vector<Line> lines(n);
  volatile std::uint64_t sink;

  // one ring through all lines, in random order
  std::vector<std::uint32_t> order(n);
  std::iota(order.begin(), order.end(), 0u);
  std::mt19937_64 random(0);
  std::shuffle(order.begin(), order.end(), random);
  for (std::size_t i = 0; i < n; i++)
    lines[order[i]].words[0] = order[(i + 1) % n];

  const double stream = best_of(5, [&] {
    std::uint64_t sums[8] = {};
    for (const Line& line : lines)
      for (int word = 0; word < 8; word++)
        sums[word] += line.words[word];
    sink = std::accumulate(sums, sums + 8, std::uint64_t{0});
  });
  const std::size_t asked = std::min<std::size_t>(n, std::size_t{1} << 22);
  const double scattered = best_of(5, [&] {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < asked; i++)
      sum += lines[order[i]].words[0];
    sink = sum;
  });
  const std::size_t steps = 50'000;
  const double chain = best_of(15, [&] {
    std::uint64_t at = 0;
    for (std::size_t i = 0; i < steps; i++)
      at = lines[at].words[0];
    sink = at;
  });
  (void)sink;
  std::printf("{\"stream\": %.4g, \"random\": %.4g, \"latency\": %.4g}\n", n * 64 / stream, asked * 64 / scattered,
              chain / steps);
}
