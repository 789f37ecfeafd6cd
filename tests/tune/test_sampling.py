"""Samples of rows and labels."""

import numpy as np
import pytest
import scipy.sparse as sp

from arborank.tune.sampling import hold_out, sample, shares


def labels_of(n, n_labels, each, seed=0):
    rng = np.random.default_rng(seed)
    return sp.csr_array((rng.random((n, n_labels)) < each / n_labels).astype(np.float32))


@pytest.mark.parametrize(("n", "n_labels"), [(4000, 1000), (4000, 20)])
def test_about_a_share_of_the_pairs(n, n_labels):
    Y = labels_of(n, n_labels, 3)
    for share in (1 / 9, 1 / 3):
        rows, labels = sample(Y, share, 0)
        part = Y[np.flatnonzero(rows)][:, np.flatnonzero(labels)]
        assert part.nnz / Y.nnz == pytest.approx(share, rel=0.4)
        assert np.diff(part.indptr).min() > 0


def test_labels_with_few_instances_keep_them_all():
    Y = labels_of(3000, 1000, 3)  # nine instances each
    rows, labels = sample(Y, 1 / 9, 0)
    kept = np.flatnonzero(labels)
    assert (Y[np.flatnonzero(rows)][:, kept].sum(axis=0) == Y[:, kept].sum(axis=0)).all()


def test_a_smaller_sample_is_part_of_a_larger_one():
    Y = labels_of(4000, 50, 3)
    small, large = sample(Y, 1 / 9, 5), sample(Y, 1 / 3, 5)
    assert (small.labels <= large.labels).all()
    assert sample(Y, 1, 5).rows.all()
    assert sample(Y, 1, 5).labels.all()
    assert not np.array_equal(sample(Y, 1 / 9, 6).labels, small.labels)


def test_samples_are_as_many_as_there_are_rows_for():
    assert shares(1000, 5000) == [1.0]
    assert shares(15_000, 5000) == pytest.approx([1 / 3, 1])
    assert shares(10**9, 5000) == pytest.approx([1 / 27, 1 / 9, 1 / 3, 1])


def test_rows_with_labels_are_held_out():
    Y = labels_of(30_000, 100, 1)
    held = hold_out(Y, None, 0)
    labelled = np.diff(Y.indptr) > 0
    assert not (held & ~labelled).any()
    assert held.sum() == pytest.approx(max(labelled.sum() // 10, 2000))
    assert hold_out(Y, 0.25, 0).sum() == round(labelled.sum() * 0.25)
