"""Rank, complete and explain over HTTP answer what the models answer."""

import copy
import dataclasses
import re
import threading

import numpy as np
import pytest
import scipy.sparse as sp

import arborank
from arborank.serving.kinds import Ranked
from support.fruit import rows

TEXTS = ["a fruit: appleish", "a vehicle: vanish taxiish", "w1 w2"]


def pairs(labels):
    return [(one["label"], pytest.approx(one["score"], abs=1e-6)) for one in labels]


def test_one_text_and_several(serve, ranker):
    ask = serve()
    one = ask("POST", "/v1/models/fruit/rank", json={"text": TEXTS[0], "k": 3})
    assert one.status_code == 200
    assert pairs(one.json()["labels"]) == ranker.rank(TEXTS[0], 3)
    assert one.json()["took_us"] > 0
    assert one.headers["x-model-revision"] == one.json()["revision"]
    many = ask("POST", "/v1/models/fruit/rank", json={"texts": TEXTS * 50, "k": 2}).json()
    assert [pairs(row) for row in many["results"]] == ranker.rank_batch(TEXTS * 50, 2)
    assert ask("POST", "/v1/models/fruit/rank", json={"texts": []}).json()["results"] == []


def test_options_reach_the_model(serve, ranker):
    ask = serve()
    options = {
        "candidates": ["apple", "banana", "cherry"],
        "exclude": ["banana"],
        "label_weights": {"cherry": 2.0},
        "beam_size": 5,
    }
    found = ask("POST", "/v1/models/fruit/rank", json={"text": TEXTS[0], **options}).json()["labels"]
    assert pairs(found) == ranker.rank(TEXTS[0], **options)
    scores = [
        one["score"] for one in ask("POST", "/v1/models/fruit/rank", json={"text": TEXTS[0]}).json()["labels"]
    ]
    least = scores[2]
    found = ask("POST", "/v1/models/fruit/rank", json={"text": TEXTS[0], "threshold": least}).json()["labels"]
    assert [one["score"] for one in found] == [score for score in scores if score >= least]


def test_a_browser_asks_and_keeps_the_answer(serve, ranker):
    ask = serve()
    first = ask("GET", "/v1/models/fruit/rank", params={"q": TEXTS[1], "k": 2})
    assert pairs(first.json()["labels"]) == ranker.rank(TEXTS[1], 2)
    again = ask(
        "GET",
        "/v1/models/fruit/rank",
        params={"q": TEXTS[1], "k": 2},
        headers={"if-none-match": first.headers["etag"]},
    )
    assert (again.status_code, again.content) == (304, b"")
    other = ask("GET", "/v1/models/fruit/rank", params={"q": TEXTS[1], "k": 3})
    assert other.headers["etag"] != first.headers["etag"]


def test_rows_of_a_matrix(serve, linear):
    ask = serve()
    row = {"indices": [2], "values": [1.0]}
    found = ask("POST", "/v1/models/matrix/rank", json={"row": row, "k": 99}).json()["labels"]
    ids, scores = linear.predict_topk(sp.csr_array(np.eye(4, dtype=np.float32)[2:3]), 4)
    assert pairs(found) == [
        (i, s) for i, s in zip(ids[0].tolist(), scores[0].tolist(), strict=True) if i >= 0
    ]
    rows = [{"indices": [i], "values": [1.0]} for i in range(4)]
    found = ask("POST", "/v1/models/matrix/rank", json={"rows": rows, "k": 1}).json()["results"]
    assert [row[0]["label"] for row in found] == [0, 1, 2, 2]
    weighted = {"row": rows[0], "candidates": [0, 1], "exclude": [1], "label_weights": {"0": 0.5}}
    found = ask("POST", "/v1/models/matrix/rank", json=weighted).json()["labels"]
    assert [one["label"] for one in found] == [0]


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ({"indices": [4], "values": [1.0]}, "indices"),
        ({"indices": [1, 2], "values": [1.0]}, "values"),
        ({"indices": [-1], "values": [1.0]}, "row.indices[0]"),
    ],
)
def test_rows_that_do_not_fit(serve, row, field):
    wrong = serve()("POST", "/v1/models/matrix/rank", json={"row": row})
    assert (wrong.status_code, wrong.json()["field"]) == (422, field)


