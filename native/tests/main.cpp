// Runs every test; the first that fails ends the program with its place and what did not hold.
#include "check.hpp"

int main() {
  for (const auto& test : arborank::tests::cases()) {
    std::printf("%s\n", test.name);
    std::fflush(stdout);
    test.body();
  }
  std::printf("%zu passed, 0 failed\n", arborank::tests::cases().size());
}
