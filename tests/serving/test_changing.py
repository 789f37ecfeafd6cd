"""Labels are added and removed, models loaded again, while they are asked."""

import asyncio
import json
import threading

import pytest

import arborank
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


def test_who_may_change_what(saved, serve):
    ask = saved(read_only=True)
    for method, path, body in [
        ("POST", "labels", {"labels": [NEW], "recent": recent()}),
        ("DELETE", "labels?label=apple", None),
        ("POST", "reload", None),
    ]:
        assert ask(method, f"/v1/models/fruit/{path}", json=body).status_code == 403
    assert ask("GET", "/v1/models/fruit").json()["writable"] is False
    unable = serve()("POST", "/v1/models/matrix/labels", json={"labels": [NEW], "recent": recent()})
    assert unable.status_code == 422


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


def test_feedback_is_kept_as_lines(serve, tmp_path):
    path = tmp_path / "feedback.jsonl"
    ask = serve(feedback=path)
    for outcome in ("chosen", "wrong"):
        body = {"request_id": "r-1", "label": "apple", "outcome": outcome}
        assert ask("POST", "/v1/models/fruit/feedback", json=body).status_code == 202
    kept = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(one["outcome"], one["model"], one["request_id"]) for one in kept] == [
        ("chosen", "fruit", "r-1"),
        ("wrong", "fruit", "r-1"),
    ]
    assert serve()("POST", "/v1/models/fruit/feedback", json=body).status_code == 404
