"""Readers of matrices: what is written comes back, both parsers agree, faults are placed."""

import gzip
import re

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from arborank.core.sparse import as_csr
from arborank.datasets import (
    MatrixData,
    pairs,
    read_lf,
    read_npz,
    read_pecos,
    read_sparse,
    read_xmc,
    write_sparse,
    write_xmc,
    xmc,
)

XMC = "3 4 5\n0,4 0:0.5 3:1e-3\n 2:-2\n1\n"


def equal(a, b):
    return all(np.array_equal(getattr(a, name), getattr(b, name)) for name in ("indptr", "indices", "data"))


def dense(csr):
    return csr.toarray()


def test_xmc(tmp_path):
    (tmp_path / "a.txt").write_text(XMC)
    data = read_xmc(tmp_path / "a.txt")
    assert np.array_equal(
        dense(data.X), np.array([[0.5, 0, 0, 1e-3], [0, 0, -2, 0], [0, 0, 0, 0]], np.float32)
    )
    assert np.array_equal(dense(data.Y), [[1, 0, 0, 0, 1], [0, 0, 0, 0, 0], [0, 1, 0, 0, 0]])
    assert len(data) == 3


@pytest.mark.parametrize(
    "text",
    [
        XMC.rstrip("\n"),
        XMC.replace("\n", "\r\n"),
        XMC.replace("\n", " \n"),
        XMC + "\n\n",
        XMC.replace(" 0:", "  0:"),
        XMC.replace(" 3:", "\t3:"),
        XMC.replace(" 2:", "2:"),
        XMC.replace("0,4", "4,0,4"),
        XMC.replace("0:0.5 3:1e-3", "3:0.001 0:0.25 0:0.25"),
    ],
    ids=[
        "no newline",
        "crlf",
        "end space",
        "blank end",
        "two spaces",
        "tab",
        "no space",
        "unsorted",
        "repeated",
    ],
)
def test_xmc_variants(tmp_path, text):
    (tmp_path / "plain.txt").write_text(XMC)
    (tmp_path / "a.txt").write_bytes(text.encode())
    a, b = read_xmc(tmp_path / "plain.txt"), read_xmc(tmp_path / "a.txt")
    assert equal(a.X, b.X)
    assert equal(a.Y, b.Y)


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("", 1, "a header of 3 integers \"N D L\" was expected, found ''"),
        ("0,1 2:0.5\n", 1, "a header of 3 integers"),
        ("3 4\n", 1, "a header of 3 integers"),
        ("3 4 -5\n", 1, "a header of 3 integers"),
        ("1 4000000000 5\n0 1:1\n", 1, "at most 2147483647 columns"),
        ("1 4 5\n0 4:1\n", 2, r"index 4 is outside \[0, 4\), .*count from 0"),
        ("2 4 5\n0 1:1\n5 1:1\n", 3, r"label 5 is outside \[0, 5\)"),
        ("2 4 5\n0 1:1\n0 1:1 9:1\n", 3, r"index 9 is outside \[0, 4\), the range that the header gives$"),
        ("1 4 5\n0 -1:1\n", 2, "an integer >= 0 was expected as index, found '-1'"),
        ("1 4 5\n-1 1:1\n", 2, "an integer >= 0 was expected as label, found '-1'"),
        ("1 4 5\n1.5 1:1\n", 2, "as label, found '1.5'"),
        ("1 4 5\n0 1.5:1\n", 2, "as index, found '1.5'"),
        ("1 4 5\n0 1_0:1\n", 2, "as index, found '1_0'"),
        ("1 4 5\n0 1:nan\n", 2, "a finite float32 value was expected, found 'nan'"),
        ("1 4 5\n0 1:1e39\n", 2, "a finite float32 value was expected, found '1e39'"),
        ("1 4 5\n0 1:\n", 2, "a finite float32 value was expected, found ''"),
        ("1 4 5\n0 :1\n", 2, "as index, found ''"),
        ("1 4 5\n0 1:2:3\n", 2, "found '2:3'"),
        ("1 4 5\n0 1:1-2\n", 2, "found '1-2'"),
        ("1 4 5\n0 1\n", 2, "index:value was expected, found '1'"),
        ("1 4 5\n 1 2:1\n", 2, "index:value was expected, found '1'"),
        ("1 4 5\n0, 1:1\n", 2, "as label, found ''"),
        ("1 4 5\n,0 1:1\n", 2, "as label, found ''"),
        ("1 4 5\n0 1:1,2:1\n", 2, "found '1,2:1'"),
        ("1 4 5\ncat 1:1\n", 2, "as label, found 'cat'"),
        ("1 4 5\n0 1:1 # comment\n", 2, "index:value was expected, found '#'"),
        ("1 4 5\n0 1:é\n", 2, "ascii"),
        ("3 4 5\n0 1:1\n", 2, "the file ends after 1 rows, but the header announces 3"),
        ("1 4 5\n0 1:1\n1 1:1\n", 3, "the header announces 1 rows, but there are more"),
        ("0 4 5\n0 1:1\n", 2, "the header announces 0 rows"),
    ],
)
def test_broken_xmc(tmp_path, text, line, message):
    path = tmp_path / "broken.txt"
    path.write_bytes(text.encode())
    with pytest.raises(ValueError, match=rf"{re.escape(str(path))}:{line}: .*{message}"):
        read_xmc(path)


