// Trains the linear rankers of one tree layer: every child of every parent against its siblings' examples.
#pragma once
#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/pool.hpp"
#include "layer/check.hpp"
#include "train/block.hpp"
#include "train/dual.hpp"
#include "train/emit.hpp"
#include "train/lanes.hpp"
#include "train/logistic.hpp"
#include "train/primal.hpp"

namespace arborank::train {

constexpr float kCertain =
    20.0f;  // a margin: what hinges make of it is exactly 1, and its sigmoid 1 in single precision

struct TrainedLayer {
  layer::LayerArrays arrays;
  std::vector<float> bias;
  std::vector<float> learned,
      reaching;  // by child: sums of squared weights, of all and of those that reach the threshold
};

class LayerTrainer {
 public:
  // Parents first to last; the result is that part of the layer, the same as in the whole. The last n_documents rows
  // of X are documents of labels. X may lack instances that are no examples of these; `n_values` counts theirs, too. An
  // error on a row costs its weight times as much; no weights: all 1.
  LayerTrainer(const sparse::CsrView& X, const sparse::CsrView& active, const sparse::CsrView& positives,
               std::span<const std::int64_t> branches, std::int64_t first, std::int64_t last,
               std::span<const std::int32_t> ranks, std::int64_t n_documents, std::int64_t n_values,
               std::span<const float> weights, const SolverOptions& params)
      : X_(X),
        active_(active),
        positives_(positives),
        branches_(branches.data()),
        first_(first),
        last_(last),
        ranks_(ranks),
        first_document_(static_cast<std::int32_t>(X.n_rows - n_documents)),
        n_values_(n_values),
        weights_(weights),
        params_(params) {
    for (const auto& [matrix, name] : {std::pair(&active, "active"), std::pair(&positives, "positives")})
      if (matrix->n_cols != X.n_rows)
        throw std::invalid_argument(std::string(name) + " has " + std::to_string(matrix->n_cols) +
                                    " columns, but X has " + std::to_string(X.n_rows) + " rows");
    layer::check_branches(branches, positives.n_rows);
    layer::check_ranks(ranks, X.n_cols);
    const auto n_parents = static_cast<std::int64_t>(branches.size()) - 1;
    if (active.n_rows != n_parents)
      throw std::invalid_argument("branches must have shape (" + std::to_string(active.n_rows + 1) + ",), found (" +
                                  std::to_string(branches.size()) + ",)");
    if (n_documents < 0 || n_documents > X.n_rows)
      throw std::invalid_argument("n_documents is " + std::to_string(n_documents) + ", but X has " +
                                  std::to_string(X.n_rows) + " rows");
    if (!weights.empty() && static_cast<std::int64_t>(weights.size()) != X.n_rows)
      throw std::invalid_argument("weights has " + std::to_string(weights.size()) + " entries, but X has " +
                                  std::to_string(X.n_rows) + " rows");
    if (first < 0 || first > last || last > n_parents)
      throw std::invalid_argument("parents is (" + std::to_string(first) + ", " + std::to_string(last) +
                                  "), but there are " + std::to_string(n_parents) + " parents");
  }

  TrainedLayer train(int n_threads, const Tick& tick) {
    plan();
    run_threads(busy_threads(n_threads, n_groups_), tick, [&](int, Job& job) {
      BlockGatherer gatherer(X_.n_cols, n_values_);
      try {
        work(gatherer, job);
        std::lock_guard lock(mutex_);
        done_ = job.done();
      } catch (...) {
        std::lock_guard lock(mutex_);
        job.stop();
        changed_.notify_all();
        throw;
      }
    });
    return {layer::LayerArrays::join(std::move(chunks_), tick, done_), std::move(bias_), std::move(learned_),
            std::move(reaching_)};
  }

 private:
  struct Group {
    int first, n_lanes, width;  // first child among its siblings, labels, lanes of the vectors
  };
  // A parent whose examples are gathered: its groups are handed out, the last one to finish packs the chunk.
  struct OpenParent {
    std::int64_t id;
    TrainBlock block;
    std::vector<Group> groups;
    std::vector<GroupWeights> kept;
    std::size_t next = 0, done = 0;
  };

  // Nothing is to be learned of an only child that is right for all its parent's examples.
  bool is_certain(std::int64_t parent) const {
    const std::int64_t child = branches_[parent], n = active_.length(parent);
    return n_children(parent) == 1 && n > 0 && positives_.length(child) == n &&
           std::equal(active_.indices + active_.begin(parent), active_.indices + active_.end(parent),
                      positives_.indices + positives_.begin(child));
  }

