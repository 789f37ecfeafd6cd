#include "search/search.hpp"
#include "bindings/common.hpp"
#include "layer/stored.hpp"

namespace arborank::bindings {

namespace {

// Not initialised: the search writes every entry.
template <class T>
NumpyMatrix<T> new_matrix(std::size_t n_rows, std::size_t n_cols) {
  return to_numpy(std::make_unique_for_overwrite<T[]>(n_rows * n_cols), n_rows, n_cols);
}

// The ids in a list or tuple that holds nothing but ints of 64 bits, else None.
nb::object label_ids(nb::handle labels) {
  const bool is_list = PyList_Check(labels.ptr());
  if (!is_list && !PyTuple_Check(labels.ptr()))
    throw std::invalid_argument("labels must be a list or a tuple");
  std::vector<std::int64_t> ids;
  const Py_ssize_t n = is_list ? PyList_Size(labels.ptr()) : PyTuple_Size(labels.ptr());
  ids.reserve(n);
  for (Py_ssize_t i = 0; i < n; i++) {
    PyObject* label = is_list ? PyList_GetItem(labels.ptr(), i) : PyTuple_GetItem(labels.ptr(), i);
    int overflow = 0;
    if (label == nullptr || !PyLong_CheckExact(label))  // True and False are ints, but not exactly
      break;
    ids.push_back(PyLong_AsLongLongAndOverflow(label, &overflow));
    if (overflow != 0)
      return nb::none();
  }
  if (static_cast<Py_ssize_t>(ids.size()) < n)
    return nb::none();
  return nb::cast(to_numpy(std::move(ids)));
}

struct Searcher {
  nb::object kept;  // the layers, whose arrays the tree reads
  Vector<std::int32_t> labels;
  search::BeamTree tree;
  search::ScratchPool pool;
  std::atomic<bool> masked{false};

  static std::vector<layer::LayerView> views(const std::vector<const layer::Layer*>& layers) {
    std::vector<layer::LayerView> out;
    for (const layer::Layer* layer : layers)
      out.push_back(layer->view());
    return out;
  }
  Searcher(const std::vector<const layer::Layer*>& layers, Vector<std::int32_t> labels_, std::int64_t n_labels)
      : kept(nb::cast(layers)),
        labels(std::move(labels_)),
        tree(views(layers), labels.data(), static_cast<std::int64_t>(labels.size()), n_labels) {}

  search::LabelIds checked(const char* name, const Vector<std::int64_t>& ids) const {
    return search::checked_ids(name, {ids.data(), ids.size()}, tree.n_labels());
  }

  search::LabelFilter* filter(const std::optional<Vector<std::int64_t>>& allowed,
                              const std::optional<Vector<std::int64_t>>& excluded,
                              const std::optional<Vector<float>>& weights) const {
    search::LabelIds ids[2];
    if (allowed)
      ids[0] = checked("allowed", *allowed);
    if (excluded)
      ids[1] = checked("excluded", *excluded);
    if (weights)
      search::check_weights({weights->data(), weights->size()}, tree.n_labels());
    nb::gil_scoped_release release;
    return new search::LabelFilter(tree, allowed ? &ids[0] : nullptr, excluded ? &ids[1] : nullptr,
                                   weights ? weights->data() : nullptr);
  }

  void check_instances(const Csr& X, std::int64_t k) const {
    if (X.view.n_cols != tree.n_features())
      throw std::invalid_argument("X has " + std::to_string(X.view.n_cols) + " features, but " +
                                  std::to_string(tree.n_features()) + " were expected");
    if (!X.facts.canonical || !X.facts.finite)
      throw std::invalid_argument("X must be finite, with ascending columns without duplicates");
    if (k < 1 || k > INT32_MAX)
      throw std::invalid_argument("k must be a positive integer, found " + std::to_string(k));
    if (X.view.n_rows > (std::int64_t{1} << 58) / k)
      throw std::bad_alloc();
  }

