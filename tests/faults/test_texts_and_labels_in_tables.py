"""What only looks like a list of texts or of labels is refused with what to give; a column of a table is taken."""

import collections
import types

import numpy as np
import pytest
import scipy.sparse as sp

from arborank import Autocompleter, NgramTfidf, PrefixTfidf, TextFeatures, TextRanker, XRLinear
from arborank.autocomplete import session_pairs
from arborank.core.sparse import as_csr
from arborank.core.strings import StringTable
from arborank.datasets import Layout, LayoutError, TextData, add_typos, read_texts
from arborank.indexing import trie_tree
from arborank.metrics import evaluate, precision_at_k
from arborank.transformer import PlainTexts, text_embeddings
from arborank.transformer.encoders.tokens import training_texts

TEXTS = ["red fruit", "yellow fruit", "fast car", "old car"]
LABELS = [["apple"], ["banana"], ["racer"], ["oldtimer"]]
LOG = [("a", 1, "red fruit"), ("a", 2, "red car"), ("b", 1, "old car"), ("b", 2, "red car")]


@pytest.fixture(scope="module")
def ranker():
    return TextRanker(NgramTfidf()).fit(TEXTS, LABELS)


@pytest.fixture(scope="module")
def completer():
    return Autocompleter().fit(LOG)


def frames(columns):
    pandas = pytest.importorskip("pandas")
    made = [pandas.DataFrame(columns)]
    for name, kind in (("polars", "DataFrame"), ("pyarrow", "table")):
        try:
            made.append(getattr(__import__(name), kind)(columns))
        except ImportError:
            continue
    return made


FITTED = TextRanker(NgramTfidf()).fit(TEXTS, LABELS)
COMPLETER = Autocompleter().fit(LOG)
OF_TEXTS = {
    "NgramTfidf.fit": NgramTfidf().fit,
    "TextFeatures.fit_transform": TextFeatures(parts=[NgramTfidf()]).fit_transform,
    "PrefixTfidf.fit": PrefixTfidf().fit,
    "transform": FITTED.features_.transform,
    "fit": lambda texts: TextRanker(NgramTfidf()).fit(texts, LABELS),
    "rank_batch": FITTED.rank_batch,
    "predict_topk": FITTED.predict_topk,
    "add_labels": lambda texts: FITTED.add_labels(["boat"], texts, [["boat"], *LABELS[1:]]),
    "refresh_labels": lambda texts: FITTED.refresh_labels(["apple"], texts, LABELS),
    "PlainTexts": PlainTexts().transform,
    "transformer": training_texts,
    "add_typos": add_typos,
    "text_embeddings": lambda texts: text_embeddings(texts, lambda some: np.ones((len(some), 2))),
    "trie_tree": trie_tree,
    "StringTable": StringTable,
    "complete_batch": COMPLETER.complete_batch,
    "complete_batch previous": lambda texts: COMPLETER.complete_batch(["r"] * 4, texts),
    "fit_pairs queries": lambda texts: Autocompleter().fit_pairs([None] * 4, texts),
    "fit_pairs previous": lambda texts: Autocompleter().fit_pairs(texts, TEXTS),
    "users": lambda texts: Autocompleter().fit_pairs(TEXTS, TEXTS, users=texts),
    "update_pairs": lambda texts: COMPLETER.update_pairs(texts, TEXTS),
    "TextData": lambda texts: TextData(texts, LABELS),
}
OF_ROWS = {"complete_batch previous", "fit_pairs previous", "update_pairs"}  # which take a sparse matrix, too
NO_LISTS = {
    "str": ("red fruit", "one str"),
    "bytes": (b"red fruit", "one bytes"),
    "dict": (dict(zip(TEXTS, LABELS, strict=True)), r"a dict; give its values, list\(\w+.values\(\)\)"),
    "proxy": (types.MappingProxyType({"id7": "apple"}), "a mappingproxy; give its values"),
    "user dict": (collections.UserDict(id7="apple"), "UserDict; give its values"),
    "set": (set(TEXTS), "a set, which has no order; give a list, such as sorted"),
    "frozenset": (frozenset(TEXTS), "a frozenset, which has no order"),
    "2-D array": (
        np.array([TEXTS, TEXTS]).T,
        r"a NumPy array of shape \(4, 2\); give one column, such as \w+\[:, 0\]",
    ),
    "0-D array": (np.array("red"), r"a NumPy array of shape \(\)"),
    "structured": (np.zeros(4, [("id", int), ("text", "U9")]), "columns 'id', 'text'; give one of them"),
    "matrix": (sp.csr_array(np.eye(4)), r"a scipy csr_array of shape \(4, 4\)"),
    "number": (5, "int"),
}


