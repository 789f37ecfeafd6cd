"""What the service says of itself: models, labels, health, metrics, its description."""

import json
import re
import sys

import msgspec
import pytest

from arborank.serving import Settings, create_app, deployment, settings


def test_models_and_their_labels(serve, ranker):
    ask = serve()
    models = {one["name"]: one for one in ask("GET", "/v1/models").json()["models"]}
    assert {name: one["kind"] for name, one in models.items()} == {
        "fruit": "texts",
        "matrix": "rows",
        "queries": "completions",
    }
    assert models["fruit"]["n_labels"] == len(ranker.labels_)
    widths = {name: one["n_features"] for name, one in models.items()}
    assert widths == {"fruit": ranker.model_.n_features_in_, "matrix": 4, "queries": None}
    assert ask("GET", "/v1/models/fruit").json() == models["fruit"]
    assert ask("GET", "/v1/models/fruit/labels?prefix=ta").json()["labels"] == ["taxi"]
    assert len(ask("GET", "/v1/models/fruit/labels?limit=3").json()["labels"]) == 3
    assert ask("GET", "/v1/models/matrix/labels?prefix=1").json()["labels"] == [1]
    assert ask("GET", "/v1/models/queries/labels?prefix=ni").json()["labels"] == ["nike", "nikon"]
    assert ask("GET", "/v1/models/fruit/labels?limit=0").status_code == 422


def test_health_and_readiness(serve):
    ask = serve()
    assert ask("GET", "/healthz").json() == {"status": "alive"}
    assert ask("GET", "/readyz").json() == {"status": "ready"}
    ask.app.draining = True
    ended = ask("GET", "/readyz")
    assert (ended.status_code, ended.headers["connection"]) == (503, "close")
    assert ask("GET", "/healthz").status_code == 200


def test_metrics_count_and_name_no_strings_of_clients(serve):
    ask = serve()
    ask("POST", "/v1/models/fruit/rank", json={"text": "apple"})
    ask("POST", "/v1/models/fruit/rank", json={"texts": ["apple", "w99 \u00b7"], "threshold": 2.0})
    ask("POST", "/v1/models/matrix/rank", json={"row": {"indices": [], "values": []}})
    ask("GET", "/v1/models/evil/rank?q=a")
    ask("GET", "/evil")
    text = ask("GET", "/metrics").text
    assert 'arborank_texts_total{model="fruit"} 3.0' in text
    assert 'arborank_empty_answers_total{model="fruit"} 2.0' in text
    assert 'arborank_unknown_texts_total{model="matrix"} 1.0' in text
    assert re.search(
        r'requests_total\{model="fruit",route="/v1/models/\{model\}/rank",status="200"\} 2.0', text
    )
    assert 'arborank_model_labels{model="queries"} 4.0' in text
    assert "arborank_in_flight_texts 0.0" in text
    assert "evil" not in text


def test_each_request_is_one_line_without_its_text(ranker, serve):
    lines = []
    from arborank.serving.service import Service

    ask = serve()
    ask.app = Service({"fruit": ranker}, Settings(), lines.append)
    ask.client._transport.app = ask.app
    answer = ask(
        "POST", "/v1/models/fruit/rank", json={"texts": ["secret", "words"]}, headers={"x-request-id": "r-1"}
    )
    ask("GET", "/healthz")
    ask("GET", "/no-such-path")
    told = [json.loads(line) for line in lines]
    assert [(one["status"], one["route"]) for one in told] == [
        (200, "/v1/models/{model}/rank"),
        (404, "none"),
    ]
    assert (told[0]["id"], told[0]["texts"], told[0]["k"], told[0]["model"]) == ("r-1", 2, 10, "fruit")
    assert told[0]["total_us"] >= told[0]["queue_us"] + told[0]["model_us"] > 0
    assert b"secret" not in b"".join(lines)
    assert answer.headers["x-request-id"] == "r-1"
    ask.app.work.close()


def test_texts_and_traces_in_the_log(models, serve):
    lines = []
    from arborank.serving.service import Service

    ask = serve()
    ask.app = Service(models, Settings(log_texts=True), lines.append)
    ask.client._transport.app = ask.app
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    given = [f"00-{trace}-00f067aa0ba902b7-01", f"00-{'0' * 32}-00f067aa0ba902b7-01", f"00-{trace}", 'a" b']
    for one in given:
        ask("POST", "/v1/models/fruit/rank", json={"text": "secret"}, headers={"traceparent": one})
    ask("POST", "/v1/models/queries/complete", json={"prefix": "ni", "previous": ["camera"]})
    ask("POST", "/v1/models/matrix/rank", json={"row": {"indices": [1], "values": [1.0]}})
    ask("POST", "/v1/models/fruit/explain", json={"text": "why", "label": "apple"})
    told = [json.loads(line) for line in lines]
    assert [one.get("trace") for one in told] == [trace] + [None] * 6
    asked = [["secret"]] * 4 + [["camera", "ni"], [{"indices": [1], "values": [1.0]}], "why"]
    assert [one["asked"] for one in told] == asked
    ask.app.work.close()


@pytest.mark.parametrize("given", ["", "a b", "é".encode(), "x" * 129])
def test_request_ids_that_could_do_harm_are_replaced(serve, given):
    ids = {
        serve()("GET", "/healthz", headers={"x-request-id": given}).headers["x-request-id"] for _ in range(2)
    }
    assert len(ids) == 2
    assert all(re.fullmatch("[0-9a-f]{16}", one) for one in ids)


