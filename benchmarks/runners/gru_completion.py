"""A character-level GRU with beam search, for autocompletion: the previous query and the prefix in, queries out.

``python -m runners.gru_completion FOLDER ANSWERS --minutes 30`` reads train.json and test.json, pairs of strings,
trains on one core for so many minutes of processor time at most, the learning rate falling to nothing, keeps the state
with the least loss on pairs held out of the training data, and answers the first test pairs.
"""

import argparse
import copy
import json
import math
import random
import sys
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn

WIDTH, EMBEDDING, BATCH, BEAM, LONGEST, CONTEXT = 256, 64, 128, 10, 80, 60
RATE, HELD_OUT, CHECKS, PATIENCE = 3e-3, 2000, 20, 4
PAD, BEGIN, BETWEEN, END = range(4)


class Model(nn.Module):
    def __init__(self, n_characters: int):
        super().__init__()
        self.embedding = nn.Embedding(n_characters, EMBEDDING, padding_idx=PAD)
        self.gru = nn.GRU(EMBEDDING, WIDTH, batch_first=True)
        self.out = nn.Linear(WIDTH, n_characters)

    def forward(self, ids, state=None):
        hidden, state = self.gru(self.embedding(ids), state)
        return self.out(hidden), state


def encode(characters: dict[str, int], before: str, query: str) -> list[int]:
    return [
        BEGIN,
        *(characters[c] for c in before[:CONTEXT] if c in characters),
        BETWEEN,
        *(characters[c] for c in query if c in characters),
    ]


def batches(rows: list[list[int]], order: random.Random | None):
    """Rows of much the same length, padded, with marks of what is to be predicted."""
    rows = rows[:]
    if order is not None:
        order.shuffle(rows)
    parts = []
    for first in range(0, len(rows), 64 * BATCH):
        near = sorted(rows[first : first + 64 * BATCH], key=len)
        parts += [near[i : i + BATCH] for i in range(0, len(near), BATCH)]
    if order is not None:
        order.shuffle(parts)
    for part in parts:
        ids = np.zeros((len(part), len(part[-1])), np.int64)
        wanted = np.zeros(ids.shape, bool)
        for i, row in enumerate(part):
            ids[i, : len(row)] = row
            wanted[i, row.index(BETWEEN) + 1 : len(row)] = True
        yield torch.from_numpy(ids), torch.from_numpy(wanted)


def loss_of(model: Model, ids, wanted, reduction: str = "mean"):
    hidden, _ = model.gru(model.embedding(ids[:, :-1]))
    marked = wanted[:, 1:]
    return nn.functional.cross_entropy(model.out(hidden[marked]), ids[:, 1:][marked], reduction=reduction)


@torch.inference_mode()
def held_out_loss(model: Model, rows: list[list[int]]) -> float:
    """Nats a query."""
    total = sum(float(loss_of(model, ids, wanted, "sum")) for ids, wanted in batches(rows, None))
    return total / len(rows)


def train(pairs: list, minutes: float, curve: list) -> tuple[Model, dict[str, int], float]:
    """Maximise the likelihood of the query behind the previous one; stop when a held-out part says so."""
    torch.manual_seed(0)
    order = random.Random(0)
    characters = {
        c: i + 4 for i, c in enumerate(sorted({c for pair in pairs for text in pair for c in text}))
    }
    rows = [[*encode(characters, before, query), END] for before, query in pairs]
    order.shuffle(rows)
    held_out, rows = rows[:HELD_OUT], rows[HELD_OUT:]
    model = Model(len(characters) + 4)
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE)
    start, limit = time.process_time(), 60 * minutes
    seen, checked, best, kept, worse = 0, 0.0, math.inf, None, 0
    while worse < PATIENCE and time.process_time() - start < limit:
        for ids, wanted in batches(rows, order):
            done = min((time.process_time() - start) / limit, 1.0)
            for group in optimizer.param_groups:
                group["lr"] = RATE * (0.01 + 0.99 * (1 + math.cos(math.pi * done)) / 2)
            loss = loss_of(model, ids, wanted)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            seen += len(ids)
            if done - checked >= 1 / CHECKS or done == 1.0:
                checked = done
                now = held_out_loss(model, held_out)
                curve.append([(time.process_time() - start) / 60, seen / len(rows), float(loss), now])
                print(json.dumps(curve[-1]), file=sys.stderr, flush=True)
                if now < best:
                    best, kept, worse = now, copy.deepcopy(model.state_dict()), 0
                else:
                    worse += 1
                if worse >= PATIENCE or done == 1.0:
                    break
    if kept is not None:
        model.load_state_dict(kept)
    return model.eval(), characters, (time.process_time() - start)


@torch.inference_mode()
def complete(
    model: Model, characters: dict[str, int], names: dict[int, str], before: str, prefix: str
) -> list[str]:
    """Beam search behind the prefix; the likeliest whole queries."""
    hidden, state = model.gru(model.embedding(torch.tensor([encode(characters, before, prefix)])))
    beam_scores, beam_ids = torch.zeros(1), [[]]
    scores = torch.log_softmax(model.out(hidden[:, -1]), -1)
    done: list[tuple[float, list[int]]] = []
    for _ in range(LONGEST):
        total = beam_scores[:, None] + scores
        total[:, [PAD, BEGIN, BETWEEN]] = -torch.inf
        best, where = total.flatten().topk(min(BEAM, total.numel()))
        parents, ids = where // total.shape[1], where % total.shape[1]
        kept, rows = [], []
        for place, (score, parent, i) in enumerate(
            zip(best.tolist(), parents.tolist(), ids.tolist(), strict=True)
        ):
            if i == END:
                done.append((score, beam_ids[parent]))
            else:
                kept.append(place)
                rows.append([*beam_ids[parent], i])
        worst = sorted((score for score, _ in done), reverse=True)[BEAM - 1] if len(done) >= BEAM else -np.inf
        if not kept or best[kept[0]] <= worst:
            break
        beam_scores, beam_ids = best[kept], rows
        out, state = model(ids[kept][:, None], state[:, parents[kept]])
        scores = torch.log_softmax(out[:, -1], -1)
    done.sort(key=lambda pair: -pair[0])
    return [prefix + "".join(names[i] for i in row) for _, row in done[:BEAM]]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("answers", type=Path)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--rows", type=int, default=20_000)
    given = parser.parse_args()
    torch.set_num_threads(1)
    pairs, tests = (json.loads((given.folder / f"{name}.json").read_text()) for name in ("train", "test"))
    curve: list[list[float]] = []
    model, characters, seconds = train(pairs, given.minutes, curve)
    torch.save({"model": model.state_dict(), "characters": characters}, given.folder / "model.pt")
    names = {i: c for c, i in characters.items()}
    answers, taken = [], []
    for before, prefix in tests[: given.rows]:
        start = time.thread_time_ns()
        answers.append(complete(model, characters, names, before, prefix))
        taken.append(time.thread_time_ns() - start)
    given.answers.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in answers))
    p50, p99 = np.percentile(taken, [50, 99]) / 1e3
    figures = {
        "fit_cpu_seconds": seconds,
        "epochs": curve[-1][1] if curve else 0.0,
        "best_epochs": min(curve, key=lambda point: point[3])[1] if curve else 0.0,
        "parameters": sum(p.numel() for p in model.parameters()),
        "cpu_p50_us": float(p50),
        "cpu_p99_us": float(p99),
        "curve": curve,
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