@pytest.mark.parametrize("where", OF_TEXTS)
@pytest.mark.parametrize("kind", NO_LISTS)
def test_what_is_no_list_of_texts_is_named(where, kind):
    value, message = NO_LISTS[kind]
    if kind == "matrix" and where in OF_ROWS:
        OF_TEXTS[where](value)
        return
    with pytest.raises(TypeError, match=message):
        OF_TEXTS[where](value)


@pytest.mark.parametrize("where", OF_TEXTS)
def test_frames_are_refused_with_a_column_to_take(where):
    for frame in frames({"id": [1, 2, 3, 4], "text": TEXTS}):
        kind = f"{type(frame).__module__.split('.')[0]} {type(frame).__name__}"
        with pytest.raises(
            TypeError, match=rf"found a {kind} with columns 'id', 'text'; give one of them, such as \w+\["
        ):
            OF_TEXTS[where](frame)


def test_the_column_of_texts_is_the_one_suggested():
    for frame in frames({"id": [1, 2], "text": ["a b", "c d"]}):
        with pytest.raises(TypeError, match=r"such as texts\['text'\]"):
            NgramTfidf().fit(frame)


def columns_of(texts):
    """All forms of a column that are installed here, by name."""
    made = {
        "tuple": tuple(texts),
        "object array": np.array(texts, dtype=object),
        "str array": np.array(texts),
        "StringDType": np.array(texts, dtype=np.dtypes.StringDType()),
        "generator": (text for text in texts),
        "dict values": dict(enumerate(texts)).values(),
        "dict keys": dict.fromkeys(texts).keys(),
        "deque": collections.deque(texts),
        "StringTable": StringTable(texts),
    }
    pandas = pytest.importorskip("pandas")
    for dtype in ("object", "str", "string", "category"):
        made[f"pandas {dtype}"] = pandas.Series(texts, dtype=dtype, index=range(7, 7 + len(texts)))
    made["pandas index"] = pandas.Index(texts)
    made["pandas frame"] = pandas.DataFrame({"anything": texts})
    made["pandas array"] = pandas.array(texts)
    pyarrow = pytest.importorskip("pyarrow")
    made["pandas arrow"] = pandas.Series(texts, dtype="string[pyarrow]")
    made["arrow"] = pyarrow.array(texts)
    made["chunked"] = pyarrow.chunked_array([texts[:1], texts[1:]])
    made["dictionary"] = pyarrow.array(texts).dictionary_encode()
    made["table"] = pyarrow.table({"anything": texts})
    polars = pytest.importorskip("polars")
    made["polars"] = polars.Series(texts)
    made["polars category"] = polars.Series(texts, dtype=polars.Categorical)
    made["polars frame"] = polars.DataFrame({"anything": texts})
    return made


@pytest.mark.parametrize("where", OF_TEXTS)
def test_a_column_is_a_list_of_texts(where):
    for value in columns_of(TEXTS).values():
        OF_TEXTS[where](value)


def test_a_column_gives_what_its_list_gives(ranker, completer):
    expected = ranker.rank_batch(TEXTS)
    terms = NgramTfidf().fit(TEXTS).get_feature_names_out().tolist()
    completions = completer.complete_batch(["r", "o", "f", "y"], TEXTS)
    for kind in columns_of(TEXTS):
        assert ranker.rank_batch(columns_of(TEXTS)[kind]) == expected, kind
        assert NgramTfidf().fit(columns_of(TEXTS)[kind]).get_feature_names_out().tolist() == terms, kind
        prefixes = columns_of(["r", "o", "f", "y"])[kind]
        assert completer.complete_batch(prefixes, columns_of(TEXTS)[kind]) == completions, kind
        again = TextRanker(NgramTfidf()).fit(
            columns_of(TEXTS)[kind], columns_of([row[0] for row in LABELS])[kind]
        )
        assert again.rank_batch(TEXTS) == expected, kind