def test_completions_know_the_session(serve, completer):
    ask = serve()
    for previous in ([], ["camera"], ["running shoes"]):
        body = {"prefix": "n", "previous": previous}
        found = ask("POST", "/v1/models/queries/complete", json=body).json()["completions"]
        right = completer.complete("n", previous)
        assert [(one["query"], pytest.approx(one["score"], abs=1e-6)) for one in found] == right
        assert ask("GET", "/v1/models/queries/complete", params=body).json()["completions"] == found
    history = [["nail scissors", 1e9], ["no match", 2e9]]
    body = {"prefix": "na", "history": history, "now": 2e9}
    found = ask("POST", "/v1/models/queries/complete", json=body).json()["completions"]
    assert [one["query"] for one in found] == ["nail scissors"]
    assert ask("POST", "/v1/models/queries/complete", json={"prefix": "nail"}).json()["completions"] == []
    long = body | {"history": [[f"nail {i}", i] for i in range(2000)]}
    found = ask("POST", "/v1/models/queries/complete", json=long).json()["completions"]
    assert found[0]["query"] == "nail 1999"
    body = {"prefix": "camrea", "tolerant": True}
    found = ask("POST", "/v1/models/queries/complete", json=body).json()["completions"]
    assert found[0]["query"] == "camera"
    assert (
        ask("GET", "/v1/models/queries/complete?prefix=camrea&tolerant=true").json()["completions"] == found
    )
    limits = {"prefix": "n", "candidates": ["nikon", "nike"], "exclude": ["nike"]}
    for method, given in (("POST", {"json": limits}), ("GET", {"params": limits})):
        found = ask(method, "/v1/models/queries/complete", **given).json()["completions"]
        assert [one["query"] for one in found] == ["nikon"]


def test_completions_with_limits(serve, completer):
    ask = serve()
    every = [query for query, _ in completer.complete("n")]
    for limits in ({"candidates": every[1:2]}, {"exclude": every[:1]}, {"weights": {every[-1]: 1e9}}):
        found = ask("POST", "/v1/models/queries/complete", json={"prefix": "n"} | limits).json()[
            "completions"
        ]
        assert [one["query"] for one in found] == [query for query, _ in completer.complete("n", **limits)]
    wrong = ask("POST", "/v1/models/queries/complete", json={"prefix": "n", "weights": {"a": -1}})
    assert wrong.status_code == 422


def test_calibrated_models_tell_probabilities(serve, ranker):
    texts, labels = rows(150, 5)
    calibrated = copy.copy(ranker)
    with pytest.warns(UserWarning, match="calibrat|curve|rows"):
        calibrated.model_ = ranker.model_.calibrate(
            ranker.features_.transform(texts), ranker.encode_labels(labels)
        )
    ask = serve({"fruit": calibrated, "matrix": calibrated.model_, "raw": ranker})
    X = ranker.features_.transform([TEXTS[0]])
    right = calibrated.model_.predict_proba_topk(X, 3)[1][0].tolist()
    found = ask("POST", "/v1/models/fruit/rank", json={"text": TEXTS[0], "k": 3, "probabilities": True})
    assert [one["score"] for one in found.json()["labels"]] == pytest.approx(right)
    row = {"indices": X.indices.tolist(), "values": X.data.tolist()}
    found = ask("POST", "/v1/models/matrix/rank", json={"row": row, "k": 3, "probabilities": True})
    assert [one["score"] for one in found.json()["labels"]] == pytest.approx(right)
    raw = ask("POST", "/v1/models/raw/rank", json={"text": TEXTS[0], "probabilities": True})
    assert (raw.status_code, "calibrate" in raw.json()["detail"]) == (422, True)
    weighted = {"text": TEXTS[0], "probabilities": True, "label_weights": {"apple": 2}}
    assert ask("POST", "/v1/models/fruit/rank", json=weighted).status_code == 422


def test_explanations_show_the_way(serve, ranker):
    ask = serve()
    body = {"text": TEXTS[0], "label": "apple", "n_features": 3}
    (way,) = ask("POST", "/v1/models/fruit/explain", json=body).json()["ways"]
    (right,) = arborank.analysis.explain.explain(ranker, TEXTS[0], "apple", n_features=3)
    assert way["score"] == pytest.approx(right.score)
    assert [[term["term"] for term in step["terms"]] for step in way["steps"]] == [
        [name for name, _ in step.features] for step in right.steps
    ]
    body = {"row": {"indices": [1], "values": [1.0]}, "label": 1}
    assert ask("POST", "/v1/models/matrix/explain", json=body).json()["ways"][0]["steps"]
    wrong = ask("POST", "/v1/models/fruit/explain", json={"text": "a", "label": "plum"})
    assert (wrong.status_code, wrong.json()["field"]) == (422, "label")
    assert "plum" in wrong.json()["detail"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("fruit/complete", {"prefix": "a"}),
        ("queries/rank", {"text": "a"}),
        ("queries/explain", {"text": "a", "label": "camera"}),
        ("fruit/rank", {"row": {"indices": [], "values": []}}),
        ("matrix/rank", {"text": "a"}),
        ("matrix/explain", {"text": "a", "label": 1}),
        ("matrix/explain", {"row": {"indices": [], "values": []}, "label": "apple"}),
        ("fruit/explain", {"text": "a", "label": 1}),
        ("fruit/rank", {"text": "a", "candidates": [1]}),
        ("fruit/rank", {"text": "a", "candidates": ["plum"]}),
        ("matrix/rank", {"row": {"indices": [], "values": []}, "exclude": ["apple"]}),
        ("matrix/rank", {"row": {"indices": [], "values": []}, "label_weights": {"9": 1}}),
        ("fruit/rank", {}),
        ("fruit/rank", {"text": "a", "texts": ["a"]}),
        ("fruit/rank", {"text": "a", "k": 0}),
        ("fruit/rank", {"text": "a", "k": 1001}),
        ("fruit/rank", {"texts": ["a"] * 257}),
        ("fruit/rank", {"text": "a", "label_weights": {"apple": -1}}),
        ("queries/complete", {}),
        ("queries/complete", {"prefix": 3}),
        ("queries/complete", {"prefix": "n", "history": ["nikon"]}),
        ("queries/complete", {"prefix": "n", "history": [["nikon", 1e13]]}),
    ],
)
def test_what_a_model_cannot_answer_is_told(serve, path, body):
    answer = serve()("POST", f"/v1/models/{path}", json=body)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


