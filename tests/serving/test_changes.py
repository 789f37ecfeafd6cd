"""Labels are added and removed, models loaded again, while they are asked."""

import asyncio
import json
import threading

import numpy as np
import pytest

import arborank
from arborank.exploration import DecisionLog, learn
from support.fruit import rows


@pytest.fixture
def folder(ranker, completer, tmp_path):
    ranker.save(tmp_path / "fruit")
    completer.save(tmp_path / "queries")
    return tmp_path


@pytest.fixture
def saved(folder, serve):
    """Serve both models from their directories, without a look at them unless asked."""

    def started(**settings):
        return serve({"fruit": folder / "fruit", "queries": folder / "queries"}, **{"follow": 0, **settings})

    return started


def recent():
    texts, labels = rows(60, 7)
    return [{"text": text, "labels": names} for text, names in zip(texts, labels, strict=True)]


NEW = {"label": "plum", "texts": ["a fruit: plumish w1", "a fruit: plumish appleish", "plumish w3 fruit"]}


def best(ask, text):
    return ask("POST", "/v1/models/fruit/rank", json={"text": text, "k": 1}).json()["labels"][0]["label"]


@pytest.mark.parametrize("on_disk", [True, False])
def test_a_label_is_added_and_removed(serve, saved, folder, on_disk):
    ask = saved() if on_disk else serve()
    before = ask("GET", "/v1/models/fruit").json()
    text = "plumish appleish fruit"
    answer = ask("POST", "/v1/models/fruit/labels", json={"labels": [NEW], "recent": recent()})
    assert answer.status_code == 200, answer.text
    assert answer.json()["n_labels"] == before["n_labels"] + 1
    assert answer.json()["revision"] != before["revision"]
    assert best(ask, "a fruit: plumish") == "plum" or "plum" in str(
        ask("POST", "/v1/models/fruit/rank", json={"text": text}).json()
    )
    if on_disk:
        assert "plum" in arborank.load(folder / "fruit").labels_
    known = ask("POST", "/v1/models/fruit/labels", json={"labels": [NEW], "recent": recent()})
    assert (known.status_code, known.json()["field"]) == (422, "names")
    told = [
        line for line in ask("GET", "/metrics").text.splitlines() if line.startswith("arborank_model_info{")
    ]
    served = [line for line in told if 'model="fruit"' in line and line.endswith(" 1.0")]
    assert [answer.json()["revision"] in line for line in served] == [True]
    gone = ask("DELETE", "/v1/models/fruit/labels?label=plum")
    assert gone.json()["n_labels"] == before["n_labels"]
    assert ask("DELETE", "/v1/models/fruit/labels?label=plum").status_code == 422
    assert ask("DELETE", "/v1/models/fruit/labels?label=plum&missing=ignore").status_code == 200
    assert ask("DELETE", "/v1/models/fruit/labels").status_code == 422


def test_recent_texts_come_from_a_file(saved, tmp_path):
    path = tmp_path / "recent.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in recent()))
    assert saved()("POST", "/v1/models/fruit/labels", json={"labels": [NEW]}).json()["field"] == "recent"
    answer = saved(recent=path)("POST", "/v1/models/fruit/labels", json={"labels": [NEW]})
    assert answer.status_code == 200, answer.text


def test_queries_are_removed(saved):
    ask = saved()
    assert ask("DELETE", "/v1/models/queries/labels?label=nikon").json()["n_labels"] == 3
    found = ask("GET", "/v1/models/queries/complete?prefix=n").json()["completions"]
    assert [one["query"] for one in found] == ["nike"]


def test_queries_are_added_from_a_log(saved):
    ask = saved()
    log = [{"session": f"s{i}", "time": 1e6 + i, "query": "camera"} for i in range(3)]
    log += [{"session": f"s{i}", "time": 1e6 + 9 + i, "query": "nylon rope"} for i in range(3)]
    assert ask("POST", "/v1/models/queries/labels", json={"log": log}).json()["n_labels"] == 5
    body = {"prefix": "ny", "previous": ["camera"]}
    found = ask("POST", "/v1/models/queries/complete", json=body).json()["completions"]
    assert [one["query"] for one in found] == ["nylon rope"]
    by_users = [one | {"user": "u", "query": "nutmeg"} for one in log]
    assert (
        ask("POST", "/v1/models/queries/labels", json={"log": log[:3] + by_users}).json()["field"] == "user"
    )


