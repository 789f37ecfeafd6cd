"""Sparse matrices of any format, from files and callers, are checked before SciPy converts them, sizes included."""

import gzip
import io
import json
import os
import shutil
import time
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp

from arborank import XRLinear
from arborank.core.sparse import as_csr
from arborank.core.structure import check_structure
from arborank.datasets import read_jsonl, read_npz, read_pecos, read_sparse, read_tabbed, read_xmc
from arborank.indexing import LabelTree
from arborank.linear.pecos import import_xlinear
from arborank.metrics import evaluate
from arborank.stages.protocols import checked_scores

MODEL = Path(__file__).parents[1] / "support" / "pecos-model" / "kmeans"
FORMATS = ("csr", "csc", "coo", "bsr", "dia", "dok", "lil")
LARGE32, LARGE64 = 2**31 - 1, 2**62


def dense(seed=0):
    rng = np.random.default_rng(seed)
    return np.where(rng.random((6, 8)) < 0.5, rng.random((6, 8), np.float32) + 0.1, 0).astype(np.float32)


def matrix(kind, seed=0):
    if kind == "bsr":
        return sp.bsr_array(dense(seed), blocksize=(2, 4))
    return sp.csr_array(dense(seed)).asformat(kind)


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("seed", range(3))
def test_sound_matrices_stay_what_they_are(kind, seed):
    for X in (
        matrix(kind, seed),
        type(matrix(kind))((6, 8), dtype=np.float32),
        matrix(kind, seed).astype(np.int8),
    ):
        expected = X.toarray().astype(np.float32)
        csr = as_csr(X)
        found = sp.csr_array((csr.data, csr.indices, csr.indptr), csr.shape).toarray()
        np.testing.assert_array_equal(found, expected)
        np.testing.assert_array_equal(check_structure(X, "X").toarray(), expected)


# ---------------------------------------------------------------- arrays that were set


def inner(indptr, value, at=1):
    indptr = indptr.copy()
    indptr[at] = value
    return indptr


def wrapped(indptr, kind):
    """Bounds whose differences are all positive in so many bits, though they do not ascend."""
    least, most = np.iinfo(kind).min, np.iinfo(kind).max
    return np.concatenate([np.array([0, most, least], kind), indptr[3:].astype(kind)])


COMPRESSED = {
    "inner-huge": lambda X: {"indptr": inner(X.indptr, LARGE32)},
    "inner-huge-and-empty": lambda X: {"indptr": inner(np.zeros_like(X.indptr), LARGE32)},
    "inner-negative": lambda X: {"indptr": inner(X.indptr, -1)},
    "wrapped": lambda X: {"indptr": wrapped(X.indptr, np.int32)},
    "wrapped-64": lambda X: {"indptr": wrapped(X.indptr, np.int64)},
    "first": lambda X: {"indptr": inner(X.indptr, 1, at=0)},
    "last": lambda X: {"indptr": inner(X.indptr, LARGE32, at=-1)},
    "short": lambda X: {"indptr": X.indptr[:-1]},
    "empty": lambda X: {"indptr": X.indptr[:0]},
    "two-dimensional": lambda X: {"indptr": X.indptr[:, None]},
    "index-huge": lambda X: {"indices": inner(X.indices, LARGE32)},
    "index-negative": lambda X: {"indices": inner(X.indices, -1)},
    "index-64": lambda X: {"indices": inner(X.indices.astype(np.int64), LARGE64)},
    "index-wraps": lambda X: {"indices": inner(X.indices.astype(np.int64), 2**32)},
    "fewer-values": lambda X: {"data": X.data[:-1]},
    "fewer-indices": lambda X: {"indices": X.indices[:-1]},
}
PLACES = {
    "row-huge": {"row": LARGE32},
    "row-negative": {"row": -1},
    "column-huge": {"col": LARGE32},
    "column-negative": {"col": -7},
}


