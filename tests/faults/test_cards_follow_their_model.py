"""What the card of a model says of it, and what people wrote in it, is still there when the model was changed."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

import arborank
from arborank.autocomplete import Autocompleter
from arborank.cli import main
from arborank.datasets import TextData, write_jsonl
from arborank.storage import Record, read_records
from arborank.storage.manifest import checksum

KINDS = ["apple", "banana", "cherry", "grape", "melon"]


def corpus(n=60):
    texts = [f"a {KINDS[i % 5]}ish {KINDS[i % 5]} thing w{i % 7}" for i in range(n)]
    return TextData(texts, [[KINDS[i % 5]] for i in range(n)])


def run(*args):
    result = CliRunner().invoke(main, [*map(str, args)])
    assert result.exit_code == 0, f"{result.output}\n{result.exception!r}"
    return result


@pytest.fixture
def card(tmp_path, monkeypatch):
    """The card of a model that was evaluated and compressed."""
    monkeypatch.chdir(tmp_path)
    write_jsonl("data.jsonl", corpus())
    run("train", "data.jsonl", "-m", "trained", "--holdout", "0.2", "-k", "1,2")
    run("compress", "trained", "-o", "model", "--validation", "data.jsonl", "-k", "2", "--weights", "int8")
    Path("gone").write_text("banana\n")
    return Path("model/README.md")


def section(card, title):
    _, found, rest = card.partition(f"## {title}\n")
    assert found, f"no {title!r} in\n{card}"
    assert f"## {title}\n" not in rest
    return rest.partition("<!-- arborank: end -->")[0].strip()


def test_compression_keeps_the_evaluation(card):
    evaluation = section(Path("trained/README.md").read_text(), "Evaluation")
    assert "On 20 % of data.jsonl, held out, 20" in evaluation
    assert "12 rows scored, 0 without a true label, 5 labels." in evaluation
    assert section(card.read_text(), "Evaluation, before compression") == evaluation


def test_what_was_measured_is_data(card):
    (evaluation,) = read_records("trained")
    again, compression = read_records("model")
    report = json.loads(run("evaluate", "trained", "data.jsonl", "--json", "-k", "1,2").stdout)
    metrics = {f"{name}{k}" for name, row in evaluation.tables["metric"].items() for k in row}
    assert metrics == set(report["metrics"])
    assert evaluation.tables["bucket"].keys() == {"head", "torso", "tail", "unseen"}
    assert (again.before, again.tables) == ("compression", evaluation.tables)
    assert compression.data == "data.jsonl"
    (table,) = compression.tables.values()
    (chosen,) = (row for name, row in table.items() if name.endswith("(chosen)"))
    assert chosen["recall@2"] == pytest.approx(1.0, abs=0.01)
    told = json.loads(run("inspect", "model", "--json").stdout)["records"]
    assert [Record(**record) for record in told] == [again, compression]
    shown = run("inspect", "model").stdout
    assert "\nEvaluation, before compression: On 20 % of data.jsonl, held out" in shown
    assert "(chosen)" in shown
    card.write_text("# ours\n")  # what is known does not come from the card
    run("update", "model", "--remove", "gone")
    assert [record.heading for record in read_records("model")] == [
        "Evaluation, before compression",
        "Compression, before updates",
        "Last update",
    ]
    assert "## Evaluation, before compression" in card.read_text()


@pytest.mark.parametrize("out", [(), ("-o", "other")])
def test_updates_keep_evaluation_and_compression(card, out):
    before = card.read_text()
    Path("again").write_text("cherry\n")
    run("update", "model", "--remove", "gone", *out)
    place = Path(out[-1] if out else "model")
    run("update", place, "--refresh", "again", "--data", "data.jsonl")
    after = (place / "README.md").read_text()
    table = section(before, "Compression")
    assert "(chosen)" in table
    assert section(after, "Compression, before updates") == table
    assert section(after, "Evaluation, before compression") == section(
        before, "Evaluation, before compression"
    )
    assert section(after, "Last update") == "Labels: 1 refreshed."
    assert section(before, "Arrays") != section(after, "Arrays")
    assert "· 4" not in after
    arborank.load(place, verify=True)


def test_updates_keep_what_people_wrote(card):
    text = card.read_text()
    text = text.replace("library_name: arborank", "library_name: arborank\nlicense: mit", 1)
    text = text.replace("# TextRanker", "# Our model\n\nAsk Ann about it.", 1)
    text = text.replace(
        "## Settings\n", "## Use\n\n```md\n## Settings\n| a | b |\n```\n\n## Settings\n\nAs tuned.\n", 1
    )
    text = (
        text.rstrip()
        + "\n\nLargest first.\n\n## Arrays of others\n\n| array | shape |\n|---|---|\n| x | 1 |\n"
    )
    card.write_bytes(text.replace("\n", "\r\n").encode())
    for n_labels, command in ((4, ("--remove", "gone")), (3, ("--remove", "more"))):
        Path("more").write_text("apple\n")
        run("update", "model", *command)
        after = card.read_text()
        for part in (
            "---\nlibrary_name: arborank\nlicense: mit\ntags",
            "# Our model\n\nAsk Ann about it.\n\n<!-- arborank: saved -->\nSaved by Arborank",
            "```md\n## Settings\n| a | b |\n```",
            "As tuned.",
            "\n\nLargest first.\n",
            "## Arrays of others\n\n| array | shape |\n|---|---|\n| x | 1 |\n",
        ):
            assert after.count(part) == 1, part
        assert f"`labels.offsets` | `{n_labels + 1} I64`" in after
        assert f"`labels.offsets` | `{n_labels + 2} I64`" not in after
    lines = after.splitlines()
    assert sum(line.startswith("| `features") for line in lines) == sum(
        line.startswith("| `features") for line in text.splitlines()
    )


def test_cards_that_are_gone_empty_or_all_ones_own(card):
    Path("more").write_text("apple\n")
    card.unlink()
    run("update", "model", "--remove", "gone")
    assert card.read_text().startswith("---\nlibrary_name")
    card.write_bytes("Unser schönes Modell.".encode("latin-1"))
    run("update", "model", "--remove", "more")
    after = card.read_text()
    assert after.startswith("Unser schönes Modell.\n\n<!-- arborank: evaluation -->\n## Evaluation, before")
    assert section(after, "Last update") == "Labels: 1 removed."
    assert "labels.offsets" in section(after, "Arrays")


def test_cards_of_a_library_user(tmp_path):
    completer = Autocompleter().fit_pairs([()] * 4, ["oslo", "paris", "naples", "nice"])
    record = Record(title="Evaluation", summary="5 prefixes.", tables={"metric": {"mrr": {"@10": 0.5}}})
    completer.save(tmp_path / "m", card="## Notes\n\nOurs.", records=[record])
    assert read_records(tmp_path / "m") == [record]
    (tmp_path / "gone").write_text("oslo\n")
    run("update-completer", tmp_path / "m", "--remove", tmp_path / "gone")
    after = (tmp_path / "m/README.md").read_text()
    assert section(after, "Evaluation, before updates").startswith("5 prefixes.\n\n| metric | @10 |")
    assert "## Notes\n\nOurs.\n\n" in after
    assert section(after, "Last update") == "4 queries before, 3 now."
    completer.save(tmp_path / "m")  # another model, of which nothing is known
    assert read_records(tmp_path / "m") == []
    assert "Evaluation" not in (tmp_path / "m/README.md").read_text()


def test_notes_beside_the_last_update_stay(card):
    run("update", "model", "--remove", "gone")
    end = "<!-- arborank: end -->"
    text = card.read_text().replace(f"1 removed.\n{end}", f"1 removed.\n{end}\n\nAnn did it.", 1)
    card.write_text(text)
    Path("more").write_text("apple\nbanana\n")
    run("update", "model", "--remove", "more", "--missing", "ignore")
    after = card.read_text()
    assert "## Last update\n\nLabels: 1 removed.\n<!-- arborank: end -->\n\nAnn did it.\n" in after
    assert after.count("Last update") == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"title": 5, "summary": "s"},
        {"title": "t", "summary": "s", "tables": [1]},
        {"title": "t", "summary": "s", "tables": {"a": {"b": 1}}},
        {"title": "t", "summary": "s", "tables": {"a": {"b": {"c": None}}}},
    ],
)
def test_records_that_are_none(wrong):
    with pytest.raises(TypeError, match="must"):
        Record(**wrong)


@pytest.mark.parametrize("found", [None, 5, [5], [{"title": "t"}], [{"title": "t", "summary": []}]])
def test_records_of_strangers(tmp_path, found):
    completer = Autocompleter().fit_pairs([()] * 2, ["oslo", "paris"])
    completer.save(tmp_path)
    config = tmp_path / "config.json"
    document = json.loads(config.read_text())
    if found is None:
        del document["records"]
    else:
        document["records"] = found
    config.write_text(json.dumps({**document, "checksum": checksum(document)}))
    arborank.load(tmp_path)
    with pytest.raises(ValueError, match=r"config\.json is malformed: its records are none"):
        read_records(tmp_path)