@pytest.mark.parametrize("several", [False, True])
def test_labels_of_a_matrix_are_added_and_removed(serve, several):
    X = np.eye(4, dtype=np.float32)
    both = arborank.Ensemble([arborank.XRLinear(), arborank.XRLinear(random_state=1)])
    ask = serve({"matrix": both.fit(X, [[0], [1], [2], [2, 3]])} if several else None)
    row = {"indices": [0, 1], "values": [1.0, 1.0]}
    recent = [{"row": {"indices": [i], "values": [1.0]}, "labels": [i]} for i in range(4)]
    body = {"labels": [{"label": 4, "rows": [row]}], "recent": recent}
    assert ask("POST", "/v1/models/matrix/labels", json=body).json()["n_labels"] == 5
    for known in (True, False):
        found = ask("POST", "/v1/models/matrix/rank", json={"row": row, "k": 5}).json()["labels"]
        assert (4 in [one["label"] for one in found]) is known
        assert ask("DELETE", "/v1/models/matrix/labels?label=4&missing=ignore").status_code == 200
    assert ask("DELETE", "/v1/models/matrix/labels?label=apple").json()["field"] == "label"


RECENT_ROW = [{"row": {"indices": [1], "values": [1.0]}, "labels": [1]}]


@pytest.mark.parametrize(
    ("model", "body", "field"),
    [
        ("matrix", {"labels": [{"label": 7, "rows": []}], "recent": RECENT_ROW}, "label"),
        ("matrix", {"labels": [{"label": 4, "texts": ["a"]}], "recent": RECENT_ROW}, "texts"),
        ("matrix", {"labels": [{"label": 4}], "recent": [{"text": "a"}]}, "recent"),
        ("fruit", {"labels": [{"label": 4, "texts": ["a"]}], "recent": [{"text": "a"}]}, "label"),
        (
            "fruit",
            {
                "labels": [{"label": "plum", "rows": [{"indices": [], "values": []}]}],
                "recent": [{"text": "a"}],
            },
            "rows",
        ),
        ("fruit", {"labels": [NEW], "recent": RECENT_ROW}, "recent"),
        ("fruit", {"labels": []}, "labels"),
        ("fruit", {"log": [{"session": "a", "time": 1, "query": "b"}]}, "log"),
        ("queries", {}, "log"),
        ("queries", {"labels": [NEW]}, "labels"),
    ],
)
def test_additions_that_do_not_fit_the_model(serve, model, body, field):
    answer = serve()("POST", f"/v1/models/{model}/labels", json=body)
    assert (answer.status_code, answer.json().get("field")) == (422, field)


def test_a_client_reads_what_it_wrote(folder, serve):
    """Two processes serve a directory: what one has saved, the other serves to whoever asks for it."""
    writer, reader = (serve({"fruit": folder / "fruit"}, follow=0) for _ in range(2))
    old = reader("GET", "/v1/models/fruit").json()["revision"]
    new = writer("DELETE", "/v1/models/fruit/labels?label=apple").json()["revision"]
    assert reader("GET", "/v1/models/fruit", headers={"x-min-revision": old}).json()["revision"] == old
    seen = reader("GET", "/v1/models/fruit", headers={"x-min-revision": new}).json()
    assert (seen["revision"], seen["n_labels"]) == (new, 7)
    (folder / "fruit" / "config.json").write_text("{}")
    assert reader("GET", "/v1/models/fruit", headers={"x-min-revision": "x"}).json()["revision"] == new


def test_checksums_are_compared_if_asked_for(serve, tmp_path):
    X = np.random.default_rng(0).random((200, 3000), np.float32)
    arborank.XRLinear(threshold=0).fit(X, [[i % 100] for i in range(200)]).save(tmp_path / "m")
    ask, careful = (serve({"m": tmp_path / "m"}, follow=0, verify=verify) for verify in (False, True))
    file = max(tmp_path.glob("m/*.safetensors"), key=lambda one: one.stat().st_size)
    content = bytearray(file.read_bytes())
    assert len(content) > 2**20
    content[-1] ^= 1  # in the last weight
    file.unlink()  # a map of the old file stays as it is
    file.write_bytes(content)
    (tmp_path / "m" / "config.json").touch()
    answer = careful("POST", "/v1/models/m/reload")
    assert (answer.status_code, "altered" in answer.json()["detail"]) == (409, True)
    assert ask("POST", "/v1/models/m/reload").status_code == 200


def test_who_may_change_what(saved, serve):
    ask = saved(read_only=True)
    for method, path, body in [
        ("POST", "labels", {"labels": [NEW], "recent": recent()}),
        ("DELETE", "labels?label=apple", None),
        ("POST", "reload", None),
    ]:
        assert ask(method, f"/v1/models/fruit/{path}", json=body).status_code == 403
    assert ask("GET", "/v1/models/fruit").json()["writable"] is False


def test_one_writer_at_a_time(saved):
    ask = saved()
    body = {"json": {"labels": [NEW], "recent": recent()}}
    both = ask.all(*[("POST", "/v1/models/fruit/labels", body)] * 2)
    assert sorted(answer.status_code for answer in both) == [200, 409]


def test_a_directory_is_followed(folder, serve):
    ask = serve({"fruit": folder / "fruit"}, follow=0.02)
    old = ask("GET", "/v1/models/fruit").json()["revision"]
    arborank.load(folder / "fruit").remove_labels(["apple"]).save(folder / "fruit")
    for _ in range(200):
        ask.runner.run(asyncio.sleep(0.02))
        if (new := ask("GET", "/v1/models/fruit").json())["revision"] != old:
            break
    assert new["n_labels"] == 7