def test_a_ranking_explains_itself(serve, linear):
    ask = serve()
    body = {"text": TEXTS[0], "k": 2, "explain": True}
    for one in ask("POST", "/v1/models/fruit/rank", json=body).json()["labels"]:
        told = {"text": TEXTS[0], "label": one["label"]}
        assert one["ways"] == ask("POST", "/v1/models/fruit/explain", json=told).json()["ways"]
    row = {"row": {"indices": [1], "values": [1.0]}, "k": 1, "explain": True}
    assert ask("POST", "/v1/models/matrix/rank", json=row).json()["labels"][0]["ways"][0]["steps"]
    assert "ways" not in ask("POST", "/v1/models/fruit/rank", json={"text": TEXTS[0]}).text
    several = ask("POST", "/v1/models/fruit/rank", json={"texts": TEXTS, "explain": True})
    assert (several.status_code, several.json()["field"]) == (422, "explain")


def test_unknown_fields_are_named(serve):
    ask = serve()
    wrong = ask("POST", "/v1/models/fruit/rank", json={"text": "a", "tresholds": 0.5})
    assert (wrong.status_code, wrong.json()["field"]) == (422, "tresholds")
    wrong = ask("GET", "/v1/models/fruit/rank?q=a&tresholds=0.5")
    assert (wrong.status_code, wrong.json()["field"]) == (422, "tresholds")
    wrong = ask("GET", "/healthz?really=1")
    assert (wrong.status_code, wrong.json()["field"]) == (422, "really")
    wrong = ask("POST", "/v1/models/matrix/rank", json={"rows": [{"indices": [], "values": [], "shape": 3}]})
    assert (wrong.status_code, wrong.json()["field"]) == (422, "rows[0].shape")


@pytest.mark.parametrize(
    "content", [b"", b"{", b"\xff", b'{"text": "\\ud800"}', b"[" * 100_000, b'{"text": NaN}']
)
def test_what_is_no_json(serve, content):
    headers = {"content-type": "application/json"}
    assert serve()("POST", "/v1/models/fruit/rank", content=content, headers=headers).status_code in (
        400,
        422,
    )


def test_paths_and_methods_that_are_not_there(serve):
    ask = serve()
    for method, path, status in [
        ("GET", "/v1/model", 404),
        ("POST", "/v1/models/plum/rank", 404),
        ("PUT", "/v1/models/fruit/rank", 405),
        ("POST", "/healthz", 405),
    ]:
        answer = ask(method, path, json={"text": "a"})
        assert (answer.status_code, answer.json()["status"]) == (status, status)
    assert ask("PUT", "/v1/models/fruit/rank").headers["allow"] == "GET, HEAD, POST"


class Slow:
    """A ranker that answers when it is let."""

    def __init__(self, ranker):
        self.ranker, self.let = ranker, threading.Event()

    def rank(self, items, body):
        assert self.let.wait(20)
        return Ranked([[] for _ in items], 0)


@pytest.fixture
def slow(serve):
    """An application whose only thread waits, for texts of several."""

    def started(**settings):
        ask = serve(threads=1, **settings)
        kind = ask.app.slots.find("fruit").served.kind
        held = Slow(kind)
        kind.ranked = held.rank
        return ask, held.let

    return started


