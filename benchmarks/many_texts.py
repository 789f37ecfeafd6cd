"""Answers to a Parquet file of a million texts: the rate of `score` beside that of `rank_batch`, and memory on the way.

``python benchmarks/many_texts.py FOLDER`` ranks the first texts of ``FOLDER/shards`` with ``FOLDER/model-local``, which
``many_ways.py`` has left there, in one thread; it tells texts to a second of processor time.
"""

import argparse
import json
import os
import shutil
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from itertools import islice
from multiprocessing import get_context
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from arborank import load
from arborank.datasets.read import iter_texts
from arborank.distributed import SerialExecutor, score

AT_ONCE = 8192


def write_texts(folder, path, n_texts):
    """Write texts to one file."""
    texts = islice((row.text for row in iter_texts(folder, labels_required=None)), n_texts)
    schema = pa.schema([("text", pa.string())])
    with pq.ParquetWriter(path, schema) as writer:
        while some := list(islice(texts, 1 << 16)):
            writer.write_table(pa.table({"text": some}, schema))


def resident():
    """MiB of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") >> 20


def ranked(path, model, n_texts):
    """Texts to a second of `rank_batch`."""
    texts = pq.read_table(path)["text"].slice(0, n_texts).to_pylist()
    ranker = load(model, n_jobs=1)
    ranker.rank_batch(texts[:AT_ONCE], k=10)
    start = time.process_time()
    for first in range(0, len(texts), AT_ONCE):
        ranker.rank_batch(texts[first : first + AT_ONCE], k=10)
    return {"rank_batch": round(len(texts) / (time.process_time() - start))}


def scored(path, model, n_texts):
    """Texts to a second of `score`, and MiB of its process: at each tenth of the time, and at most."""
    seen = []

    def watch():
        while True:
            seen.append(resident())
            time.sleep(0.5)

    threading.Thread(target=watch, daemon=True).start()
    start = time.process_time()
    score(path, model, path.with_name("answers"), k=10, executor=SerialExecutor(1))
    rate = round(n_texts / (time.process_time() - start))
    return {"score": rate, "MiB": seen[:: max(len(seen) // 10, 1)], "most": max(seen)}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--texts", type=int, default=1_000_000)
    given = parser.parse_args()
    path, model = given.folder / "texts.parquet", given.folder / "model-local"
    write_texts(given.folder / "shards", path, given.texts)
    shutil.rmtree(path.with_name("answers"), ignore_errors=True)
    for function, n_texts in ((ranked, given.texts // 5), (scored, given.texts), (ranked, given.texts // 5)):
        with ProcessPoolExecutor(1, get_context("spawn")) as pool:
            print(json.dumps(pool.submit(function, path, model, n_texts).result()), flush=True)
