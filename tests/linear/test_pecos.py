import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp

from arborank.core.sparse import as_csr
from arborank.linear.pecos import import_xlinear
from arborank.matching.beam import BeamSearch
from arborank.matching.combine import COMBINATIONS

OF_PECOS = [name for name in COMBINATIONS if not re.search(r"l\d-l\d", name)]
FIXTURE = Path(__file__).parents[1] / "support" / "pecos-model"
MODELS = ["kmeans", "shuffled", "overlap", "flat"]
BEAM, TOPK = 3, 8


@pytest.fixture(scope="module")
def queries():
    return as_csr(sp.load_npz(FIXTURE / "queries.npz"), "X")


@pytest.fixture
def folder(tmp_path):
    return Path(shutil.copytree(FIXTURE / "kmeans", tmp_path / "mödel of PECOS"))


def rank(model, X, k=TOPK, combine=None):
    search = BeamSearch(model.tree.branches, model.layers, model.tree.labels, model.tree.n_labels)
    return search.topk(X, k, beam_size=BEAM, combine=combine or model.combine)


def best_of_each(ids, scores):
    """What is left of one row of libpecos' answer, in which a label may stand several times."""
    first = sorted(np.unique(ids, return_index=True)[1])
    return ids[first], scores[first]


@pytest.mark.parametrize("combination", OF_PECOS)
@pytest.mark.parametrize("name", MODELS)
def test_scores_of_libpecos(queries, name, combination):
    model = import_xlinear(FIXTURE / name)
    ids, scores = rank(model, queries, combine=combination)
    with np.load(FIXTURE / f"{name}-expected.npz") as expected:
        their_ids, their_scores = expected[f"{combination} ids"], expected[f"{combination} scores"]
    assert (their_ids >= 0).all()
    for row in range(len(ids)):
        wanted_ids, wanted_scores = best_of_each(their_ids[row], their_scores[row])
        found = dict(zip(ids[row].tolist(), scores[row].tolist(), strict=True))
        assert sorted(found.values(), reverse=True) == scores[row].tolist()
        np.testing.assert_allclose(scores[row, : len(wanted_scores)], wanted_scores, rtol=1e-5, atol=1e-5)
        cut = wanted_scores[-1] + 1e-5 * (1 + abs(wanted_scores[-1]))  # below it, ties may fall either way
        for label, score in zip(wanted_ids.tolist(), wanted_scores.tolist(), strict=True):
            if score > cut:
                assert found[label] == pytest.approx(score, rel=1e-5, abs=1e-5)


def test_parts():
    model = import_xlinear(FIXTURE / "kmeans")
    assert model.tree.level_sizes == (1, 4, 16, 60)
    assert not np.array_equal(model.tree.labels, np.arange(60))
    assert model.bias == (1.0, 1.0, 1.0)
    assert (model.combine, model.beam_size, model.k) == ("l3-hinge", 20, 20)
    assert [layer.n_features for layer in model.layers] == [50, 50, 50]
    assert import_xlinear(FIXTURE / "shuffled").bias == (0.0, 0.0, 0.0)
    flat = import_xlinear(FIXTURE / "flat")
    assert flat.tree.level_sizes == (1, 60)
    assert flat.beam_size == 10
    assert import_xlinear(FIXTURE / "overlap").tree.overlapping


@pytest.mark.parametrize("name", ["kmeans", "shuffled"])
def test_weights_of_every_node(name):
    model = import_xlinear(FIXTURE / name)
    order = model.tree.labels
    W = sp.load_npz(FIXTURE / name / "ranker" / "2.model" / "W.npz").toarray()
    ours, bias = model.layers[-1].to_matrix()
    np.testing.assert_array_equal(ours.toarray(), W[:50, order])
    np.testing.assert_array_equal(bias, W[50, order] if W.shape[0] == 51 else np.zeros(60))


def test_ranker_folder_itself(folder, queries):
    ids, _ = rank(import_xlinear(folder / "ranker"), queries)
    np.testing.assert_array_equal(ids, rank(import_xlinear(folder), queries)[0])