def test_the_description_has_every_route(serve):
    described = serve()("GET", "/openapi.json").json()
    assert described["openapi"] == "3.1.0"
    rank = described["paths"]["/v1/models/{model}/rank"]
    assert rank["post"]["requestBody"]["content"]["application/json"]["schema"]["$ref"].endswith("/RankBody")
    assert described["components"]["schemas"]["RankBody"]["additionalProperties"] is False
    assert {one["name"] for one in rank["get"]["parameters"]} == {
        "model",
        "q",
        "k",
        "threshold",
        "probabilities",
        "beam_size",
    }
    assert all(method["summary"] for path in described["paths"].values() for method in path.values())
    names = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(described)))
    assert names <= set(described["components"]["schemas"])
    ids = [method["operationId"] for path in described["paths"].values() for method in path.values()]
    assert len(ids) == len(set(ids))


def test_it_is_mounted_in_another_application(ranker):
    import asyncio

    import httpx
    from starlette.applications import Starlette
    from starlette.routing import Mount

    app = Starlette(routes=[Mount("/{model}", create_app({"fruit": ranker}))])

    async def asked():
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://localhost"
        ) as client:
            found = await client.get("/search/v1/models/fruit/rank?q=appleish&k=1")
            described = await client.get("/search/openapi.json")
            assert (await client.get("/search/healthz")).status_code == 200
            return found, described, await client.get("/search/none")

    found, described, none = asyncio.run(asked())
    assert found.json()["labels"][0]["label"] == "apple"
    assert described.json()["servers"] == [{"url": "/search"}]
    assert none.status_code == 404


def test_web_sockets_are_closed(serve):
    ask, sent = serve(), []

    async def receive():
        return {"type": "websocket.connect"}

    async def send(message):
        sent.append(message["type"])

    scope = {"type": "websocket", "path": "/v1/models", "root_path": "", "headers": [], "query_string": b""}
    ask.runner.run(ask.app(scope, receive, send))
    assert sent == ["websocket.close"]


@pytest.mark.parametrize(
    ("models", "settings", "told"),
    [
        ({}, {}, "empty"),
        ({"a/b": None}, {}, "a/b"),
        ({"m": object()}, {}, "object"),
        ({"m": "no/such/directory"}, {}, "no such"),
        (None, {"max_texts": 0}, "max_texts"),
        (None, {"timeout": 0}, "timeout"),
        (None, {"cors": ("*",)}, "cors"),
        (None, {"keys": "no-such-file"}, "no-such-file"),
    ],
)
def test_what_cannot_be_served(ranker, models, settings, told):
    with pytest.raises((TypeError, ValueError, OSError), match=told.replace("no such", "no/such")):
        create_app({"m": ranker} if models is None else models, Settings(**settings))


def test_settings_travel_as_json():
    settings = Settings(max_texts=3, cors=("https://shop.example",), read_only=True)
    assert Settings.from_dict(msgspec.json.decode(msgspec.json.encode(settings.to_dict()))) == settings


def test_the_page_may_run_its_own_script_and_no_other(serve):
    page = serve()("GET", "/")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert len(page.content) < 60_000
    assert not re.search(r"(src|href)=[\"']?(https?:)?//", page.text)  # works offline
    docs = serve()("GET", "/docs")
    assert docs.headers["content-security-policy"] != policy  # it has a script of its own
    assert not re.search(r"(src|href)=[\"']?(https?:)?//", docs.text)
    assert serve(page=False)("GET", "/").status_code == 404
    assert serve(page=False)("GET", "/docs").status_code == 404
    assert serve()("GET", "/complete.js").headers["content-type"].startswith("text/javascript")


def test_what_is_not_installed_is_named(ranker, monkeypatch):
    monkeypatch.setitem(sys.modules, "msgspec", None)
    for name in [name for name in sys.modules if name.startswith("arborank.serving.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "arborank.serving.settings", settings)
    monkeypatch.setitem(sys.modules, "arborank.serving.deployment", deployment)
    with pytest.raises(
        ImportError, match=r"serving needs the package msgspec: pip install 'arborank\[serve\]'"
    ):
        create_app({"fruit": ranker})
    monkeypatch.setitem(sys.modules, "arborank.serving.service", None)
    with pytest.raises(ModuleNotFoundError, match="service"):
        create_app({"fruit": ranker})


def test_a_day_is_replayed_where_there_is_one(serve, tmp_path):
    assert serve()("GET", "/v1/models").json()["day"] is False
    assert serve()("GET", "/day").status_code == serve()("GET", "/day.json").status_code == 404
    with pytest.raises(ValueError, match="day is"):
        serve(day=tmp_path / "day.json")
    (tmp_path / "day.json").write_text('{"greedy": [1, 2], "exploring": [1, 3]}')
    asked = serve(day=tmp_path / "day.json")
    assert asked("GET", "/v1/models").json()["day"] is True
    assert asked("GET", "/day.json").json()["exploring"] == [1, 3]
    page = asked("GET", "/day")
    assert "unsafe" not in page.headers["content-security-policy"]
    assert not re.search(r"(src|href)=[\"']?(https?:)?//", page.text)
