#include "bindings/searcher.hpp"

namespace arborank::bindings {

namespace {

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
  nb::class_<search::Policy>(m, "ArmPolicy", "How arms of a query are chosen; made once for many.")
      .def(
          "__init__",
          [](search::Policy* self, const std::string& name, double parameter, double newcomers, bool widely) {
            using Kind = search::Policy::Kind;
            if (name != "inverse-gap" && name != "epsilon-greedy" && name != "boltzmann")
              throw std::invalid_argument("there is no policy " + name);
            const bool least = name == "boltzmann" ? parameter > 0 : parameter >= 0;
            if (!least || (name == "epsilon-greedy" && parameter > 1))
              throw std::invalid_argument("the parameter of " + name + " is out of range");
            if (!(newcomers >= 0 && newcomers <= 1))
              throw std::invalid_argument("newcomers must be from 0 to 1, found " + std::to_string(newcomers));
            new (self) search::Policy{name == "inverse-gap"      ? Kind::inverse_gap
                                      : name == "epsilon-greedy" ? Kind::epsilon_greedy
                                                                 : Kind::boltzmann,
                                      parameter, newcomers, widely};
          },
          nb::arg("name"), nb::arg("parameter"), nb::arg("newcomers") = 0.0, nb::arg("widely") = false)
      .def_ro("newcomers", &search::Policy::newcomers)
      .def("__repr__", [](const search::Policy&) { return "<ArmPolicy>"; });
  m.def("label_ids", &label_ids, nb::arg("labels"),
        nb::sig("def label_ids(labels: list[typing.Any] | tuple[typing.Any, ...]) -> "
                "numpy.typing.NDArray[numpy.int64] | None"),
        "An int64 array of a list or tuple of ints; None if it holds anything else.");
  nb::class_<search::LabelFilter>(m, "LabelFilter", "What Searcher.filter prepares.")
      .def_prop_ro("weighted", &search::LabelFilter::weighted, "Whether it weighs labels.")
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
      .def("frontier", &Searcher::frontier, nb::arg("X"), nb::arg("k"), nb::arg("options"), nb::arg("policy"),
           nb::arg("n_explore"), nb::kw_only(), nb::arg("eligible").noconvert().none() = nb::none(),
           nb::arg("removed").noconvert().none() = nb::none(), nb::arg("best").noconvert().none() = nb::none(),
           nb::arg("promise").noconvert().none() = nb::none(), nb::arg("fresh").noconvert().none() = nb::none(),
           nb::sig("def frontier(self, X: Csr, k: int, options: SearchOptions, policy: ArmPolicy, n_explore: int, *, "
                   "eligible: numpy.typing.NDArray[numpy.int64] | None = None, removed: "
                   "numpy.typing.NDArray[numpy.int64] | None = None, best: numpy.typing.NDArray[numpy.int64] | None = "
                   "None, promise: numpy.typing.NDArray[numpy.float64] | None = None, fresh: "
                   "numpy.typing.NDArray[numpy.bool_] | None = None) -> "
                   "tuple[numpy.typing.NDArray[numpy.int64], "
                   "numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64], "
                   "numpy.typing.NDArray[numpy.float64], numpy.typing.NDArray[numpy.float64], int]"),
           "Slots from and to, how many of them may be shown, scores and chances of the arms of a row; how many are "
           "labels.")
      .def("decide", &Searcher::decide, nb::arg("X"), nb::arg("k"), nb::arg("options"), nb::arg("policy"),
           nb::arg("n_explore"), nb::arg("uniform"), nb::kw_only(), nb::arg("eligible").noconvert().none() = nb::none(),
           nb::arg("removed").noconvert().none() = nb::none(), nb::arg("best").noconvert().none() = nb::none(),
           nb::arg("promise").noconvert().none() = nb::none(), nb::arg("fresh").noconvert().none() = nb::none(),
           nb::sig("def decide(self, X: Csr, k: int, options: SearchOptions, policy: ArmPolicy, n_explore: int, "
                   "uniform: float, *, "
                   "eligible: numpy.typing.NDArray[numpy.int64] | None = None, removed: "
                   "numpy.typing.NDArray[numpy.int64] | None = None, best: numpy.typing.NDArray[numpy.int64] | None = "
                   "None, promise: numpy.typing.NDArray[numpy.float64] | None = None, fresh: "
                   "numpy.typing.NDArray[numpy.bool_] | None = None) -> tuple[tuple[int, ...], "
                   "tuple[float, ...], tuple[float, "
                   "...], tuple[tuple[int, ...], ...], tuple[tuple[float, ...], ...]]"),
           "Labels to show, their scores and propensities, the nodes above, and how many labels below these are shown.")
      .def("__repr__", [](const Searcher& searcher) {
        return "<Searcher: " + std::to_string(searcher.tree.depth()) + " layers above " +
               std::to_string(searcher.tree.n_labels()) + " labels>";
      });
}

}  // namespace arborank::bindings
