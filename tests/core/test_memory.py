import logging
from pathlib import Path

import numpy as np
import pytest

from arborank import LabelTree, XRLinear
from arborank.core import memory
from arborank.core.estimates import Estimate, check_fits, estimate_training
from arborank.core.memory import available_memory, check_label_arrays_fit, format_bytes

SIZES = {"n_instances": 40_000, "n_features": 200_000, "nnz": 4_000_000, "label_counts": np.full(10_000, 17)}


def test_inputs_are_the_bytes_of_the_matrices():
    estimate = estimate_training(**SIZES)
    x = 4_000_000 * 8 + 40_000 * 8
    y = 170_000 * 8 + (40_000 + 10_000) * 8
    assert x + y < estimate.inputs < x + 3 * y
    assert estimate.total == estimate.inputs + estimate.needed


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"threshold": 0.2}, "weights"),
        ({"max_nonzeros": 100}, "weights"),
        ({"n_features": 50_000}, "working"),
        ({"nnz": 2_000_000}, "working"),
        ({"label_counts": np.full(5_000, 17)}, "index"),
        ({"n_threads": 1}, "index"),
    ],
)
def test_what_the_message_proposes_helps(change, part):
    before = estimate_training(**{"n_threads": 4, **SIZES})
    after = estimate_training(**{"n_threads": 4, **SIZES, **change})
    assert getattr(after, part) < getattr(before, part)
    assert after.total <= before.total


def test_index_holds_6_bytes_a_value_of_the_label_vectors():
    long = {"n_instances": 1000, "n_features": 10**7, "nnz": 1000 * 500, "label_counts": np.full(10_000, 40)}
    values = 10_000 * 500 * 40 ** (1.15 - 0.068 * np.log(500))
    assert estimate_training(**long, n_threads=1).index == pytest.approx(
        6 * values + 80 * 10_000 + 20 * 10**7, rel=1e-6
    )


def test_fewer_weights_the_higher_the_threshold():
    thresholds = [0.0, 0.001, 0.01, 0.05, 0.1, 0.3, 1.0]
    sizes = [estimate_training(**SIZES, threshold=threshold).weights for threshold in thresholds]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] > 5 * sizes[4]


def test_trees_take_memory():
    one, three = (estimate_training(**SIZES, n_trees=n) for n in (1, 3))
    assert three.weights == pytest.approx(3 * one.weights)
    assert three.working == one.working + 24 * 2 * 170_000
    assert 1.5 * one.index < three.index < 2 * one.index


def test_copies_of_labels_take_memory():
    one, two, six = (estimate_training(**SIZES, max_clusters=most) for most in (1, 2, 6))
    assert 1.2 * one.weights < two.weights < 1.5 * one.weights
    assert two.working == one.working + 40 * (40_000 * 10 + 170_000)
    assert six == two  # leaves do not grow further
    assert estimate_training(**SIZES, max_clusters=2, beam_size=20).working > two.working
    full, fuller = (estimate_training(**SIZES, max_clusters=most, copies="all") for most in (2, 4))
    assert 1.5 * one.weights < full.weights < 2 * one.weights < fuller.weights
    assert full.working > two.working


# What training on real data came to: instances, features, values, labels and positives; threshold, and megabytes of
# the layers' arrays.
MEASURED = [
    (44_625, 280_440, 4_038_000, 31_238, 219_601, 0.1, 65.5),
    (44_625, 280_440, 4_038_000, 31_238, 219_601, 0.05, 107.8),
    (44_625, 280_440, 4_038_000, 31_238, 219_601, 0.01, 273.0),
    (92_334, 300_000, 11_329_000, 95_653, 323_024, 0.1, 193.5),
    (45_000, 300_000, 23_585_000, 4_108, 228_322, 0.1, 37.6),
    (590_334, 300_000, 11_334_000, 25_244, 1_443_339, 0.1, 192.6),
]


@pytest.mark.parametrize(
    ("n_instances", "n_features", "nnz", "n_labels", "n_positives", "threshold", "megabytes"), MEASURED
)
def test_weights_are_about_what_they_were_in_real_models(
    n_instances, n_features, nnz, n_labels, n_positives, threshold, megabytes
):
    # a few labels have most positives, as anywhere
    shares = 1 / np.arange(5, n_labels + 5) ** 0.9
    counts = np.maximum(np.round(shares / shares.sum() * n_positives), 1)
    estimate = estimate_training(
        n_instances=n_instances, n_features=n_features, nnz=nnz, label_counts=counts, threshold=threshold
    )
    assert 0.7 < estimate.weights / (megabytes * 1e6) < 1.9


