"""Peers of completion in environments of their own: ``histories.py --peers DIR`` reads what they answer.

``python benchmarks/completion_peers.py {libpecos,gru} DIR`` reads what ``histories.py --export DIR`` wrote, and writes
``DIR/NAME.json``: completions of every prefix, best first. libpecos ranks labels by features of the query before and of
the prefix; those that begin with the prefix are kept. The neural sequence model is a GRU over characters with a beam of
ten: it reads the query before, then the prefix, and writes on.
"""

import argparse
import json
import random
from pathlib import Path
from time import process_time

WIDTH, EMBEDDING, BATCH, BEAM, LONGEST = 192, 48, 128, 10, 40
PAD, BEGIN, BETWEEN, END = range(4)


def libpecos(place: Path, given: argparse.Namespace) -> list[list[str]]:
    import numpy as np
    from pecos.xmc import Indexer, LabelEmbeddingFactory
    from pecos.xmc.xlinear.model import XLinearModel
    from scipy.sparse import load_npz

    X, Y, tests = (load_npz(place / f"{name}.npz") for name in ("X.trn", "Y.trn", "X.tst"))
    labels, ends = json.loads((place / "labels.json").read_text()), np.load(place / "ranges.npy")
    X, Y = X.astype(np.float32), Y.tocsc().astype(np.float32)
    begin = process_time()
    chain = Indexer.gen(LabelEmbeddingFactory.create(Y, X, method="pifa"), indexer_type="hierarchicalkmeans")
    model = XLinearModel.train(X, Y, C=chain)
    print(f"libpecos: {process_time() - begin:.1f} s of processor time")
    found = model.predict(tests.astype(np.float32), only_topk=1000)
    answers = []
    for row, (first, end) in enumerate(ends):
        part = slice(found.indptr[row], found.indptr[row + 1])
        ids, scores = found.indices[part], found.data[part]
        inside = (ids >= first) & (ids < end)
        order = np.argsort(-scores[inside], kind="stable")[:BEAM]
        answers.append([labels[i] for i in ids[inside][order]])
    return answers


def gru(place: Path, given: argparse.Namespace) -> list[list[str]]:
    import torch
    from torch import nn

    torch.set_num_threads(1)
    torch.manual_seed(0)
    pairs, asked = (json.loads((place / f"{name}.json").read_text()) for name in ("train", "asked"))
    order = random.Random(0)
    names = sorted({c for pair in pairs for text in pair for c in text})
    numbers = {c: i + 4 for i, c in enumerate(names)}

    def encoded(before: str, query: str) -> list[int]:
        texts = [[numbers[c] for c in text if c in numbers] for text in (before[:60], query)]
        return [BEGIN, *texts[0], BETWEEN, *texts[1]]

    embedding = nn.Embedding(len(names) + 4, EMBEDDING, padding_idx=PAD)
    cell, out = nn.GRU(EMBEDDING, WIDTH, batch_first=True), nn.Linear(WIDTH, len(names) + 4)
    rows = [[*encoded(*pair), END] for pair in pairs]
    weights = [w for layer in (embedding, cell, out) for w in layer.parameters()]
    optimizer, seen, end = torch.optim.Adam(weights, lr=2e-3), 0, process_time() + 60 * given.minutes
    while process_time() < end:
        order.shuffle(rows)
        for first in range(0, len(rows), BATCH):
            batch = rows[first : first + BATCH]
            if process_time() > end:
                break
            ids = torch.zeros(len(batch), max(map(len, batch)), dtype=torch.long)
            counted = torch.zeros_like(ids, dtype=torch.bool)
            for i, row in enumerate(batch):
                ids[i, : len(row)] = torch.tensor(row)
                counted[i, row.index(BETWEEN) + 1 : len(row)] = True
            hidden, _ = cell(embedding(ids[:, :-1]))
            loss = nn.functional.cross_entropy(out(hidden[counted[:, 1:]]), ids[:, 1:][counted[:, 1:]])
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(weights, 1.0)
            optimizer.step()
            seen += len(batch)
    print(f"gru: {seen / len(rows):.1f} epochs in {given.minutes:g} minutes of processor time")

    @torch.inference_mode()
    def complete(before: str, prefix: str) -> list[str]:
        hidden, state = cell(embedding(torch.tensor([encoded(before, prefix)])))
        scores, totals, texts = torch.log_softmax(out(hidden[:, -1]), -1), torch.zeros(1), [""]
        done: list[tuple[float, str]] = []
        for _ in range(LONGEST):
            whole = totals[:, None] + scores
            whole[:, [PAD, BEGIN, BETWEEN]] = -torch.inf
            best, where = whole.flatten().topk(BEAM)
            parents, ids = where // whole.shape[1], where % whole.shape[1]
            ended = ids == END
            done += [(s.item(), texts[p]) for s, p in zip(best[ended], parents[ended], strict=True)]
            kept = torch.nonzero(~ended)[:, 0]
            if not len(kept) or (len(done) >= BEAM and best[kept[0]] <= sorted(done)[-BEAM][0]):
                break
            texts = [texts[p] + names[i - 4] for p, i in zip(parents[kept], ids[kept], strict=True)]
            totals = best[kept]
            hidden, state = cell(embedding(ids[kept][:, None]), state[:, parents[kept]].contiguous())
            scores = torch.log_softmax(out(hidden[:, -1]), -1)
        return [prefix + text for _, text in sorted(done, reverse=True)[:BEAM]]

    return [complete(*one) for one in asked]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("peer", choices=["libpecos", "gru"])
    parser.add_argument("place", type=Path)
    parser.add_argument("--minutes", type=float, default=10, help="of processor time, for the GRU")
    given = parser.parse_args()
    answers = {"libpecos": libpecos, "gru": gru}[given.peer](given.place, given)
    (given.place / f"{given.peer}.json").write_text(json.dumps(answers))
