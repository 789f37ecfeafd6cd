"""A model in parts: each is served by a process, another one asks them, and tells when one of them is missing."""

import re
import subprocess
import sys
from contextlib import contextmanager

import numpy as np
import pytest
from click.testing import CliRunner

from arborank import Autocompleter, TextRanker, XRLinear
from arborank.cli import main
from arborank.features.base import rows_of
from arborank.linear.parts import Parts
from arborank.serving import Settings
from support.shards import made_up, ranker

N_PARTS = 3


@pytest.fixture(scope="module")
def data():
    return made_up(900, 200)


@pytest.fixture(scope="module")
def whole(data):
    return ranker(combine="l3-hinge", beam_size=3).fit(*data)


@pytest.mark.parametrize("n_parts", [1, 3, 7])
def test_parts_have_every_label_once_and_keep_the_scores(data, whole, n_parts):
    parts = Parts.of(whole.model_, n_parts)
    sizes = np.bincount(parts.of_labels, minlength=n_parts)
    assert sizes.sum() == len(whole.labels_)
    assert sizes.min() >= len(whole.labels_) / n_parts / 2
    X = rows_of(whole.features_, data[0])
    ids, scores = whole.model_.predict_topk(X, 5)
    concerned = parts.concerned(X)
    held = ids >= 0
    assert concerned[np.nonzero(held)[0], parts.of_labels[ids[held]]].all()  # whoever has an answer is asked
    found, scored = whole.model_.predict_topk(X, 5, candidates=parts.labels(0))
    for row in range(len(ids)):
        known = {label: score for label, score in zip(found[row], scored[row], strict=True) if label >= 0}
        mine = [i for i in range(5) if held[row, i] and parts.of_labels[ids[row, i]] == 0]
        least = scored[row].min()  # better ones may take its place
        assert all(known.get(ids[row, i]) == scores[row, i] or scores[row, i] <= least for i in mine)


def test_models_that_cannot_be_divided(data, whole, serve, completer):
    with pytest.raises(ValueError, match="too few for 1000 parts"):
        Parts.of(whole.model_, 1000)
    with pytest.raises(ValueError, match="number must be between 0 and 2"):
        Parts.of(whole.model_, 3).labels(3)
    several = TextRanker(model=XRLinear(n_trees=2, max_leaf_size=8), n_jobs=1).fit(*data)
    with pytest.raises(ValueError, match="labels are in several leaves"):
        Parts.of(several.model_, 2)
    with pytest.raises(TypeError, match="an XRLinear can be divided, found Autocompleter"):
        Parts.of(Autocompleter(), 2)
    with pytest.raises(TypeError, match="Autocompleter cannot be served in parts"):
        serve({"queries": completer}, part=(1, 2), read_only=True)


def test_settings_of_parts(tmp_path, whole, serve):
    file = tmp_path / "parts.txt"
    file.write_text("http://127.0.0.1:9/v1/models/model\nftp://x\n")
    with pytest.raises(ValueError, match="read_only is False, but models that are served in parts"):
        Settings(part=(1, 2))
    with pytest.raises(ValueError, match="part must be between 1 and 2"):
        Settings(part=(3, 2), read_only=True)
    with pytest.raises(ValueError, match="part and parts are given"):
        Settings(part=(1, 2), parts=file, read_only=True)
    with pytest.raises(ValueError, match=r"parts.txt:2: an address .* found 'ftp://x'"):
        serve({"model": whole}, parts=file, read_only=True)
    with pytest.raises(ValueError, match="parts hold the addresses of one model, found 2"):
        serve({"model": whole, "other": whole}, parts=file, read_only=True)
    file.write_text("\n")
    with pytest.raises(ValueError, match="holds no address"):
        serve({"model": whole}, parts=file, read_only=True)
    result = CliRunner().invoke(main, ["serve", str(tmp_path), "--part", "5/4"])
    assert "a part such as 1/4 was expected, found '5/4'" in result.output


@contextmanager
def serving(model, *options):
    command = [sys.executable, "-m", "arborank", "serve", str(model), "--port", "0", "--drain", "0", *options]
    process = subprocess.Popen([*command, "--no-request-log"], stderr=subprocess.PIPE, text=True)
    try:
        for line in process.stderr:
            if found := re.match(r"(http\S+) serves", line):
                break
        yield process, f"{found[1]}/v1/models/model"
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


def pairs(answer):
    return [[(one["label"], np.float32(one["score"])) for one in row] for row in answer["results"]]


@pytest.mark.subprocess
def test_answers_are_merged_and_a_missing_part_is_told(tmp_path, data, whole, serve):
    whole.save(tmp_path / "model")
    with (
        serving(tmp_path / "model", "--part", "1/3") as (_, first),
        serving(tmp_path / "model", "--part", "2/3") as (_, second),
        serving(tmp_path / "model", "--part", "3/3") as (last, third),
    ):
        (tmp_path / "parts.txt").write_text(f"{first}\n{second}\n{third}\n")
        ask = serve({"model": tmp_path / "model"}, parts=tmp_path / "parts.txt", read_only=True)
        texts = data[0][:200]

        def rank(**body):
            answer = ask("POST", "/v1/models/model/rank", json={"texts": texts, "k": 5, **body})
            assert answer.status_code == 200, answer.text
            return answer.json()

        answer = rank()
        assert "partial" not in answer
        for row, wanted in zip(pairs(answer), whole.rank_batch(texts, k=5), strict=True):
            scores = dict(row)
            assert len(row) >= len(wanted)
            assert all(
                a[1] >= b[1] for a, b in zip(row, wanted, strict=False)
            )  # never worse than one machine
            least = row[-1][1] if len(row) == 5 else -np.inf
            assert all(scores[name] == score for name, score in wanted if score > least)
        wide = {"beam_size": 200}  # which one machine and parts search alike
        assert pairs(rank(**wide)) == whole.rank_batch(texts, k=5, beam_size=200)
        limits = {"candidates": list(whole.labels_)[::3], "exclude": list(whole.labels_)[:9]}
        assert pairs(rank(**wide, **limits)) == whole.rank_batch(texts, k=5, beam_size=200, **limits)
        boosted = {"label_weights": {whole.labels_[5]: 3.0}}
        assert pairs(rank(**wide, **boosted)) == whole.rank_batch(texts, k=5, beam_size=200, **boosted)
        single = ask("POST", "/v1/models/model/rank", json={"text": texts[1], "explain": True}).json()
        assert single["labels"][0]["ways"]
        unknown = ask("POST", "/v1/models/model/rank", json={"text": "w1", "candidates": ["nothing"]})
        assert (unknown.status_code, unknown.json()["field"]) == (422, "candidates")
        last.kill()
        last.wait()
        answer = rank(**wide)
        assert answer["partial"] is True
        parts = Parts.of(whole.model_, 3).of_labels
        left = [name for name, part in zip(whole.labels_, parts, strict=True) if part < 2]
        assert pairs(answer) == whole.rank_batch(texts, k=5, beam_size=200, candidates=left)
        (tmp_path / "parts.txt").write_text(f"{second}\n{first}\n{third}\n")  # in another order
        ask = serve({"model": tmp_path / "model"}, parts=tmp_path / "parts.txt", read_only=True)
        answer = rank(**wide)
        assert answer["partial"] is True