def test_what_cannot_be_loaded_leaves_the_old_model(folder, saved):
    ask = saved()
    old = ask("POST", "/v1/models/fruit/reload").json()
    (folder / "fruit" / "config.json").write_text("{}")
    answer = ask("POST", "/v1/models/fruit/reload")
    assert (answer.status_code, "goes on" in answer.json()["detail"]) == (409, True)
    assert ask("GET", "/v1/models/fruit").json()["revision"] == old["revision"]
    assert 'arborank_reload_failures_total{model="fruit"} 1.0' in ask("GET", "/metrics").text
    assert ask("GET", "/readyz").status_code == 200


def test_requests_during_reloads_never_fail(folder, saved):
    ask = saved()
    models = [arborank.load(folder / "fruit"), arborank.load(folder / "fruit").remove_labels(["grape"])]
    stop = threading.Event()

    def save():
        for number in range(20):
            models[number % 2].save(folder / "fruit")
        stop.set()

    async def asked():
        answers = []
        while not stop.is_set():
            reload = ask.client.post("/v1/models/fruit/reload")
            ranks = [ask.client.get("/v1/models/fruit/rank?q=appleish&k=1") for _ in range(5)]
            answers += await asyncio.gather(reload, *ranks)
        return answers

    writer = threading.Thread(target=save)
    writer.start()
    answers = ask.runner.run(asked())
    writer.join()
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.headers["x-model-revision"] for answer in answers}) > 1


@pytest.mark.parametrize("model", ["fruit", "matrix"])
def test_rankings_explore_and_their_rewards_are_kept(serve, tmp_path, ranker, linear, model):
    path = tmp_path / "decisions.jsonl"
    ask = serve(decisions=path)
    body = {"text": "a fruit: appleish"} if model == "fruit" else {"row": {"indices": [1], "values": [1.0]}}
    for _ in range(3):
        shown = ask("POST", f"/v1/models/{model}/rank", json=body | {"k": 2, "explore": True}).json()
        first, last = shown["labels"]
        assert first["propensity"] == 1
        assert 0 < last["propensity"] <= 1
        rewards = {"decision": shown["decision"], "rewards": {str(first["label"]): 1.0}}
        assert ask("POST", f"/v1/models/{model}/rewards", json=rewards).status_code == 202
    log = DecisionLog.read(path)
    assert len(log) == 3
    assert {decision.rewards for decision in log} == {(1.0, 0.0)}
    learn({"fruit": ranker, "matrix": linear}[model], log)
    without = serve()
    assert (
        without("POST", f"/v1/models/{model}/rank", json=body | {"explore": True}).json()["field"]
        == "explore"
    )
    assert without("POST", f"/v1/models/{model}/rewards", json=rewards).status_code == 404
    several = {"texts": ["a"]} if model == "fruit" else {"rows": []}
    for wrong in (several, body | {"threshold": 0.5}, body | {"explain": True}):
        answer = ask("POST", f"/v1/models/{model}/rank", json=wrong | {"explore": True})
        assert (answer.status_code, answer.json()["field"]) == (422, "explore")


def test_what_is_answered_as_kept_is_on_the_disk(serve, tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr("arborank.serving.journal.sync", lambda file: synced.append(file.name))
    paths = {name: tmp_path / f"{name}.jsonl" for name in ("decisions", "feedback")}
    ask = serve(**paths)
    body = {"text": "green sour", "k": 2, "explore": True}
    decision = ask("POST", "/v1/models/fruit/rank", json=body).json()["decision"]
    assert synced == []
    told = {"decision": decision, "rewards": {"apple": 1.0}}
    assert ask("POST", "/v1/models/fruit/rewards", json=told).status_code == 202
    told = {"request_id": "r-1", "label": "apple", "outcome": "chosen"}
    assert ask("POST", "/v1/models/fruit/feedback", json=told).status_code == 202
    assert synced == [str(paths["decisions"]), str(paths["feedback"])]


def test_feedback_is_kept_as_lines(serve, tmp_path):
    path = tmp_path / "feedback.jsonl"
    ask = serve(feedback=path)
    path.write_text('{"request_id": "r-0", "lab')  # what a crash has left
    for outcome in ("chosen", "wrong"):
        body = {"request_id": "r-1", "label": "apple", "outcome": outcome}
        assert ask("POST", "/v1/models/fruit/feedback", json=body).status_code == 202
    kept = [json.loads(line) for line in path.read_text().splitlines()[1:]]
    assert [(one["outcome"], one["model"], one["request_id"]) for one in kept] == [
        ("chosen", "fruit", "r-1"),
        ("wrong", "fruit", "r-1"),
    ]
    assert serve()("POST", "/v1/models/fruit/feedback", json=body).status_code == 404
