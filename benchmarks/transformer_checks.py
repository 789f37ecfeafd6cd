"""What training a transformer costs beyond the encoder, and what an interruption costs: three measurements.

    python benchmarks/transformer_checks.py throughput --encoder PATH   # against a plain Hugging Face loop
    python benchmarks/transformer_checks.py resume --encoder PATH       # SIGKILL at 30 %, 60 %, 90 % of a training
    python benchmarks/transformer_checks.py memory                      # of 590,000 texts

Each prints a line of JSON. Times are CPU seconds.
"""

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
from data import DEFAULT_DATA, read_label_names
from runners.measure import status_bytes

from transformer import part

SHARES = (0.3, 0.6, 0.9)


def documents(options, which: str, n: int):
    return part(options.data, options.name, which, n, len(read_label_names(options.data, options.name)))


def plain_loop(folder: str, texts: list[str], n_outputs: int, length: int, batch: int):
    """One step of training as the documentation of Transformers writes it, on tokenised texts."""
    import torch
    from transformers import (
        AutoModelForSequenceClassification,
        AutoTokenizer,
        get_linear_schedule_with_warmup,
    )

    tokenizer = AutoTokenizer.from_pretrained(folder)
    rows = [{"input_ids": ids} for ids in tokenizer(texts, truncation=True, max_length=length)["input_ids"]]
    model = AutoModelForSequenceClassification.from_pretrained(
        folder, num_labels=n_outputs, problem_type="multi_label_classification"
    ).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-5)
    schedule = get_linear_schedule_with_warmup(optimizer, 10, 1000)

    def step(number: int, Y) -> None:
        chosen = np.arange(number * batch, (number + 1) * batch) % len(rows)
        given = tokenizer.pad([rows[i] for i in chosen], return_tensors="pt")
        targets = torch.from_numpy(Y[chosen].toarray().astype(np.float32))
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = model(**given, labels=targets).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()

    return step


