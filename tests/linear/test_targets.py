"""1-D targets: what is fitted can be saved, and what cannot is refused."""

import numpy as np
import pytest

from arborank import XRLinear, load

X = np.eye(4, dtype=np.float32)


@pytest.mark.parametrize(
    "values",
    [
        ["b", "a", "b", "ü"],
        np.array(["b", "a", "b", "ü"], dtype=object),
        np.array([3, 1, 3, 2], dtype=object),
        np.array([3, 1.5, 3, 2], dtype=object),
        np.array([True, False, True, False], dtype=object),
        np.array([3, 1, 3, 2], dtype=np.longdouble),
        np.array([3, 1, 3, 2], dtype=">i4"),
        [True, False, True, False],
    ],
    ids=lambda values: str(getattr(values, "dtype", type(values[0]).__name__)),
)
def test_classes_there_and_back(tmp_path, values):
    model = XRLinear().fit(X, values)
    assert model.predict(X).tolist() == list(values)
    model.save(tmp_path)
    loaded = load(tmp_path)
    assert loaded.classes_.tolist() == model.classes_.tolist()
    assert loaded.classes_.dtype.newbyteorder("=") == model.classes_.dtype.newbyteorder("=")
    assert loaded.predict(X).tolist() == list(values)


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        (np.array([b"a", b"b", b"a", b"b"]), TypeError, r"Y has dtype \|S1.*decode"),
        (np.array([b"a", b"b", b"a", b"b"], dtype=object), TypeError, r"holds b'a' in row 0"),
        (np.array(["a", 1, "a", 2], dtype=object), TypeError, r"holds 'a' in row 0"),
        (np.array([1, "a", 2, "a"], dtype=object), TypeError, r"holds 'a' in row 1"),
        (np.array([1, None, 2, 3], dtype=object), TypeError, r"holds None in row 1"),
        (np.array([1, np.nan, 2, 3], dtype=object), ValueError, "NaN or infinity"),
        (np.array(["a", "a\0", "b", "c"], dtype=object), ValueError, "ends in a NUL"),
        (np.array(["a", "\ud800", "b", "c"]), ValueError, "cannot be stored as UTF-8"),
        (np.array(["2020-01-01"] * 4, dtype="M8[D]"), TypeError, "dtype datetime64"),
        (np.array([10**30, 1, 2, 3], dtype=object), TypeError, "dtype object"),
        (np.array([1j, 1, 2, 3]), TypeError, "complex"),
    ],
)
def test_classes_that_could_not_be_saved(values, error, message):
    with pytest.raises(error, match=message):
        XRLinear().fit(X, values)


def test_lists_among_single_values():
    with pytest.raises(TypeError, match="Y row 1 is 5, but row 0 is a list of label ids"):
        XRLinear().fit(X, [[0], 5, [1], [2]])
    with pytest.raises(TypeError, match="Y row 0 is 5, but row 2 is a list"):
        XRLinear().fit(X, [5, 1, (1, 2), 3])
