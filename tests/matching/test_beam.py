import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arborank.core.sparse import as_csr
from arborank.matching.beam import BeamSearch
from arborank.matching.combine import COMBINATIONS
from arborank.ranking.weights import PRECISIONS
from support.beam import random_instances, random_model, topk

seeds = st.integers(0, 2**32 - 1)


def assert_same(got, expected):
    np.testing.assert_array_equal(got[0], expected[0])
    np.testing.assert_array_equal(got[1], expected[1])
    assert got[0].dtype == np.int64
    assert got[1].dtype == np.float32


def random_mask(rng, n_rows, n_labels, share):
    mask = (rng.random((n_rows, n_labels)) < share).astype(np.float32)
    mask[rng.random(n_rows) < 0.15] = 0  # nothing allowed, nothing excluded
    return mask


@settings(deadline=None, max_examples=150)
@given(
    seed=seeds,
    depth=st.integers(1, 4),
    widest=st.sampled_from([1, 2, 5, 16, 17, 40, 70]),
    n_rows=st.integers(1, 12),
    k=st.sampled_from([1, 3, 10, 40, 500]),
    beam_size=st.sampled_from([1, 2, 7, 30, 1000]),
    combine=st.sampled_from(COMBINATIONS),
    overlap=st.booleans(),
    mask=st.sampled_from(["", "allowed", "excluded", "both", "shared"]),
    precision=st.sampled_from(PRECISIONS),
    rare=st.booleans(),
)
def test_equals_reference(seed, depth, widest, n_rows, k, beam_size, combine, overlap, mask, precision, rare):
    rng = np.random.default_rng(seed)
    n_features = 1500 if rare else int(rng.integers(1, 40))
    model = random_model(
        rng,
        depth=depth,
        widest=widest,
        n_features=n_features,
        density=0.01 if rare else 0.3,
        overlap=overlap,
        precision=precision,
    )
    X = random_instances(rng, n_rows, n_features)
    allowed = excluded = None
    if mask in ("allowed", "both", "shared"):
        share = rng.choice([0.02, 0.3, 0.9])
        allowed = random_mask(rng, 1 if mask == "shared" else n_rows, model.n_labels, share)
    if mask in ("excluded", "both", "shared"):
        excluded = random_mask(rng, 1 if mask == "shared" else n_rows, model.n_labels, 0.3)
    search = model.search()
    masks = {
        "allowed": None if allowed is None else as_csr(allowed),
        "excluded": None if excluded is None else as_csr(excluded),
    }
    expected = topk(model, X, k, beam_size, combine, allowed, excluded)
    options = {"beam_size": beam_size, "combine": combine}
    assert_same(search.topk(as_csr(X), k, **options, **masks), expected)  # one by one
    assert_same(search.topk(as_csr(X), k, n_threads=2, **options, **masks), expected)  # grouped


@settings(deadline=None, max_examples=80)
@given(
    seed=seeds,
    depth=st.integers(1, 4),
    widest=st.sampled_from([1, 5, 17, 70]),
    k=st.sampled_from([1, 3, 40]),
    beam_size=st.sampled_from([1, 3, 30, 1000]),
    combine=st.sampled_from(COMBINATIONS),
    overlap=st.booleans(),
    parts=st.sets(st.sampled_from(["allowed", "excluded", "weights"])),
    row_masks=st.booleans(),
)
def test_prepared_filter_equals_reference(
    seed, depth, widest, k, beam_size, combine, overlap, parts, row_masks
):
    rng = np.random.default_rng(seed)
    model = random_model(rng, depth=depth, widest=widest, n_features=20, overlap=overlap)
    X = random_instances(rng, 12, 20)
    L = model.n_labels
    allowed = rng.random(L) < rng.choice([0.0, 0.05, 0.5]) if "allowed" in parts else np.ones(L, bool)
    excluded = rng.random(L) < 0.3 if "excluded" in parts else np.zeros(L, bool)
    weights = None
    if "weights" in parts and combine != "noop":
        # powers of two: no product is rounded; logarithms need not be the same in C and numpy
        weights = np.exp2(rng.integers(-3, 4, size=L)).astype(np.float32)
        weights[rng.random(L) < 0.1] = 0
        if combine.startswith("log-"):
            weights = (weights > 0).astype(np.float32)
    search = model.search()
    prepared = search.filter(
        allowed=np.flatnonzero(allowed) if "allowed" in parts else None,
        excluded=rng.permutation(np.flatnonzero(excluded)) if "excluded" in parts else None,
        weights=weights,
    )
    options = {"beam_size": beam_size, "combine": combine, "label_filter": prepared}
    both = {"allowed": None, "excluded": excluded[None]}
    if "allowed" in parts:
        both["allowed"] = allowed[None]
    if row_masks:  # of every row, beside what holds for all
        own = random_mask(rng, 12, L, 0.3)
        options["excluded"] = as_csr(own)
        both["excluded"] = (own != 0) | excluded
    expected = topk(model, X, k, beam_size, combine, **both, weights=weights)
    assert_same(search.topk(as_csr(X), k, **options), expected)
    assert_same(search.topk(as_csr(X), k, n_threads=2, **options), expected)