def test_too_many_texts_are_refused_at_once(slow):
    ask, let = slow(max_in_flight=4)
    body = {"json": {"texts": ["a", "b", "c"]}}

    async def asked():
        import asyncio

        first = asyncio.create_task(ask.client.post("/v1/models/fruit/rank", **body))
        while ask.app.work.in_flight < 3:
            await asyncio.sleep(0.01)
        refused = await ask.client.post("/v1/models/fruit/rank", **body)
        alive = await ask.client.get("/healthz")
        assert "arborank_in_flight_texts 3.0" in (await ask.client.get("/metrics")).text
        let.set()
        return await first, refused, alive, await ask.client.post("/v1/models/fruit/rank", **body)

    first, refused, alive, after = ask.runner.run(asked())
    assert (first.status_code, alive.status_code, after.status_code) == (200, 200, 200)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
    assert ask.app.work.in_flight == 0


def test_single_texts_that_come_at_once_are_counted_before_one_is_answered(serve):
    ask = serve(max_in_flight=4)
    for path, body in (("fruit/rank", {"text": "a"}), ("queries/complete", {"prefix": "n"})):
        answers = ask.all(*[("POST", f"/v1/models/{path}", {"json": body})] * 10)
        assert sorted(answer.status_code for answer in answers) == [200] * 4 + [429] * 6
    assert ask.app.work.in_flight == 0


def test_texts_for_a_slow_model_are_answered_together(serve, ranker, slow):
    ask, let = slow()
    slot = ask.app.slots.find("fruit")
    slot.served = dataclasses.replace(slot.served, quick=False)
    held, asked = slot.served.kind.ranked, []

    def ranked(items, body):
        asked.append((list(items), body.k))
        return held(items, body) if "bad" not in items else 1 / 0

    slot.served.kind.ranked = ranked
    threading.Timer(0.3, let.set).start()
    bodies = [{"text": f"w{i}"} for i in range(40)] + [{"text": "other", "k": 3}]
    answers = ask.all(*[("POST", "/v1/models/fruit/rank", {"json": body}) for body in bodies])
    assert {answer.status_code for answer in answers} == {200}
    assert sorted((len(items), k) for items, k in asked) == [(1, 3), (8, 10), (32, 10)]
    answers = ask.all(*[("POST", "/v1/models/fruit/rank", {"json": {"text": "bad"}})] * 2)
    assert {answer.status_code for answer in answers} == {500}
    bodies = [{"text": text} for text in ("first", "good", "bad", "better")]
    answers = ask.all(*[("POST", "/v1/models/fruit/rank", {"json": body}) for body in bodies])
    assert [answer.status_code for answer in answers] == [200, 200, 500, 200]
    assert ask.app.work.in_flight == 0


def test_texts_that_come_at_once_are_answered_together(serve, ranker, linear):
    ask = serve()
    bodies = [{"text": text, "k": k} for text in TEXTS * 20 for k in (3, 4)]
    answers = ask.all(*[("POST", "/v1/models/fruit/rank", {"json": body}) for body in bodies])
    for body, answer in zip(bodies, answers, strict=True):
        assert pairs(answer.json()["labels"]) == ranker.rank(body["text"], body["k"])
    counted = ask("GET", "/metrics").text
    assert f'arborank_texts_total{{model="fruit"}} {len(bodies)}.0' in counted
    calls = float(re.search(r'rank_seconds_count{model="fruit"} (.*)', counted)[1])
    assert calls < len(bodies) / 4
    right, wrong = {"indices": [1], "values": [1.0]}, {"indices": [9], "values": [1.0]}
    rows = [("POST", "/v1/models/matrix/rank", {"json": {"row": row}}) for row in (right, wrong, right)]
    assert [answer.status_code for answer in ask.all(*rows)] == [200, 422, 200]


def test_work_that_has_not_begun_in_time_is_given_up(slow):
    ask, let = slow()
    threading.Timer(0.3, let.set).start()
    body = {"json": {"texts": ["a", "b"]}}
    first, late = ask.all(
        ("POST", "/v1/models/fruit/rank", body),
        ("POST", "/v1/models/fruit/rank", body | {"headers": {"x-timeout-ms": "50"}}),
    )
    assert (first.status_code, late.status_code) == (200, 504)
    assert ask("POST", "/v1/models/fruit/rank", **body, headers={"x-timeout-ms": "soon"}).status_code == 400


def test_texts_of_which_nothing_is_known(serve, ranker):
    silent = copy.copy(ranker)
    silent.answer_unknown = False
    ask = serve({"fruit": ranker, "silent": silent})
    for model, n_labels in (("fruit", 8), ("silent", 0)):
        texts = [TEXTS[0], "\u00b7", TEXTS[1]]
        found = ask("POST", f"/v1/models/{model}/rank", json={"texts": texts}).json()["results"]
        assert [len(row) for row in found] == [8, n_labels, 8]
        assert [pairs(row) for row in found[::2]] == ranker.rank_batch(texts[::2])
        assert f'unknown_texts_total{{model="{model}"}} 1.0' in ask("GET", "/metrics").text
