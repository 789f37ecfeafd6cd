"""TextRanker: text in, names out."""

import pytest

import arborank
from arborank import Ensemble, NgramTfidf, TextRanker, XRLinear

TEXTS = ["a red apple", "a green apple", "a fast car", "an old car", "an old red car", "apple pie"] * 3
LABELS = [
    ["fruit"],
    ["fruit"],
    ["vehicle"],
    ["vehicle", "antique"],
    ["vehicle", "antique"],
    ["fruit", "dish"],
] * 3


@pytest.fixture
def ranker():
    return TextRanker(features=NgramTfidf()).fit(TEXTS, LABELS)


def test_names(ranker):
    assert list(ranker.labels_) == ["antique", "dish", "fruit", "vehicle"]
    names = [name for name, _ in ranker.rank("the old car", k=2)]
    assert sorted(names) == ["antique", "vehicle"]
    batch = ranker.rank_batch(["apple", "fast car"], k=1)
    assert [row[0][0] for row in batch] == ["fruit", "vehicle"]
    assert ranker.rank("apple", k=1) == batch[0]


def test_filters_by_name(ranker):
    assert [n for n, _ in ranker.rank("old car", k=4, candidates=["fruit", "dish"])] != []
    assert {n for n, _ in ranker.rank("old car", k=4, candidates=["fruit", "dish"])} <= {"fruit", "dish"}
    assert "vehicle" not in {n for n, _ in ranker.rank("old car", k=4, exclude=["vehicle"])}
    rows = ranker.rank_batch(["old car", "apple"], k=4, exclude=[["vehicle"], ["fruit"]])
    assert "vehicle" not in {n for n, _ in rows[0]}
    assert "fruit" not in {n for n, _ in rows[1]}
    with pytest.raises(ValueError, match="'boat'"):
        ranker.rank("old car", candidates=["boat"])


def test_prepared_filters_weights_and_smaller_models(ranker):
    names = [name for name, _ in ranker.rank("old car", k=4)]
    weights = {name: 10.0**place for place, name in enumerate(names)}
    boosted = ranker.rank("old car", k=4, label_weights=weights)
    prepared = ranker.prepare_filter(exclude=names[:1], label_weights=weights)
    assert ranker.rank("old car", k=4, label_filter=prepared) == [p for p in boosted if p[0] != names[0]]
    only = ranker.prepare_filter(candidates=names[1:2])
    assert [n for n, _ in ranker.rank("old car", k=4, label_filter=only)] == names[1:2]
    for small in (ranker.quantize("float16"), ranker.prune(threshold=1e-6)):
        assert [n for n, _ in small.rank("old car", k=1)] == names[:1]
        assert small.labels_ is ranker.labels_
        assert small.model_ is not ranker.model_
    with pytest.raises(ValueError, match="label_weights holds 'boat'"):
        ranker.rank("old car", label_weights={"boat": 1.0})
    with pytest.raises(TypeError, match="label_weights must map names"):
        ranker.prepare_filter(label_weights=[1.0])
    for argument in ("candidates", "exclude"):
        with pytest.raises(TypeError, match=f"{argument} must be a list of label names"):
            ranker.prepare_filter(**{argument: names[0]})
    also = ranker.prepare_filter(candidates=(name for name in names[1:2]))
    assert [n for n, _ in ranker.rank("old car", k=4, label_filter=also)] == names[1:2]


def test_single_label_per_text():
    ranker = TextRanker(features=NgramTfidf()).fit(["red apple", "fast car"], ["fruit", "vehicle"])
    assert ranker.rank("apple", k=1)[0][0] == "fruit"


def test_save_and_load(ranker, tmp_path):
    ranker.save(tmp_path / "model with space; touch x")
    again = arborank.load(tmp_path / "model with space; touch x")
    assert not (tmp_path / "x").exists()
    assert again.rank_batch(TEXTS) == ranker.rank_batch(TEXTS)


def test_names_with_any_character(tmp_path):
    names = ["a\nb", "", "é,\t", "日本"]
    ranker = TextRanker(features=NgramTfidf()).fit(["one", "two", "three", "four"], [[n] for n in names])
    ranker.save(tmp_path / "m")
    assert sorted(arborank.load(tmp_path / "m").labels_) == sorted(names)


def test_label_texts():
    model = XRLinear(representation="pifa-convex", branching=2, max_leaf_size=2)
    ranker = TextRanker(features=NgramTfidf(), model=model)
    ranker.fit(TEXTS, LABELS, label_texts={"fruit": "apple", "vehicle": "car"})
    assert ranker.rank("apple", k=1)[0][0] == "fruit"


