"""A transformer over HTTP: texts that come at the same time are answered together."""

import asyncio

import pytest

from arborank import NgramTfidf, TextRanker

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("uvicorn")
pytest.importorskip("httpx")

import httpx

from arborank.serving import Settings, create_app
from arborank.transformer import XRTransformer


def test_a_transformer_is_served(folder, data, tmp_path):
    model = XRTransformer(
        folder, features=NgramTfidf(), epochs=0.2, branching=4, max_leaf_size=8, precision="float32"
    )
    names = [[f"label {i}" for i in row] for row in data[1]]
    TextRanker(model=model, n_jobs=1).fit(data[0], names).save(tmp_path / "m")
    app = create_app({"m": tmp_path / "m"}, Settings(threads=1, timeout=60.0))
    ranker = app.slots.find("m").served.kind.model
    texts = data[2][:20]

    async def ask():
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost", timeout=60) as client:
            alone = [client.post("/v1/models/m/rank", json={"text": text, "k": 3}) for text in texts]
            several = client.post("/v1/models/m/rank", json={"texts": texts, "k": 3})
            *alone, several = await asyncio.gather(*alone, several)
            body = {"text": texts[0], "label": names[0][0]}
            return alone, several, await client.post("/v1/models/m/explain", json=body)

    alone, several, explained = asyncio.run(ask())
    app.work.close()
    right = [
        [(name, pytest.approx(score, abs=1e-5)) for name, score in row] for row in ranker.rank_batch(texts, 3)
    ]
    rows = [answer.json()["labels"] for answer in alone]
    assert [[(one["label"], one["score"]) for one in row] for row in rows] == right
    rows = several.json()["results"]
    assert [[(one["label"], one["score"]) for one in row] for row in rows] == right
    assert explained.json()["ways"][0]["steps"]
