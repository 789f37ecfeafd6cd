"""A character-level GRU with beam search, for autocompletion: the previous query and the prefix in, queries out.

``python -m runners.gru_completion FOLDER ANSWERS --minutes 10`` reads train.json and test.json, pairs of strings,
trains for so long on the processor, and answers the first test pairs.
"""

import argparse
import json
import random
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn

WIDTH, EMBEDDING, BATCH, BEAM, LONGEST = 192, 48, 128, 10, 40
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
        *(characters[c] for c in before[:60] if c in characters),
        BETWEEN,
        *(characters[c] for c in query if c in characters),
    ]


def train(pairs: list, minutes: float) -> tuple[Model, dict[str, int], int]:
    """Maximise the likelihood of the query behind the previous one, pair after pair in random order."""
    torch.manual_seed(0)
    order = random.Random(0)
    characters = {
        c: i + 4 for i, c in enumerate(sorted({c for pair in pairs for text in pair for c in text}))
    }
    rows = [[*encode(characters, before, query), END] for before, query in pairs]
    model = Model(len(characters) + 4)
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    end, seen = time.perf_counter() + 60 * minutes, 0
    while time.perf_counter() < end:
        order.shuffle(rows)
        for first in range(0, len(rows), BATCH):
            if time.perf_counter() > end:
                break
            batch = rows[first : first + BATCH]
            ids = torch.zeros(len(batch), max(map(len, batch)), dtype=torch.long)
            counted = torch.zeros_like(ids)
            for i, row in enumerate(batch):
                ids[i, : len(row)] = torch.tensor(row)
                counted[i, row.index(BETWEEN) + 1 : len(row)] = 1
            scores, _ = model(ids[:, :-1])
            losses = nn.functional.cross_entropy(scores.flatten(0, 1), ids[:, 1:].flatten(), reduction="none")
            weights = counted[:, 1:].flatten().float()
            loss = (losses * weights).sum() / weights.sum()
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            seen += len(batch)
    return model.eval(), characters, seen


@torch.inference_mode()
def complete(
    model: Model, characters: dict[str, int], names: dict[int, str], before: str, prefix: str
) -> list[str]:
    """Beam search behind the prefix; the likeliest whole queries."""
    scores, state = model(torch.tensor([encode(characters, before, prefix)]))
    beam_scores, beam_ids = torch.zeros(1), [[]]
    scores = torch.log_softmax(scores[:, -1], -1)
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
    parser.add_argument("--rows", type=int, default=1000)
    given = parser.parse_args()
    torch.set_num_threads(1)
    pairs, tests = (json.loads((given.folder / f"{name}.json").read_text()) for name in ("train", "test"))
    model, characters, seen = train(pairs, given.minutes)
    names = {i: c for c, i in characters.items()}
    torch.set_num_threads(1)
    answers, taken = [], []
    for before, prefix in tests[: given.rows]:
        start = time.thread_time_ns()
        answers.append(complete(model, characters, names, before, prefix))
        taken.append(time.thread_time_ns() - start)
    given.answers.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in answers))
    p50, p99 = np.percentile(taken, [50, 99]) / 1e3
    figures = {
        "fit_seconds": 60 * given.minutes,
        "epochs": seen / len(pairs),
        "cpu_p50_us": p50,
        "cpu_p99_us": p99,
    }
    print(json.dumps({name: float(value) for name, value in figures.items()}))


if __name__ == "__main__":
    main()
