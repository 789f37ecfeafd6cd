import json
import os
import shutil
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arborank.core.strings import StringTable
from arborank.storage import Record, add_records, load, read_metadata, read_records, save, store
from arborank.storage.manifest import FORMAT_VERSION, checksum
from support.toy import Toy, toy


def names_of(directory):
    return sorted(path.name for path in directory.iterdir())


def edit_config(directory, change, sealed=True):
    path = directory / "config.json"
    document = json.loads(path.read_text("utf-8"))
    change(document)
    if sealed:
        document["checksum"] = checksum(document)
    path.write_text(json.dumps(document), "utf-8")


@pytest.fixture
def saved(tmp_path):
    save(toy(1), tmp_path / "model")
    return tmp_path / "model"


@pytest.fixture(scope="module")
def pristine(tmp_path_factory):
    directory = tmp_path_factory.mktemp("pristine") / "model"
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(store.put_together.__globals__["KINDS"], "Toy", "support.toy")
        save(toy(1), directory)
    return directory


# -- there and back


@pytest.mark.parametrize("name", ["model", "with space", "Ä/木/ü", "a;b'$(c)"])
@pytest.mark.parametrize("verify", [True, False])
def test_round_trip(tmp_path, name, verify):
    save(toy(3), tmp_path / name)
    assert load(tmp_path / name, verify=verify) == toy(3)
    assert load(str(tmp_path / name), verify=verify) == toy(3)


def test_layout(saved):
    names = names_of(saved)
    assert [name.split("-")[0] for name in names] == ["README.md", "config.json", "middle", "toy"]
    document = json.loads((saved / "config.json").read_text("utf-8"))
    assert document["format_version"] == FORMAT_VERSION
    assert document["model"]["kind"] == "Toy"
    assert document["model"]["parts"]["middle"]["arrays"] == {"bias": {"dtype": "F32", "shape": [50]}}
    assert set(document["files"]) == set(names[2:])
    for name, record in document["files"].items():
        assert record["size"] == (saved / name).stat().st_size


def test_saving_again_replaces_everything(saved):
    before = names_of(saved)
    save(toy(2), saved)
    assert load(saved) == toy(2)
    assert len(names_of(saved)) == len(before)
    assert set(names_of(saved)) & set(before) == {"README.md", "config.json"}


def test_saving_a_loaded_model_over_itself(saved):
    model = load(saved)
    save(model, saved)
    assert model == toy(1)
    assert load(saved) == toy(1)


def test_loaded_arrays_are_read_only(saved):
    array = load(saved).arrays["values"]
    assert not array.flags.writeable
    assert not array.flags.owndata


def test_numpy_scalars_and_tuples_in_the_config(tmp_path):
    save(Toy({"k": np.int64(3), "x": np.float32(0.5), "pair": (1, 2)}), tmp_path / "m")
    assert load(tmp_path / "m").config == {"k": 3, "x": 0.5, "pair": [1, 2]}


def test_card(tmp_path):
    model = toy(1)
    model.config["params"] = {"eps": None, "solver": "|`x`"}
    save(model, tmp_path / "m", card="## Evaluation\n\nP@1 = 91.3")
    card = (tmp_path / "m" / "README.md").read_text("utf-8")
    assert "# Toy" in card
    assert "P@1 = 91.3" in card
    assert "| `params.eps` | `null` |" in card
    assert '| `params.solver` | `"¦ˋxˋ"` |' in card
    assert "| `middle.alpha` | `0.125` |" in card
    assert "| `middle.inner.none` | `0 × 3 F32` |" in card
    assert "| `values` | `2 × 25 I64` |" in card


# -- what cannot be saved leaves no trace


@pytest.mark.parametrize(
    ("model", "error", "message"),
    [
        (Toy({"x": float("nan")}), ValueError, r"model: config\['x'\] is nan"),
        (Toy({"x": [{"y": float("inf")}]}), ValueError, r"\['x'\]\[0\]\['y'\] is inf"),
        (Toy({"x": {1: 2}}), TypeError, "has the key 1"),
        (Toy({"x": {1}}), TypeError, "is a set"),
        (Toy(arrays={"a": np.array(["x"])}), TypeError, r"'model\.a' has dtype"),
        (Toy(arrays={"../a": np.zeros(1)}), ValueError, "letters, digits and underscores"),
        (Toy(parts={"a/b": Toy()}), ValueError, "letters, digits and underscores"),
        (Toy(parts={"a": Toy(parts={"b": 5})}), TypeError, r"a\.b is a int, which cannot be saved"),
        (type("Stranger", (Toy,), {})(), TypeError, "model is a Stranger, which cannot be saved"),
        (type("StringTable", (Toy,), {})(), TypeError, "model is a StringTable, which cannot be saved"),
    ],
)
def test_unsavable(tmp_path, model, error, message):
    with pytest.raises(error, match=message):
        save(model, tmp_path / "m")
    assert names_of(tmp_path) == []