def damaged(kind):
    for name, change in COMPRESSED.items():
        if kind in ("csr", "csc", "bsr"):
            X = matrix(kind)
            for array, values in change(X).items():
                setattr(X, array, values)
            yield name, X
    if kind == "bsr":
        X = matrix(kind)
        X.data = X.data[:, :1]
        yield "lower blocks", X
        X = matrix(kind)
        X.data = np.ones((X.data.shape[0], 4, 4), np.float32)
        yield "blocks that do not fill it", X
    if kind == "coo":
        for name, places in PLACES.items():
            X = matrix(kind)
            for axis, value in places.items():
                getattr(X, axis)[2] = value
            yield name, X
        X = matrix(kind)
        X.data = X.data[:-1]
        yield "fewer values", X
    if kind == "dia":
        for name, offsets in (
            ("more offsets", [0, 1]),
            ("repeated", [1, 1, 1]),
            ("fractions", [0.5, 1.5, 2.5]),
        ):
            X = sp.dia_array((np.ones((3, 8), np.float32), [0, 1, 2]), shape=(6, 8))
            X.offsets = np.array(offsets)
            yield name, X
    if kind == "dok":
        for key in ((10**6, 0), (0, -3), (0, 10**12)):
            X = matrix(kind)
            X._dict[key] = np.float32(1)
            yield str(key), X
    if kind == "lil":
        for name, rows, data in (
            ("more values", [0, 1], [1.0] * 10_000),
            ("more columns", list(range(8)) * 1000, [1.0]),
            ("huge", [LARGE32], [1.0]),
            ("negative", [-1], [1.0]),
            ("beyond", [2**70], [1.0]),
            ("words", ["a"], [1.0]),
            ("nothing", None, [1.0]),
        ):
            X = matrix(kind)
            X.rows[2], X.data[2] = rows, data
            yield name, X


@pytest.mark.parametrize("kind", FORMATS)
def test_damaged_matrices_are_told(kind):
    model = XRLinear().fit(dense(), [[0], [1], [2], [0], [1], [2]])
    names = []
    for name, X in damaged(kind):
        names.append(name)
        for use in (as_csr, model.predict_topk):
            with pytest.raises(ValueError, match="X is malformed"):
                use(X)
        with pytest.raises(ValueError, match="X is malformed"):
            check_structure(X, "X")
    assert len(names) > 2


@pytest.mark.parametrize("offset", [2**31 - 1, -(2**31), 100, -100, 8, -6])
def test_diagonals_outside_hold_nothing(offset):
    X = sp.dia_array((np.ones((2, 8), np.float32), [0, 1]), shape=(6, 8))
    X.offsets = np.array([0, offset])
    assert as_csr(X).nnz == 6


@pytest.mark.parametrize("kind", ["csr", "csc", "bsr"])
def test_other_ways_in_check_too(kind):
    X = matrix(kind)
    X.indptr = inner(X.indptr, LARGE32)
    Y = sp.csr_array((6, 8), dtype=np.float32)
    with pytest.raises(ValueError, match=r"chain\[0\] is malformed"):
        LabelTree.from_chain([X])
    with pytest.raises(ValueError, match="Y is malformed"):
        XRLinear().fit(dense(), X)
    with pytest.raises(ValueError, match="malformed"):
        evaluate(X, np.zeros((6, 1), np.int64), [1])
    with pytest.raises(ValueError, match="predictions is malformed"):
        evaluate(Y, X, [1])
    for filters in ({"candidates": X}, {"exclude": X}):
        with pytest.raises(ValueError, match="malformed"):
            XRLinear().fit(dense(), np.eye(6)[:, :3]).predict_topk(dense(), 1, **filters)
    tree = LabelTree.from_clusters([0, 0, 0, 0, 1, 1, 1, 1])
    with pytest.raises(ValueError, match="damaged matrix"):
        checked_scores(object(), X, np.zeros((6, 1), np.int64), tree)


# ---------------------------------------------------------------- files


def write(path, arrays, **options):
    np.savez(path, **arrays, **options)
    return path


def arrays_of(X):
    names = {
        "csr": ("data", "indices", "indptr"),
        "csc": ("data", "indices", "indptr"),
        "bsr": ("data", "indices", "indptr"),
        "coo": ("data", "row", "col"),
        "dia": ("data", "offsets"),
    }[X.format]
    return {
        "format": np.array(X.format.encode()),
        "shape": np.array(X.shape),
        **{n: getattr(X, n) for n in names},
    }


