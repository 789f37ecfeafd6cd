#include "train/trainer.hpp"

#include "bindings/common.hpp"
#include "bindings/layer.hpp"

namespace arborank::bindings {

namespace {

nb::dict train_layer(const Csr& X, const Csr& active, const Csr& positives, Vector<std::int64_t> branches,
                     std::int64_t first, std::int64_t last, Vector<std::int32_t> ranks, int solver, float Cp, float Cn,
                     float bias, float eps, int max_iter, float threshold, std::int64_t max_nonzeros, int n_threads,
                     std::optional<nb::callable> progress) {
  for (const auto& [matrix, name] :
       {std::pair(&X, "X"), std::pair(&active, "active"), std::pair(&positives, "positives")})
    canonical(*matrix, name);
  const train::TrainParams params{
      static_cast<train::Solver>(solver), Cp, Cn, bias, eps, max_iter, threshold, max_nonzeros};
  train::TrainedLayer layer;
  {
    nb::gil_scoped_release release;
    layer = train::LayerTrainer(X.view, active.view, positives.view, branches.data(), first, last, ranks.data(), params)
                .train(n_threads, python_tick(progress));
    layer::LayerArrays::return_freed_memory();
  }
  nb::dict out = layer_to_numpy(std::move(layer.arrays));
  out["bias"] = to_numpy(std::move(layer.bias));
  out["learned"] = to_numpy(std::move(layer.learned));
  out["reaching"] = to_numpy(std::move(layer.reaching));
  return out;
}

}  // namespace

void bind_train(nb::module_& m) {
  m.def("train_layer", &train_layer, nb::arg("X"), nb::arg("active"), nb::arg("positives"),
        nb::arg("branches").noconvert(), nb::arg("first"), nb::arg("last"), nb::arg("ranks").noconvert(),
        nb::arg("solver"), nb::arg("Cp"), nb::arg("Cn"), nb::arg("bias"), nb::arg("eps"), nb::arg("max_iter"),
        nb::arg("threshold"), nb::arg("max_nonzeros"), nb::arg("n_threads"), nb::arg("progress").none(),
        "The arrays of a trained LayerWeights by name, and every child's sum of squared weights, learned and reaching "
        "the threshold; "
        "shapes are checked by the caller.");
}

}  // namespace arborank::bindings
