"""Other protocols, asked by their own clients where these are installed."""

import importlib.util
import json

import httpx
import numpy as np
import pytest

from support.fruit import rows

TEXTS = ["a fruit: appleish", "a vehicle: vanish taxiish"]


def subjects(row):
    return [(one["uri"], pytest.approx(one["score"], abs=1e-6)) for one in row]


def test_annif(serve, ranker):
    """Its backend ``http`` posts a form, and asks the project for two facts."""
    ask = serve()
    form = {"text": TEXTS[0], "limit": "3", "project": "fruit", "metadata_title": "x"}
    found = ask("POST", "/annif/v1/projects/fruit/suggest", data=form).json()["results"]
    assert subjects(found) == [(name, score) for name, score in ranker.rank(TEXTS[0], 3) if score > 0]
    project = ask("GET", "/annif/v1/projects/fruit").json()
    assert (project["is_trained"], "T" in project["modification_time"]) == (True, True)
    assert [one["project_id"] for one in ask("GET", "/annif/v1/projects").json()["projects"]] == ["fruit"]
    documents = {"documents": [{"text": text, "document_id": str(i)} for i, text in enumerate(TEXTS)]}
    found = ask("POST", "/annif/v1/projects/fruit/suggest-batch?limit=2", json=documents).json()
    assert [one["document_id"] for one in found] == ["0", "1"]
    assert [subjects(one["results"]) for one in found] == ranker.rank_batch(TEXTS, 2)
    for path, form, status in [
        ("fruit/suggest", {"limit": "3"}, 400),
        ("fruit/suggest", {"text": "a", "limit": "none"}, 400),
        ("fruit/suggest", {"text": "a", "limit": "0"}, 400),
        ("queries/suggest", {"text": "a"}, 404),
        ("plum/suggest", {"text": "a"}, 404),
    ]:
        assert ask("POST", f"/annif/v1/projects/{path}", data=form).status_code == status


def learned(ranker):
    """Documents with their subjects, as Annif's clients send them; the subject plum is new."""
    texts, labels = rows(60, 7)
    texts += ["a fruit: plumish w1", "plumish w3 fruit"]
    subjects = [[{"uri": name, "label": name} for name in names] for names in [*labels, ["plum"], ["plum"]]]
    return [{"text": text, "subjects": named} for text, named in zip(texts, subjects, strict=True)]


def test_annif_learns_new_subjects(serve, ranker):
    ask = serve()
    documents = learned(ranker)
    known = ask("POST", "/annif/v1/projects/fruit/learn", json=documents[:60])
    assert (known.status_code, "new ones" in known.json()["detail"]) == (422, True)
    assert ask("POST", "/annif/v1/projects/queries/learn", json=documents).status_code == 404
    done = ask("POST", "/annif/v1/projects/fruit/learn", json=documents)
    assert (done.status_code, done.content) == (204, b"")
    found = ask("POST", "/annif/v1/projects/fruit/suggest", data={"text": "a fruit w3"}).json()["results"]
    assert "plum" in [one["uri"] for one in found]


@pytest.mark.subprocess
@pytest.mark.skipif(importlib.util.find_spec("annif_client") is None, reason="annif-client is not installed")
def test_annif_with_its_client(start, ranker):
    from annif_client import AnnifClient

    _, url = start()
    annif = AnnifClient(f"{url}/annif/v1/")
    assert annif.api_info["version"]
    assert [one["project_id"] for one in annif.projects] == ["fruit"]
    assert annif.get_project("fruit")["is_trained"]
    assert subjects(annif.suggest("fruit", TEXTS[0], limit=2)) == ranker.rank(TEXTS[0], 2)
    found = annif.suggest_batch("fruit", [{"text": text} for text in TEXTS], limit=2, threshold=0.0)
    assert [subjects(one["results"]) for one in found] == ranker.rank_batch(TEXTS, 2)
    with pytest.raises(ValueError, match="the models are fruit"):
        annif.suggest("plum", "a")
    annif.learn("fruit", learned(ranker))
    assert "plum" in [one["uri"] for one in annif.suggest("fruit", "a fruit w3")]


