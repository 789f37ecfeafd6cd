#include "train/trainer.hpp"

#include "bindings/layer.hpp"
#include "layer/stored.hpp"

namespace arborank::bindings {

namespace {

// Parents `first` to `last` of a layer, with what their children have learned.
std::tuple<layer::Layer, NumpyVector<float>, NumpyVector<float>> train_layer(
    const Csr& X, const Csr& active, const Csr& positives, Vector<std::int64_t> branches, Vector<std::int32_t> ranks,
    const train::SolverOptions& options, std::int64_t first, std::int64_t last, std::int64_t n_documents,
    std::optional<std::int64_t> n_values, int n_threads, Progress progress, std::optional<Vector<float>> weights) {
  for (const auto& [matrix, name] :
       {std::pair(&X, "X"), std::pair(&active, "active"), std::pair(&positives, "positives")})
    canonical(*matrix, name);
  layer::LayerParts parts;
  parts.ranks = shared(std::move(ranks));
  const auto whole = shared(std::move(branches));
  train::TrainedLayer trained;
  std::optional<layer::Layer> layer;
  {
    nb::gil_scoped_release release;
    trained =
        train::LayerTrainer(X.view, active.view, positives.view, whole.span(), first, last, parts.ranks.span(),
                            n_documents, n_values.value_or(X.view.nnz()),
                            weights ? std::span(weights->data(), weights->size()) : std::span<const float>(), options)
            .train(n_threads, python_tick(progress));
    std::vector<std::int64_t> own;
    for (std::int64_t p = first; p <= last; p++)
      own.push_back(whole[p] - whole[first]);
    parts.branches = std::move(own);
    parts.bias = std::move(trained.bias);
    parts.take(std::move(trained.arrays));
    layer.emplace(std::move(parts));
    layer::LayerArrays::return_freed_memory();
  }
  return {std::move(*layer), to_numpy(std::move(trained.learned)), to_numpy(std::move(trained.reaching))};
}

}  // namespace

void bind_train(nb::module_& m) {
  using train::Solver;
  using train::SolverOptions;
  nb::enum_<Solver>(m, "Solver", "How a ranker is fitted.")
      .value("l2svc_dual", Solver::l2svc_dual)
      .value("l1svc_dual", Solver::l1svc_dual)
      .value("logistic_dual", Solver::logistic_dual)
      .value("l2svc_primal", Solver::l2svc_primal);
  nb::class_<SolverOptions>(m, "SolverOptions", "The problems that rankers solve, and when they are solved.")
      .def(
          "__init__",
          [](SolverOptions* self, Solver solver, float Cp, float Cn, float bias, float eps, int max_iter,
             float threshold, std::optional<std::int64_t> max_nonzeros) {
            const SolverOptions options{solver, Cp, Cn, bias, eps, max_iter, threshold, max_nonzeros.value_or(-1)};
            options.check();
            new (self) SolverOptions(options);
          },
          nb::kw_only(), nb::arg("solver"), nb::arg("Cp"), nb::arg("Cn"), nb::arg("bias"), nb::arg("eps"),
          nb::arg("max_iter"), nb::arg("threshold"), nb::arg("max_nonzeros").none())
      .def("__repr__", [](const SolverOptions& options) {
        return "<SolverOptions: at most " + std::to_string(options.max_iter) + " passes>";
      });
  m.def("train_layer", &train_layer, nb::arg("X"), nb::arg("active"), nb::arg("positives"),
        nb::arg("branches").noconvert(), nb::arg("ranks").noconvert(), nb::arg("options"), nb::kw_only(),
        nb::arg("first"), nb::arg("last"), nb::arg("n_documents"), nb::arg("n_values").none(), nb::arg("n_threads"),
        nb::arg("progress").none(), nb::arg("weights").none() = nb::none(),
        "Parents `first` to `last` of a layer, and every child's sum of squared weights: all, and of those that reach "
        "the threshold.");
  m.attr("CERTAIN") = train::kCertain;
}

}  // namespace arborank::bindings