def throughput(options) -> dict:
    """Our steps at the level of the labels, and plain ones with as many outputs, in turn."""
    import torch

    torch.set_num_threads(1)
    from arborank import TextFeatures, XRTransformer
    from arborank.transformer.trainer import LevelTrainer

    train = documents(options, "train", options.steps * options.batch)
    plain = plain_loop(options.encoder, train.texts, train.Y.shape[1], options.length, options.batch)
    own, theirs, take = [], [], LevelTrainer.step

    def raced(self, number):
        start = time.process_time()
        loss = take(self, number)
        between = time.process_time()
        own.append(between - start)
        plain(number, train.Y)
        theirs.append(time.process_time() - between)
        return loss

    LevelTrainer.step = raced
    XRTransformer(
        options.encoder,
        epochs=[0.0, 0.0, 1.0],
        max_leaf_size=16,
        batch_size=options.batch,
        max_length=options.length,
        features=TextFeatures(),
        precision="bfloat16",
        n_jobs=1,
    ).fit(train.texts, train.Y)
    ours, others = (statistics.median(times[2:]) for times in (own, theirs))
    return {
        "steps": len(own) - 2,
        "documents per CPU second": options.batch / ours,
        "plain loop": options.batch / others,
        "ratio": others / ours,
        "ratio, medians of halves": [
            statistics.median(theirs[a:b]) / statistics.median(own[a:b])
            for a, b in ((2, len(own) // 2), (len(own) // 2, len(own)))
        ],
    }


def fit_small(options, directory: Path) -> None:
    """Train, with SIGKILL in the middle if so asked, and write P@5 and the number of steps."""
    import torch

    torch.set_num_threads(1)
    from arborank import TextFeatures, XRTransformer
    from arborank.metrics import precision_at_k
    from arborank.transformer.trainer import LevelTrainer

    train, test = documents(options, "train", options.train), documents(options, "test", 1000)
    taken, take = [0], LevelTrainer.step

    def counted(self, number):
        taken[0] += 1
        if taken[0] == options.kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        return take(self, number)

    LevelTrainer.step = counted
    model = XRTransformer(
        options.encoder,
        epochs=[0.5, 0.5, 1.0],
        max_leaf_size=16,
        batch_size=options.batch,
        max_length=options.length,
        learning_rate=5e-5,
        features=TextFeatures(),
        checkpoint_dir=directory,
        checkpoint_every=5,
        n_jobs=1,
    ).fit(train.texts, train.Y)
    ids, _ = model.predict_topk(test.texts, 5)
    print(json.dumps({"P@5": 100 * float(precision_at_k(test.Y, ids, 5)), "steps": taken[0]}))


def resume(options) -> dict:
    """One training that is not disturbed, and one for every share of its steps that is killed there and goes on."""
    script = [sys.executable, *sys.argv]

    def run(directory, kill_at=0):
        command = [*script, "--directory", directory, "--kill-at", str(kill_at)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
        if kill_at:
            assert done.returncode == -signal.SIGKILL, done.returncode
            return None
        return json.loads(done.stdout.splitlines()[-1])

    with tempfile.TemporaryDirectory() as folder:
        found = {"unbroken": run(os.path.join(folder, "whole"))}
        for share in SHARES:
            place = os.path.join(folder, str(share))
            run(place, int(np.ceil(share * found["unbroken"]["steps"])))
            found[f"killed at {share:.0%}"] = run(place)
    return found


def memory(options) -> dict:
    """Peak resident memory of every stage beyond that of the loaded encoder; texts and labels count.

    Fine-tuning is a few steps a level: what grows with the texts (tokens, embeddings, beams, labels by level) is there
    in full. The ranker takes one iteration a label, which is enough to have all of its memory.
    """
    import torch

    torch.set_num_threads(1)
    from arborank import TextFeatures, XRLinear, XRTransformer
    from arborank.transformer import scratch_encoder

    some = documents(options, "train", 2000).texts
    encoder = scratch_encoder(some, layers=1, width=options.width, heads=4, max_length=64, epochs=0.0)
    before = status_bytes("VmRSS")
    samples: list[tuple[float, int, int]] = []
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.05):
            samples.append((time.perf_counter(), status_bytes("VmRSS"), status_bytes("RssAnon")))

    threading.Thread(target=watch, daemon=True).start()
    train = documents(options, "train", options.train)
    start = time.perf_counter()
    model = XRTransformer(
        encoder,
        epochs=1e-4,
        batch_size=options.batch,
        features=TextFeatures(),
        ranker=XRLinear(threshold=0.03, max_iter=1),
        n_jobs=1,
    ).fit(train.texts, train.Y)
    over.set()
    stages, end = {"texts and labels": start}, start
    for name, taken in model.fit_times_.items():
        end += taken
        stages[name] = end
    peaks, last = {}, 0.0
    for name, end in stages.items():
        inside = [(rss, anon) for at, rss, anon in samples if last <= at < end] or [(before, before)]
        peaks[name] = [round((max(one) - before) / 1e9, 2) for one in zip(*inside, strict=True)]
        last = end
    return {
        "texts": len(train.texts),
        "labels": train.Y.shape[1],
        "width": options.width,
        "GB (all, own)": peaks,
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["throughput", "resume", "memory"])
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA)
    parser.add_argument("--set", dest="name")
    parser.add_argument("--encoder")
    parser.add_argument("--train", type=int)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--length", type=int, default=64)
    parser.add_argument("--steps", type=int, default=20, help="of each side, for throughput")
    parser.add_argument("--width", type=int, default=384, help="of the encoder, for memory")
    parser.add_argument("--directory", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--kill-at", type=int, default=0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.encoder is None and options.what != "memory":
        parser.error("--encoder is needed")
    options.name = options.name or ("yso-en" if options.what == "memory" else "eurlex57k")
    if options.train is None:
        options.train = 0 if options.what == "memory" else 800
    if options.directory is not None:
        fit_small(options, options.directory)
        return
    do = {"throughput": throughput, "resume": resume, "memory": memory}[options.what]
    print(json.dumps(do(options), indent=1))


if __name__ == "__main__":
    main()