@pytest.mark.parametrize(
    "where", ["NgramTfidf.fit", "fit", "rank_batch", "add_typos", "complete_batch", "transformer"]
)
def test_a_missing_text_has_its_place(where):
    for missing in (None, float("nan"), np.float32("nan")):
        with pytest.raises(TypeError, match="at position 2, a missing value"):
            OF_TEXTS[where](["red", "fruit", missing, "car"])
    with pytest.raises(TypeError, match=r"must hold str, found int at position 1$"):
        OF_TEXTS[where](["red", 1, "fruit", "car"])
    pandas = pytest.importorskip("pandas")
    for dtype in ("object", "str", "string", "category"):
        with pytest.raises(TypeError, match="at position 1, a missing value"):
            OF_TEXTS[where](pandas.Series(["red", None, "fruit", "car"], dtype=dtype))


def test_a_missing_text_of_a_generator_has_its_place():
    with pytest.raises(TypeError, match="found NoneType at position 1"):
        NgramTfidf().fit(text for text in ["red", None])


def test_a_lazy_frame_is_to_be_collected():
    polars = pytest.importorskip("polars")
    with pytest.raises(TypeError, match="polars LazyFrame, which holds no data yet; collect"):
        NgramTfidf().fit(polars.LazyFrame({"text": TEXTS}))


def test_other_lists_of_words_and_names():
    tree = XRLinear().fit(np.eye(2), [[0], [1]]).tree_
    assert tree.describe(np.array(["a", "b"])) == tree.describe(["a", "b"])
    for words in ({"red"}, np.array(["red"])):
        assert "red" not in NgramTfidf(stop_words=words).fit(TEXTS).vocabulary_
    for frame in frames({"id": [1, 2], "word": ["a", "b"]}):
        with pytest.raises(TypeError, match="stop_words must be an iterable of str, found a"):
            NgramTfidf(stop_words=frame).fit(TEXTS)
        with pytest.raises(TypeError, match="names must be a list with one str per label, found a"):
            tree.describe(frame)
    with pytest.raises(TypeError, match="stop_words must be an iterable of str, found a dict"):
        NgramTfidf(stop_words={"red": 1}).fit(TEXTS)
    with pytest.raises(ValueError, match="names has 3 entries, but the tree has 2 labels"):
        tree.describe(["a", "b", "c"])


# ---------------------------------------------------------------- logs and what came before


def test_a_log_is_rows():
    for frame in frames({"session": ["a", "a"], "time": [1, 2], "query": ["red", "blue"]}):
        assert session_pairs(frame).queries == ["red", "blue"]
        rows = zip(*(np.asarray(frame[name]).tolist() for name in ("session", "time", "query")), strict=True)
        assert session_pairs(rows).queries == ["red", "blue"]
    for wrong in ({"a": 1}, {("a", 1, "red")}, b"log"):
        with pytest.raises(TypeError, match="the log must be an iterable of"):
            Autocompleter().fit(wrong)
    assert session_pairs(np.array(LOG, dtype=object)).queries == session_pairs(LOG).queries


def test_a_missing_previous_query_is_none(completer):
    for missing in (None, float("nan"), ()):
        assert completer.complete("r", missing) == completer.complete("r")
        assert completer.complete_batch(["r"], [missing]) == completer.complete_batch(["r"])
    pandas = pytest.importorskip("pandas")
    assert completer.complete("r", pandas.NA) == completer.complete("r")
    assert completer.complete("r", pandas.Series(["red fruit"])) == completer.complete("r", ["red fruit"])
    for wrong in ({"red": 1}, {"red", "car"}, np.array([["red"]])):
        with pytest.raises(TypeError, match="previous must be a str, a sequence of str or a sparse row"):
            completer.complete("r", wrong)


def test_words_to_block_may_be_a_set(completer):
    for words in ({"fruit"}, ["fruit"], np.array(["fruit"])):
        assert Autocompleter(blocklist=words).fit(LOG).complete("red fruit") == []
        assert Autocompleter().fit(LOG).block(words).complete("red fruit") == []
    for frame in frames({"word": ["fruit"]}):
        with pytest.raises(TypeError, match="blocklist must be a collection of str"):
            Autocompleter(blocklist=frame).fit(LOG)
    with pytest.raises(TypeError, match="a dict; give its values"):
        Autocompleter(blocklist={"fruit": 1}).fit(LOG)