@pytest.mark.parametrize("kind", ["csr", "csc", "bsr", "coo", "dia"])
def test_npz_files_with_damaged_arrays(tmp_path, kind):
    sp.save_npz(tmp_path / "sound.npz", matrix(kind))
    np.testing.assert_array_equal(read_npz(tmp_path / "sound.npz").toarray(), dense())
    for name, X in damaged(kind):
        if name == "fractions":  # which become integers as SciPy reads them
            continue
        path = write(tmp_path / "x.npz", arrays_of(X))
        with pytest.raises(ValueError, match=r"x\.npz"):
            raise AssertionError(name, read_npz(path))


@pytest.mark.parametrize("blocks", [(1, 0, 2), (1, 2, 0), (0, 0, 0)])
def test_npz_files_with_blocks_of_nothing(tmp_path, blocks):
    arrays = {"data": np.ones(blocks), "indices": np.array([0]), "indptr": np.array([0, 1, 1])}
    path = write(tmp_path / "x.npz", {"format": np.array(b"bsr"), "shape": np.array((4, 4)), **arrays})
    with pytest.raises(ValueError, match=r"x\.npz: not a sparse matrix"):
        read_npz(path)


@pytest.mark.parametrize("kind", ["csr", "csc", "bsr", "coo", "dia"])
@pytest.mark.parametrize(
    "shape",
    [
        (2**31, 8),
        (6, 2**31 - 1),
        (2**40, 2**40),
        (2**62, 8),
        (6, 2**63 - 1),
        (-6, 8),
        (6,),
        (6, 8, 1),
    ],
    ids=str,
)
def test_shapes_that_files_claim(tmp_path, kind, shape):
    arrays = {**arrays_of(matrix(kind)), "shape": np.array(shape)}
    start = time.perf_counter()
    with pytest.raises(ValueError, match=r"x\.npz"):
        read_npz(write(tmp_path / "x.npz", arrays))
    assert time.perf_counter() - start < 10


def member(array, version=b"\x01\x00", **changes):
    """An array file whose header says something else."""
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array)
    content = buffer.getvalue()
    for old, new in changes.items():
        old = old.encode()
        assert old in content
        content = content.replace(old, new.encode().ljust(len(old))[: max(len(old), len(new))])
    return content[:6] + version + content[8:]


@pytest.mark.parametrize("packed", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("name", ["data.npy", "indptr.npy"])
def test_arrays_that_are_smaller_than_they_say(tmp_path, packed, name):
    path = tmp_path / "x.npz"
    with zipfile.ZipFile(path, "w", packed) as archive:
        for array, values in arrays_of(matrix("csr")).items():
            content = member(np.asarray(values))
            if f"{array}.npy" == name:
                header, rest = (
                    content[:10],
                    content[10:].replace(f"({len(values)},)".encode(), b"(9999999999999,)"),
                )
                content = header + rest
                content = content[:8] + (len(rest) - values.nbytes).to_bytes(2, "little") + rest
            archive.writestr(f"{array}.npy", content)
    with pytest.raises(ValueError, match=rf"x\.npz.*{name} has \d+ bytes, which does not fit"):
        read_npz(path)


def test_archives_that_grow_without_end(tmp_path, monkeypatch):
    path = tmp_path / "x.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for array, values in arrays_of(matrix("csr")).items():
            archive.writestr(f"{array}.npy", member(np.asarray(values)))
        archive.writestr("more.npy", member(np.zeros(10**8, np.int8)))
    assert path.stat().st_size < 200_000
    monkeypatch.setattr("arborank.core.memory._LITTLE", 0)
    monkeypatch.setattr("arborank.core.memory.available_memory", lambda: 10**7)
    with pytest.raises(MemoryError, match=r"the arrays of .*x\.npz need 100 MB, but 10 MB are free"):
        read_npz(path)


def test_directories_of_archives_that_lie(tmp_path):
    path = write(tmp_path / "x.npz", arrays_of(matrix("csr")))
    content = bytearray(path.read_bytes())
    at = content.index(b"PK\x01\x02")
    content[at + 24 : at + 28] = (2**31).to_bytes(4, "little")  # the size of the first array, unpacked
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"x\.npz: not a sparse matrix .* claims 2147483648 bytes of"):
        read_npz(path)
    content[at + 20 : at + 24] = (2**31).to_bytes(4, "little")  # and packed
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"x\.npz: not a sparse matrix .* do not fit it"):
        read_npz(path)


