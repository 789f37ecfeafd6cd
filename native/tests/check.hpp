// The least that a test needs: CHECK, THROWS, and a registry that `main` runs through.
#pragma once
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace arborank::tests {

struct Case {
  const char* name;
  void (*body)();
};

inline std::vector<Case>& cases() {
  static std::vector<Case> all;
  return all;
}

struct Register {
  Register(const char* name, void (*body)()) { cases().push_back({name, body}); }
};

[[noreturn]] inline void fail(const char* file, int line, const std::string& what) {
  std::fprintf(stderr, "%s:%d: %s\n", file, line, what.c_str());
  std::exit(1);
}

}  // namespace arborank::tests

#define TEST(name)                                                     \
  static void name();                                                  \
  static const arborank::tests::Register register_##name(#name, name); \
  static void name()

#define CHECK(condition) \
  if (!(condition))      \
  arborank::tests::fail(__FILE__, __LINE__, #condition)

// The expression throws an exception of this type, or of one derived from it.
#define THROWS(type, expression)                                                      \
  do {                                                                                \
    bool thrown = false;                                                              \
    try {                                                                             \
      (void)(expression);                                                             \
    } catch (const type&) {                                                           \
      thrown = true;                                                                  \
    }                                                                                 \
    if (!thrown)                                                                      \
      arborank::tests::fail(__FILE__, __LINE__, #expression " did not throw " #type); \
  } while (false)
