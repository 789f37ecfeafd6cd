"""Why a label is not answered, words for nodes, the tree as a page, and pictures of results."""

import sys

import numpy as np
import pytest

import arborank
from arborank import NgramTfidf, TextRanker, XRLinear
from arborank.analysis.browse import tree_page
from arborank.analysis.compression import own_setting, sweep
from arborank.analysis.explain import explain
from arborank.analysis.naming import node_names
from arborank.analysis.whynot import why_not
from arborank.metrics import compare, evaluate, evaluate_probabilities, evaluate_sets
from support.fruit import rows

TEXTS, LABELS = rows(200, 0)


@pytest.fixture(scope="module")
def ranker():
    model = XRLinear(branching=2, max_leaf_size=2, beam_size=4)
    return TextRanker(NgramTfidf(), model, label_names=False).fit(TEXTS, LABELS)


def places(ranker, text, beam_size):
    """The labels that a beam reaches, in order."""
    return [name for name, _ in ranker.rank(text, len(ranker.labels_), beam_size=beam_size)]


@pytest.mark.parametrize("beam_size", [1, 2, 4])
def test_where_a_label_leaves_the_beam(ranker, beam_size):
    for text in TEXTS[:6]:
        reached = places(ranker, text, beam_size)
        for name in ranker.labels_:
            found = why_not(ranker, text, name, k=2, beam_size=beam_size)
            if name in reached:
                assert found.lost_at is None
                assert found.place == reached.index(name) + 1
                assert ("is answered" in str(found)) == (found.place <= 2)
            else:
                assert found.place is None
                lost = found.standings[found.lost_at - 1]
                assert lost.place > beam_size
                assert lost.score <= lost.needed
                assert f"leaves the beam at level {found.lost_at}" in str(found)
                then = places(ranker, text, found.enough)
                assert then.index(name) + 1 == found.place_then
                assert found.enough > beam_size
            assert f"{name!r}" in str(found)
            assert "<table>" in found.to_html()


def test_a_label_outside_the_tree():
    X = np.eye(3, dtype=np.float32)
    model = XRLinear().fit(X, np.eye(3, 4))
    found = why_not(model, X[[0]], 3)
    assert found.enough is None
    assert "in no leaf" in str(found)
    assert why_not(model, X[[0]], 0, k=1).place == 1


def test_bad_questions(ranker):
    with pytest.raises(ValueError, match="'kiwi'"):
        why_not(ranker, TEXTS[0], "kiwi")
    with pytest.raises(ValueError, match="k must be at least 1"):
        why_not(ranker, TEXTS[0], "apple", k=0)
    with pytest.raises(TypeError, match="must have one tree"):
        why_not(arborank.Ensemble([XRLinear()]), np.eye(2), 0)


def test_nodes_have_the_words_of_their_labels(ranker):
    words = ranker.features_.get_feature_names_out()
    model = ranker.model_
    top = node_names(model, 1, words, n_words=2)
    assert len(top) == model.tree_.level_sizes[1]
    assert {name[0] for name in top} & {"fruit", "vehicle"} or any(
        "ish" in name for one in top for name in one
    )
    bottom = node_names(model, model.tree_.depth, words, n_words=1)
    for slot, label in enumerate(model.tree_.labels.tolist()):
        assert bottom[slot] == [f"{ranker.labels_[label]}ish"]
    with pytest.raises(ValueError, match="level must be between 1 and"):
        node_names(model, 0, words)
    with pytest.raises(ValueError, match="features has 2 names"):
        node_names(model, 1, words[:2])


def test_the_tree_is_a_page(ranker):
    names = [f"<{name}>" for name in ranker.labels_]
    page = tree_page(ranker.model_, names, ranker.features_.get_feature_names_out(), title="a & b")
    for name in ranker.labels_:
        assert page.count(f"<li>&lt;{name}&gt;</li>") == 1
    assert "<title>a &amp; b</title>" in page
    assert page.count("<details") == page.count("</details>")
    assert "<script" not in page
    assert "1 more" in tree_page(ranker.model_, names, most_labels=1)
    with pytest.raises(ValueError, match="labels has 1 names"):
        tree_page(ranker.model_, names[:1])


def results(ranker):
    """One of everything that can be drawn."""
    X, Y = ranker.features_.transform(TEXTS), ranker.encode_labels(LABELS)
    ids, _ = ranker.predict_topk(TEXTS, 6)
    matrix = ranker.rank_matrix(TEXTS, 4)
    report = evaluate(Y, ids, train_counts=Y.sum(axis=0), n_train=len(TEXTS))
    sure = evaluate_probabilities(Y, matrix)
    yield explain(ranker, TEXTS[0], LABELS[0][0])
    yield ranker.model_.tree_
    yield report
    yield evaluate(Y, ids)
    yield sure
    yield sure.reliability
    yield evaluate_sets(Y, matrix, train_counts=Y.sum(axis=0), n_draws=10)
    yield compare(Y, ids, ids[:, ::-1].copy(), n_draws=10)
    yield sweep(ranker.model_, X[:20], Y[:20], [own_setting(ranker.model_)] * 2)


def test_everything_can_be_drawn_and_shown(ranker, tmp_path, monkeypatch):
    pytest.importorskip("matplotlib")
    found = list(results(ranker))
    for number, one in enumerate(found):
        one.plot().savefig(tmp_path / f"{number}.svg")
        assert (tmp_path / f"{number}.svg").stat().st_size > 1000
        html = one._repr_html_()
        assert html == one.to_html()
        assert html.count("<table>") == html.count("</table>") >= 1
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    for one in found:
        with pytest.raises(ImportError, match=r"arborank\[plot\]"):
            one.plot()


def test_tables_for_papers(ranker):
    Y = ranker.encode_labels(LABELS)
    ids, _ = ranker.predict_topk(TEXTS, 6)
    report = evaluate(Y, ids, train_counts=Y.sum(axis=0), n_train=len(TEXTS))
    markdown, latex = report.to_markdown(), report.to_latex()
    precision = f"{100 * report.metrics['precision@1']:.2f}"
    assert markdown.splitlines()[:2] == ["| % | @1 | @3 | @5 |", "| --- | ---: | ---: | ---: |"]
    assert precision in markdown
    assert latex.startswith(r"\begin{tabular}{lrrr}")
    assert r"\% & @1 & @3 & @5 \\" in latex
    assert precision in latex
    assert latex.count(r"\begin{tabular}") == markdown.count("| --- |") == 2


def test_an_explanation_of_nothing_is_drawn():
    pytest.importorskip("matplotlib")
    X = np.eye(3, dtype=np.float32)
    nothing = explain(XRLinear().fit(X, np.eye(3, 4)), X[[0]], 3)
    assert nothing == []
    assert nothing.plot() is not None
    assert nothing.to_html() == ""