# ---------------------------------------------------------------- labels by name


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (
            dict(zip(TEXTS, LABELS, strict=True)),
            "labels must be one list of label names per text, found a dict",
        ),
        ({"apple", "banana"}, "found a set, which has no order"),
        ("apple", "found one str"),
        (sp.csr_array(np.eye(4)), "found a scipy csr_array"),
        (
            [["apple"], ["banana", ["racer"]], [], []],
            r"labels of row 1 hold \['racer'\]; a list within a list",
        ),
        ([[["apple"]], [], [], []], "a list within a list"),
        ([["apple"], None, [], []], r"labels of row 1 are missing \(None\); \[\] is a row without labels"),
        ([["apple"], float("nan"), [], []], r"labels of row 1 are missing \(nan\)"),
        ([["apple", None], [], [], []], "labels of row 0 hold None"),
        ([["apple"], [1], [], []], r"labels of row 1 hold 1; label names are str \(ids go to XRLinear\)"),
        ([["apple"], 3, [], []], "labels of row 1 must be a list of label names, found int"),
        ([[b"apple"], [], [], []], "labels of row 0 hold b'apple'"),
        ([b"apple", [], [], []], "labels of row 0 must be a list of label names, found one bytes"),
    ],
)
def test_what_is_no_list_of_label_lists_is_named(ranker, labels, message):
    for call in (
        lambda: TextRanker(NgramTfidf()).fit(TEXTS, labels),
        lambda: ranker.encode_labels(labels),
        lambda: ranker.refresh_labels(["apple"], TEXTS, labels),
    ):
        with pytest.raises(TypeError, match=message):
            call()


def test_label_lists_come_in_columns(ranker):
    expected = ranker.encode_labels(LABELS).toarray()
    forms = [
        (row for row in LABELS),
        tuple(map(set, LABELS)),
        np.array(LABELS),
        np.array(LABELS, dtype=object),
        np.array([row[0] for row in LABELS], dtype=np.dtypes.StringDType()),
        [np.array(row) for row in LABELS],
        [iter(row) for row in LABELS],
    ]
    objects = np.empty(4, object)
    objects[:] = LABELS
    forms.append(objects)
    pandas = pytest.importorskip("pandas")
    forms += [
        pandas.Series(LABELS),
        pandas.DataFrame({"labels": LABELS}),
        [pandas.Series(row) for row in LABELS],
    ]
    polars, pyarrow = pytest.importorskip("polars"), pytest.importorskip("pyarrow")
    forms += [polars.Series(LABELS), polars.DataFrame({"labels": LABELS}), pyarrow.array(LABELS)]
    for form in forms:
        np.testing.assert_array_equal(ranker.encode_labels(form).toarray(), expected)
    for frame in frames({"id": [1] * 4, "labels": LABELS}):
        with pytest.raises(TypeError, match=r"give one of them, such as labels\['labels'\]"):
            ranker.encode_labels(frame)


def test_names_and_filters(ranker):
    one = ranker.rank("fruit", candidates=["apple", "racer"])
    for names in (
        {"racer", "apple"},
        ("apple", "racer"),
        np.array(["apple", "racer"]),
        iter(["apple", "racer"]),
    ):
        assert ranker.rank("fruit", candidates=names) == one
    assert len(ranker.remove_labels({"apple", "racer"}).labels_) == 2
    some, texts, labels = (
        {"boat", "plane"},
        [*TEXTS, "old boat", "fast plane"],
        [*LABELS, ["boat"], ["plane"]],
    )
    assert list(ranker.add_labels(some, texts, labels).labels_)[4:] == ["boat", "plane"]
    for wrong in ({"apple": 2.0}, "apple", np.array([["apple"]]), 5):
        for call in (
            lambda wrong=wrong: ranker.rank("fruit", candidates=wrong),
            lambda wrong=wrong: ranker.rank("fruit", exclude=wrong),
            lambda wrong=wrong: ranker.remove_labels(wrong),
            lambda wrong=wrong: ranker.prepare_filter(exclude=wrong),
        ):
            with pytest.raises(TypeError, match="must be a list of label names"):
                call()
    for frame in frames({"id": [1], "label": ["apple"]}):
        with pytest.raises(TypeError, match=r"with columns 'id', 'label'"):
            ranker.rank("fruit", candidates=frame)
    for wrong in (["apple"], 5, "apple"):
        with pytest.raises(
            TypeError, match=r"label_texts must map names to texts.*give a dict, such as dict"
        ):
            TextRanker(NgramTfidf()).fit(TEXTS, LABELS, label_texts=wrong)
        with pytest.raises(
            TypeError, match=r"label_weights must map names to numbers.*give a dict, such as dict"
        ):
            ranker.rank("fruit", label_weights=wrong)
    with pytest.raises(TypeError, match="found 'apple': nan; leave labels without a text out"):
        TextRanker(NgramTfidf()).fit(TEXTS, LABELS, label_texts={"apple": float("nan")})


