"""Arrays that grow on disk: what counts is kept, what lies beyond is cut off, what is missing is told."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arborank.storage.append import GrowingArrays, map_arrays


def pieces(seed, sizes):
    rng = np.random.default_rng(seed)
    return [
        {
            "words": rng.integers(0, 2**32, size, dtype=np.uint32),
            "extents": rng.integers(0, 2**60, (size % 3, 3)),
            "bias": rng.random(size // 2).astype(np.float32),
        }
        for size in sizes
    ]


def joined(parts):
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def check(stem, described, parts):
    for name, expected in joined(parts).items():
        found = map_arrays(stem, described)[name]
        assert found.dtype == expected.dtype
        assert np.array_equal(found, expected)
        assert found.size == 0 or not found.flags.writeable


@given(
    seed=st.integers(0, 99),
    sizes=st.lists(st.integers(0, 5000), min_size=1, max_size=5),
    cut=st.integers(0, 4),
)
def test_goes_on_from_what_was_synced(tmp_path_factory, seed, sizes, cut):
    stem = tmp_path_factory.mktemp("arrays") / "layer0"
    parts, described = pieces(seed, sizes), {}
    cut = min(cut, len(parts))
    with GrowingArrays(stem, {}) as files:
        for part in parts[:cut]:
            files.append(part)
            described = files.sync()
        for part in parts[cut:]:  # written, but never counted
            files.append(part)
    if cut:
        check(stem, described, parts[:cut])
    with GrowingArrays(stem, described) as files:
        for part in parts[cut:]:
            files.append(part)
        check(stem, files.sync(), parts)


def test_missing_and_truncated_files(tmp_path):
    stem = tmp_path / "layer0"
    with GrowingArrays(stem, {}) as files:
        files.append({"words": np.arange(10, dtype=np.uint32), "bias": np.ones(3, np.float32)})
        described = files.sync()
    (tmp_path / "layer0.words").write_bytes(b"x" * 39)
    for again in (GrowingArrays, map_arrays):
        with pytest.raises(ValueError, match=r"layer0\.words is truncated: it has 39 bytes, at least 40"):
            again(stem, described)
    (tmp_path / "layer0.words").unlink()
    for again in (GrowingArrays, map_arrays):
        with pytest.raises(FileNotFoundError, match=r"layer0\.words"):
            again(stem, described)


def test_altered_files(tmp_path):
    stem = tmp_path / "layer0"
    with GrowingArrays(stem, {}) as files:
        for _ in range(3):
            files.append({"words": np.arange(10, dtype=np.uint32), "none": np.empty(0, np.float32)})
        described = files.sync()
    content = bytearray((tmp_path / "layer0.words").read_bytes())
    content[57] ^= 8
    (tmp_path / "layer0.words").write_bytes(content)
    for again in (GrowingArrays, map_arrays):
        with pytest.raises(ValueError, match=r"layer0\.words is altered"):
            again(stem, described)
    assert map_arrays(stem, described, verify=False)["words"].size == 30
    assert (tmp_path / "layer0.words").read_bytes() == content


@pytest.mark.parametrize("rows", [np.ones(3), np.ones((3, 2), np.float32)])
def test_rows_of_another_kind(tmp_path, rows):
    with GrowingArrays(tmp_path / "layer0", {}) as files:
        files.append({"bias": np.ones(3, np.float32)})
        with pytest.raises(ValueError, match="bias holds rows of F32"):
            files.append({"bias": rows})
