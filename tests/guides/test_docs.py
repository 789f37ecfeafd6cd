"""The examples of the guides run."""

import csv
import json
import re
import shlex
import shutil
from pathlib import Path
from types import SimpleNamespace

import click
import numpy as np
import pytest
import scipy.sparse as sp
from click.testing import CliRunner

import arborank
from arborank.cli import main
from arborank.datasets import TextData, load_debian, write_xmc
from arborank.linear.defaults import AUTOMATIC, Resolved
from arborank.linear.trial import FEW, FINE, LONG, SOFT, UNCERTAIN, WIDE
from arborank.storage.tensorfile import open_tensors

DOCS = Path(__file__).parents[2] / "docs"
README = DOCS.parent / "README.md"


@pytest.mark.parametrize("guide", ["custom-stages.md", "disentanglement.md"])
def test_guide(guide, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = (DOCS / guide).read_text(encoding="utf-8")
    names = {}
    blocks = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    assert blocks
    for block in blocks:
        exec(compile(block, guide, "exec"), names)
    ids = names["model"].predict_topk(names["X"], 1)[0]
    Y = sp.csr_array(names["Y"]).toarray()
    assert np.mean(Y[np.arange(len(Y)), ids[:, 0]]) > 0.9


def test_the_guide_shows_two_senses(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    text = (DOCS / "disentanglement.md").read_text(encoding="utf-8")
    names: dict = {}
    for block in re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL):
        exec(compile(block, "disentanglement.md", "exec"), names)
    assert names["leaves"].size == 2
    assert len(names["senses"]) == 2
    assert Path("senses.svg").read_text(encoding="utf-8").startswith("<?xml")


def test_the_page_of_defaults_has_the_values_and_runs():
    text = (DOCS / "defaults.md").read_text(encoding="utf-8")
    first = text[text.index("| parameter |") :].partition("\n\n")[0]
    table = [
        [cell.strip() for cell in line.split("|")] for line in re.findall(r"^\|(.*)\|$", first, flags=re.M)
    ]
    _, *rows = (row for row in table if "---" not in row[0])
    assert [row[0].split("`")[1] for row in rows] == list(AUTOMATIC)
    cases = (WIDE, SOFT, LONG, FEW, FINE, UNCERTAIN)
    rows[1][5] = rows[1][5].replace("all", "")  # of the labels: no one number
    for name, (_, usual, *changed) in zip(AUTOMATIC, rows, strict=True):
        assert usual == f"`{getattr(Resolved(), name)!r}`"
        assert changed == [f"`{case[name]!r}`" if name in case else "" for case in cases]
    rng = np.random.default_rng(0)
    found = {"X": rng.random((40, 9), np.float32), "Y": np.eye(4)[np.arange(40) % 4]}
    for block in re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL):
        exec(compile(block, "defaults.md", "exec"), found)
    assert found["wide"].resolved_.beam_size == 50
    assert found["pecos"].get_params()["threshold"] == 0.05


def test_the_guide_to_probabilities_runs():
    rng = np.random.default_rng(0)
    Y = np.eye(6)[np.arange(2400) % 6]
    X = sp.csr_array(np.hstack([Y * (rng.random(Y.shape) < 0.7), np.ones((2400, 1))]))
    found = {"X": X, "Y": Y, "text": "a red car"}
    for part in ("new", "held_out", "there"):
        found |= {f"X_{part}": X[:600], f"Y_{part}": Y[:600]}
    found["texts"] = [f"{'red' if one % 2 else 'blue'} {one % 7} car" for one in range(1200)]
    found["labels"] = [["rose" if one % 2 else "sky"] for one in range(1200)]
    found |= {"held_out_texts": found["texts"][:300], "held_out_labels": found["labels"][:300]}
    for block in re.findall(
        r"```python\n(.*?)```", (DOCS / "decisions.md").read_text(encoding="utf-8"), flags=re.S
    ):
        exec(compile(block, "decisions.md", "exec"), found)
    assert 0.7 < found["probabilities"][:, 0].mean() < 0.8
    assert 0 < found["rule"].threshold < 1
    assert found["chosen"].shape == (600, 6)
    assert found["there"].calibration_.facts.n_recalibrated == 600


def run(block):
    """Run the lines of a shell block: those of Arborank in this process, and an ``echo`` that writes a file."""
    written = re.match(r"echo '(.*?)' > (\S+)\n", block, flags=re.DOTALL)
    if written:
        Path(written[2]).write_text(written[1])
        block = block[written.end() :]
    for line in block.splitlines():
        program, *args = shlex.split(line, comments=True)
        assert program == "arborank"
        result = CliRunner().invoke(main, args)
        assert result.exit_code == 0, f"{line}\n{result.output}"


