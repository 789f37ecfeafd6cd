// The Python class of a beam search: keeps the arrays of its layers alive.
#pragma once
#include <atomic>

#include "bindings/common.hpp"
#include "layer/stored.hpp"
#include "search/frontier.hpp"

namespace arborank::bindings {

// Not initialised: the search writes every entry.
template <class T>
inline NumpyMatrix<T> new_matrix(std::size_t n_rows, std::size_t n_cols) {
  return to_numpy(std::make_unique_for_overwrite<T[]>(n_rows * n_cols), n_rows, n_cols);
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

  // eligible: how many slots before each one may be shown; removed: slots that may not, ascending
  search::Eligible eligible_slots(const std::optional<Vector<std::int64_t>>& eligible,
                                  const std::optional<Vector<std::int64_t>>& removed) const {
    search::Eligible out;
    const std::int64_t n_slots = tree.n_slots();
    if (eligible) {
      if (static_cast<std::int64_t>(eligible->size()) != n_slots + 1)
        throw std::invalid_argument("eligible has " + std::to_string(eligible->size()) + " entries, but " +
                                    std::to_string(n_slots + 1) + " were expected");
      out.before = eligible->data();
    }
    if (removed) {
      out.removed = removed->data();
      out.removed_end = out.removed + removed->size();
      for (const std::int64_t* slot = out.removed; slot != out.removed_end; slot++)
        if (*slot < 0 || *slot >= n_slots || (slot != out.removed && *slot <= slot[-1]))
          throw std::invalid_argument("removed must hold slots in ascending order, found " + std::to_string(*slot));
    }
    return out;
  }

  // best, promise: labels of a model whose search is another one, by their slots
  search::Arms arms_of(const Csr& X, std::int64_t k, const search::SearchOptions& options, const search::Policy& policy,
                       std::int64_t n_explore, const search::Eligible& eligible,
                       const std::optional<Vector<std::int64_t>>& best, const std::optional<Vector<double>>& promise,
                       const std::optional<Vector<bool>>& fresh) {
    check_instances(X, k);
    if (X.view.n_rows != 1)
      throw std::invalid_argument("a frontier is that of a single row, but X has " + std::to_string(X.view.n_rows));
    if (!options.combination.bounded())
      throw std::invalid_argument("a frontier needs scores that are probabilities; combine is 'noop'");
    search::Given given;
    if (best) {
      if (!promise || promise->size() != best->size())
        throw std::invalid_argument("best and promise differ in length");
      given = {best->data(), promise->data(), static_cast<std::int64_t>(best->size())};
      for (std::int64_t i = 0; i < given.n; i++)
        if (given.slots[i] < 0 || given.slots[i] >= tree.n_slots())
          throw std::invalid_argument("best must hold slots, found " + std::to_string(given.slots[i]));
    }
    if (fresh && static_cast<std::int64_t>(fresh->size()) != tree.n_slots())
      throw std::invalid_argument("fresh has " + std::to_string(fresh->size()) + " entries, but " +
                                  std::to_string(tree.n_slots()) + " were expected");
    auto scratch = pool.take();
    const bool widely = policy.widely || policy.newcomers > 0;
    search::Arms found = search::frontier(tree, X.view, options, k, eligible, given, widely, *scratch);
    pool.give(std::move(scratch), 1);
    search::give_chances(found, k, n_explore, policy, fresh ? fresh->data() : nullptr);
    return found;
  }

  nb::tuple frontier(const Csr& X, std::int64_t k, const search::SearchOptions& options, const search::Policy& policy,
                     std::int64_t n_explore, const std::optional<Vector<std::int64_t>>& eligible,
                     const std::optional<Vector<std::int64_t>>& removed,
                     const std::optional<Vector<std::int64_t>>& best, const std::optional<Vector<double>>& promise,
                     const std::optional<Vector<bool>>& fresh) {
    const search::Arms found =
        arms_of(X, k, options, policy, n_explore, eligible_slots(eligible, removed), best, promise, fresh);
    std::vector<std::int64_t> begin, end, count;
    std::vector<double> score, chance;
    for (const search::Arm& arm : found.arms) {
      begin.push_back(arm.begin);
      end.push_back(arm.end);
      count.push_back(arm.count);
      score.push_back(arm.score);
      chance.push_back(arm.chance);
    }
    return nb::make_tuple(to_numpy(std::move(begin)), to_numpy(std::move(end)), to_numpy(std::move(count)),
                          to_numpy(std::move(score)), to_numpy(std::move(chance)), found.n_labels);
  }

  nb::tuple decide(const Csr& X, std::int64_t k, const search::SearchOptions& options, const search::Policy& policy,
                   std::int64_t n_explore, double uniform, const std::optional<Vector<std::int64_t>>& eligible,
                   const std::optional<Vector<std::int64_t>>& removed, const std::optional<Vector<std::int64_t>>& best,
                   const std::optional<Vector<double>>& promise, const std::optional<Vector<bool>>& fresh) {
    if (!(uniform >= 0 && uniform < 1))
      throw std::invalid_argument("uniform must be from 0 to below 1, found " + std::to_string(uniform));
    const search::Eligible shown = eligible_slots(eligible, removed);
    const search::Arms found = arms_of(X, k, options, policy, n_explore, shown, best, promise, fresh);
    const search::Drawn drawn = search::draw(tree, found, uniform, shown);
    const std::size_t n = drawn.slots.size(), levels = static_cast<std::size_t>(tree.depth() - 1);
    const auto tuple = [](std::size_t size, auto&& item) {
      nb::object made = nb::steal(PyTuple_New(static_cast<Py_ssize_t>(size)));
      for (std::size_t i = 0; i < size; i++)
        PyTuple_SetItem(made.ptr(), static_cast<Py_ssize_t>(i), nb::cast(item(i)).release().ptr());
      return made;
    };
    const auto arm = [&](std::size_t i) -> const search::Arm& { return found.arms[drawn.arms[i]]; };
    const auto table = [&](const auto& values) {
      return tuple(levels == 0 ? 0 : n,
                   [&](std::size_t i) { return tuple(levels, [&](std::size_t t) { return values[i * levels + t]; }); });
    };
    return nb::make_tuple(tuple(n, [&](std::size_t i) { return labels.data()[drawn.slots[i]]; }),
                          tuple(n, [&](std::size_t i) { return arm(i).score; }),
                          tuple(n, [&](std::size_t i) { return arm(i).chance / static_cast<double>(arm(i).count); }),
                          table(drawn.nodes), table(drawn.marginals));
  }
};

}  // namespace arborank::bindings