def test_encode_labels(ranker):
    assert ranker.encode_labels([["fruit"], []]).shape == (2, 4)
    with pytest.raises(ValueError, match="'boat'"):
        ranker.encode_labels([["boat"]])
    assert ranker.encode_labels([["boat"]], unknown="ignore").nnz == 0
    assert ranker.encode_labels([["boat", "fruit"]], unknown="extend").shape == (1, 5)


@pytest.mark.parametrize(
    ("texts", "labels", "error", "says"),
    [
        (["a b"], [["x"], ["y"]], ValueError, "texts has 1 entries but labels has 2"),
        (["a b"], [[3]], TypeError, "row 0"),
        (["a b", None], [["x"], ["y"]], TypeError, "1"),
        (["ab", "cd"], [[], []], ValueError, "no label"),
        ([], [], ValueError, "no label"),
        (["ab"], "x", TypeError, "labels"),
        (None, [["x"]], TypeError, "texts must be an iterable of str, found NoneType"),
        (5, [["x"]], TypeError, "texts must be an iterable of str, found int"),
        ("ab", [["x"], ["y"]], TypeError, "texts must be an iterable of str, found one str"),
        (["ab", "cd"], [["\ud800"], ["x"]], ValueError, "labels hold a name that cannot be stored"),
    ],
)
def test_bad_input(texts, labels, error, says):
    with pytest.raises(error, match=says):
        TextRanker(features=NgramTfidf()).fit(texts, labels)


def test_flags():
    with pytest.raises(TypeError, match="learn_label_texts must be True or False, found 'yes'"):
        TextRanker().fit(["a"], [["x"]], label_texts={"y": "b"}, learn_label_texts="yes")
    with pytest.raises(TypeError, match="label_names must be 'auto', True or False, found 'yes'"):
        TextRanker(label_names="yes").fit(["a"], [["x"]])


@pytest.mark.parametrize(
    ("stage", "message"),
    [
        (
            {"features": XRLinear()},
            "features must be an estimator with fit_transform and transform; XRLinear has no fit",
        ),
        (
            {"model": NgramTfidf()},
            "model must be an estimator with fit and predict_topk; NgramTfidf has no predict",
        ),
        ({"features": 5}, "features must be an estimator with fit_transform and transform; int has no fit"),
        ({"model": "x"}, "model must be an estimator with fit and predict_topk; str has no fit"),
    ],
)
def test_stages_that_are_none(stage, message):
    with pytest.raises(TypeError, match=message):
        TextRanker(**stage).fit(["ab cd", "cd ef"], ["x", "y"])


def test_arguments_that_a_model_has_no_use_for():
    class Plain(XRLinear):
        def fit(self, X, Y):
            return super().fit(X, Y)

    texts, labels = ["ab cd", "cd ef"] * 2, ["x", "y"] * 2
    only = {"label_texts": {"x": "ab"}, "learn_label_texts": False}
    with pytest.raises(ValueError, match="label_texts has no use: representation 'pifa' is made without it"):
        TextRanker().fit(texts, labels, **only)
    with pytest.raises(
        ValueError, match="label_texts has no use: Ensemble does not represent labels by texts"
    ):
        TextRanker(model=Ensemble([XRLinear()])).fit(texts, labels, **only)
    with pytest.raises(ValueError, match="learn_label_texts is False, but label_texts is not given"):
        TextRanker().fit(texts, labels, learn_label_texts=False)
    with pytest.raises(TypeError, match="work_dir is given, but Plain has no use for it"):
        TextRanker(model=Plain()).fit(texts, labels, work_dir="training")


@pytest.mark.parametrize("weight", ["x", None, 1j, [1], True, -1, float("nan"), 10**400])
def test_label_weights_that_are_no_numbers(ranker, weight):
    with pytest.raises((TypeError, ValueError), match=r"label_weights\['fruit'\] must be"):
        ranker.rank("apple", label_weights={"fruit": weight})


def test_a_card_that_is_no_text(ranker, tmp_path):
    with pytest.raises(TypeError, match="card must be Markdown text, found 5"):
        ranker.save(tmp_path / "model", card=5)
    assert not (tmp_path / "model").exists()


def test_rank_wants_one_text(ranker):
    with pytest.raises(TypeError, match="rank_batch"):
        ranker.rank(["a", "b"])