@pytest.mark.parametrize("name", ["thesis.txt", "config.json", "weights.safetensors", ".hidden"])
def test_refuses_a_directory_of_something_else(tmp_path, name):
    (tmp_path / name).write_text("{}")
    with pytest.raises(FileExistsError, match=r"holds (no model|a config\.json)"):
        save(toy(1), tmp_path)
    assert names_of(tmp_path) == [name]
    assert (tmp_path / name).read_text() == "{}"


def test_refuses_a_file(tmp_path):
    (tmp_path / "m").write_text("mine")
    with pytest.raises(FileExistsError):
        save(toy(1), tmp_path / "m")


def test_keeps_foreign_files_in_a_model_directory(saved):
    (saved / "notes.txt").write_text("mine")
    save(toy(2), saved)
    assert "notes.txt" in names_of(saved)


def test_removes_what_an_interrupted_save_left(tmp_path):
    for name in ("toy-01234567.safetensors", "config.json-01234567.tmp", "README.md-01234567.tmp"):
        (tmp_path / name).write_bytes(b"half")
    save(toy(1), tmp_path)
    assert load(tmp_path) == toy(1)
    assert len(names_of(tmp_path)) == 4


# -- damage


def data_files(directory):
    return [name for name in names_of(directory) if name.endswith(".safetensors")]


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("verify", [True, False])
def test_missing_data_file(saved, which, verify):
    name = data_files(saved)[which]
    (saved / name).unlink()
    with pytest.raises(FileNotFoundError, match=f"{name} is missing"):
        load(saved, verify=verify)


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("verify", [True, False])
@pytest.mark.parametrize("keep", [0.0, 0.3, 0.99])
def test_truncated_data_file(saved, which, verify, keep):
    name = data_files(saved)[which]
    os.truncate(saved / name, int(keep * (saved / name).stat().st_size))
    with pytest.raises(ValueError, match=f"{name} is truncated"):
        load(saved, verify=verify)


def test_truncated_config(saved):
    text = (saved / "config.json").read_text("utf-8").rstrip()
    for length in [*range(0, len(text), 19), len(text) - 1]:
        (saved / "config.json").write_text(text[:length], "utf-8")
        with pytest.raises(ValueError, match=r"config\.json is truncated"):
            load(saved, verify=False)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_one_flipped_bit_is_found_and_its_file_named(pristine, data):
    directory = pristine.with_name("flipped")
    shutil.rmtree(directory, ignore_errors=True)
    shutil.copytree(pristine, directory)
    name = data.draw(st.sampled_from(["config.json", *data_files(directory)]))
    content = bytearray((directory / name).read_bytes())
    position = data.draw(st.integers(0, len(content) - 1))
    content[position] ^= 1 << data.draw(st.integers(0, 7))
    (directory / name).write_bytes(content)
    with pytest.raises((ValueError, FileNotFoundError), match=name):
        load(directory, verify=data.draw(st.booleans()))


def test_files_of_two_models_mixed(saved, tmp_path):
    save(toy(2), tmp_path / "other")
    (name,) = (n for n in data_files(saved) if n.startswith("toy"))
    (other,) = (n for n in data_files(tmp_path / "other") if n.startswith("toy"))
    shutil.copy(tmp_path / "other" / other, saved / name)
    with pytest.raises(ValueError, match=f"{name} is altered"):
        load(saved)


def rename_file(document):
    document["files"] = {"../" + name: record for name, record in document["files"].items()}