# ---------------------------------------------------------------- labels by id, and matrices

X, IDS = np.eye(4, dtype=np.float32), [[0, 1], [1], [], [2]]


def test_id_lists_come_in_columns():
    objects = np.empty(4, object)
    objects[:] = [np.array(row) for row in IDS]
    forms = [(row for row in IDS), tuple(map(set, IDS)), objects, [range(2), [1], [], iter([2])]]
    pandas = pytest.importorskip("pandas")
    forms += [
        pandas.Series(IDS),
        pandas.DataFrame({"ids": IDS}),
        [pandas.Series(row, dtype=int) for row in IDS],
    ]
    polars, pyarrow = pytest.importorskip("polars"), pytest.importorskip("pyarrow")
    forms += [
        polars.Series(IDS),
        pyarrow.array(IDS),
        pyarrow.chunked_array([IDS]),
        polars.DataFrame({"ids": IDS}),
    ]
    expected = XRLinear().fit(X, IDS).predict_topk(X, 3)
    ids = np.array([[0, 1], [1, 0], [0, 1], [2, 0]])
    report = evaluate(IDS, ids, ks=(1, 2))
    for number, form in enumerate(forms):
        once = isinstance(form, types.GeneratorType)
        if number % 2 or once:
            assert evaluate(form, ids, ks=(1, 2)) == report
        if not once and not any(hasattr(row, "__next__") for row in form if isinstance(form, list)):
            found = XRLinear().fit(X, form).predict_topk(X, 3)
            np.testing.assert_array_equal(found[0], expected[0])
    np.testing.assert_array_equal(XRLinear().fit(X, (row for row in IDS)).predict_topk(X, 3)[0], expected[0])


def test_classes_come_in_columns():
    classes = ["b", "a", "b", "c"]
    pandas = pytest.importorskip("pandas")
    polars, pyarrow = pytest.importorskip("polars"), pytest.importorskip("pyarrow")
    forms = [
        (name for name in classes),
        np.array(classes, dtype=np.dtypes.StringDType()),
        pandas.Series(classes),
        pandas.Series(classes, dtype="category"),
        pandas.DataFrame({"class": classes}),
        polars.Series(classes),
        pyarrow.array(classes),
        dict(enumerate(classes)).values(),
    ]
    for form in forms:
        model = XRLinear().fit(X, form)
        assert model.classes_.tolist() == ["a", "b", "c"]
        assert model.predict(X).tolist() == classes


@pytest.mark.parametrize(
    ("labels", "error", "message"),
    [
        ({0: [1], 1: [2], 2: [], 3: []}, TypeError, "found a dict"),
        ({(0, 1), (1, 2)}, TypeError, "found a set"),
        ("abcd", TypeError, "found one str"),
        ([[0], [[1]], [], []], TypeError, r"found \[1\] in row 1; a list within a list"),
        ([["a"], [], [], []], TypeError, "found 'a' in row 0; names go to TextRanker"),
        ([[0], {1: 0.5}, [], []], TypeError, "row 1 map labels to weights, which have no use here"),
        ([[0], [None], [], []], TypeError, "found None in row 1"),
        ([[0], None, [1], []], TypeError, "row 1 is None"),
        ([[0], [-1], [], []], ValueError, "row 1 holds -1; label ids start at 0"),
        ([[0.0], [1.0], [], []], TypeError, "found 0.0 in row 0; an indicator must be an array"),
        ([[True], [False], [], []], TypeError, "found True in row 0; an indicator must be an array"),
    ],
)
def test_what_is_no_list_of_id_lists_is_named(labels, error, message):
    with pytest.raises(error, match=message):
        XRLinear().fit(X, labels)
    with pytest.raises(error, match=message):
        precision_at_k(labels, [[0]] * 4, 1)


def test_names_are_no_ids_for_metrics():
    with pytest.raises(
        TypeError, match="found 'apple' in row 0; names go to TextRanker, whose encode_labels"
    ):
        evaluate(LABELS, [[0]] * 4, ks=(1,))
    with pytest.raises(TypeError, match="predict_topk gives ids, rank_batch names"):
        evaluate([[0], [1]], [["apple"], ["banana"]], ks=(1,))