def test_an_index_is_only_needed_where_the_tree_is_grown(caplog):
    X, Y = np.eye(4), [[0], [1], [2], [3]]
    with caplog.at_level(logging.INFO, "arborank"):
        XRLinear(tree=LabelTree.one_vs_all(4)).fit(X, Y)
    assert "the tree 0 bytes" in caplog.text


def test_of_one_value_a_layer_the_costliest_counts():
    cheap = estimate_training(**SIZES, threshold=0.2, max_nonzeros=50)
    assert estimate_training(**SIZES, threshold=[0.2, 0.3], max_nonzeros=[50, 10], Cp=[1.0, 0.5]) == cheap
    assert estimate_training(**SIZES, threshold=[0.2, 0.3], max_nonzeros=[50, None]).weights > cheap.weights


@pytest.mark.parametrize("counts", [[], [0], [1], [0, 0, 3]])
def test_degenerate_sizes(counts):
    estimate = estimate_training(n_instances=0, n_features=0, nnz=0, label_counts=counts)
    assert 0 <= estimate.total - estimate.base < 10_000


def test_check_refuses_and_names_both_numbers_and_the_ways_out(monkeypatch):
    monkeypatch.setattr("arborank.core.estimates.available_memory", lambda: 2 * 10**9)
    with pytest.raises(MemoryError, match=r"needs about 3 GB .* 2 GB are free") as caught:
        check_fits(Estimate(inputs=9, index=0, weights=10**9, working=2 * 10**9))
    for way in ("max_features", "threshold", "max_nonzeros", "n_jobs", "subset"):
        assert way in str(caught.value)


def test_check_logs_what_fits(caplog, monkeypatch):
    monkeypatch.setattr("arborank.core.estimates.available_memory", lambda: 2 * 10**6)
    with caplog.at_level(logging.INFO, "arborank"):
        check_fits(Estimate(inputs=10**12, index=1, weights=1, working=10**6))
    assert "working memory 1 MB" in caplog.text
    assert "2 MB free" in caplog.text


def test_available_memory_of_this_machine():
    found = available_memory()
    assert found is not None
    assert 2**20 < found < 2**50


def test_cgroup_version_2_counts_reclaimable_cache_as_free_and_ancestors_too(tmp_path: Path):
    (tmp_path / "membership").write_text("0::/user/job\n")
    job = tmp_path / "user" / "job"
    job.mkdir(parents=True)
    for folder, limit, usage in ((job, "1000\n", "700\n"), (job.parent, "max\n", "900\n")):
        (folder / "memory.max").write_text(limit)
        (folder / "memory.current").write_text(usage)
    (job / "memory.stat").write_text("anon 500\ninactive_file 150\nactive_file 50\n")
    assert list(memory._cgroups(tmp_path / "membership", tmp_path)) == [1000 - 700 + 150]
    (job.parent / "memory.max").write_text("1000\n")
    assert min(memory._cgroups(tmp_path / "membership", tmp_path)) == 100


def test_cgroup_version_1_in_a_container_falls_back_to_the_root(tmp_path: Path):
    (tmp_path / "membership").write_text("5:cpu,cpuacct:/x\n4:memory:/docker/abc\n0::/\n")
    root = tmp_path / "memory"
    root.mkdir()
    (root / "memory.limit_in_bytes").write_text("5000\n")
    (root / "memory.usage_in_bytes").write_text("1000\n")
    (root / "memory.stat").write_text("inactive_file 1\ntotal_inactive_file 200\n")
    assert list(memory._cgroups(tmp_path / "membership", tmp_path)) == [4200]


def test_no_proc_means_physical_memory(monkeypatch):
    monkeypatch.setattr(memory, "_lines", lambda path: [])
    assert available_memory() > 2**20


def test_columns_alone_may_be_too_many(monkeypatch):
    monkeypatch.setattr(memory, "available_memory", lambda: 10**12)
    check_label_arrays_fit(10**9)
    monkeypatch.setattr(memory, "available_memory", lambda: 8 * 10**9)
    with pytest.raises(
        MemoryError, match=r"Y has 1,000,000,000 labels, whose arrays need 48 GB, but 8 GB are free"
    ):
        check_label_arrays_fit(10**9)


@pytest.mark.parametrize(
    ("n", "text"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1000, "1 kB"),
        (12_345_678, "12.3 MB"),
        (9.996e9, "10 GB"),
        (5e12, "5 TB"),
    ],
)
def test_format_bytes(n, text):
    assert format_bytes(n) == text
