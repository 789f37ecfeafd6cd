// Vector types. The compiler lowers them to whatever the level has: one AVX-512 register, two AVX2, four SSE or NEON.
#pragma once
#include <cstdint>

namespace arborank {

constexpr int kLanes = 16;  // siblings that share one vector, in training and in prediction

typedef float f32x16 __attribute__((vector_size(64)));
typedef std::int32_t i32x16 __attribute__((vector_size(64)));

inline f32x16 broadcast(float x) { return f32x16{} + x; }
inline f32x16 vmax(f32x16 a, f32x16 b) { return a > b ? a : b; }
inline f32x16 vmin(f32x16 a, f32x16 b) { return a < b ? a : b; }

}  // namespace arborank