@pytest.mark.parametrize(
    ("text", "line"), [("2 3\n0:1\n7 1:1\n", 3), ("2 3\n0:1\n1,2 1:1\n", 3), ("1 2 3\n", 1)]
)
def test_labels_have_no_place_in_a_sparse_file(tmp_path, text, line):
    (tmp_path / "a.txt").write_text(text)
    with pytest.raises(ValueError, match=f"a.txt:{line}: "):
        read_sparse(tmp_path / "a.txt")


@st.composite
def matrices(draw, n_rows):
    n_cols = draw(st.integers(1, 5))
    floats = st.floats(width=32, allow_nan=False, allow_infinity=False)
    return sp.csr_array(draw(arrays(np.float32, (n_rows, n_cols), elements=st.one_of(st.just(0.0), floats))))


@given(data=st.data(), end=st.sampled_from(["", ".gz", ".xz"]))
@settings(max_examples=60, deadline=None)
def test_what_is_written_comes_back(tmp_path_factory, data, end):
    n_rows = data.draw(st.integers(0, 6))
    X, Y = data.draw(matrices(n_rows)), data.draw(matrices(n_rows))
    folder = tmp_path_factory.mktemp("xmc")
    write_xmc(folder / f"a.txt{end}", X, Y)
    found = read_xmc(folder / f"a.txt{end}")
    assert equal(found.X, as_csr(X))
    assert np.array_equal(dense(found.Y), (Y.toarray() != 0).astype(np.float32))
    write_sparse(folder / f"s.txt{end}", X)
    assert equal(read_sparse(folder / f"s.txt{end}"), as_csr(X))


def test_writing_many_rows_and_explicit_zero_labels(tmp_path):
    rng = np.random.default_rng(0)
    X = sp.random_array((9000, 30), density=0.1, format="csr", rng=rng, dtype=np.float32)
    Y = sp.random_array((9000, 7), density=0.2, format="csr", rng=rng)
    Y.data[rng.random(Y.nnz) < 0.5] = 0
    write_xmc(tmp_path / "a.txt", X, Y)
    found = read_xmc(tmp_path / "a.txt")
    assert equal(found.X, as_csr(X))
    assert np.array_equal(dense(found.Y), Y.toarray() > 0)
    with pytest.raises(ValueError, match="Y has 1 rows, but 9000"):
        write_xmc(tmp_path / "a.txt", X, np.ones((1, 1)))


@given(text=st.text(alphabet="013.:, -e\n", max_size=40), labelled=st.booleans())
@settings(max_examples=500, deadline=None)
def test_array_parser_equals_line_parser(text, labelled):
    block = text.encode() + b"\n"
    fast = pairs._parse_arrays(block.replace(b" \n", b"\n"), labelled)
    if fast is None:
        return  # then the line parser decides
    slow = pairs._parse_lines(block, "x", 1, labelled)
    for a, b in zip(fast, slow, strict=True):
        assert np.array_equal(a, b)


def test_array_parser_takes_ordinary_lines():
    assert pairs._parse_arrays(b"0,1 2:0.5 3:-1e-05\n 1:1\n7\n\n3:4\n", True) is not None
    assert pairs._parse_arrays(b"2:0.5 3:1\n\n 1:1\n", False) is not None