  std::pair<NumpyMatrix<std::int64_t>, NumpyMatrix<float>> topk(
      const Csr& X, std::int64_t k, const search::SearchOptions& options, const search::LabelFilter* filter,
      const Csr* allowed, const Csr* excluded, const std::optional<Vector<std::int64_t>>& only,
      const std::optional<Vector<std::int64_t>>& without, std::optional<Matrix<std::int64_t>> ranges, int n_threads,
      Progress progress) {
    check_instances(X, k);
    search::LabelIds ids[2];
    search::Limits limits;
    std::int64_t n_masked = 0;
    if (filter != nullptr) {
      if (filter->tree() != &tree)
        throw std::invalid_argument("label_filter was made for another model");
      if (filter->weighted())
        options.check_weighted();
      limits.filter = filter;
    }
    if ((only || without) && X.view.n_rows != 1)
      throw std::invalid_argument("ids of labels are for a single row, but X has " + std::to_string(X.view.n_rows));
    const auto take_ids = [&](const char* name, const std::optional<Vector<std::int64_t>>& given,
                              search::LabelIds& room, const search::LabelIds*& place) {
      if (!given)
        return;
      room = checked(name, *given);
      place = &room;
      n_masked += static_cast<std::int64_t>(given->size());
    };
    take_ids("allowed", only, ids[0], limits.only);
    take_ids("excluded", without, ids[1], limits.without);
    const auto take_mask = [&](const char* name, const Csr* given, const sparse::CsrView*& place) {
      if (given == nullptr)
        return;
      search::check_mask(name, given->view, given->facts, X.view.n_rows, tree.n_labels());
      place = &given->view;
      n_masked += given->view.nnz();
    };
    take_mask("allowed", allowed, limits.allowed);
    take_mask("excluded", excluded, limits.excluded);
    if (ranges) {
      if (limits.allowed != nullptr || limits.only != nullptr)
        throw std::invalid_argument("ranges and allowed are two ways to say the same; give one");
      search::check_shape("ranges", static_cast<std::int64_t>(ranges->shape(0)),
                          static_cast<std::int64_t>(ranges->shape(1)), X.view.n_rows, 2);
      search::check_ranges(ranges->data(), X.view.n_rows, tree.n_labels());
      limits.ranges = ranges->data();
    }
    const auto n_rows = static_cast<std::size_t>(X.view.n_rows), width = static_cast<std::size_t>(k);
    auto labels_found = new_matrix<std::int64_t>(n_rows, width);
    auto scores = new_matrix<float>(n_rows, width);
    const search::Answers answers{k, labels_found.data(), scores.data()};
    // the first one prepares what the others need
    const bool first_mask = (allowed || only || without || ranges) && !masked.exchange(true);
    if (!first_mask && search::is_short(tree, X.view, k, options, n_masked)) {
      search::search(tree, X.view, options, limits, answers, pool, 1, {});
    } else {
      nb::gil_scoped_release release;
      search::search(tree, X.view, options, limits, answers, pool, n_threads, python_tick(progress));
    }
    return {std::move(labels_found), std::move(scores)};
  }
};

}  // namespace

void bind_search(nb::module_& m) {
  using search::Combination;
  using search::Merge;
  using search::SearchOptions;
  using search::Transform;
  nb::enum_<Transform>(m, "Transform", "What becomes of a margin.")
      .value("identity", Transform::identity)
      .value("sigmoid", Transform::sigmoid)
      .value("hinge", Transform::hinge);
  nb::class_<Combination>(m, "Combination", "How margins become scores and meet those of the parents.")
      .def(
          "__init__",
          [](Combination* self, Transform transform, int power, bool logarithm) {
            const Combination combination{transform, power, logarithm};
            combination.check();
            new (self) Combination(combination);
          },
          nb::arg("transform"), nb::kw_only(), nb::arg("power") = 0, nb::arg("logarithm") = false)
      .def("__repr__",
           [](const Combination& c) {
             const std::string kinds[] = {"margins as they are", "sigmoid",
                                          "hinge to the power " + std::to_string(c.power)};
             return "<Combination: " + kinds[static_cast<int>(c.transform)] + (c.logarithm ? ", logarithms>" : ">");
           })
      .def(
          "__call__",
          [](const Combination& c, Vector<float> margins, Vector<float> parents) {
            if (margins.size() != parents.size())
              throw std::invalid_argument("margins and parents differ in length");
            std::vector<float> out(margins.size());
            search::with_combination(c, [&](auto f) {
              for (std::size_t i = 0; i < out.size(); i++)
                out[i] = f(broadcast(margins.data()[i]), parents.data()[i])[0];
            });
            return to_numpy(std::move(out));
          },
          nb::arg("margins"), nb::arg("parents"), "Scores of nodes with the given margins and parents' scores.");
  nb::enum_<Merge>(m, "Merge", "How the scores of a label in several slots become one.")
      .value("max", Merge::max)
      .value("mean", Merge::mean)
      .value("log_sum", Merge::log_sum)
      .value("average", Merge::average);
  nb::class_<SearchOptions>(m, "SearchOptions", "How a search goes; made once for many.")
      .def(
          "__init__",
          [](SearchOptions* self, std::int64_t beam_size, const Combination& above, const Combination& at_labels,
             Merge merge) {
            const SearchOptions options{beam_size, above, at_labels, merge};
            options.check();
            new (self) SearchOptions(options);
          },
          nb::kw_only(), nb::arg("beam_size") = 10, nb::arg("above") = Combination(),
          nb::arg("at_labels") = Combination(), nb::arg("merge") = Merge::max)
      .def("__repr__", [](const SearchOptions& options) {
        return "<SearchOptions: a beam of " + std::to_string(options.beam_size) + " nodes>";
      });
  m.def("label_ids", &label_ids, nb::arg("labels"),
        nb::sig("def label_ids(labels: list[typing.Any] | tuple[typing.Any, ...]) -> "
                "numpy.typing.NDArray[numpy.int64] | None"),
        "An int64 array of a list or tuple of ints; None if it holds anything else.");
  nb::class_<search::LabelFilter>(m, "LabelFilter", "What Searcher.filter prepares.")
      .def("__repr__",
           [](const search::LabelFilter& f) {
             return "<LabelFilter: " + std::to_string(f.n_labels()) + " of " + std::to_string(f.tree()->n_labels()) +
                    (f.weighted() ? " labels, weighted>" : " labels>");
           })
      .def(
          "__reduce__",
          [](const search::LabelFilter&) {
            throw nb::type_error(
                "a LabelFilter belongs to one model in memory and is not copied or pickled; call "
                "prepare_filter of the other model");
          },
          nb::sig("def __reduce__(self) -> typing.NoReturn"));
  nb::class_<Searcher>(m, "Searcher", "Beam search over a stack of layers; keeps their arrays alive.")
      .def(nb::init<const std::vector<const layer::Layer*>&, Vector<std::int32_t>, std::int64_t>(), nb::arg("layers"),
           nb::arg("labels").noconvert(), nb::arg("n_labels"))
      .def("filter", &Searcher::filter, nb::kw_only(), nb::arg("allowed").none() = nb::none(),
           nb::arg("excluded").none() = nb::none(), nb::arg("weights").none() = nb::none(), nb::keep_alive<0, 1>())
      .def("topk", &Searcher::topk, nb::arg("X"), nb::arg("k"), nb::arg("options"), nb::kw_only(),
           nb::arg("label_filter").none() = nb::none(), nb::arg("allowed").none() = nb::none(),
           nb::arg("excluded").none() = nb::none(), nb::arg("only").noconvert().none() = nb::none(),
           nb::arg("without").noconvert().none() = nb::none(), nb::arg("ranges").noconvert().none() = nb::none(),
           nb::arg("n_threads") = 1, nb::arg("progress").none() = nb::none(),
           "Labels and scores of the best k; `only` and `without` are ids for a single row.")
      .def("__repr__", [](const Searcher& searcher) {
        return "<Searcher: " + std::to_string(searcher.tree.depth()) + " layers above " +
               std::to_string(searcher.tree.n_labels()) + " labels>";
      });
}

}  // namespace arborank::bindings