def test_open_inference(serve, ranker):
    ask = serve()
    for path in ("health/live", "health/ready", "models/fruit/ready"):
        assert ask("GET", f"/v2/{path}").status_code == 200
    assert ask("GET", "/v2").json()["name"] == "arborank"
    assert ask("GET", "/v2/models/fruit").json()["outputs"][0]["name"] == "labels"
    request = {"id": "7", "inputs": [{"name": "text", "datatype": "BYTES", "shape": [2], "data": TEXTS}]}
    request["parameters"] = {"k": 3}
    answer = ask("POST", "/v2/models/fruit/infer", json=request).json()
    labels, scores = answer["outputs"]
    assert (answer["id"], labels["shape"], scores["datatype"]) == ("7", [2, 3], "FP32")
    right = ranker.rank_batch(TEXTS, 3)
    assert labels["data"] == [name for row in right for name, _ in row]
    assert scores["data"] == pytest.approx([score for row in right for _, score in row])


@pytest.mark.parametrize(
    ("change", "head"),
    [
        ({"inputs": []}, ""),
        ({"inputs": [{"name": "text", "datatype": "BYTES", "shape": [3], "data": ["a"]}]}, ""),
        ({"inputs": [{"name": "text", "datatype": "BYTES", "shape": [1], "data": [1]}]}, ""),
        (
            {
                "inputs": [
                    {"name": "text", "datatype": "BYTES", "shape": [1], "parameters": {"binary_data_size": 9}}
                ]
            },
            "",
        ),
        ({"outputs": [{"name": "none"}]}, ""),
        ({"parameters": {"k": 0}}, ""),
        ({"parameters": {"k": "ten"}}, ""),
        ({}, "3"),
    ],
)
def test_open_inference_refuses(serve, change, head):
    request = {"inputs": [{"name": "text", "datatype": "BYTES", "shape": [1], "data": ["a"]}], **change}
    headers = {"inference-header-content-length": head} if head else {}
    answer = serve()("POST", "/v2/models/fruit/infer", content=json.dumps(request), headers=headers)
    assert answer.status_code == 400
    assert answer.json()["error"]


@pytest.mark.subprocess
@pytest.mark.skipif(importlib.util.find_spec("tritonclient") is None, reason="tritonclient is not installed")
@pytest.mark.parametrize("binary", [True, False])
def test_open_inference_with_its_client(start, ranker, binary):
    from tritonclient.http import (
        InferenceServerClient,
        InferenceServerException,
        InferInput,
        InferRequestedOutput,
    )

    _, url = start()
    with InferenceServerClient(url.removeprefix("http://")) as client:
        assert client.is_server_live()
        assert client.is_server_ready()
        assert client.is_model_ready("fruit")
        assert client.get_model_metadata("fruit")["inputs"][0]["name"] == "text"
        text = InferInput("text", [2], "BYTES")
        text.set_data_from_numpy(np.array(TEXTS, dtype=object), binary_data=binary)
        k = InferInput("k", [1], "INT32")
        k.set_data_from_numpy(np.array([3], np.int32), binary_data=binary)
        outputs = [InferRequestedOutput(name, binary_data=binary) for name in ("labels", "scores")]
        found = client.infer("fruit", [text, k], outputs=outputs)
        right = ranker.rank_batch(TEXTS, 3)
        labels = [[str(one.decode() if binary else one) for one in row] for row in found.as_numpy("labels")]
        assert labels == [[name for name, _ in row] for row in right]
        np.testing.assert_allclose(
            found.as_numpy("scores"), [[score for _, score in row] for row in right], rtol=1e-6
        )
        assert client.infer("fruit", [text]).as_numpy("labels").shape == (2, 8)
        with pytest.raises(InferenceServerException, match="the models are fruit"):
            client.infer("plum", [text])


@pytest.mark.subprocess
def test_protocols_take_forms_and_bytes_from_a_socket(start):
    _, url = start()
    assert httpx.post(f"{url}/annif/v1/projects/fruit/suggest", data={"text": "appleish"}).json()["results"]