def test_blocks_split_anywhere(tmp_path, monkeypatch):
    (tmp_path / "a.txt").write_text(XMC)
    whole = read_xmc(tmp_path / "a.txt")
    for size in range(1, 30):
        monkeypatch.setattr(xmc, "_BLOCK_BYTES", size)
        part = read_xmc(tmp_path / "a.txt")
        assert equal(part.X, whole.X)
        assert equal(part.Y, whole.Y)
        (tmp_path / "b.txt").write_text(XMC + "3\n")
        with pytest.raises(ValueError, match=r"b.txt:5: the header announces 3 rows"):
            read_xmc(tmp_path / "b.txt")
        (tmp_path / "b.txt").write_text(XMC.replace("2:-2", "2:x"))
        with pytest.raises(ValueError, match=r"b.txt:3: "):
            read_xmc(tmp_path / "b.txt")


@pytest.mark.parametrize("form", ["csr", "csc", "coo", "bsr", "dia"])
def test_npz(tmp_path, form):
    X = sp.random_array((5, 4), density=0.5, rng=np.random.default_rng(0), format=form)
    sp.save_npz(tmp_path / "a.npz", X)
    assert np.array_equal(dense(read_npz(tmp_path / "a.npz")), X.toarray().astype(np.float32))


def test_broken_npz(tmp_path):
    path = tmp_path / "a.npz"
    with pytest.raises(FileNotFoundError):
        read_npz(path)
    good = {"indices": [0, 1], "indptr": [0, 1, 2], "data": [1.0, 2.0], "shape": [2, 2], "format": b"csc"}
    sp.save_npz(path, sp.csr_array(np.eye(3)))
    half = path.read_bytes()[:200]
    for content in (b"", b"hello", half):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"a.npz: not a sparse matrix"):
            read_npz(path)
    changes = [
        {"indices": [0, 7]},
        {"indices": [0, -1]},
        {"indptr": [0, 3, 2]},
        {"indptr": [0, 1]},
        {"data": [1.0]},
        {"data": np.array([{}, {}], object)},
        {"format": b"odd"},
    ]
    for change in changes:
        np.savez(path, **(good | change))
        with pytest.raises(ValueError, match=r"a.npz: not a sparse matrix"):
            read_npz(path)
    np.savez(path, **(good | {"data": [1.0, np.nan]}))
    with pytest.raises(ValueError, match=r"a.npz: matrix contains NaN"):
        read_npz(path)
    np.savez(path, a=np.eye(2))
    with pytest.raises(ValueError, match=r"a.npz: not a sparse matrix"):
        read_npz(path)


@pytest.fixture
def pecos(tmp_path):
    for part, n in (("trn", 3), ("tst", 2)):
        sp.save_npz(tmp_path / f"Y.{part}.npz", sp.csc_matrix(np.eye(n, 4)))
        (tmp_path / f"X.{part}.txt").write_text("".join(f"text {i}\n" for i in range(n)))
        sp.save_npz(tmp_path / f"X.{part}.npz", sp.csr_matrix(np.ones((n, 5))))
    (tmp_path / "output-items.txt").write_text("a\nb\nc\nd\n")
    return tmp_path


def test_pecos_layout(pecos):
    data = read_pecos(pecos)
    assert (data.X.shape, data.Y.shape) == ((3, 5), (3, 4))
    assert data.texts == ["text 0", "text 1", "text 2"]
    assert data.label_texts == ["a", "b", "c", "d"]
    assert len(read_pecos(pecos, "test")) == 2
    (pecos / "tfidf").mkdir()
    sp.save_npz(pecos / "tfidf" / "X.trn.npz", sp.csr_matrix(np.ones((3, 9))))
    assert read_pecos(pecos, features="tfidf").X.shape == (3, 9)
    for name in ("X.trn.npz", "output-items.txt"):
        (pecos / name).unlink()
    assert read_pecos(pecos).X is None
    assert read_pecos(pecos).label_texts is None


def test_broken_pecos_layout(pecos):
    with pytest.raises(ValueError, match="split is 'dev'; one of 'train', 'test'"):
        read_pecos(pecos, "dev")
    with pytest.raises(NotADirectoryError, match="odd"):
        read_pecos(pecos, features="odd")
    with pytest.raises(NotADirectoryError, match="no-such"):
        read_pecos(pecos / "no-such")
    (pecos / "X.trn.txt").write_text("one\n")
    with pytest.raises(ValueError, match="1 texts, but Y has 3 rows"):
        read_pecos(pecos)
    (pecos / "X.trn.txt").unlink()
    (pecos / "output-items.txt").write_text("a\n")
    with pytest.raises(ValueError, match="1 label texts, but Y has 4 labels"):
        read_pecos(pecos)
    sp.save_npz(pecos / "X.trn.npz", sp.csr_matrix(np.ones((9, 5))))
    with pytest.raises(ValueError, match="X has 9 rows, but Y has 3"):
        read_pecos(pecos)
    (pecos / "X.trn.npz").unlink()
    with pytest.raises(FileNotFoundError, match=r"X\.trn\.npz and no X\.trn\.txt"):
        read_pecos(pecos)
    (pecos / "Y.trn.npz").unlink()
    with pytest.raises(FileNotFoundError, match=r"Y\.trn\.npz"):
        read_pecos(pecos)


