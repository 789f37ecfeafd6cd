"""What the card of a model says of it, and what people wrote in it, is still there when the model was changed."""

from pathlib import Path

import pytest
from click.testing import CliRunner

import arborank
from arborank.autocomplete import Autocompleter
from arborank.cli import main
from arborank.datasets import TextData, write_jsonl
from arborank.storage.modelcard import revised_card

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
    return rest.partition("\n## ")[0].strip()


def test_compression_keeps_the_evaluation(card):
    evaluation = section(Path("trained/README.md").read_text(), "Evaluation")
    assert "rows scored" in evaluation
    assert section(card.read_text(), "Evaluation, before compression") == evaluation


@pytest.mark.parametrize("out", [(), ("-o", "other")])
def test_updates_keep_evaluation_and_compression(card, out):
    before = card.read_text()
    Path("again").write_text("cherry\n")
    run("update", "model", "--remove", "gone", *out)
    place = Path(out[-1] if out else "model")
    run("update", place, "--refresh", "again", "--data", "data.jsonl")
    after = (place / "README.md").read_text()
    table = section(before, "Compression")
    assert "**chosen**" in table
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
            "# Our model\n\nAsk Ann about it.\n\nSaved by Arborank",
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
    assert after.startswith("Unser schönes Modell.\n\n## Last update\n\nLabels: 1 removed.")
    assert "labels.offsets" in section(after, "Arrays")


def test_a_completer_keeps_its_evaluation_and_notes(tmp_path):
    completer = Autocompleter().fit_pairs([()] * 4, ["oslo", "paris", "naples", "nice"])
    completer.save(tmp_path / "m", card="## Evaluation\n\nMRR .5\n\n## Notes\n\nOurs.")
    (tmp_path / "gone").write_text("oslo\n")
    run("update-completer", tmp_path / "m", "--remove", tmp_path / "gone")
    after = (tmp_path / "m/README.md").read_text()
    assert section(after, "Evaluation, before updates") == "MRR .5"
    assert section(after, "Notes") == "Ours."
    assert section(after, "Last update") == "4 queries before, 3 now."


def test_notes_beside_the_last_update_stay():
    old = "# T\n\n## Last update\n\nLabels: 1 removed.\n\nAnn did it.\n\n## Settings\n\nmine\n"
    table = "| setting | value |\n|---|---|\n| `a` | `1` |\n"
    new = f"# T\n\n## Last update\n\nLabels: 2 removed.\n\n## Settings\n\n{table}"
    assert revised_card(old, new, "updates") == (
        f"# T\n\n## Last update\n\nLabels: 2 removed.\n\nAnn did it.\n\n## Settings\n\n{table}\nmine\n"
    )
    assert revised_card(new, new, "updates") == new
