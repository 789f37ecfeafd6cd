#include "search/calibrate.hpp"

#include "bindings/common.hpp"

namespace arborank::bindings {
namespace {

// The Python class: keeps the arrays alive, and checks what comes in.
struct Calibration {
  Vector<double> odds_x, odds_y, chances_x, chances_y, weights, places;
  Vector<float> labels;

  Calibration(Vector<double> odds_x_, Vector<double> odds_y_, Vector<double> chances_x_, Vector<double> chances_y_,
              Vector<double> weights_, Vector<double> places_, Vector<float> labels_)
      : odds_x(std::move(odds_x_)),
        odds_y(std::move(odds_y_)),
        chances_x(std::move(chances_x_)),
        chances_y(std::move(chances_y_)),
        weights(std::move(weights_)),
        places(std::move(places_)),
        labels(std::move(labels_)) {
    if (odds_x.size() == 0 || odds_x.size() != odds_y.size() || chances_x.size() == 0 ||
        chances_x.size() != chances_y.size())
      throw std::invalid_argument("a curve needs as many x as y, at least one");
    if (weights.size() != 4 || places.size() == 0)
      throw std::invalid_argument("a calibration has 4 weights and at least one place");
  }

  NumpyMatrix<float> apply(const Matrix<std::int64_t>& ids, const Matrix<float>& scores, bool ordered) const {
    const std::size_t n_rows = ids.shape(0), n = ids.shape(1);
    if (scores.shape(0) != n_rows || scores.shape(1) != n)
      throw std::invalid_argument("ids and scores must have one shape");
    const auto n_labels = static_cast<std::int64_t>(labels.size());
    for (std::size_t i = 0; i < n_rows * n; i++)
      if (ids.data()[i] >= n_labels)
        throw std::invalid_argument("label " + std::to_string(ids.data()[i]) + " is outside [0, " +
                                    std::to_string(n_labels) + ")");
    const auto size = [](const Vector<double>& values) { return static_cast<std::int64_t>(values.size()); };
    const search::CalibrationView view{{odds_x.data(), odds_y.data(), size(odds_x)},
                                       {chances_x.data(), chances_y.data(), size(chances_x)},
                                       weights(0),
                                       weights(1),
                                       weights(2),
                                       weights(3),
                                       places.data(),
                                       size(places),
                                       labels.data()};
    auto out = std::make_unique_for_overwrite<float[]>(n_rows * n);
    for (std::size_t row = 0; row < n_rows; row++)
      search::calibrate(view, ids.data() + row * n, scores.data() + row * n, static_cast<std::int64_t>(n), ordered,
                        out.get() + row * n);
    return to_numpy(std::move(out), n_rows, n);
  }
};

}  // namespace

void bind_calibrate(nb::module_& m) {
  nb::class_<Calibration>(m, "Calibration", "What turns the scores of ranked lists into probabilities.")
      .def(nb::init<Vector<double>, Vector<double>, Vector<double>, Vector<double>, Vector<double>, Vector<double>,
                    Vector<float>>(),
           nb::arg("odds_x"), nb::arg("odds_y"), nb::arg("chances_x"), nb::arg("chances_y"), nb::arg("weights"),
           nb::arg("places"), nb::arg("labels"))
      .def("__repr__",
           [](const Calibration& c) { return "<Calibration: " + std::to_string(c.labels.size()) + " labels>"; })
      .def("apply", &Calibration::apply, nb::arg("ids"), nb::arg("scores"), nb::arg("ordered") = true,
           "Probabilities of ranked labels; -inf where the label is -1.");
}

}  // namespace arborank::bindings
