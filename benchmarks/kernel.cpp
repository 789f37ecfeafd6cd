// Times single queries inside the process that answers them, with no Python between them: ours through the search that
// the package calls, libpecos' through the C function that its package calls. kernel.py builds it as a shared library.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <utility>
#include <vector>

#include "beam_search.hpp"

using namespace arborank;

namespace {

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

struct Model {
  BeamTree tree;
  ScratchPool pool;
};

// libpecos' ScipyCsrF32.
struct PeerRow {
  std::uint32_t n_rows, n_columns;
  const std::uint64_t* begin;
  const std::uint32_t* features;
  const float* values;
};

// Where libpecos puts an answer: it asks for memory through a callback.
struct PeerAnswer {
  std::uint64_t begin[2];
  std::vector<std::uint32_t> ids;
  std::vector<float> scores;
  std::uint64_t n;
};
PeerAnswer peer_answer;

void allocate(bool, std::uint64_t, std::uint64_t, std::uint64_t n, void* ids, void* begin, void* scores) {
  if (peer_answer.ids.size() < n) {
    peer_answer.ids.resize(n);
    peer_answer.scores.resize(n);
  }
  peer_answer.n = n;
  *static_cast<std::uint32_t**>(ids) = peer_answer.ids.data();
  *static_cast<std::uint64_t**>(begin) = peer_answer.begin;
  *static_cast<float**>(scores) = peer_answer.scores.data();
}

typedef void (*PeerPredict)(void* model, const PeerRow* X, std::uint32_t beam, const char* transform, std::uint32_t k,
                            int threads, decltype(&allocate));

}  // namespace

extern "C" {

// The members of a LayerView that Python fills in.
struct LayerPointers {
  const std::int64_t* branches;
  const std::int32_t* ranks;
  const Extent* extents;
  const IndexEntry* index;
  const std::uint16_t* starts;
  const std::uint32_t* bases;
  const std::uint16_t *keys, *units;
  const float *bias, *scales;
  std::int64_t precision, n_parents, n_children, n_features, n_units;
};

void* open_model(const LayerPointers* layers, std::int64_t depth, const std::int32_t* labels, std::int64_t n_slots,
                 std::int64_t n_labels) {
  std::vector<LayerView> views;
  for (std::int64_t t = 0; t < depth; t++) {
    const LayerPointers& l = layers[t];
    views.push_back({l.branches, l.ranks, l.extents, l.index, l.starts, l.bases, l.keys, l.units, l.bias, l.scales,
                     static_cast<Precision>(l.precision), RankHash(l.n_features), l.n_parents, l.n_children,
                     l.n_features, l.n_units});
  }
  return new Model{BeamTree(std::move(views), labels, n_slots, n_labels), {}};
}

// Seconds of every query, and its k best labels, with the default score.
void time_model(void* model, const std::int64_t* indptr, const std::int32_t* features, const float* values,
                std::int64_t n_queries, std::int64_t n_features, std::int64_t k, std::int64_t beam, std::int64_t* ids,
                double* seconds) {
  SearchOptions options;
  options.k = k;
  options.beam_size = beam;
  std::vector<float> scores(k);
  Model& ours = *static_cast<Model*>(model);
  for (std::int64_t i = 0; i < n_queries; i++) {
    const CsrView row{indptr + i, features, values, 1, n_features};
    const double start = now();
    search(ours.tree, row, options, 1, {}, ours.pool, {ids + i * k, scores.data()});
    seconds[i] = now() - start;
  }
}

// The same of libpecos: of a model that it opened, with the function that it predicts with.
void time_peer(PeerPredict predict, void* model, const std::int64_t* indptr, const std::int32_t* features,
               const float* values, std::int64_t n_queries, std::int64_t n_features, std::int64_t k, std::int64_t beam,
               std::int64_t* ids, double* seconds) {
  for (std::int64_t i = 0; i < n_queries; i++) {
    const std::uint64_t begin[2] = {0, static_cast<std::uint64_t>(indptr[i + 1] - indptr[i])};
    const PeerRow row{1, static_cast<std::uint32_t>(n_features), begin,
                      reinterpret_cast<const std::uint32_t*>(features + indptr[i]), values + indptr[i]};
    const double start = now();
    predict(model, &row, static_cast<std::uint32_t>(beam), nullptr, static_cast<std::uint32_t>(k), 1, allocate);
    seconds[i] = now() - start;
    std::vector<std::pair<float, std::uint32_t>> found;
    for (std::uint64_t j = 0; j < peer_answer.n; j++)
      found.emplace_back(-peer_answer.scores[j], peer_answer.ids[j]);
    std::sort(found.begin(), found.end());
    for (std::int64_t j = 0; j < k; j++)
      ids[i * k + j] = j < static_cast<std::int64_t>(found.size()) ? found[j].second : -1;
  }
}
}