@settings(deadline=None, max_examples=80)
@given(
    seed=seeds,
    depth=st.integers(1, 3),
    widest=st.sampled_from([2, 5, 17, 70]),
    k=st.sampled_from([1, 3, 40, 500]),
    beam_size=st.sampled_from([1, 3, 30, 1000]),
    combine=st.sampled_from(COMBINATIONS),
    merge=st.sampled_from(["mean", "log-sum", "average"]),
    parts=st.sets(st.sampled_from(["allowed", "excluded", "weights"])),
)
def test_merging_equals_reference(seed, depth, widest, k, beam_size, combine, merge, parts):
    rng = np.random.default_rng(seed)
    model = random_model(rng, depth=depth, widest=widest, n_features=20, overlap=True)
    X = random_instances(rng, 9, 20)
    allowed, excluded = (
        random_mask(rng, 9, model.n_labels, 0.4) if name in parts else None
        for name in ("allowed", "excluded")
    )
    weights = None
    if "weights" in parts and combine != "noop" and (merge != "log-sum" or combine.startswith("log-")):
        weights = (rng.random(model.n_labels) < 0.8).astype(np.float32)
    options = {"beam_size": beam_size, "combine": combine, "merge": merge, "weights": weights}
    options |= {"allowed": None if allowed is None else as_csr(allowed)}
    options |= {"excluded": None if excluded is None else as_csr(excluded)}
    search = model.search()
    expected = topk(model, X, k, beam_size, combine, allowed, excluded, weights, merge)
    got = search.topk(as_csr(X), k, **options)
    if merge == "mean" or (merge == "average" and not combine.startswith("log-")):
        assert_same(got, expected)
    else:  # exponentials and logarithms need not be the same in C and numpy
        np.testing.assert_allclose(got[1], expected[1], rtol=1e-5, atol=1e-6)
    for n_threads in (2, 3):
        assert_same(search.topk(as_csr(X), k, n_threads=n_threads, **options), got)


def test_weights_of_labels_and_a_sum_of_shares():
    model = random_model(np.random.default_rng(0), depth=2, widest=6, n_features=5, overlap=True)
    X = as_csr(np.ones((1, 5), np.float32))
    weights = np.ones(model.n_labels, np.float32)
    with pytest.raises(ValueError, match="merge='log-sum' go together only with a log- combination"):
        model.search().topk(X, 3, merge="log-sum", weights=weights)
    with pytest.raises(
        ValueError, match="merge must be one of 'max', 'mean', 'log-sum', 'average', found 'sum'"
    ):
        model.search().topk(X, 3, merge="sum")


@settings(deadline=None, max_examples=60)
@given(
    seed=seeds,
    depth=st.integers(1, 4),
    widest=st.sampled_from([1, 5, 17, 70]),
    overlap=st.booleans(),
    kinds=st.lists(st.sampled_from(["", "allowed", "excluded", "both"]), min_size=2, max_size=6),
)
def test_a_filter_of_one_query_leaves_no_trace(seed, depth, widest, overlap, kinds):
    rng = np.random.default_rng(seed)
    model = random_model(rng, depth=depth, widest=widest, n_features=20, overlap=overlap)
    search, L = model.search(), model.n_labels
    for kind in kinds:
        x = random_instances(rng, 1, 20)
        masks, ids = {"allowed": None, "excluded": None}, {}
        for name in ("allowed", "excluded") if kind == "both" else (kind,) if kind else ():
            masks[name] = random_mask(rng, 1, L, rng.choice([0.05, 0.5]))
            chosen = np.flatnonzero(masks[name])  # in any order, some of them twice
            ids[name] = rng.permutation(np.concatenate([chosen, chosen[::2]]))
        expected = topk(model, x, 7, 3, "l3-hinge", masks["allowed"], masks["excluded"])
        assert_same(search.topk(as_csr(x), 7, beam_size=3, **ids), expected)