def test_label_ids_of_a_catalogue():
    model = XRLinear().fit(X, [[0], [1], [2], [3]])
    for ids in ([1, 2], (1, 2), np.array([1, 2]), range(1, 3), iter([1, 2])):
        assert model.remove_labels(ids, renumber=True).n_labels_ == 2
    for wrong, message in (
        ({1: 2}, "a dict; give its"),
        ({1, 2}, "a set, which has no order"),
        (1, "int"),
    ):
        with pytest.raises(TypeError, match=f"labels must be a list of label ids, found {message}"):
            model.remove_labels(wrong)


def test_predictions_of_different_lengths():
    with pytest.raises(ValueError, match=r"predictions have rows of different lengths; pad those .* with -1"):
        evaluate([[0], [1]], [[0], [1, 2]], ks=(1,))


def test_label_filters_of_ids(ranker):
    model = XRLinear().fit(X, IDS)
    expected = model.predict_topk(X, 2, candidates=[0, 2])[0]
    for form in ({0, 2}, np.array([0, 2]), iter([0, 2]), np.array([0, 2], dtype=object)):
        np.testing.assert_array_equal(model.predict_topk(X, 2, candidates=form)[0], expected)
    pandas = pytest.importorskip("pandas")
    np.testing.assert_array_equal(model.predict_topk(X, 2, candidates=pandas.Series([0, 2]))[0], expected)
    for wrong in ({0: 0.5}, "02", [{0: 0.5}, [1], [1], [1]]):
        with pytest.raises(TypeError, match="candidates must"):
            model.predict_topk(X, 2, candidates=wrong)


def test_frames_of_numbers_are_matrices():
    names = list("abcd")
    pandas = pytest.importorskip("pandas")
    dense = pandas.DataFrame(X, columns=names)
    sparse = pandas.DataFrame.sparse.from_spmatrix(sp.csr_array(X), columns=names)
    mixed = dense.astype({"a": bool, "b": "Int64", "c": "Float32"})
    polars, pyarrow = pytest.importorskip("polars"), pytest.importorskip("pyarrow")
    tables = [
        polars.DataFrame(X, schema=names),
        pyarrow.table(dense),
        polars.DataFrame(X, schema=names).cast({"a": bool}),
    ]
    expected = XRLinear().fit(X, X).predict_topk(X, 2)[0]
    for frame in (dense, sparse, mixed, *tables):
        model = XRLinear().fit(frame, frame)
        assert model.feature_names_in_.tolist() == names
        assert model.n_labels_ == 4
        np.testing.assert_array_equal(model.predict_topk(frame, 2)[0], expected)
        np.testing.assert_array_equal(model.predict_topk(frame, 2, candidates=frame)[0][:, 0], range(4))
        assert model.score(frame, frame) == 1.0
        assert evaluate(frame, expected, ks=(1,)).metrics["precision@1"] == 1.0
    with pytest.raises(ValueError, match="feature names"):
        model.predict_topk(sparse[["b", "a", "c", "d"]])
    with pytest.raises(TypeError, match="X has a column 'text' of dtype"):
        XRLinear().fit(dense.assign(text=TEXTS), IDS)
    holed = mixed.copy()
    holed.loc[1, "b"] = pandas.NA
    with pytest.raises(ValueError, match="X contains NaN, first at row 1, column 1"):
        XRLinear().fit(holed, IDS)
    with pytest.raises(ValueError, match="X is a sparse data frame"):
        XRLinear().fit(
            pandas.DataFrame({"a": pandas.arrays.SparseArray([1.0, 2.0], fill_value=1.0)}), [[0], [1]]
        )
    with pytest.raises(TypeError, match=r"texts go to arborank.TextRanker"):
        as_csr(np.array([TEXTS]).T)


def test_columns_of_one_name_are_proposed_by_number(tmp_path):
    path = tmp_path / "twice.csv"
    path.write_text("text,text,labels\na,b c d,x\ne,f g h,y\n")
    with pytest.raises(LayoutError, match=r"say text_column=2, label_column=\d for instance"):
        read_texts(path)
    assert read_texts(path, Layout(text_column=2, label_column=3)).texts == ["b c d", "f g h"]