@pytest.mark.parametrize("save", ["compressed", "csr", "int64", "csr_array", "bytes", "duplicates"])
def test_other_forms_of_npz(folder, queries, save):
    before = rank(import_xlinear(folder), queries)
    for path in sorted(folder.glob("ranker/*/[WC].npz")):
        matrix = sp.load_npz(path)
        if save == "csr":
            sp.save_npz(path, matrix.tocsr())
        elif save == "csr_array":
            sp.save_npz(path, sp.csr_array(matrix))
        elif save == "compressed":
            sp.save_npz(path, matrix, compressed=True)
        else:
            data, indices, indptr = matrix.data, matrix.indices, matrix.indptr.astype(np.int64)
            if save == "duplicates":
                data, indices, indptr = np.repeat(data / 2, 2), np.repeat(indices, 2), indptr * 2
            np.savez(
                path,
                format=b"csc" if save == "bytes" else "csc",
                shape=np.array(matrix.shape),
                data=data.astype(np.float64),
                indices=indices.astype(np.int64),
                indptr=indptr,
            )
    after = rank(import_xlinear(folder), queries)
    np.testing.assert_array_equal(after[0], before[0])
    np.testing.assert_array_equal(after[1], before[1])


# -- settings


def edit(path, **changes):
    param = json.loads(path.read_text())
    for name, value in changes.items():
        target = param["pred_kwargs"] if name in ("only_topk", "post_processor") else param
        target[name] = value
    path.write_text(json.dumps(param))


def test_settings_that_differ_by_layer(folder):
    edit(folder / "ranker/2.model/param.json", post_processor="noop")
    with pytest.raises(
        ValueError, match=r"2\.model.param\.json has post_processor 'noop', but layer 0 has 'l3-hinge'"
    ):
        import_xlinear(folder)
    assert import_xlinear(folder, combine="sigmoid").combine == "sigmoid"
    edit(folder / "ranker/1.model/param.json", only_topk=7)
    with pytest.raises(
        ValueError, match=r"1\.model.param\.json has only_topk 7, but layer 0 has 20; choose beam_size"
    ):
        import_xlinear(folder, combine="sigmoid")
    assert import_xlinear(folder, combine="sigmoid", beam_size=5).beam_size == 5


def test_k_is_the_bottom_layers(folder):
    edit(folder / "ranker/2.model/param.json", only_topk=7)
    assert import_xlinear(folder).k == 7


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"combine": "l5-hinge"}, "combine must be one of .* found 'l5-hinge'"),
        ({"beam_size": 0}, "beam_size must be at least 1, found 0"),
    ],
)
def test_wrong_options(folder, options, message):
    with pytest.raises(ValueError, match=message):
        import_xlinear(folder, **options)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"post_processor": "l7-hinge"}, "post_processor 'l7-hinge'; known are"),
        ({"only_topk": 0}, "beam_size must be at least 1, found 0"),
        ({"model": "LinearModel"}, "does not describe a PECOS MLModel"),
        ({"bias": "1"}, "has bias '1'"),
        ({"bias": None}, "has bias None"),
        ({"is_mmap": True}, "memory-mapped"),
    ],
)
def test_wrong_layer_settings(folder, changes, message):
    for layer in range(3):
        edit(folder / f"ranker/{layer}.model/param.json", **changes)
    with pytest.raises(ValueError, match=message):
        import_xlinear(folder)


# -- damage

FILES = ["ranker/param.json"] + [
    f"ranker/{i}.model/{name}" for i in (0, 2) for name in ("param.json", "W.npz", "C.npz")
]


@pytest.mark.parametrize("name", FILES)
def test_missing_file(folder, name):
    (folder / name).unlink()
    with pytest.raises(FileNotFoundError, match=Path(name).name) as caught:
        import_xlinear(folder)
    assert str(folder) in str(caught.value)


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("name", FILES)
def test_truncated_file(folder, name, compressed):
    path = folder / name
    if compressed and name.endswith(".npz"):
        sp.save_npz(path, sp.load_npz(path), compressed=True)
    content = path.read_bytes()
    for share in (0, 0.1, 0.5, 0.9, 0.99):
        path.write_bytes(content[: int(share * len(content))])
        with pytest.raises(ValueError, match=path.name) as caught:
            import_xlinear(folder)
        assert str(path) in str(caught.value)