def test_a_long_filter_that_is_repeated_may_change_in_place(monkeypatch):
    monkeypatch.setattr("arborank.matching.beam._MANY", 3)
    rng = np.random.default_rng(4)
    model = random_model(rng, depth=2, widest=30, n_features=20)
    search, ids = model.search(), np.arange(5)
    for step in range(12):
        x = random_instances(rng, 1, 20)
        mask = np.zeros((1, model.n_labels), np.float32)
        mask[:, ids] = 1
        for name in ("allowed", "excluded"):
            expected = topk(model, x, 7, 3, "l3-hinge", **{name: mask})
            for _ in range(3):
                assert_same(search.topk(as_csr(x), 7, beam_size=3, **{name: ids}), expected)
        if step % 3 == 2:
            ids += 2


def test_weights_reorder_the_labels_of_the_beam():
    rng = np.random.default_rng(8)
    model = random_model(rng, depth=2, widest=30, n_features=40, exact=False)
    X = as_csr(random_instances(rng, 40, 40, exact=False))
    weights = rng.uniform(0, 3, size=model.n_labels).astype(np.float32)
    search = model.search()
    for combine in ("l3-hinge", "sigmoid", "log-l2-hinge"):
        ids, scores = search.topk(X, model.n_labels, combine=combine)
        with np.errstate(divide="ignore", invalid="ignore"):
            factors = weights[np.maximum(ids, 0)]
            weighted = scores + np.log(factors) if combine.startswith("log-") else scores * factors
        expected = -np.sort(-np.where(ids >= 0, weighted, -np.inf), axis=1)[:, :7]
        got = search.topk(X, 7, combine=combine, weights=weights)
        np.testing.assert_allclose(got[1], expected, rtol=1e-6)
        prepared = search.filter(weights=weights)
        assert_same(search.topk(X, 7, combine=combine, label_filter=prepared), got)


