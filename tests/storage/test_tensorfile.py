import json
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from arborank.storage.tensorfile import DTYPES, open_tensors, write_tensors
from support.toy import same

arrays_of_any_kind = st.dictionaries(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8).filter(
        lambda s: s != "__metadata__"
    ),
    st.sampled_from(sorted(DTYPES)).flatmap(
        lambda code: hnp.arrays(
            DTYPES[code], hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=5)
        )
    ),
    max_size=5,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("tensors")


@settings(max_examples=60, deadline=None)
@given(arrays_of_any_kind)
def test_same_arrays_come_back_and_safetensors_agrees(folder, arrays):
    path = folder / "a.safetensors"
    path.unlink(missing_ok=True)
    record = write_tensors(path, arrays)
    assert path.stat().st_size == record.size
    ours, theirs = open_tensors(path, record), safetensors.numpy.load_file(path)
    assert ours.keys() == theirs.keys() == arrays.keys()
    for name, array in arrays.items():
        assert same(ours[name], array)
        assert same(theirs[name], array)


def test_reads_what_safetensors_writes(tmp_path):
    arrays = {"a": np.arange(6, dtype=np.int64).reshape(2, 3), "b": np.float32([1.5])}
    safetensors.numpy.save_file(arrays, tmp_path / "x", metadata={"who": "safetensors"})
    found = open_tensors(tmp_path / "x")
    assert found.keys() == arrays.keys()
    assert all(same(found[name], array) for name, array in arrays.items())


def test_strided_and_big_endian_arrays(tmp_path):
    table = np.arange(24, dtype=np.int32).reshape(4, 6)
    arrays = {"strided": table[::2, 1::2], "fortran": np.asfortranarray(table), "big": table.astype(">i4")}
    write_tensors(tmp_path / "x", arrays)
    found = open_tensors(tmp_path / "x")
    for name, array in arrays.items():
        assert found[name].dtype == np.int32
        np.testing.assert_array_equal(found[name], array)


def test_arrays_are_read_only_views_of_the_map(tmp_path):
    write_tensors(tmp_path / "x", {"a": np.arange(10, dtype=np.uint8), "b": np.arange(5.0)})
    for array in open_tensors(tmp_path / "x").values():
        assert array.flags.aligned
        assert not array.flags.writeable
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1
        assert not array.flags.owndata
    maps = Path("/proc/self/maps")
    assert not maps.exists() or str(tmp_path / "x") in maps.read_text()


@pytest.mark.parametrize(
    "array", [np.array(["a"]), np.array([None]), np.array([1j]), np.array(["2020"], "M8[Y]")]
)
def test_refuses_what_is_not_a_number(tmp_path, array):
    with pytest.raises(TypeError, match=r"array 'a' has dtype .* cannot be saved"):
        write_tensors(tmp_path / "x", {"a": array})
    assert not (tmp_path / "x").exists()


def test_does_not_overwrite(tmp_path):
    write_tensors(tmp_path / "x", {})
    with pytest.raises(FileExistsError):
        write_tensors(tmp_path / "x", {})


def file_of(header, data=b"\0" * 16):
    encoded = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(encoded).to_bytes(8, "little") + encoded + data


def entry(dtype="F32", shape=(4,), offsets=(0, 16)):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}


MALFORMED = {
    "nothing": (b"", "at least 8"),
    "length": (b"\x10\0\0\0\0\0\0\0{}", "claims 16 bytes of 2"),
    "long-length": (b"\xff" * 8, "claims"),
    "json": (file_of(b"{,}"), "not valid JSON"),
    "utf8": (file_of(b'{"\xff": 1}'), "not valid JSON"),
    "depth": (file_of(b"[" * 100_000), "not valid JSON"),
    "list": (file_of([]), "not a JSON object"),
    "twice": (file_of(b'{"a": 1, "a": 2}'), "occurs twice"),
    "number": (file_of({"a": 5}), "'a' is not described"),
    "lacks": (file_of({"a": {"dtype": "F32"}}), "'a' is not described"),
    "dtype": (file_of({"a": entry("Q4")}), "dtype 'Q4'"),
    "dtype-list": (file_of({"a": entry(["F32"])}), "dtype"),
    "negative": (file_of({"a": entry(shape=[-4])}), "shape"),
    "fraction": (file_of({"a": entry(shape=[4.0])}), "shape"),
    "bool": (file_of({"a": entry(shape=[True, 4])}), "shape"),
    "huge": (file_of({"a": entry(shape=[2**64])}), "shape"),
    "empty-huge": (file_of({"a": entry(shape=[2**62, 2**62, 0], offsets=(0, 0))}), "impossible shape"),
    "overflow": (file_of({"a": entry(shape=[2**62, 4])}), "does not fit"),
    "one-offset": (file_of({"a": entry(offsets=[0])}), "data_offsets"),
    "backwards": (file_of({"a": entry(offsets=[16, 0])}), "data_offsets"),
    "beyond": (file_of({"a": entry(shape=[8], offsets=(0, 32))}), "ends at byte 32 of 16"),
    "size": (file_of({"a": entry(shape=[3])}), "does not fit"),
    "overlap": (file_of({"a": entry(), "b": entry("U8", [4], [12, 16])}), "'b' overlaps"),
    "gap": (file_of({"a": entry("U8", [4], [0, 4]), "b": entry("U8", [4], [12, 16])}), "'b' follows a gap"),
    "rest": (file_of({"a": entry("U8", [4], [0, 4])}), "12 bytes belong to no array"),
    "aligned": (file_of(b" " * 3 + json.dumps({"a": entry()}).encode().ljust(80)), "not aligned"),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_malformed_file(tmp_path, case):
    content, message = MALFORMED[case]
    (tmp_path / "bad.safetensors").write_bytes(content)
    with pytest.raises(ValueError, match=message) as caught:
        open_tensors(tmp_path / "bad.safetensors")
    assert "bad.safetensors" in str(caught.value)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_bytes_give_arrays_or_a_value_error(folder, data):
    path = folder / "mutated"
    path.unlink(missing_ok=True)
    write_tensors(path, {"a": np.arange(4.0), "b": np.arange(3, dtype=np.uint8)})
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    try:
        arrays = open_tensors(path)
    except ValueError as error:
        message = str(error)
    else:
        message = f"{path} {sum(len(array.tobytes()) for array in arrays.values())}"
    assert str(path) in message
