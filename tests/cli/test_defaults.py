"""Parameters that follow from the data, and presets, from the shell."""

import json

import pytest

import arborank
from arborank.linear.defaults import AUTOMATIC, PRESETS


def test_what_was_chosen_is_shown(run, folder):
    output = run("train", "train.jsonl", "-m", "chosen", "--beam-size", "7", "--branching", "auto")
    assert "chosen from the data: branching=" in output.stderr
    model = arborank.load(folder / "chosen").model_
    assert (model.beam_size, model.branching, model.resolved_.beam_size) == (7, "auto", 7)
    expected = {name: getattr(model.resolved_, name) for name in AUTOMATIC if name != "beam_size"}
    printed = run("inspect", "chosen").stdout
    assert f"chosen from the data: branching={model.resolved_.branching}, " in printed
    (member,) = json.loads(run("inspect", "chosen", "--json").stdout)["members"]
    assert member["chosen"] == expected
    assert "`model.resolved.beam_size` | `7`" in (folder / "chosen/README.md").read_text(encoding="utf-8")


def test_a_preset(run, folder):
    (folder / "cost.json").write_text(json.dumps({"model": {"Cn": 0.5, "threshold": 0.02}}))
    options = ("--config", "cost.json", "--threshold", "0.03")
    output = run(
        "train", "train.X.npz", "--labels", "train.Y.npz", "-m", "preset", "--preset", "pecos", *options
    )
    assert "chosen from the data" not in output.stderr
    model = arborank.load(folder / "preset")
    found = {name: getattr(model, name) for name in AUTOMATIC}
    assert found == {**PRESETS["pecos"], "Cn": 0.5, "threshold": 0.03}
    assert "chosen from the data" not in run("inspect", "preset").stdout


def test_the_presets_of_the_command_line(run):
    wrong = run("train", "train.jsonl", "-m", "other", "--preset", "bonsai", code=2).stderr
    for name in PRESETS:
        assert f"'{name}'" in wrong


@pytest.mark.parametrize(
    ("option", "value", "named"),
    [
        ("--beam-size", "automatic", "'automatic' is not a whole number"),
        ("--threshold", "-1", "-1"),
        ("--branching", "1", "1"),
        ("--max-nonzeros", "auto", "'auto' is not a whole number"),
    ],
)
def test_wrong_values(run, option, value, named):
    error = run("train", "train.jsonl", "-m", "wrong", option, value, code=2).stderr
    assert option in error
    assert named in error


def test_a_parameter_without_a_rule(run, folder):
    (folder / "auto.json").write_text(json.dumps({"model": {"bias": "auto"}}))
    error = run("train", "train.jsonl", "-m", "wrong", "--config", "auto.json", code=1).stderr
    assert "bias is 'auto', but only branching" in error
