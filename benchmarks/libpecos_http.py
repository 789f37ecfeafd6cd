"""libpecos behind the stack of `arborank serve`: Starlette, uvicorn, httptools, uvloop, msgspec; one process.

    environments/libpecos/bin/pip install starlette uvicorn httptools uvloop msgspec
    environments/libpecos/bin/python libpecos_http.py train TRAIN.jsonl MODEL
    environments/libpecos/bin/python libpecos_http.py serve MODEL PORT

Lines of TRAIN.jsonl are ``{"text": "...", "labels": ["...", ...]}``. POST {"text": "..."} to /v1/models/model/rank
ranks ten labels. Features, tree and beam are those of the other benchmarks.
"""

import json
import sys
from pathlib import Path

import msgspec
import numpy as np
import uvicorn
from pecos.utils.featurization.text.vectorizers import Tfidf
from pecos.xmc import Indexer, LabelEmbeddingFactory
from pecos.xmc.xlinear.model import XLinearModel
from scipy.sparse import csr_matrix
from starlette.responses import Response
from starlette.routing import Route, Router


def train(path, place):
    rows = [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]
    names = sorted({name for row in rows for name in row["labels"]})
    number = {name: i for i, name in enumerate(names)}
    texts = [row["text"].lower() for row in rows]
    options = {
        "ngram_range": [1, 2],
        "sublinear_tf": True,
        "min_df_cnt": 2,
        "max_feature": 300_000,
        "threads": 1,
    }
    features = Tfidf.train(texts, options)
    X = features.predict(texts).astype(np.float32)
    pairs = np.array([(i, number[name]) for i, row in enumerate(rows) for name in set(row["labels"])])
    Y = csr_matrix((np.ones(len(pairs), np.float32), pairs.T), shape=(len(rows), len(names)))
    Z = LabelEmbeddingFactory.create(Y.tocsc(), X, method="pifa", threads=1)
    chain = Indexer.gen(
        Z, indexer_type="hierarchicalkmeans", threads=1, nr_splits=16, max_leaf_size=100, seed=0
    )
    model = XLinearModel.train(X, Y.tocsc(), C=chain, threshold=0.1, beam_size=10, only_topk=10, threads=1)
    place = Path(place)
    place.mkdir(exist_ok=True)
    features.save(str(place / "features"))
    model.save(str(place / "model"))
    (place / "names.json").write_text(json.dumps(names))


class Asked(msgspec.Struct):
    text: str


class Scored(msgspec.Struct):
    label: str
    score: float


def app_of(place):
    features = Tfidf.load(f"{place}/features")
    model = XLinearModel.load(
        f"{place}/model", is_predict_only=True, weight_matrix_type="BINARY_SEARCH_CHUNKED"
    )
    names = json.loads(Path(place, "names.json").read_text())
    decode, encode = msgspec.json.Decoder(Asked).decode, msgspec.json.Encoder().encode

    def answer(body):
        found = model.predict(
            features.predict([decode(body).text.lower()]), only_topk=10, beam_size=10, threads=1
        )
        order = np.argsort(-found.data)
        return encode([Scored(names[found.indices[i]], float(found.data[i])) for i in order])

    async def rank(request):
        return Response(answer(await request.body()), media_type="application/json")

    return Router([Route("/v1/models/{model}/rank", rank, methods=["POST"])])


if __name__ == "__main__":
    if sys.argv[1] == "train":
        train(*sys.argv[2:])
    else:
        uvicorn.run(app_of(sys.argv[2]), port=int(sys.argv[3]), log_config=None, access_log=False, ws="none")