  int n_children(std::int64_t parent) const { return static_cast<int>(branches_[parent + 1] - branches_[parent]); }

  void plan() {
    bias_.assign(branches_[last_] - branches_[first_], 0.0f);
    learned_.assign(bias_.size(), 0.0f);
    reaching_.assign(bias_.size(), 0.0f);
    chunks_.resize(last_ - first_);
    queue_.resize(last_ - first_);
    std::iota(queue_.begin(), queue_.end(), first_);
    auto work = [&](std::int64_t p) { return active_.length(p) * n_children(p); };
    std::stable_sort(queue_.begin(), queue_.end(), [&](auto a, auto b) { return work(a) > work(b); });
    for (std::int64_t p = first_; p < last_; p++)
      n_groups_ += static_cast<std::int64_t>(groups_of(p).size());
  }

  std::vector<Group> groups_of(std::int64_t parent) const {
    std::vector<Group> groups;
    const int n = is_certain(parent) ? 0 : n_children(parent);
    for (int first = 0; first < n; first += kLanes) {
      const int n_lanes = std::min(kLanes, n - first);
      groups.push_back({first, n_lanes, n_lanes <= 4 ? 4 : n_lanes <= 8 ? 8 : 16});
    }
    return groups;
  }

  // Threads first help with parents already open, so that few blocks are in memory at a time.
  void work(BlockGatherer& gatherer, Job& job) {
    std::unique_lock lock(mutex_);
    while (!job.stopped()) {
      const auto open =
          std::find_if(open_.begin(), open_.end(), [](const auto& p) { return p->next < p->groups.size(); });
      if (open != open_.end()) {
        OpenParent& parent = **open;
        const std::size_t g = parent.next++;
        lock.unlock();
        solve(parent, g, job);
        lock.lock();
        if (++parent.done == parent.groups.size())
          close(parent, lock);
      } else if (next_parent_ < queue_.size()) {
        const std::int64_t id = queue_[next_parent_++];
        gathering_++;
        lock.unlock();
        auto parent = gather(gatherer, id, job);
        lock.lock();
        gathering_--;
        if (parent->groups.empty()) {
          chunks_[id - first_] = layer::ChunkPacker(ranks_, n_children(id)).finish();
          if (n_children(id) > 0)
            bias_[branches_[id] - branches_[first_]] = kCertain;
        } else {
          open_.push_back(std::move(parent));
        }
        changed_.notify_all();
      } else if (gathering_ > 0) {
        changed_.wait(lock);
      } else {
        break;
      }
    }
    changed_.notify_all();
  }

  std::unique_ptr<OpenParent> gather(BlockGatherer& gatherer, std::int64_t id, const Job& job) {
    auto parent = std::make_unique<OpenParent>();
    parent->id = id;
    parent->groups = groups_of(id);
    parent->kept.resize(parent->groups.size());
    if (!parent->groups.empty())
      parent->block = gatherer.gather(X_, active_.indices + active_.begin(id), active_.length(id), job);
    return parent;
  }

  void close(OpenParent& parent, std::unique_lock<std::mutex>& lock) {
    const auto place = std::find_if(open_.begin(), open_.end(), [&](const auto& p) { return p.get() == &parent; });
    const auto mine = std::move(*place);
    open_.erase(place);
    lock.unlock();
    chunks_[mine->id - first_] = pack_groups(mine->block, std::move(mine->kept), ranks_, n_children(mine->id));
    lock.lock();
  }

  void solve(OpenParent& parent, std::size_t g, Job& job) {
    switch (parent.groups[g].width) {
      case 4:
        return solve_lanes<4>(parent, g, job);
      case 8:
        return solve_lanes<8>(parent, g, job);
      default:
        return solve_lanes<16>(parent, g, job);
    }
  }

  template <int L>
  void solve_lanes(OpenParent& parent, std::size_t g, Job& job) {
    const Group group = parent.groups[g];
    const LaneTargets targets = targets_of(parent, group);
    const std::uint64_t seed = static_cast<std::uint64_t>(parent.block.n);  // wherever the family stands
    LaneWeights<L> weights;
    switch (params_.solver) {
      case Solver::logistic_dual:
        weights = LogisticDual<L>(parent.block, targets, group.n_lanes, params_, seed).solve(job);
        break;
      case Solver::l2svc_primal:
        weights = SvmPrimal<L>(parent.block, targets, group.n_lanes, params_).solve(job);
        break;
      default:
        weights = SvmDual<L>(parent.block, targets, group.n_lanes, params_, seed).solve(job);
    }
    if (job.stopped())
      return;
    const std::int64_t child = branches_[parent.id] - branches_[first_] + group.first;
    const Float<L> threshold = thresholds<L>(parent.block, targets, params_);
    for (int lane = 0; lane < group.n_lanes; lane++)
      bias_[child + lane] =
          std::fabs(weights.constant[lane]) < threshold[lane] ? 0.0f : weights.constant[lane] * params_.bias;
    auto& kept = parent.kept[g];
    kept = keep_weights<L>(parent.block, weights, threshold, group.first, group.n_lanes, params_.max_nonzeros);
    std::copy(kept.learned.begin(), kept.learned.end(), learned_.begin() + child);
    std::copy(kept.reaching.begin(), kept.reaching.end(), reaching_.begin() + child);
    job.advance(parent.block.n * group.n_lanes);
  }