def files(model):
    """Return every array of a saved model."""
    return {
        f"{path.name.split('-')[0]}.{name}": array
        for path in Path(model).glob("*.safetensors")
        for name, array in open_tensors(path).items()
    }


def made_up_clicks(path):
    """A log of a shop with 120 products: days, queries (some with typing errors) and the products clicked."""
    rng = np.random.default_rng(0)
    colours = ["red", "blue", "green", "black", "white", "yellow"]
    things = ["kettle", "teapot", "mug", "pan", "toaster", "lamp", "chair", "desk", "shelf", "mirror"]
    lines = []
    for _ in range(6000):
        colour, thing = rng.choice(colours), rng.choice(things)
        query = f"{colour} {thing}" if rng.random() < 0.8 else f"{thing} in {colour}"
        if rng.random() < 0.1:
            at = rng.integers(1, len(query))
            query = query[:at] + query[at + 1 :]
        product = f"{colour}-{thing}-{rng.choice(['a', 'b'], p=[0.7, 0.3])}"
        lines.append(f"2024-03-{rng.integers(1, 15):02}\t{query}\t{product}\n")
    path.write_text("".join(lines), encoding="utf-8")


def test_from_a_click_log_to_a_served_model(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made_up_clicks(tmp_path / "clicks.tsv")
    text = (DOCS / "product-search.md").read_text(encoding="utf-8")
    names: dict = {}
    for language, block in re.findall(r"```(python|sh)\n(.*?)```", text, flags=re.DOTALL):
        if language == "python":
            exec(compile(block, "product-search.md", "exec"), names)
            continue
        recent = [{"text": "steel kettle", "labels": ["steel-kettle"]}, {"text": "red mug", "labels": []}] * 3
        Path("recent.jsonl").write_text("".join(json.dumps(row) + "\n" for row in recent))
        Path("sold-out.txt").write_text("red-lamp-a\n")
        before = files("model") if "--config" in block else {}
        run(block)
        if before:  # the shell trains the model that Python has trained
            assert files("model").keys() == before.keys()
            assert all(np.array_equal(array, before[name]) for name, array in files("model").items())
    assert names["ranker"].rank("blu kettle", k=2)[0][0].startswith("blue-kettle")
    labels = set(arborank.load("small").labels_)
    assert "steel-kettle" in labels
    assert "red-lamp-a" not in labels


def sold_things():
    """Texts about things in a shop with their label names, of which some are to be added, changed and removed."""
    rng = np.random.default_rng(0)
    colours, things = ["red", "green", "white", "blue"], ["kettle", "teapot", "mug", "pan"]
    texts, labels = [], []
    for _ in range(300):
        colour, thing = rng.choice(colours), rng.choice(things)
        texts.append(f"a {colour} {thing}")
        labels.append([thing, f"{thing}, {'chipped' if colour == 'red' else colour}"])
    return texts, labels


def test_labels_come_and_go_as_the_guide_says(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    texts, labels = sold_things()
    held = [[name for name in row if name != "kettle, blue"] for row in labels]
    arborank.TextRanker().fit(texts, held).save("model")
    guide = (DOCS / "catalogue.md").read_text(encoding="utf-8")
    life, today, unseen = re.findall(r"```python\n(.*?)```", guide, flags=re.DOTALL)
    names = {"arborank": arborank, "texts": texts, "labels": labels}
    exec(compile(life, "catalogue.md", "exec"), names)
    further = {"new_texts": texts[:30], "new_labels": labels[:30]}
    rankers = {"TextRanker": arborank.TextRanker, "XRLinear": arborank.XRLinear}
    rows = {**names, **rankers, **further}
    exec(compile(today, "catalogue.md", "exec"), rows)
    assert rows["ranker"].model_.fitted_.rows.n_rows >= len(texts) + 30
    changed = arborank.load("model")
    assert "kettle, blue" in changed.labels_
    assert "mug, chipped" not in changed.labels_
    assert "kettle, blue" in dict(changed.rank("a blue kettle", 3))
    recent = [{"text": f"a steel {row[0]}", "labels": [*row, "steel"]} for row in labels if row[0] != "mug"]
    recent += [{"text": text, "labels": []} for text in texts[:50]]
    Path("recent.jsonl").write_text("".join(json.dumps(row) + "\n" for row in recent))
    Path("changed.txt").write_text("teapot\n")
    Path("sold-out.txt").write_text("pan, green\n")
    life, cold = re.findall(r"```sh\n(.*?)```", guide, flags=re.DOTALL)
    run(life)
    left = arborank.load("model").labels_
    assert "steel" in left
    assert "pan, green" not in left
    names |= {"TextRanker": arborank.TextRanker, "new": ["egg cup"], "labels": [row[:1] for row in labels]}
    names["about"] = {"egg cup": "a white cup for an egg", "pan": "a pan to fry in"}
    names["ranker"] = arborank.TextRanker().fit(texts, names["labels"])
    exec(compile(unseen, "catalogue.md", "exec"), names)
    assert "egg cup" in names["ranker"].labels_
    write("old.jsonl", texts, names["labels"])
    write("about.jsonl", names["about"].values(), [[name] for name in names["about"]])
    write("about-new.jsonl", ["a white kettle for sugar"], [["sugar kettle"]])
    shutil.rmtree("model")
    train, update = cold.splitlines()
    run(train)
    names["ranker"].save("from-python")
    right = files("from-python")
    assert files("model").keys() == right.keys()
    assert all(np.array_equal(array, right[name]) for name, array in files("model").items())
    run(update)
    assert "sugar kettle" in dict(arborank.load("model").rank("a white kettle", 4))


def write(path, texts, labels):
    rows = [{"text": text, "labels": names} for text, names in zip(texts, labels, strict=True)]
    Path(path).write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_the_command_line_as_its_guide_says(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    texts, labels = sold_things()
    for path in ("articles.jsonl", "test.jsonl", "new.jsonl"):
        write(path, texts, labels)
    write("about.jsonl", ["a white cup for an egg"], [["egg cup"]])
    for path in ("books.csv", "new.csv"):
        with open(path, "w", newline="") as file:
            rows = zip(range(len(texts)), texts, map(";".join, labels), strict=True)
            csv.writer(file).writerows([("id", "title", "subjects"), *rows])
    Path("catalogue.csv").write_text("code,title\nkettle,A kettle\nmug,A mug\n")
    Path("corpus").mkdir()
    for number, (text, row) in enumerate(zip(texts, labels, strict=True)):
        Path(f"corpus/{number}.txt").write_text(text)
        Path(f"corpus/{number}.tsv").write_text(f"<http://shop/{row[0]}>\t{row[0]}\n")
    terms = "@prefix skos: <http://www.w3.org/2004/02/skos/core#> .\n"
    concepts = (
        f'<http://shop/{name}> skos:prefLabel "{name}"@en .' for name in ("kettle", "teapot", "mug", "pan")
    )
    Path("vocabulary.ttl").write_text(terms + "\n".join(concepts))
    rng = np.random.default_rng(0)
    for name, width in (("X", 30), ("Y", 12)):
        sp.save_npz(
            f"{name}.npz",
            sp.csr_array(rng.random((150, width), np.float32) * (rng.random((150, width)) < 0.2)),
        )
    guide = (DOCS / "command-line.md").read_text(encoding="utf-8")
    (settings,) = re.findall(r"```json\n(.*?)```", guide, flags=re.DOTALL)
    Path("settings.json").write_text(settings)
    names: dict = {}
    for language, block in re.findall(r"```(python|sh)\n(.*?)```", guide, flags=re.DOTALL):
        run(block) if language == "sh" else exec(compile(block, "command-line.md", "exec"), names)
        if "--config" in block:
            model = arborank.load("model")
            assert (model.model_.threshold, model.model_.Cp, model.model_.beam_size) == (0.05, 2.0, 20)
            assert len(model.features_.parts) == 2
    assert "egg cup" in arborank.load("model").labels_
    assert names["ids"].shape == (50, 5)
    assert names["books"] == TextData(texts, [list(row) for row in labels])
    assert len(Path("answers.csv").read_text().splitlines()) > len(texts)


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_shells_complete(shell):
    guide = (DOCS / "command-line.md").read_text(encoding="utf-8")
    assert f"_ARBORANK_COMPLETE={shell}_source arborank" in guide
    environment = {"_ARBORANK_COMPLETE": f"{shell}_source"}
    result = CliRunner().invoke(main, [], prog_name="arborank", env=environment)
    assert result.exit_code == 0, result.output
    assert f"{shell}_complete" in result.output
    environment = {
        "_ARBORANK_COMPLETE": f"{shell}_complete",
        "COMP_WORDS": "arborank upd",
        "COMP_CWORD": "upd" if shell == "fish" else "1",
    }
    result = CliRunner().invoke(main, [], prog_name="arborank", env=environment)
    assert "update-completer" in result.output


def test_a_pipeline_as_the_guide_says(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    texts, labels = sold_things()
    known = sorted({name for row in labels for name in row})
    names = {"texts": texts, "Y": [[known.index(name) for name in row] for row in labels]}
    guide = (DOCS / "classification.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", guide, flags=re.DOTALL)
    names |= {"labels": labels, "classes": [row[0] for row in labels]}
    for block in blocks[:4]:
        exec(compile(block.replace("a new text", "a blue kettle"), "classification.md", "exec"), names)
        if "labels = best" in block:
            names["predicted"] = names["labels"]
            names["labels"] = labels
    assert names["ids"].shape == (1, 5)
    assert {known[i] for i in names["ids"][0, :2]} == {"kettle", "kettle, blue"}
    assert {known[i] for i in names["predicted"].indices} == {"kettle", "kettle, blue"}
    assert names["vote"].predict(texts[:2]).shape == (2,)


def test_training_in_a_directory_as_the_guide_says(tmp_path, monkeypatch, topics):
    monkeypatch.chdir(tmp_path)
    guide = (DOCS / "large-catalogues.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```python\n(.*?)```", guide, flags=re.DOTALL)
    (line,) = re.findall(r"```sh\n(.*?)```", guide, flags=re.DOTALL)
    X, Y = map(sp.csr_array, topics)
    exec(compile(block, "large-catalogues.md", "exec"), {"XRLinear": arborank.XRLinear, "X": X, "Y": Y})
    shutil.rmtree("training")
    ids = arborank.load("model").predict_topk(X, 3)[0]
    shutil.rmtree("model")
    sp.save_npz("X.npz", X)
    sp.save_npz("Y.npz", Y)
    result = CliRunner().invoke(main, shlex.split(line)[1:])
    assert result.exit_code == 0, result.output
    assert np.array_equal(arborank.load("model").predict_topk(X, 3)[0], ids)


def blocks(path):
    return re.findall(r"```(python|sh)\n(.*?)```", path.read_text(encoding="utf-8"), flags=re.DOTALL)


def small_debian(monkeypatch):
    """Let the shipped data be its first rows, which train in a moment."""
    data = load_debian()
    parts = {
        name: TextData(*(rows[:800] for rows in (part.texts, part.labels)))
        for name, part in (("train", data.train), ("test", data.test))
    }
    monkeypatch.setattr("arborank.datasets.load_debian", lambda: SimpleNamespace(**parts))


@pytest.mark.parametrize("path", [README, DOCS / "index.md"], ids=lambda path: path.name)
def test_the_first_lines_of_python(tmp_path, monkeypatch, path):
    monkeypatch.chdir(tmp_path)
    small_debian(monkeypatch)
    (block,) = [block for language, block in blocks(path) if language == "python"]
    names: dict = {}
    exec(compile(block, path.name, "exec"), names)
    assert len(names["ranker"].rank("a game in Python", k=3)) == 3
    if path == README:
        assert (tmp_path / "packages" / "config.json").exists()


@pytest.mark.filterwarnings("ignore:.* rows are few to calibrate")
def test_the_first_lines_of_the_command_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    texts, labels = sold_things()
    for path in ("articles.jsonl", "test.jsonl", "new.jsonl"):
        write(path, texts, labels)
    rng = np.random.default_rng(0)
    for name in "XY":
        sp.save_npz(f"{name}.npz", sp.csr_array((rng.random((150, 20)) < 0.2).astype(np.float32)))
    making, lines = [block for language, block in blocks(README) if language == "sh"]
    assert all(line.startswith("make ") for line in making.splitlines())
    tested_elsewhere = (
        "arborank convert",
        "arborank demo",
        "arborank explain",
        "arborank serve",
        "arborank tune",
    )  # they need a model of PECOS, a label of Debian's, and minutes, or do not end
    run("".join(line + "\n" for line in lines.splitlines() if not line.startswith(tested_elsewhere)))
    assert len(Path("answers.jsonl").read_text().splitlines()) == len(texts)


def test_subject_indexing_as_the_guide_says(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    texts, labels = sold_things()
    write("train.jsonl", texts, labels)
    write("test.jsonl", texts[:50], labels[:50])
    names: dict = {}
    for language, block in blocks(DOCS / "subject-indexing.md"):
        run(block) if language == "sh" else exec(compile(block, "subject-indexing.md", "exec"), names)
    assert set(dict(names["ranker"].rank("a blue kettle", 2))) == {"kettle", "kettle, blue"}
    assert (tmp_path / "subjects" / "config.json").exists()


def test_tuning_as_the_guide_says(tmp_path, monkeypatch):
    pytest.importorskip("optuna")
    monkeypatch.chdir(tmp_path)
    texts, labels = sold_things()
    write("articles.jsonl", texts, labels)
    names: dict = {"texts": texts, "labels": labels}
    for language, block in blocks(DOCS / "tuning.md"):
        if language == "sh":
            run(re.sub("--minutes 10", "--max-trials 3", block))
        else:
            exec(compile(block.replace("minutes=10", "n_trials=3"), "tuning.md", "exec"), names)
    assert (tmp_path / "model" / "config.json").exists()
    assert len(names["search"].trials_) == 3


def test_research_as_the_guide_says(tmp_path, monkeypatch, topics, capsys):
    monkeypatch.chdir(tmp_path)
    X, Y = map(sp.csr_array, topics)
    for path in ("train.txt", "test.txt"):
        write_xmc(path, X, Y)
    names: dict = {}
    for _, block in blocks(DOCS / "research.md"):
        exec(compile(block, "research.md", "exec"), names)
    printed = capsys.readouterr().out
    assert "\nPSP" in printed
    assert "\nPSP & " in printed


def test_every_command_that_is_named_is_there():
    """In running text, too: a command and its options, as `arborank train --holdout`."""
    found = 0
    for path in (README, *DOCS.glob("*.md")):
        text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        for span in re.findall(r"`(arborank [^`]*)`", text):
            words = [word for word in span.split()[1:] if "_" not in word]
            if not words or words[0].startswith("-"):
                continue
            command = main
            for word in words:
                if isinstance(command, click.Group):
                    command = command.commands[word]
            known = {option for parameter in command.params for option in parameter.opts} | {"--help"}
            given = {word.split("=")[0] for word in words[1:] if word.startswith("--")}
            assert given <= known, f"{path.name}: {span}"
            found += 1
    assert found > 10


def test_serving_as_the_guide_says(tmp_path, monkeypatch):
    """Every command can be started, and every path is one that the service has."""
    pytest.importorskip("starlette")
    from arborank.serving.operations import OPERATIONS

    texts, labels = sold_things()
    guide = (DOCS / "serving.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```python\n(.*?)```", guide, flags=re.DOTALL)
    names: dict = {"ranker": arborank.TextRanker().fit(texts, labels)}
    exec(compile(block, "serving.md", "exec"), names)
    assert callable(names["app"])
    paths = {one.path.replace("{model}", "NAME") for one in OPERATIONS}
    told = {path.partition("?")[0] for path in re.findall(r"`(?:[A-Z]+ )?(/[^` ]*)`", guide)}
    told |= {path.partition("?")[0] for path in re.findall(r"`[A-Z]+ (/[^` ]*)`", guide)}
    assert paths <= told
    commands = main.commands["serve"], main.commands["demo"]
    known = {option for command in commands for parameter in command.params for option in parameter.opts}
    own = re.sub(r"^docker .*$|`arborank whatif [^`]*`", "", guide, flags=re.M)
    assert set(re.findall(r"(?<=[` ])--[a-z-]+", own)) <= known


def test_looking_into_a_model_as_the_guide_says(tmp_path, monkeypatch):
    pytest.importorskip("matplotlib")
    monkeypatch.chdir(tmp_path)
    texts, labels = sold_things()
    write("test.jsonl", texts[:50], labels[:50])
    arborank.TextRanker().fit(texts, labels).save("model")
    names: dict = {}
    for language, block in blocks(DOCS / "looking-into-a-model.md"):
        run(block) if language == "sh" else exec(compile(block, "looking-into-a-model.md", "exec"), names)
    for path in ("labels.csv", "why.svg", "report.pdf"):
        assert (tmp_path / path).stat().st_size > 100


def test_words_of_your_own_as_the_guide_says():
    guide = (DOCS / "languages.md").read_text(encoding="utf-8")
    names: dict = {}
    for block in re.findall(r"```python\n(.*?)```", guide, flags=re.DOTALL):
        exec(compile(block, "languages.md", "exec"), names)
    assert names["words"].analyze("Red apples,pears") == ["red_apples", "pears"]
    assert names["features"].fit(["a,b", "red,b"]).transform(["red"]).nnz > 1