def test_objects_and_other_archives(tmp_path):
    arrays = {**arrays_of(matrix("csr")), "data": np.array([object()])}
    with pytest.raises(ValueError, match="which only a pickle can hold"):
        read_npz(write(tmp_path / "x.npz", arrays, allow_pickle=True))
    with zipfile.ZipFile(tmp_path / "y.npz", "w") as archive:
        for number in range(100):
            archive.writestr(f"{number}.npy", member(np.zeros(1)))
    with pytest.raises(ValueError, match="it lists 100 arrays"):
        read_npz(tmp_path / "y.npz")
    with zipfile.ZipFile(tmp_path / "z.npz", "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("data.npy", member(np.zeros(10)))
    with pytest.raises(ValueError, match=r"z\.npz: not a sparse matrix"):
        read_npz(tmp_path / "z.npz")


def test_no_file_in_the_place_of_a_matrix(tmp_path):
    os.mkfifo(tmp_path / "pipe.npz")
    for path in (tmp_path / "pipe.npz", Path("/dev/zero"), tmp_path):
        with pytest.raises(ValueError, match="a regular file was expected"):
            read_npz(path)
    sp.save_npz(tmp_path / "Y.trn.npz", matrix("csr"))
    os.mkfifo(tmp_path / "X.trn.npz")
    with pytest.raises(FileNotFoundError, match=r"X\.trn"):
        read_pecos(tmp_path)


@pytest.mark.parametrize(
    ("name", "arrays"),
    [
        (
            "bsr",
            {
                "indices": np.zeros(0, int),
                "indptr": np.zeros(2, int),
                "data": np.zeros((0, 1 << 20, 1 << 20)),
            },
        ),
        (
            "bsr",
            {
                "indices": np.zeros(9, int),
                "indptr": np.array([0, 9]),
                "data": np.zeros((9, 1 << 10, 1 << 10)),
            },
        ),
        ("dia", {"offsets": np.arange(-512, 512), "data": np.zeros((1024, 1 << 13), np.float32)}),
        ("dia", {"offsets": np.arange(9), "data": np.zeros((9, 1 << 20), np.float32)}),
        ("coo", {"row": np.zeros(1 << 20, int), "col": np.zeros(1 << 20, int), "data": np.zeros(1 << 20)}),
        ("csc", {"indices": np.zeros(1, int), "indptr": np.zeros((1 << 20) + 1, int), "data": np.zeros(1)}),
        ("csr", {"indices": np.zeros(1, int), "indptr": np.zeros((1 << 20) + 1, int), "data": np.zeros(1)}),
    ],
)
def test_small_files_that_unpack_to_zeros_take_little_more_than_these(tmp_path, name, arrays):
    size = 1 << 10 if len(arrays.get("data")) == 9 and name == "bsr" else 1 << 20
    np.savez_compressed(tmp_path / "x.npz", format=name.encode(), shape=np.array([size, size]), **arrays)
    held = sum(array.nbytes for array in arrays.values())
    tracemalloc.start()
    try:
        matrix = read_npz(tmp_path / "x.npz")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert matrix.shape == (size, size)
    assert peak < 5 * held + 40 * size


def test_what_a_file_holds_does_not_fill_the_screen(tmp_path):
    np.savez_compressed(tmp_path / "x.npz", format=("x" * 100_000).encode(), shape=np.array([4, 4]))
    with pytest.raises(ValueError, match=r"x\.npz: not a sparse matrix") as caught:
        read_npz(tmp_path / "x.npz")
    assert len(str(caught.value)) < 1000


# ---------------------------------------------------------------- PECOS


@pytest.fixture
def folder(tmp_path):
    shutil.copytree(MODEL, tmp_path / "model")
    return tmp_path / "model"


def change_param(path, **values):
    param = json.loads(path.read_text())
    path.write_text(json.dumps({**param, **values}))


@pytest.mark.parametrize("name", ["C.npz", "W.npz"])
@pytest.mark.parametrize("kind", ["csc", "csr"])
@pytest.mark.parametrize("change", sorted(COMPRESSED))
def test_pecos_models_with_damaged_matrices(folder, name, kind, change):
    path = folder / "ranker" / "1.model" / name
    X = sp.load_npz(path).asformat(kind)
    arrays = {**arrays_of(X), **COMPRESSED[change](X)}
    write(path, arrays)
    with pytest.raises(ValueError, match=name):
        import_xlinear(folder)


def test_pecos_matrices_in_blocks(folder):
    path = folder / "ranker" / "0.model" / "C.npz"
    X = sp.bsr_array(sp.load_npz(path))
    write(path, {**arrays_of(X), "indptr": inner(np.zeros_like(X.indptr), LARGE32)})
    with pytest.raises(ValueError, match=r"C\.npz is not a whole sparse matrix.*csc or csr was expected"):
        import_xlinear(folder)


@pytest.mark.parametrize("name", ["C.npz", "W.npz"])
@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("size", [2**31 - 1, 2**40, 2**62])
def test_shapes_that_pecos_models_claim(folder, name, axis, size):
    path = folder / "ranker" / "1.model" / name
    X = sp.csr_array(sp.load_npz(path)) if axis else sp.csc_array(sp.load_npz(path))
    shape = list(X.shape)
    shape[axis] = size
    write(path, {**arrays_of(X), "shape": np.array(shape)})
    with pytest.raises(ValueError, match=name):
        import_xlinear(folder)


@pytest.mark.parametrize("depth", [10**12, 10**30, 3, 0, -1])
def test_depths_that_pecos_models_claim(folder, depth):
    n_layers = len(list((folder / "ranker").glob("*.model")))
    depth = n_layers + 1 if depth == 3 else depth
    change_param(folder / "ranker" / "param.json", depth=depth)
    start = time.perf_counter()
    with pytest.raises((ValueError, FileNotFoundError), match=r"param\.json"):
        import_xlinear(folder)
    assert time.perf_counter() - start < 10


@pytest.mark.parametrize("bias", [float("nan"), float("inf"), 10**400, 1e300])
def test_biases_that_are_no_numbers(folder, bias):
    change_param(folder / "ranker" / "0.model" / "param.json", bias=bias)
    with pytest.raises(ValueError, match=r"param\.json: bias must be finite|not valid JSON"):
        import_xlinear(folder)


def test_no_file_in_the_place_of_a_parameter(folder):
    path = folder / "ranker" / "0.model" / "param.json"
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(ValueError, match="a regular file was expected"):
        import_xlinear(folder)


# ---------------------------------------------------------------- texts


def test_lines_without_end(tmp_path, monkeypatch):
    for module in ("lines", "xmc"):
        monkeypatch.setattr(f"arborank.datasets.{module}.LONGEST_LINE", 1000)
    monkeypatch.setattr("arborank.datasets.xmc._BLOCK_BYTES", 500)
    for name, read in (("a.jsonl", read_jsonl), ("a.txt", read_tabbed), ("a.jsonl.gz", read_jsonl)):
        content = b"\0" * 5000
        (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
        with pytest.raises(ValueError, match=rf"{name}.*a line of more than 1,000 bytes"):
            read(tmp_path / name)
    (tmp_path / "x.txt").write_bytes(b"1 10 10\n" + b"1" * 5000)
    with pytest.raises(ValueError, match=r"x\.txt has a line of more than 1,000 bytes"):
        read_xmc(tmp_path / "x.txt")


@pytest.mark.parametrize("header", ["2 5 2147483647", "2 2147483647 5", "2000000000 5 5"])
def test_headers_that_claim_more_than_there_is(tmp_path, header):
    (tmp_path / "x.txt").write_text(f"{header}\n0 1:1\n1 2:1\n")
    with pytest.raises(ValueError, match=r"x\.txt"):
        read_xmc(tmp_path / "x.txt")
    (tmp_path / "y.txt").write_text("2 2147483647\n1:1\n2:1\n")
    with pytest.raises(ValueError, match=r"y\.txt: its header claims 2,147,483,647 columns, but holds"):
        read_sparse(tmp_path / "y.txt")
