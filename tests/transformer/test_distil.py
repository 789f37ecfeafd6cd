"""A student of any TextRanker; no transformer is needed to see it learn."""

import numpy as np
import pytest

from arborank import NgramTfidf, TextRanker, XRLinear
from arborank.transformer import distil


@pytest.fixture(scope="module")
def teacher(data):
    names = [[f"label {i}" for i in row] for row in data[1]]
    return TextRanker(features=NgramTfidf(), n_jobs=1).fit(data[0], names), names


def test_the_student_answers_like_its_teacher(teacher, data):
    ranker, names = teacher
    student, report = distil(ranker, data[0], names, held_out=0.2)
    assert set(report) == {f"{w} P@{k}" for w in ("teacher", "student") for k in (1, 3, 5)} | {
        f"same@{k}" for k in (1, 3, 5)
    }
    assert report["same@1"] > 0.8  # of two right answers either may be first
    assert report["student P@1"] > 0.9
    assert student.rank(data[2][0], k=1)[0][0] == ranker.rank(data[2][0], k=1)[0][0]


def test_texts_need_no_labels(teacher, data):
    student, report = distil(teacher[0], data[2], model=XRLinear(max_leaf_size=8))
    assert set(report) == {"same@1", "same@3", "same@5"}
    assert student.model_.max_leaf_size == 8
    assert all(0 <= value <= 1 for value in report.values())


def test_only_good_answers_are_learned():
    from arborank.core.sparse import to_scipy
    from arborank.transformer.distil import _answers

    ids = np.array([[2, 0, 1], [1, -1, -1]])
    scores = np.array([[0.9, 0.5, 0.05], [0.01, -np.inf, -np.inf]], np.float32)
    Y, relevance = _answers(ids, scores, 0.1, 4)
    np.testing.assert_array_equal(to_scipy(Y).toarray(), [[1, 0, 1, 0], [0, 1, 0, 0]])
    np.testing.assert_allclose(to_scipy(relevance).toarray(), [[0.5, 0, 0.9, 0], [0, 0.01, 0, 0]])


def test_bad_arguments(teacher, data):
    with pytest.raises(TypeError, match="teacher must be a TextRanker, found XRLinear"):
        distil(XRLinear(), data[0])
    with pytest.raises(ValueError, match="texts has 1 entry"):
        distil(teacher[0], ["a text"])
    with pytest.raises(ValueError, match="texts has 9 entries but labels has 8"):
        distil(teacher[0], data[0][:9], teacher[1][:8])
    with pytest.raises(ValueError, match="held_out must be above 0"):
        distil(teacher[0], data[0], held_out=0)