@pytest.fixture
def lf(tmp_path):
    (tmp_path / "trn_X_Y.txt").write_text("2 3\n0:1.0 2:1.0\n1:1.0\n")
    (tmp_path / "tst_X_Y.txt.gz").write_bytes(gzip.compress(b"1 3\n2:1.0\n"))
    (tmp_path / "trn_X_Xf.txt").write_text("2 5\n0:0.5\n4:2\n")
    (tmp_path / "trn_X.txt").write_text("first text\nsecond text\n")
    (tmp_path / "tst_X.txt").write_text("1 5\n3:1\n")
    (tmp_path / "Y.txt").write_text("a\nb\nc\n")
    (tmp_path / "filter_labels_train.txt").write_text("")
    (tmp_path / "filter_labels_test.txt").write_text("0 1\n0 2\n")
    return tmp_path


def test_lf_layout(lf):
    train, test = read_lf(lf), read_lf(lf, "test")
    assert np.array_equal(dense(train.Y), [[1, 0, 1], [0, 1, 0]])
    assert train.X.shape == (2, 5)
    assert train.texts == ["first text", "second text"]
    assert train.label_texts == ["a", "b", "c"]
    assert train.filter_pairs.shape == (0, 2)
    assert np.array_equal(dense(test.X), [[0, 0, 0, 1, 0]])
    assert test.texts is None
    assert test.filter_pairs.tolist() == [[0, 1], [0, 2]]
    (lf / "trn_X_Xf.txt").unlink()
    (lf / "filter_labels_train.txt").unlink()
    assert read_lf(lf).X is None
    assert read_lf(lf).filter_pairs is None


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("trn_X_Y.txt", "2 3\n0:1.0\n3:1\n", r"trn_X_Y.txt:3: index 3 is outside \[0, 3\)"),
        ("trn_X_Xf.txt", "5\n", r"trn_X_Xf.txt:1: a header of 2 integers"),
        ("trn_X_Xf.txt", "1 5\n0:1\n", "X has 1 rows, but Y has 2"),
        ("trn_X.txt", "one\n", "1 texts, but Y has 2 rows"),
        ("trn_X.txt", b"one\n\xff\n", r"trn_X.txt:2: not utf-8"),
        ("Y.txt", "a\n", "1 label texts, but Y has 3 labels"),
        ("filter_labels_train.txt", "0 1\n1\n", "filter_labels_train.txt:2: two integers"),
        ("filter_labels_train.txt", "0 -1\n", "filter_labels_train.txt:1: two integers"),
        ("filter_labels_train.txt", "0 3\n", r"filter pair \[0, 3\] is outside the shape \(2, 3\)"),
    ],
)
def test_broken_lf_layout(lf, name, content, message):
    (lf / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ValueError, match=message):
        read_lf(lf)


def test_incomplete_lf_layout(lf):
    (lf / "trn_X.txt").unlink()
    (lf / "trn_X_Xf.txt").unlink()
    with pytest.raises(FileNotFoundError, match=r"no trn_X_Xf\.txt and no trn_X\.txt"):
        read_lf(lf)
    (lf / "trn_X_Y.txt").unlink()
    with pytest.raises(FileNotFoundError, match=r"no trn_X_Y\.txt"):
        read_lf(lf)


def test_matrix_data_checks_itself():
    with pytest.raises(ValueError, match="filter pair"):
        MatrixData(sp.csr_array(np.eye(2)), filter_pairs=np.array([[-1, 0]]))


def test_a_file_of_another_kind_is_not_called_a_pickle(tmp_path):
    path = tmp_path / "texts.jsonl"
    path.write_text('{"text": "a", "labels": ["x"]}\n')
    with pytest.raises(ValueError, match=r"texts.jsonl: not a sparse matrix .*: it is not a zip archive$"):
        read_npz(path)
