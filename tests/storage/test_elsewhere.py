"""Models on the Hub, of which a small server has the HTTP interface, and in folders that fsspec knows."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import arborank
from arborank import NgramTfidf, TextRanker
from support.fruit import rows

TEXTS, LABELS = rows(60, 0)


@pytest.fixture(scope="module")
def ranker():
    return TextRanker(NgramTfidf(), label_names=False).fit(TEXTS, LABELS)


ON_THE_HUB = """
import os
from support.hub import Hub
hub = Hub().__enter__()
os.environ["HF_ENDPOINT"] = hub.url
import pytest
import arborank
from arborank import NgramTfidf, TextRanker, XRLinear
from arborank.cli import main
from arborank.storage import Record
from click.testing import CliRunner
from huggingface_hub import ModelCard
from support.fruit import rows
texts, labels = rows(60, 0)
ranker = TextRanker(NgramTfidf(), label_names=False).fit(texts, labels)
record = Record(title="Evaluation", summary="Fine.", data="test.jsonl", tables={"metric": {"precision": {"@1": 0.5}}})
url = ranker.push_to_hub("me/fruit", records=[record], metadata={"language": "en"}, card="Of fruit.", token="hf_x")
commit, files = hub.files("me/fruit")
assert commit in url, url
assert {"config.json", "README.md"} < set(files), set(files)
card = ModelCard(files["README.md"].decode())
assert card.data.library_name == "arborank"
assert card.data.pipeline_tag == "text-classification"
assert "ranking" in card.data.tags
(result,) = card.data.eval_results
assert (result.dataset_name, result.metric_type, result.metric_value) == ("test.jsonl", "precision", 0.5)
assert "Of fruit." in card.content

right = ranker.rank(texts[0], 3)
assert arborank.load("hf://me/fruit").rank(texts[0], 3) == right
again = TextRanker.from_pretrained("me/fruit", n_jobs=1)
assert again.rank(texts[0], 3) == right
assert again.n_jobs == 1

# a newer commit; the first is still there by its name
ranker.push_to_hub("me/fruit", branch="main", token="hf_x")
first = arborank.load(f"hf://me/fruit@{commit}")
assert first.rank(texts[0], 3) == right
assert hub.files("me/fruit")[0] != commit
assert hub.files("me/fruit", commit)[1]["config.json"] != hub.files("me/fruit")[1]["config.json"]

with pytest.raises(FileNotFoundError, match="me/fruit on the Hub has no revision 'gone'"):
    arborank.load("hf://me/fruit@gone")
with pytest.raises(FileNotFoundError, match="the Hub has no me/nothing"):
    TextRanker.from_pretrained("me/nothing")
with pytest.raises(TypeError, match="holds the model TextRanker, not XRLinear"):
    XRLinear.from_pretrained("me/fruit")
for place in ("hf://fruit", "hf://me/fruit@", "hf://a/b/c"):
    with pytest.raises(ValueError, match="hf://owner/name"):
        arborank.load(place)
with pytest.raises(ValueError, match="repo must be 'owner/name'"):
    ranker.push_to_hub("me/fruit/too")

# on the command line
found = CliRunner().invoke(main, ["rank", f"hf://me/fruit@{commit}", texts[0], "-k", "1", "--json"])
assert found.exit_code == 0 and right[0][0] in found.output, found.output
gone = CliRunner().invoke(main, ["rank", "hf://me/fruit@gone", texts[0]])
assert gone.exit_code == 2 and "has no revision 'gone'" in gone.output, gone.output

# a card that someone wrote, without metadata
hub.commit("me/fruit", "main", [{"key": "file", "value": {"path": "README.md", "content": "SGVsbG8="}}])
assert TextRanker.from_pretrained("me/fruit").rank(texts[0], 3) == right
print("done")
"""


@pytest.mark.subprocess
def test_models_on_the_hub(tmp_path):
    """In a process of its own: huggingface_hub reads its address when it is imported."""
    pytest.importorskip("huggingface_hub")
    online = {name: value for name, value in os.environ.items() if name != "HF_HUB_OFFLINE"}
    environment = online | {
        "HF_HOME": str(tmp_path / "home"),
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[1]), *sys.path]),
    }
    script = tmp_path / "script.py"
    script.write_text(ON_THE_HUB)
    done = subprocess.run(
        [sys.executable, str(script)], env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().endswith("done")


def test_a_folder_that_fsspec_knows(ranker, tmp_path, monkeypatch):
    fsspec = pytest.importorskip("fsspec")
    monkeypatch.setenv("ARBORANK_CACHE", str(tmp_path / "cache"))
    ranker.save(tmp_path / "model")
    remote = fsspec.filesystem("memory")
    remote.put(str(tmp_path / "model"), "/models/fruit", recursive=True)
    right = ranker.rank(TEXTS[0], 3)
    for _ in range(2):  # the second time from the cache
        assert arborank.load("memory://models/fruit", n_jobs=1).rank(TEXTS[0], 3) == right
    assert TextRanker.from_pretrained("memory://models/fruit").rank(TEXTS[0], 3) == right
    copies = sorted(path.name for path in (tmp_path / "cache").rglob("*.safetensors"))
    assert copies == sorted(path.name for path in (tmp_path / "model").glob("*.safetensors"))
    ranker.remove_labels(["apple"]).save(tmp_path / "other")
    remote.rm("/models/fruit", recursive=True)
    remote.put(str(tmp_path / "other"), "/models/fruit", recursive=True)
    assert "apple" not in arborank.load("memory://models/fruit").labels_
    assert len(list((tmp_path / "cache").rglob("*.safetensors"))) == len(copies)
    with pytest.raises(FileNotFoundError, match="memory://models/nothing holds no model"):
        arborank.load("memory://models/nothing")
    with pytest.raises(ValueError, match="nothing-like-it"):
        arborank.load("nothing-like-it://models/fruit")
    config = remote.cat_file("/models/fruit/config.json")
    remote.pipe_file("/models/fruit/config.json", config[:-20])
    with pytest.raises(ValueError, match=r"^memory://models/fruit: config\.json is truncated or altered"):
        arborank.load("memory://models/fruit")


def test_a_directory_is_opened_as_a_class(ranker, tmp_path):
    ranker.save(tmp_path / "model")
    assert TextRanker.from_pretrained(tmp_path / "model").rank(TEXTS[0], 2) == ranker.rank(TEXTS[0], 2)
    with pytest.raises(TypeError, match="not Ensemble"):
        arborank.Ensemble.from_pretrained(tmp_path / "model")
    with pytest.raises(TypeError, match="options of the Hub are given"):
        TextRanker.from_pretrained(tmp_path / "model", revision="main")


@pytest.mark.parametrize(
    ("package", "action"),
    [
        ("huggingface_hub", lambda ranker: arborank.load("hf://me/fruit")),
        ("huggingface_hub", lambda ranker: ranker.push_to_hub("me/fruit")),
        ("fsspec", lambda ranker: arborank.load("s3://bucket/fruit")),
    ],
)
def test_extras_that_are_missing(ranker, monkeypatch, package, action):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ImportError, match=r"pip install 'arborank\[(hub|remote)\]'"):
        action(ranker)