CONFIGS = {
    "newer": (
        lambda d: d.update(format_version=FORMAT_VERSION + 1),
        f"version {FORMAT_VERSION + 1}.*upgrade",
    ),
    "older": (lambda d: d.update(format_version=FORMAT_VERSION - 1), "train the model again"),
    "version": (lambda d: d.update(format_version="1"), "format_version is '1'"),
    "zero": (lambda d: d.update(format_version=0), "format_version is 0"),
    "foreign": (lambda d: d.update(format="other"), "does not describe an Arborank model"),
    "kind": (lambda d: d["model"].update(kind="os.system"), "model is a 'os.system'; known are"),
    "path": (rename_file, "is not a name of a data file"),
    "no-files": (lambda d: d.pop("files"), "malformed"),
    "no-model": (lambda d: d.pop("model"), "malformed"),
    "records": (lambda d: d.update(files={name: {"size": 3} for name in d["files"]}), "malformed"),
    "file-list": (lambda d: d.update(files=list(d["files"])), "malformed"),
    "node": (lambda d: d["model"].update(parts=3), "malformed"),
}


@pytest.mark.parametrize("case", CONFIGS)
def test_wrong_config(saved, case):
    change, message = CONFIGS[case]
    edit_config(saved, change)
    with pytest.raises(ValueError, match=message) as caught:
        load(saved)
    assert "config.json" in str(caught.value)


@pytest.mark.parametrize("verify", [True, False])
def test_edited_config_is_refused(saved, verify):
    edit_config(saved, lambda d: d["model"]["parts"]["middle"]["config"].update(alpha=0.75), sealed=False)
    with pytest.raises(ValueError, match=r"config\.json is altered"):
        load(saved, verify=verify)


def test_large_files_are_read_only_when_asked(tmp_path):
    save(Toy(arrays={"large": np.zeros(1 << 19), "small": np.ones(3)}), tmp_path)
    (name,) = data_files(tmp_path)
    with (tmp_path / name).open("r+b") as file:
        file.seek(-(1 << 20), os.SEEK_END)
        file.write(b"x")
    assert load(tmp_path).arrays["small"].tolist() == [1, 1, 1]
    with pytest.raises(ValueError, match=f"{name} is altered"):
        load(tmp_path, verify=True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda d: d["model"]["arrays"]["values"].update(shape=[50]),
            r"toy-.*array 'values' is I64 of shape \(2, 25\)",
        ),
        (lambda d: d["model"]["arrays"]["values"].update(dtype="F64"), r"toy-.*array 'values' is I64"),
        (
            lambda d: d["model"]["arrays"].update(more={"dtype": "F32", "shape": [1]}),
            r"toy-.* lacks the array 'more'",
        ),
        (
            lambda d: d["model"]["parts"].clear(),
            r"middle-.* holds 'middle\.bias', which config\.json does not list",
        ),
        (
            lambda d: d["model"]["config"].update(size=3),
            r"config\.json: model \(Toy, arrays in toy-.*\): values has 50 entries, size says 3",
        ),
        (
            lambda d: d["model"]["parts"]["middle"]["config"].update(size=3),
            r"config\.json: middle \(Toy, arrays in middle-.*\) lacks 'values'",
        ),
    ],
)
def test_contents_that_do_not_fit(saved, change, message):
    edit_config(saved, change)
    with pytest.raises(ValueError, match=message):
        load(saved)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (5, r"'b\.x' is the same as 5; \[file, name of an array\] was expected"),
        (["a.safetensors"], "was expected"),
        ([["a"], "x"], "was expected"),
        (["toy-{token}.safetensors", 3], "was expected"),
        (["../toy-{token}.safetensors", "a.x"], r"is in '\.\./toy-.*', which is not among its files"),
        (["a.safetensors", "x"], r"is in 'a\.safetensors', which is not among its files"),
        (["a-{token}.safetensors", "../x"], r"is the same as '\.\./x', which is not a name"),
        (["a-{token}.safetensors", "a.y"], r"a-{token}\.safetensors lacks the array 'a\.y'"),
    ],
)
def test_wrong_place_of_a_shared_array(tmp_path, value, message):
    shared = np.arange(5)
    save(Toy({}, {}, {"a": Toy({}, {"x": shared}), "b": Toy({}, {"x": shared})}), tmp_path)
    (file,) = data_files(tmp_path)
    token = file.removeprefix("a-").removesuffix(".safetensors")
    if isinstance(value, list):
        value = [part.replace("{token}", token) if isinstance(part, str) else part for part in value]

    edit_config(tmp_path, lambda d: d["model"]["parts"]["b"]["arrays"]["x"].update(same_as=value))
    with pytest.raises(ValueError, match=message.replace("{token}", token)) as caught:
        load(tmp_path)
    assert str(tmp_path) in str(caught.value)


