"""`evaluate`: what a model is worth on labelled texts of many files, which tasks rank."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..core.label_lists import name_rows
from ..core.lazy import sp
from ..core.sparse import Csr, as_csr
from ..core.types import FilePath, Json
from ..datasets import Layout
from ..datasets.read import iter_texts
from ..linear import XRLinear
from ..metrics import Report
from ..metrics import evaluate as evaluate_answers
from ..metrics.propensity import known_frequencies
from ..metrics.report import check_ks
from ..text import TextRanker
from .driving import Stages
from .executors import Executor, executor_of
from .pieces import packed, unpacked
from .scoring import batches, opened, version_of
from .shards import find_shards, local_copy
from .work import Done, Task, Work

__all__ = ["answer_shard", "evaluate"]


def evaluate(
    shards: FilePath | Sequence[FilePath],
    model: FilePath,
    *,
    work_dir: FilePath,
    ks: Sequence[int] = (1, 3, 5),
    layout: Layout | None = None,
    executor: Literal["local", "ray"] | Executor = "local",
    workers: int | None = None,
) -> Report:
    """Score a saved `TextRanker` on shards of labelled texts.

    Tasks read and rank the texts; one process compares what they found with the true labels, some 50 bytes a text. The
    report is that of `arborank.metrics.evaluate` on all rows, to the bit.

    Parameters
    ----------
    shards : path, pattern, or a list of these
        As for `fit`.
    model : path
        A saved ranker, on a disk that all workers see.
    work_dir : path
        As for `fit`, and the same directory if you like.
    ks : sequence of int, default=(1, 3, 5)
        Cut-offs.
    layout : Layout, optional
    executor, workers
        As for `fit`.

    Returns
    -------
    arborank.metrics.Report
        With the metrics of the tail where the model knows how frequent its labels were.

    Raises
    ------
    FileNotFoundError, TypeError, ValueError, BlockingIOError
        As `fit`, or if no row has a label.
    StageError
        If a shard cannot be read; the message names it.
    """
    cuts = check_ks(ks)
    ranker = opened(str(model))
    n_labels = len(ranker.labels_)
    common: Json = {**version_of(model), "k": min(cuts[-1], n_labels)}
    common["layout"] = (Layout() if layout is None else layout).given()
    work = Work(work_dir)
    with work.held(), executor_of(executor, workers) as chosen:
        stages = Stages(work, chosen, bool(ranker.verbose))
        done = stages.run("answers", [{**shard, **common} for shard in find_shards(shards)])
        truth, ids = _joined(work, done, n_labels)
    if ids.shape[1] < cuts[-1]:
        ids = np.pad(ids, ((0, 0), (0, 1)), constant_values=-1)  # there are no more
    counts, n_train = _frequencies(ranker, truth.shape[1])
    return evaluate_answers(truth, ids, cuts, train_counts=counts, n_train=n_train)


def _joined(work: Work, done: list[Done], n_labels: int) -> tuple[Csr, NDArray[np.int64]]:
    """Return the true labels of all texts, those that the model does not know in further columns, and the answers."""
    unknown: dict[str, int] = {}
    answers, sizes, labels = [], [np.zeros(1, np.int64)], []
    for arrays in (work.arrays(one.file) for one in done):
        names = unpacked(arrays, "unknown")
        further = [n_labels + unknown.setdefault(name, len(unknown)) for name in names]
        labels.append(np.array([*range(n_labels), *further], np.int32)[arrays["label_ids"]])
        sizes.append(np.diff(arrays["label_indptr"]))
        answers.append(arrays["answers"].astype(np.int64))
    columns = np.concatenate(labels)
    shape = len(np.concatenate(answers)), n_labels + len(unknown)
    truth = sp.csr_array(
        (np.ones(columns.size, np.float32), columns, np.cumsum(np.concatenate(sizes))), shape
    )
    return as_csr(truth, "labels"), np.concatenate(answers)


def _frequencies(ranker: TextRanker, n_columns: int) -> tuple[NDArray[np.int64] | None, int | None]:
    """Return the training instances of every label, and of all, if the model knows them."""
    model = ranker.model_
    counts = getattr(model, "label_counts_", None) if isinstance(model, XRLinear) else None
    return known_frequencies(counts, 0 if counts is None else model.n_instances_, n_columns)


def answer_shard(work: Work, task: Task, n_threads: int) -> Done:
    """Rank the texts of a shard; write the best labels of each, and the true ones."""
    args = task.arguments
    ranker = opened(args["model"], n_threads or None)
    n_labels = len(ranker.labels_)
    unknown: dict[str, int] = {}
    answers: list[NDArray[np.int32]] = []
    labels: list[int] = []
    sizes: list[int] = []
    with local_copy(args["shard"]) as path:
        for some in batches(iter_texts(path, Layout(**args["layout"]))):
            answers.append(ranker.predict_topk([row.text for row in some], args["k"])[0].astype(np.int32))
            for names in name_rows([row.labels for row in some], ranker.normalization):
                for name in names:
                    label = ranker.labels_.find(name)
                    labels.append(
                        n_labels + unknown.setdefault(name, len(unknown)) if label is None else label
                    )
                sizes.append(len(names))
    if not answers:
        raise ValueError(f"{args['shard']} holds no row")
    arrays = {
        "answers": np.concatenate(answers),
        "label_indptr": np.cumsum([0, *sizes]),
        "label_ids": np.array(labels, np.int32),
        **packed(list(unknown), "unknown"),
    }
    return work.keep(task, [arrays], {"rows": len(sizes)})