  LaneTargets targets_of(const OpenParent& parent, const Group& group) const {
    LaneTargets targets;
    targets.positive.assign(parent.block.n, 0);
    const std::int32_t* rows = active_.indices + active_.begin(parent.id);
    const std::int32_t* rows_end = rows + parent.block.n;
    if (!weights_.empty())
      for (const std::int32_t* row = rows; row < rows_end; row++)
        targets.weight.push_back(weights_[*row]);
    for (int lane = 0; lane < group.n_lanes; lane++) {
      const std::int64_t child = branches_[parent.id] + group.first + lane;
      for (std::int64_t k = positives_.begin(child); k < positives_.end(child); k++) {
        const std::int32_t* at = std::lower_bound(rows, rows_end, positives_.indices[k]);
        if (at == rows_end || *at != positives_.indices[k])
          throw std::invalid_argument("positives: row " + std::to_string(positives_.indices[k]) +
                                      " is positive for child " + std::to_string(child) +
                                      " but is not active for its parent " + std::to_string(parent.id));
        const std::int64_t row = at - rows;
        targets.positive[row] |= static_cast<std::uint16_t>(1u << lane);
        if (positives_.data[k] != 1.0f)
          set_cost(targets, parent, group, row, lane, positives_.data[k]);
      }
    }
    spare_documents(targets, parent, group);
    return targets;
  }

  static void set_cost(LaneTargets& targets, const OpenParent& parent, const Group& group, std::int64_t row, int lane,
                       float cost) {
    if (targets.relevance.empty())
      targets.relevance.assign(parent.block.n * group.width, 1.0f);
    targets.relevance[row * group.width + lane] = cost;
  }

  // Every label has about as many documents, which nobody asks for: as negatives of a child with many instances, they
  // would make it seem rarer than it is. They cost one nothing that has a greater share of the instances than of them.
  void spare_documents(LaneTargets& targets, const OpenParent& parent, const Group& group) const {
    const std::int64_t n = parent.block.n, n_documents = documents_of(active_, parent.id);
    for (int lane = 0; lane < group.n_lanes && n_documents > 0; lane++) {
      const std::int64_t child = branches_[parent.id] + group.first + lane, own = documents_of(positives_, child);
      if ((positives_.length(child) - own) * n_documents <= own * (n - n_documents))
        continue;
      const auto bit = static_cast<std::uint16_t>(1u << lane);
      for (std::int64_t row = n - n_documents; row < n; row++) {
        if (targets.positive[row] & bit)
          continue;
        targets.positive[row] |= bit;
        set_cost(targets, parent, group, row, lane, 0.0f);
      }
    }
  }

  std::int64_t documents_of(const sparse::CsrView& rows, std::int64_t row) const {
    const std::int32_t* end = rows.indices + rows.end(row);
    return end - std::lower_bound(rows.indices + rows.begin(row), end, first_document_);
  }

  const sparse::CsrView& X_;
  const sparse::CsrView& active_;
  const sparse::CsrView& positives_;
  const std::int64_t* branches_;
  const std::int64_t first_, last_;
  const std::span<const std::int32_t> ranks_;  // of the features, for the layout
  const std::int32_t first_document_;
  const std::int64_t n_values_;
  const std::span<const float> weights_;
  const SolverOptions& params_;

  std::vector<std::int64_t> queue_;  // parents, most work first
  std::size_t next_parent_ = 0;
  std::int64_t n_groups_ = 0;
  int gathering_ = 0;
  std::int64_t done_ = 0;  // work units
  std::vector<std::unique_ptr<OpenParent>> open_;
  std::mutex mutex_;
  std::condition_variable changed_;

  std::vector<layer::PackedChunk> chunks_;
  std::vector<float> bias_, learned_, reaching_;
};

}  // namespace arborank::train