@pytest.mark.parametrize("name", [name for name in FILES if name.endswith(".npz")])
def test_altered_file(folder, name):
    path = folder / name
    content = bytearray(path.read_bytes())
    content[content.find(sp.load_npz(path).data.tobytes()) + 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match=path.name) as caught:
        import_xlinear(folder)
    assert str(path) in str(caught.value)


def test_wrong_weights(folder):
    path = folder / "ranker" / "2.model" / "W.npz"
    W = sp.load_npz(path)
    wide = sp.vstack([W, W]).tocsc()
    nan = W.copy()
    nan.data[3] = np.nan
    for matrix, message in [
        (W[:, :-1], "has 59 columns, but C.npz beside it has 60 rows"),
        (wide, "1.model.* has weights of 50 features, but the layer below it has 101"),
        (nan, "holds NaN"),
        (W.tocoo(), "not a whole sparse matrix.*indices"),
    ]:
        sp.save_npz(path, matrix)
        with pytest.raises(ValueError, match=message) as caught:
            import_xlinear(folder)
        assert str(folder / "ranker") in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"indices": lambda a: a + 1000}, r"[Ii]nd"),
        ({"indices": lambda a: a - 60}, r"[Ii]nd"),
        ({"indices": lambda a: a + 0.5}, "its indices are float64"),
        ({"indptr": lambda a: a[::-1]}, "ind"),
        ({"indptr": lambda a: a[:-3]}, "ind"),
        ({"data": lambda a: a.astype(str)}, "its data are <U"),
        ({"data": lambda a: a.astype(object)}, "W.npz"),
        ({"shape": lambda a: a * 0 - 1}, "W.npz"),
        ({"shape": lambda a: a[:1]}, "W.npz"),
        ({"format": lambda a: np.array("object")}, "format is 'object'"),
    ],
)
def test_malformed_matrix(folder, changes, message):
    path = folder / "ranker" / "2.model" / "W.npz"
    with np.load(path) as file:
        arrays = dict(file)
    for name, change in changes.items():
        arrays[name] = change(arrays[name])
    np.savez(path, **arrays)
    with pytest.raises(ValueError, match=message) as caught:
        import_xlinear(folder)
    assert str(path) in str(caught.value)


def test_dense_array_in_place_of_a_matrix(folder):
    path = folder / "ranker" / "0.model" / "C.npz"
    with path.open("wb") as file:
        np.save(file, np.ones((4, 1)))
    with pytest.raises(ValueError, match=r"C\.npz is not a whole sparse matrix.*dense"):
        import_xlinear(folder)


def test_wrong_tree(folder):
    path = folder / "ranker" / "1.model" / "C.npz"
    C = sp.load_npz(path).tolil()
    C[3] = 0
    sp.save_npz(path, C.tocsc())
    with pytest.raises(
        ValueError, match=r"C\.npz files below .*ranker make no tree: chain\[1\] gives row 3 no column"
    ):
        import_xlinear(folder)
    sp.save_npz(path, C.tocsc()[:, :3])
    with pytest.raises(ValueError, match=r"C\.npz has 3 columns, but the layer above has 4 nodes"):
        import_xlinear(folder)


def test_depth(folder):
    for depth in (0, "3", None):
        edit(folder / "ranker" / "param.json", depth=depth)
        with pytest.raises(ValueError, match=r"param\.json"):
            import_xlinear(folder)
    edit(folder / "ranker" / "param.json", depth=4)
    with pytest.raises(FileNotFoundError, match=r"3\.model.param\.json is missing"):
        import_xlinear(folder)


def test_no_such_model(tmp_path):
    with pytest.raises(FileNotFoundError, match="is not a PECOS XR-Linear model"):
        import_xlinear(tmp_path)
    (tmp_path / "xlinear_ensemble").mkdir()
    with pytest.raises(FileNotFoundError, match=r"Text2Text model.*xlinear_ensemble.0"):
        import_xlinear(tmp_path)