def test_no_model(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"config\.json is missing: the directory holds no model$"):
        load(tmp_path)
    with pytest.raises(FileNotFoundError, match="missing"):
        load(tmp_path / "nowhere")
    (tmp_path / "param.json").write_text("{}")
    with pytest.raises(FileNotFoundError, match="looks like a PECOS model"):
        load(tmp_path)


# -- several at once


def test_readers_while_a_model_is_replaced(saved):
    stop = threading.Event()
    failures = []

    def replace():
        try:
            for seed in range(40):
                save(toy(seed), saved)
        except BaseException as error:
            failures.append(error)
        finally:
            stop.set()

    writer = threading.Thread(target=replace)
    writer.start()
    while not stop.is_set():
        model = load(saved)
        assert model == toy(model.parts["middle"].parts["inner"].config["depth"])
    writer.join()
    assert not failures


def test_reader_overtaken_by_a_writer(saved, monkeypatch):
    opened = []

    def overtaken(path, text, verify, real=store._open):
        if not opened:
            save(toy(2), saved)
        opened.append(text)
        return real(path, text, verify)

    monkeypatch.setattr(store, "_open", overtaken)
    assert load(saved) == toy(2)
    assert len(opened) == 2


def test_two_writers(tmp_path):
    def write(seeds):
        for seed in seeds:
            save(toy(seed), tmp_path / "m")

    writers = [threading.Thread(target=write, args=(range(start, 20, 2),)) for start in (0, 1)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert load(tmp_path / "m") in (toy(18), toy(19))
    assert len(names_of(tmp_path / "m")) == 4


def test_string_table_by_itself(tmp_path):
    table = StringTable(["b", "", "a\nb", "é"])
    save(table, tmp_path / "names")
    loaded = load(tmp_path / "names")
    assert loaded == table
    assert loaded.find("a\nb") == 2


def test_an_array_of_several_parts_is_saved_once(tmp_path):
    shared, other = np.arange(1000), np.arange(1000)
    parts = {
        "a": Toy({}, {"x": shared}),
        "b": Toy({}, {"x": shared, "y": other}),
        "c": Toy({}, {"z": shared}),
    }
    model = Toy({}, {"top": other}, parts)
    save(model, tmp_path)
    assert sum(path.stat().st_size for path in tmp_path.glob("*.safetensors")) < 2.2 * shared.nbytes
    for verify in (True, False):
        loaded = load(tmp_path, verify=verify)
        assert loaded == model
        x = loaded.parts["a"].arrays["x"]
        assert loaded.parts["b"].arrays["x"] is x
        assert loaded.parts["c"].arrays["z"] is x
        assert loaded.parts["b"].arrays["y"] is loaded.arrays["top"]
    save(loaded, tmp_path)  # and stays so
    assert load(tmp_path) == model


def test_records_are_added_to_a_saved_model(tmp_path):
    table = {"metric": {"precision": {"@1": 0.5}}}
    first, second = (
        Record(title="Evaluation", summary="First."),
        Record(title="Evaluation", summary="2nd.", tables=table),
    )
    other = Record(title="Origin", summary="Made up.")
    save(toy(1), tmp_path / "model", records=[first, other], metadata={"language": "fi"})
    card = tmp_path / "model" / "README.md"
    card.write_text("Written by hand.\n\n" + card.read_text("utf-8"), "utf-8")
    data = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "model").glob("*.safetensors")}
    add_records(tmp_path / "model", [second])
    assert read_records(tmp_path / "model") == [second, other]
    assert read_metadata(tmp_path / "model") == {"language": "fi"}
    assert "2nd." in card.read_text("utf-8")
    assert "First." not in card.read_text("utf-8")
    assert card.read_text("utf-8").startswith("Written by hand.")
    assert {path.name: path.stat().st_mtime_ns for path in (tmp_path / "model").glob("*.safetensors")} == data
    assert type(load(tmp_path / "model", verify=True)) is Toy
    assert set(names_of(tmp_path / "model")) == {"config.json", "README.md", *data}
    with pytest.raises(FileNotFoundError, match=r"none/config\.json is missing"):
        add_records(tmp_path / "none", [first])
