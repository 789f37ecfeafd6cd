"""The commands and the code of the guide, in its order, on a small log."""

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from arborank.cli import main

GUIDE = Path(__file__).parents[2] / "docs" / "autocomplete.md"


def log(queries, n=30):
    """Sessions of a camera, then one of some queries."""
    rows = [
        (f"s{i}", f"2024-03-01 12:{i:02}:{second:02}", query)
        for i in range(n)
        for second, query in ((5, "digital camera"), (31, queries[i % len(queries)]))
    ]
    return "".join("\t".join(row) + "\n" for row in rows)


def blocks(language):
    found = re.findall(
        r"^```(\w*)\n(.*?)^```$", GUIDE.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE
    )
    return [text for name, text in found if name == language]


@pytest.mark.filterwarnings("ignore:.*were learned before:UserWarning")
def test_the_guide(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (example,) = blocks("")
    assert [len(line.split("\t")) for line in example.splitlines()] == [3, 3]
    words = ["nikon", "nikon lens", "iphone", "misspeled"]
    (tmp_path / "log.tsv").write_text(example + log(words))
    (tmp_path / "monday.tsv").write_text(log(["nikon", "nikon zoom"]))
    (tmp_path / "tuesday.tsv").write_text(log(["nikon", "iphone"]))
    (commands,) = blocks("sh")
    commands += re.search(r"`(arborank update-completer [^`]*)`", GUIDE.read_text())[1]
    shown = []
    for command in commands.splitlines():
        result = CliRunner().invoke(main, shlex.split(command, comments=True)[1:], input="ni\n")
        assert result.exit_code == 0, result.output
        shown.append(result.stdout)
    assert "MRR by characters typed" in shown[0]
    assert all("nikon lens" in answer for answer in shown[1:3])
    names = {}
    for block in blocks("python"):
        exec(compile(block, GUIDE.name, "exec"), names)
    tents = names["shop"].complete("t", previous=["department sport", "cart nikon d90", "page tents"])
    assert [query for query, _ in tents] == ["tent pegs", "tripod bag"]
    tents = names["by_state"].complete("t", previous=names["csr_array"]([[0.0, 1.0, 0.0, 1.0]]))
    assert tents[0][0] == "tent"
    queries = [query for query, _ in names["completer"].complete("", previous=["digital camera"])]
    assert set(queries) == {"digital camera", "nikon", "nikon lens", "nikon zoom", "iphone"}