@pytest.mark.parametrize("overlap", [False, True])
@pytest.mark.parametrize("n_rows", [1, 40])
def test_a_label_of_weight_zero_is_excluded(overlap, n_rows):
    rng = np.random.default_rng(9)
    model = random_model(rng, depth=2, widest=30, n_features=40, exact=False, overlap=overlap)
    X = as_csr(random_instances(rng, n_rows, 40, exact=False))
    hidden = rng.permutation(model.n_labels)[: model.n_labels // 2]
    weights = np.ones(model.n_labels, np.float32)
    weights[hidden] = [0.0, -0.0] * (hidden.size // 2) + [0.0] * (hidden.size % 2)
    search = model.search()
    for combine in ("l3-hinge", "sigmoid", "log-sigmoid", "log-l2-hinge"):
        got = search.topk(X, model.n_labels, combine=combine, weights=weights)
        assert_same(
            got, search.topk(X, model.n_labels, combine=combine, label_filter=search.filter(excluded=hidden))
        )
        assert np.isfinite(got[1][got[0] >= 0]).all()
        assert not np.isin(got[0], hidden).any()
        none = search.topk(X, 3, combine=combine, weights=np.zeros(model.n_labels, np.float32))
        assert (none[0] == -1).all()
        assert (none[1] == -np.inf).all()
        assert not np.isnan(none[1]).any()


def test_filters_refuse():
    model = random_model(np.random.default_rng(0), depth=2, widest=6, n_features=5)
    search, X = model.search(), as_csr(np.ones((2, 5), np.float32))
    L = model.n_labels
    for wrong, match in [
        ({"allowed": np.array([L])}, f"allowed holds label {L}"),
        ({"excluded": np.array([-1])}, "excluded holds label -1"),
        ({"weights": np.ones(L + 1)}, f"weights has {L + 1} entries"),
        ({"weights": np.full(L, -1.0)}, "weights must be finite and at least 0, found -1"),
        ({"weights": np.full(L, np.nan)}, "weights must be finite"),
        ({"weights": np.full(L, np.inf)}, "weights must be finite"),
    ]:
        with pytest.raises(ValueError, match=match):
            search.filter(**wrong)
    prepared = search.filter(weights=np.ones(L, np.float32))
    with pytest.raises(ValueError, match="combine is 'noop'"):
        search.topk(X, 3, combine="noop", label_filter=prepared)
    with pytest.raises(ValueError, match="made for another model"):
        model.search().topk(X, 3, label_filter=prepared)
    with pytest.raises(ValueError, match="label_filter is given"):
        search.topk(X, 3, label_filter=prepared, weights=np.ones(L, np.float32))
    with pytest.raises(ValueError, match="allowed has 1 columns"):
        search.topk(X, 3, allowed=as_csr(np.ones((1, 1), np.float32)))


@settings(deadline=None, max_examples=40)
@given(
    seed=seeds,
    combine=st.sampled_from(COMBINATIONS),
    overlap=st.booleans(),
    precision=st.sampled_from(PRECISIONS),
)
def test_same_bytes_on_every_path(seed, combine, overlap, precision):
    """Weights whose sums do depend on their order: batch, single rows and any number of threads agree."""
    rng = np.random.default_rng(seed)
    model = random_model(
        rng, depth=3, widest=40, n_features=60, overlap=overlap, exact=False, precision=precision
    )
    X = random_instances(rng, 90, 60, exact=False)
    search = model.search()
    batch = search.topk(as_csr(X), 10, combine=combine)
    for n_threads in (2, 7):
        again = search.topk(as_csr(X), 10, combine=combine, n_threads=n_threads)
        assert [a.tobytes() for a in again] == [b.tobytes() for b in batch]
    for i, x in enumerate(X):
        one = search.topk(as_csr(x[None]), 10, combine=combine)
        assert one[0].tobytes() == batch[0][i].tobytes()
        assert one[1].tobytes() == batch[1][i].tobytes()


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("widest", [4, 40, 150])
def test_a_batch_that_lays_chunks_out_gives_the_bytes_of_single_rows(widest, precision):
    """More than the common features, and rows enough that their chunks' maps and rows are laid out."""
    rng = np.random.default_rng(widest)
    model = random_model(rng, depth=2, widest=widest, n_features=900, exact=False, precision=precision)
    X = random_instances(rng, 200, 900, density=0.2, exact=False)
    search = model.search()
    batch = search.topk(as_csr(X), 10)
    for i, x in enumerate(X):
        one = search.topk(as_csr(x[None]), 10)
        assert one[0].tobytes() == batch[0][i].tobytes()
        assert one[1].tobytes() == batch[1][i].tobytes()


def test_real_valued_scores_are_close_to_the_reference():
    rng = np.random.default_rng(5)
    model = random_model(rng, depth=2, widest=50, n_features=80, exact=False)
    X = random_instances(rng, 30, 80, exact=False)
    for combine in COMBINATIONS:
        scores = model.search().topk(as_csr(X), 5, beam_size=1000, combine=combine)[1]
        expected = topk(model, X, 5, 1000, combine)[1]
        np.testing.assert_allclose(scores, expected, rtol=2e-5, atol=2e-6)


def test_every_candidate_is_scored_with_a_large_beam():
    rng = np.random.default_rng(1)
    model = random_model(rng, depth=3, widest=12, n_features=20)
    X = random_instances(rng, 8, 20)
    allowed = np.zeros((8, model.n_labels), np.float32)
    chosen = rng.choice(model.n_labels, size=5, replace=False)
    allowed[:, chosen] = 1
    ids, scores = model.search().topk(
        as_csr(X), 7, beam_size=5, combine="log-sigmoid", allowed=as_csr(allowed)
    )
    assert (np.sort(ids[:, :5], axis=1) == np.sort(chosen)).all()
    assert (ids[:, 5:] == -1).all()
    assert np.isneginf(scores[:, 5:]).all()


def test_top_of_a_tree_gives_nodes():
    rng = np.random.default_rng(2)
    model = random_model(rng, depth=3, widest=9, n_features=20)
    X = as_csr(random_instances(rng, 20, 20))
    top = BeamSearch(
        model.branches[:2],
        model.layers()[:2],
        np.arange(model.branches[1][-1], dtype=np.int32),
        int(model.branches[1][-1]),
    )
    nodes, scores = top.nodes(X, 4, combine="l2-hinge")
    assert nodes.shape == scores.shape == (20, 4)
    model.branches, model.matrices, model.biases = model.branches[:2], model.matrices[:2], model.biases[:2]
    model.labels = np.arange(model.branches[1][-1])
    from arborank.core.sparse import to_scipy

    assert_same((nodes, scores), topk(model, to_scipy(X).toarray(), 4, 4, "l2-hinge"))


def test_no_rows():
    model = random_model(np.random.default_rng(0), depth=2, widest=4, n_features=3)
    ids, scores = model.search().topk(as_csr(np.zeros((0, 3), np.float32)), 5)
    assert ids.shape == scores.shape == (0, 5)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.subprocess
@pytest.mark.parametrize("n_rows", [1, 200])
def test_works_after_fork(n_rows):
    rng = np.random.default_rng(3)
    model = random_model(rng, depth=3, widest=9, n_features=20)
    X = as_csr(random_instances(rng, n_rows, 20))
    search = model.search()
    expected = search.topk(X, 5, n_threads=2)
    pid = os.fork()
    if pid == 0:  # the child must not return into pytest
        code = 1
        try:
            got = search.topk(X, 5, n_threads=2)
            code = 0 if all(np.array_equal(a, b) for a, b in zip(got, expected, strict=True)) else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_progress_reports_and_can_stop():
    rng = np.random.default_rng(4)
    model = random_model(rng, depth=3, widest=40, n_features=60, density=1.0)
    X = as_csr(np.tile(random_instances(rng, 500, 60), (60, 1)))

    class Enough(Exception):
        pass

    def stop(done):
        raise Enough

    with pytest.raises(Enough):
        model.search().topk(X, 50, beam_size=200, combine="noop", progress=stop)


class TestRefusals:
    @pytest.fixture
    def model(self):
        return random_model(np.random.default_rng(0), depth=2, widest=4, n_features=3)

    def test_arguments(self, model):
        X, search = as_csr(np.ones((2, 3), np.float32)), model.search()
        with pytest.raises(ValueError, match="X has 4 features, but 3"):
            search.topk(as_csr(np.ones((2, 4), np.float32)), 5)
        with pytest.raises(ValueError, match="k must be a positive integer, found 0"):
            search.topk(X, 0)
        with pytest.raises(ValueError, match="beam_size must be a positive integer, found -1"):
            search.topk(X, 1, beam_size=-1)
        with pytest.raises(ValueError, match="'l9-hinge'"):
            search.topk(X, 1, combine="l9-hinge")
        for name in ("allowed", "excluded"):
            for shape in ((2, model.n_labels + 1), (3, model.n_labels)):
                with pytest.raises(ValueError, match=name + " has shape"):
                    search.topk(X, 1, **{name: as_csr(np.ones(shape, np.float32))})

    def test_layers_that_do_not_fit(self, model):
        layers = model.layers()
        with pytest.raises(ValueError, match="2 levels below the root, but there are 1 layers"):
            BeamSearch(model.branches, layers[:1], model.labels, model.n_labels)
        with pytest.raises(ValueError, match="layer 0 was made for another tree"):
            BeamSearch(model.branches[::-1], layers, model.labels, model.n_labels)
        with pytest.raises(ValueError, match="at least one layer"):
            BeamSearch([], [], model.labels, model.n_labels)
        with pytest.raises(ValueError, match="layer 0 has"):
            BeamSearch(model.branches[1:], layers[1:], model.labels, model.n_labels)
        with pytest.raises(ValueError, match="labels has"):
            BeamSearch(model.branches, layers, model.labels[:-1], model.n_labels)
        with pytest.raises(ValueError, match="labels holds"):
            BeamSearch(model.branches, layers, model.labels + 1, model.n_labels)


@pytest.mark.parametrize("overlap", [False, True])
@pytest.mark.parametrize("size", [1, 3, 40, 700])
def test_filters_of_one_query_in_a_large_tree(overlap, size):
    rng = np.random.default_rng(7)
    model = random_model(rng, depth=3, widest=60, n_features=8, overlap=overlap, most=30_000)
    assert model.labels.size > 3 * 4096
    search, x = model.search(), random_instances(rng, 1, 8)
    for _ in range(3):
        ids = {name: rng.choice(model.n_labels, size, replace=False) for name in ("allowed", "excluded")}
        masks = {name: np.zeros((1, model.n_labels), np.float32) for name in ids}
        for name, chosen in ids.items():
            masks[name][:, chosen] = 1
        for names in (("allowed",), ("excluded",), ("allowed", "excluded")):
            expected = topk(model, x, 9, 5, "l3-hinge", *(masks[n] if n in names else None for n in ids))
            found = search.topk(as_csr(x), 9, beam_size=5, **{name: ids[name] for name in names})
            assert_same(found, expected)
