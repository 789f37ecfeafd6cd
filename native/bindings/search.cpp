#include "search/search.hpp"
#include "bindings/common.hpp"
#include "bindings/layer.hpp"
#include "layer/check.hpp"
#include "layer/convert.hpp"

namespace arborank::bindings {

namespace {

layer::Precision precision_of(int number) {
  if (number < 0 || number > 2)
    throw std::invalid_argument("no such precision");
  return static_cast<layer::Precision>(number);
}

// One layer's arrays, kept alive, with the view that kernels take.
struct Layer {
  Vector<std::int64_t> branches;
  Vector<std::int32_t> ranks;
  Matrix<std::int64_t> extents;
  Matrix<std::uint32_t> index;
  Vector<std::uint16_t> starts;
  Vector<std::uint32_t> bases;
  Vector<std::uint16_t> keys, units;
  Vector<float> bias, scales;
  layer::LayerView view;

  Layer(Vector<std::int64_t> branches_, Vector<std::int32_t> ranks_, Matrix<std::int64_t> extents_,
        Matrix<std::uint32_t> index_, Vector<std::uint16_t> starts_, Vector<std::uint32_t> bases_,
        Vector<std::uint16_t> keys_, Vector<std::uint16_t> units_, Vector<float> bias_, Vector<float> scales_,
        int precision, std::int64_t n_features)
      : branches(std::move(branches_)),
        ranks(std::move(ranks_)),
        extents(std::move(extents_)),
        index(std::move(index_)),
        starts(std::move(starts_)),
        bases(std::move(bases_)),
        keys(std::move(keys_)),
        units(std::move(units_)),
        bias(std::move(bias_)),
        scales(std::move(scales_)) {
    view.precision = precision_of(precision);
    if (branches.size() == 0 || extents.shape(0) == 0 || extents.shape(1) != 6 || index.shape(1) != 2)
      throw std::invalid_argument("corrupt layer weights: an array has the wrong shape");
    if (n_features < 0 || n_features > INT32_MAX)
      throw std::invalid_argument("corrupt layer weights: n_features is " + std::to_string(n_features));
    const auto size = [](std::size_t n) { return static_cast<std::int64_t>(n); };
    view.branches = branches.data();
    view.ranks = ranks.data();
    view.extents = reinterpret_cast<const layer::Extent*>(extents.data());
    view.index = reinterpret_cast<const layer::IndexEntry*>(index.data());
    view.starts = starts.data();
    view.bases = bases.data();
    view.keys = keys.data();
    view.units = units.data();
    view.bias = bias.data();
    view.scales = scales.data();
    view.n_parents = size(branches.size()) - 1;
    view.n_children = size(bias.size());
    view.n_features = n_features;
    view.hash = layer::RankHash(n_features);
    view.n_units = size(units.size());
    nb::gil_scoped_release release;
    layer::check_extents(view, {size(branches.size()), size(ranks.size()), size(extents.shape(0)), size(index.shape(0)),
                                size(starts.size()), size(bases.size()), size(keys.size()), size(units.size()),
                                size(bias.size()), size(scales.size())});
  }
};

// Not initialised: the search writes every entry.
template <class T>
NumpyMatrix<T> new_matrix(std::size_t n_rows, std::size_t n_cols) {
  T* values = new T[n_rows * n_cols];
  nb::capsule owner(values, [](void* p) noexcept { delete[] static_cast<T*>(p); });
  return NumpyMatrix<T>(values, {n_rows, n_cols}, owner);
}

NumpyVector<std::int32_t> ranks_of(const Csr& X) {
  std::vector<std::int32_t> ranks;
  {
    nb::gil_scoped_release release;
    ranks = layer::rank_features(X.view);
  }
  return to_numpy(std::move(ranks));
}

nb::dict pack(const Csr& children, Vector<std::int64_t> branches, Vector<std::int32_t> ranks, int n_threads) {
  if (branches.size() == 0)
    throw std::invalid_argument("branches is empty; it needs n_parents + 1 entries");
  const auto n_parents = static_cast<std::int64_t>(branches.size()) - 1;
  for (std::int64_t p = 0; p < n_parents; p++)
    if (branches.data()[p + 1] < branches.data()[p])
      throw std::invalid_argument("branches decrease at parent " + std::to_string(p));
  if (branches.data()[0] != 0 || branches.data()[n_parents] != children.view.n_rows)
    throw std::invalid_argument("branches must run from 0 to the " + std::to_string(children.view.n_rows) +
                                " children");
  layer::LayerArrays layer;
  {
    nb::gil_scoped_release release;
    layer = layer::pack_layer(children.view, branches.data(), n_parents, {ranks.data(), ranks.size()}, n_threads,
                              python_tick(std::nullopt));
  }
  return layer_to_numpy(std::move(layer));
}

nb::dict convert(const Layer& layer, int precision, float threshold, std::int64_t max_nonzeros, int n_threads) {
  layer::ConvertedLayer converted;
  {
    nb::gil_scoped_release release;
    converted = layer::convert_layer(layer.view, {precision_of(precision), threshold, max_nonzeros}, n_threads,
                                     python_tick(std::nullopt));
  }
  nb::dict out = layer_to_numpy(std::move(converted.arrays));
  out["scales"] = to_numpy(std::move(converted.scales));
  return out;
}

nb::tuple unpack(const Layer& layer) {
  layer::ChildMajor out;
  {
    nb::gil_scoped_release release;
    out = layer::unpack_layer(layer.view);
  }
  return nb::make_tuple(to_numpy(std::move(out.indptr)), to_numpy(std::move(out.features)),
                        to_numpy(std::move(out.weights)));
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

search::Merge merge_of(int number) {
  if (number < 0 || number > 2)
    throw std::invalid_argument("no such merge");
  return static_cast<search::Merge>(number);
}

search::Combination combination(int transform, int power, bool logarithm) {
  if (transform < 0 || transform > 2 || power < 0 || power > 4 || (transform == 2) != (power > 0))
    throw std::invalid_argument("no such combination");
  return {static_cast<search::Transform>(transform), power, logarithm};
}

struct Searcher {
  nb::list kept;  // the layers, whose arrays the tree reads
  Vector<std::int32_t> labels;
  search::BeamTree tree;
  search::ScratchPool pool;
  std::atomic<bool> masked{false};

  static std::vector<layer::LayerView> views(const nb::list& layers) {
    std::vector<layer::LayerView> out;
    for (nb::handle layer : layers)
      out.push_back(nb::cast<const Layer&>(layer).view);
    return out;
  }
  Searcher(nb::list layers, Vector<std::int32_t> labels_, std::int64_t n_labels)
      : kept(nb::list(nb::tuple(layers))),
        labels(std::move(labels_)),
        tree(views(layers), labels.data(), static_cast<std::int64_t>(labels.size()), n_labels) {}

  search::LabelIds checked(const char* name, const Vector<std::int64_t>& ids) const {
    const std::int64_t *begin = ids.data(), *end = begin + ids.size();
    std::uint64_t most = 0;  // a negative one is larger than any
    for (const std::int64_t* label = begin; label != end; label++)
      most = std::max(most, static_cast<std::uint64_t>(*label));
    if (begin != end && most >= static_cast<std::uint64_t>(tree.n_labels()))
      for (const std::int64_t* label = begin; label != end; label++)
        if (*label < 0 || *label >= tree.n_labels())
          throw std::invalid_argument(std::string(name) + " holds label " + std::to_string(*label) +
                                      ", which is outside [0, " + std::to_string(tree.n_labels()) + ")");
    return {begin, end};
  }

  search::LabelFilter* filter(const std::optional<Vector<std::int64_t>>& allowed,
                              const std::optional<Vector<std::int64_t>>& excluded,
                              const std::optional<Vector<float>>& weights) const {
    search::LabelIds ids[2];
    if (allowed)
      ids[0] = checked("allowed", *allowed);
    if (excluded)
      ids[1] = checked("excluded", *excluded);
    if (weights && static_cast<std::int64_t>(weights->size()) != tree.n_labels())
      throw std::invalid_argument("weights has " + std::to_string(weights->size()) + " entries, but " +
                                  std::to_string(tree.n_labels()) + " labels were expected");
    for (std::size_t i = 0; weights && i < weights->size(); i++)
      if (!(weights->data()[i] >= 0 && weights->data()[i] <= std::numeric_limits<float>::max()))
        throw std::invalid_argument("weights must be finite and at least 0, found " +
                                    std::to_string(weights->data()[i]) + " for label " + std::to_string(i));
    nb::gil_scoped_release release;
    return new search::LabelFilter(tree, allowed ? &ids[0] : nullptr, excluded ? &ids[1] : nullptr,
                                   weights ? weights->data() : nullptr);
  }

  void check_mask(const char* name, const Csr* mask, std::int64_t n_rows) const {
    if (mask == nullptr)
      return;
    if (mask->view.n_cols != tree.n_labels() || mask->view.n_rows != n_rows)
      throw std::invalid_argument(std::string(name) + " has shape (" + std::to_string(mask->view.n_rows) + ", " +
                                  std::to_string(mask->view.n_cols) + "), but (" + std::to_string(n_rows) + ", " +
                                  std::to_string(tree.n_labels()) + ") was expected");
    if (!mask->facts.canonical)
      throw std::invalid_argument(std::string(name) + " must have ascending columns without duplicates");
  }

  void check_ranges(const Matrix<std::int64_t>& ranges, std::int64_t n_rows, bool has_allowed) const {
    if (has_allowed)
      throw std::invalid_argument("ranges and allowed are two ways to say the same; give one");
    if (static_cast<std::int64_t>(ranges.shape(0)) != n_rows || ranges.shape(1) != 2)
      throw std::invalid_argument("ranges has shape (" + std::to_string(ranges.shape(0)) + ", " +
                                  std::to_string(ranges.shape(1)) + "), but (" + std::to_string(n_rows) +
                                  ", 2) was expected");
    for (std::int64_t row = 0; row < n_rows; row++) {
      const std::int64_t first = ranges.data()[2 * row], end = ranges.data()[2 * row + 1];
      if (first < 0 || first > end || end > tree.n_labels())
        throw std::invalid_argument("ranges of row " + std::to_string(row) + " go from " + std::to_string(first) +
                                    " to " + std::to_string(end) + ", outside the " + std::to_string(tree.n_labels()) +
                                    " labels");
    }
  }

  // Whether a search of all rows takes less than some 100 µs, for which other threads may as well wait.
  bool is_short(const Csr& X, std::int64_t k, std::int64_t beam_size, std::int64_t n_masked) const {
    constexpr std::int64_t kShort = 1 << 19;  // multiply-adds, of which 16 take one instruction, at the very most
    const std::int64_t n_rows = X.view.n_rows, scored = tree.most_scored(beam_size);
    // so that nothing overflows
    if (n_rows > search::kFewRows || X.view.nnz() + n_masked > kShort || k > kShort || scored > kShort)
      return false;
    return (X.view.nnz() + n_rows) * scored + n_rows * k + 16 * n_masked <= kShort;
  }

  nb::tuple topk(const Csr& X, std::int64_t k, std::int64_t beam_size, const search::Combination& combination,
                 const search::Combination& at_labels, const search::LabelFilter* filter, const Csr* allowed,
                 const Csr* excluded, const std::optional<Vector<std::int64_t>>& only,
                 const std::optional<Vector<std::int64_t>>& without, std::optional<Matrix<std::int64_t>> ranges,
                 int merge, int n_threads, std::optional<nb::callable> progress) {
    if (X.view.n_cols != tree.n_features())
      throw std::invalid_argument("X has " + std::to_string(X.view.n_cols) + " features, but " +
                                  std::to_string(tree.n_features()) + " were expected");
    if (!X.facts.canonical || !X.facts.finite)
      throw std::invalid_argument("X must be finite, with ascending columns without duplicates");
    if (k < 1 || k > INT32_MAX || beam_size < 1)
      throw std::invalid_argument(std::string(k < 1 || k > INT32_MAX ? "k" : "beam_size") +
                                  " must be a positive integer, found " +
                                  std::to_string(k < 1 || k > INT32_MAX ? k : beam_size));
    if (combination.logarithm != at_labels.logarithm || combination.bounded() != at_labels.bounded())
      throw std::invalid_argument("scores above the labels and at the labels must be of one kind");
    check_mask("allowed", allowed, X.view.n_rows);
    check_mask("excluded", excluded, X.view.n_rows);
    if (ranges)
      check_ranges(*ranges, X.view.n_rows, allowed != nullptr || only.has_value());
    if (filter != nullptr && filter->tree() != &tree)
      throw std::invalid_argument("the label filter was made for another model");
    if (filter != nullptr && filter->weights(false).slots != nullptr && !combination.bounded())
      throw std::invalid_argument("label weights need scores that are probabilities; combine is 'noop'");
    search::LabelIds own[2];
    if (only)
      own[0] = checked("allowed", *only);
    if (without)
      own[1] = checked("excluded", *without);
    if ((only || without) && X.view.n_rows != 1)
      throw std::invalid_argument("only and without are for a single row, but X has " + std::to_string(X.view.n_rows));
    const search::SearchOptions options{k,
                                        beam_size,
                                        combination,
                                        at_labels,
                                        filter,
                                        only ? &own[0] : nullptr,
                                        without ? &own[1] : nullptr,
                                        allowed ? &allowed->view : nullptr,
                                        excluded ? &excluded->view : nullptr,
                                        ranges ? ranges->data() : nullptr,
                                        merge_of(merge)};
    if (filter != nullptr && filter->weights(false).slots != nullptr && options.merge == search::Merge::log_sum &&
        !combination.logarithm)
      throw std::invalid_argument("label weights and merge='log-sum' go together only with a log- combination");
    if (X.view.n_rows > (std::int64_t{1} << 58) / k)
      throw std::bad_alloc();
    const auto n_rows = static_cast<std::size_t>(X.view.n_rows), width = static_cast<std::size_t>(k);
    auto ids = new_matrix<std::int64_t>(n_rows, width);
    auto scores = new_matrix<float>(n_rows, width);
    const search::Answers answers{ids.data(), scores.data()};
    const std::int64_t n_masked = (allowed ? allowed->view.nnz() : 0) + (excluded ? excluded->view.nnz() : 0) +
                                  (only ? only->size() : 0) + (without ? without->size() : 0);
    // the first one prepares what the others need
    const bool first_mask = (allowed || only || without || ranges) && !masked.exchange(true);
    if (!first_mask && is_short(X, k, beam_size, n_masked)) {
      search::search(tree, X.view, options, 1, {}, pool, answers);
    } else {
      nb::gil_scoped_release release;
      search::search(tree, X.view, options, n_threads, python_tick(progress), pool, answers);
    }
    return nb::make_tuple(std::move(ids), std::move(scores));
  }

  nb::dict lines(const Csr& X, std::int64_t k, std::int64_t beam_size, const search::Combination& combination,
                 const search::Combination& at_labels) const {
    if (X.view.n_cols != tree.n_features() || !X.facts.canonical || !X.facts.finite || k < 1 || beam_size < 1)
      throw std::invalid_argument("X does not fit the model, or k or beam_size is below 1");
    search::SearchOptions options;
    options.k = k;
    options.beam_size = beam_size;
    options.combination = combination;
    options.at_labels = at_labels;
    std::vector<std::int64_t> ids(X.view.n_rows * k);
    std::vector<float> scores(X.view.n_rows * k);
    const auto counts = search::count_lines(tree, X.view, options, {ids.data(), scores.data()});
    nb::dict out;
    const char* const names[search::kParts] = {"ranks", "index", "starts", "keys", "units", "bias"};
    for (std::size_t part = 0; part < search::kParts; part++)
      out[names[part]] = counts[part];
    return out;
  }
};

}  // namespace

void bind_search(nb::module_& m) {
  nb::class_<Layer>(m, "Layer", "The arrays of one layer; none of it can make a search read outside them.")
      .def(nb::init<Vector<std::int64_t>, Vector<std::int32_t>, Matrix<std::int64_t>, Matrix<std::uint32_t>,
                    Vector<std::uint16_t>, Vector<std::uint32_t>, Vector<std::uint16_t>, Vector<std::uint16_t>,
                    Vector<float>, Vector<float>, int, std::int64_t>(),
           nb::arg("branches").noconvert(), nb::arg("ranks").noconvert(), nb::arg("extents").noconvert(),
           nb::arg("index").noconvert(), nb::arg("starts").noconvert(), nb::arg("bases").noconvert(),
           nb::arg("keys").noconvert(), nb::arg("units").noconvert(), nb::arg("bias").noconvert(),
           nb::arg("scales").noconvert(), nb::arg("precision"), nb::arg("n_features"))
      .def(
          "check", [](const Layer& layer) { layer::check_layer(layer.view); }, nb::call_guard<nb::gil_scoped_release>(),
          "Raises ValueError unless all arrays are as training makes them; reads everything.")
      .def("__repr__",
           [](const Layer& layer) {
             return "<Layer: " + std::to_string(layer.view.n_children) + " children of " +
                    std::to_string(layer.view.n_parents) + " parents>";
           })
      .def(
          "nnz", [](const Layer& layer) { return layer::count_weights(layer.view); },
          "Number of weights, once checked.")
      .def("convert", &convert, nb::arg("precision"), nb::arg("threshold"), nb::arg("max_nonzeros"),
           nb::arg("n_threads"), "Once checked: a dict of extents, index, starts, bases, keys, units and scales.")
      .def("unpack", &unpack, "W transposed as CSR, once checked: (indptr, unsorted features, weights).");
  m.def("rank_features", &ranks_of, nb::arg("X"), "Places of the columns, those with most entries first.");
  m.def("pack_layer", &pack, nb::arg("children"), nb::arg("branches").noconvert(), nb::arg("ranks").noconvert(),
        nb::arg("n_threads") = 1,
        "Arrays of a layer from W transposed: a dict of extents, index, starts, bases, keys and units.");
  nb::class_<search::Combination>(m, "Combination")
      .def(
          "__init__",
          [](search::Combination* c, int transform, int power, bool log) {
            new (c) search::Combination(combination(transform, power, log));
          },
          nb::arg("transform"), nb::arg("power"), nb::arg("logarithm"))
      .def("__repr__",
           [](const search::Combination& c) {
             const std::string kinds[] = {"margins as they are", "sigmoid",
                                          "hinge to the power " + std::to_string(c.power)};
             return "<Combination: " + kinds[static_cast<int>(c.transform)] + (c.logarithm ? ", logarithms>" : ">");
           })
      .def(
          "__call__",
          [](const search::Combination& c, Vector<float> margins, Vector<float> parents) {
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
  m.def("label_ids", &label_ids, nb::arg("labels"),
        "An int64 array of a list or tuple of ints; None if it holds anything else.");
  nb::class_<search::LabelFilter>(m, "LabelFilter", "What Searcher.filter prepares.")
      .def("__repr__",
           [](const search::LabelFilter& f) {
             return "<LabelFilter: " + std::to_string(f.n_labels()) + " of " + std::to_string(f.tree()->n_labels()) +
                    (f.weighted() ? " labels, weighted>" : " labels>");
           })
      .def("__reduce__", [](const search::LabelFilter&) -> nb::tuple {
        throw nb::type_error(
            "a LabelFilter belongs to one model in memory and is not copied or pickled; call "
            "prepare_filter of the other model");
      });
  nb::class_<Searcher>(m, "Searcher", "Beam search over a stack of layers; keeps their arrays alive.")
      .def(nb::init<nb::list, Vector<std::int32_t>, std::int64_t>(), nb::arg("layers"), nb::arg("labels").noconvert(),
           nb::arg("n_labels"))
      .def("filter", &Searcher::filter, nb::arg("allowed").none(), nb::arg("excluded").none(),
           nb::arg("weights").none(), nb::keep_alive<0, 1>())
      .def("lines", &Searcher::lines, nb::arg("X"), nb::arg("k"), nb::arg("beam_size"), nb::arg("combination"),
           nb::arg("at_labels"),
           "Distinct 64-byte cache lines of the layers' arrays that a search of all rows in step reads, by array.")
      .def("topk", &Searcher::topk, nb::arg("X"), nb::arg("k"), nb::arg("beam_size"), nb::arg("combination"),
           nb::arg("at_labels"), nb::arg("filter").none(), nb::arg("allowed").none(), nb::arg("excluded").none(),
           nb::arg("only").noconvert().none(), nb::arg("without").noconvert().none(),
           nb::arg("ranges").noconvert().none(), nb::arg("merge"), nb::arg("n_threads"), nb::arg("progress").none())
      .def("is_short", &Searcher::is_short, nb::arg("X"), nb::arg("k"), nb::arg("beam_size"), nb::arg("n_masked") = 0,
           "Whether topk keeps the GIL, because handing it over may take longer than the search.")
      .def("__repr__",
           [](const Searcher& searcher) {
             return "<Searcher: " + std::to_string(searcher.tree.depth()) + " layers above " +
                    std::to_string(searcher.tree.n_labels()) + " labels>";
           })
      .def_prop_ro(
          "kept_bytes", [](const Searcher& searcher) { return searcher.pool.bytes(); },
          "Working memory that is kept for later searches.");
}

}  // namespace arborank::bindings
