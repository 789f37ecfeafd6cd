// Scores of ranked lists become probabilities.
//
// A label's log odds are those of its score, corrected for its place in the list, for the scores before it and for the
// label. Where the order of a list is kept, no label has higher odds than one before it.
#pragma once
#include <algorithm>
#include <cstdint>
#include <limits>

namespace arborank::search {

// Linear between knots, constant beyond.
struct CurveView {
  const double* x;  // ascending
  const double* y;
  std::int64_t n;

  double operator()(double at) const {
    if (!(at > x[0]))
      return y[0];
    if (at >= x[n - 1])
      return y[n - 1];
    const auto right = std::upper_bound(x, x + n, at) - x;
    const double share = (at - x[right - 1]) / (x[right] - x[right - 1]);
    return y[right - 1] + share * (y[right] - y[right - 1]);
  }
};

struct CalibrationView {
  CurveView odds;     // log odds of a score
  CurveView chances;  // probability of corrected log odds
  double head;                // weight of the odds of the first label of a list
  double own, first, before;  // of the others: of their odds, of those of the first, of the distance to the one before
  const double* places;  // what is added by place; the last holds for all beyond
  std::int64_t n_places;
  const float* labels;  // what is added by label
};

// `n` labels, -1 where there is none, and their scores, best first. With `ordered`, no probability is above one before.
inline void calibrate(const CalibrationView& calibration, const std::int64_t* ids, const float* scores, std::int64_t n,
                      bool ordered, float* out) {
  double first = 0, last = 0, least = std::numeric_limits<double>::infinity();
  for (std::int64_t i = 0; i < n; i++) {
    if (ids[i] < 0) {
      out[i] = -std::numeric_limits<float>::infinity();
      continue;
    }
    const double odds = calibration.odds(scores[i]);
    double sum = calibration.places[std::min(i, calibration.n_places - 1)] + calibration.labels[ids[i]];
    if (i == 0)
      sum += calibration.head * (first = odds);
    else
      sum += calibration.own * odds + calibration.first * first + calibration.before * (last - odds);
    last = odds;
    if (ordered)
      sum = least = std::min(least, sum);
    out[i] = static_cast<float>(calibration.chances(sum));
  }
}

}  // namespace arborank::search
