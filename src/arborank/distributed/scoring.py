"""Labels for tables of texts: a function of one Arrow table, for any engine, and all shards of a data set."""

import json
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ..core.checks import check_integer
from ..core.errors import ArgumentError
from ..core.estimator import pass_on
from ..core.types import FilePath, Json
from ..datasets import Layout
from ..datasets.containers import TextRow
from ..datasets.lines import suffix
from ..datasets.read import iter_texts
from ..storage import load
from ..storage.disk import read_text
from ..text import TextRanker
from .driving import run_missing
from .executors import Executor, executor_of
from .shards import find_shards, local_copy
from .work import Done, Task, Work

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["batches", "opened", "score", "score_batch", "score_shard", "version_of"]

_ROWS = 8192  # ranked at a time
_ANSWERS = ("labels", "scores")


def score_batch(
    table: "pa.Table | pa.RecordBatch",
    model: FilePath | TextRanker,
    *,
    k: int = 10,
    text_column: str = "text",
    keep_text: bool = False,
    n_jobs: int | None = None,
) -> "pa.Table":
    """Rank the labels of the texts of an Arrow table.

    It keeps no state but the opened model, which processes of a machine share, so that any engine can call it, on any
    part of a data set: see the guide for Ray Data, Spark, Dask, Polars, DuckDB and pandas.

    Parameters
    ----------
    table : pyarrow.Table or RecordBatch
    model : path or TextRanker
        A saved ranker, which is opened once a process; or one that is open.
    k : int, default=10
        Labels of a text, at most.
    text_column : str, default="text"
    keep_text : bool, default=False
        Whether the texts stay in the answer.
    n_jobs : int, optional
        Threads, for a model that is given by its path; None or -1 for every core.

    Returns
    -------
    pyarrow.Table
        The other columns of ``table``, in its order of rows, with the lists ``labels`` (string) and ``scores`` (float),
        best first. Columns of these names are replaced.

    Raises
    ------
    ValueError
        If there is no such column, or it holds a null; the message names the row.
    TypeError
        If the model is none of texts, or the column holds no texts.
    """
    import pyarrow as pa

    if isinstance(model, TextRanker) and n_jobs is not None:
        raise ArgumentError(
            "n_jobs", f"is {n_jobs}, but goes with the path of a model; an open one has its own"
        )
    ranker = model if isinstance(model, TextRanker) else opened(str(model), n_jobs)
    if text_column not in table.schema.names:
        raise ArgumentError("text_column", f"is {text_column!r}, but the table has {table.schema.names}")
    column = table.column(text_column)
    if not (
        pa.types.is_string(column.type)
        or pa.types.is_large_string(column.type)
        or column.type == "string_view"
    ):
        raise TypeError(f"column {text_column!r} holds {column.type}; strings were expected")
    texts = column.to_pylist()
    if column.null_count:
        raise ValueError(f"column {text_column!r} has no text in row {texts.index(None)}")
    k = min(check_integer("k", k, 1), len(ranker.labels_))
    ids, scores = (
        ranker.predict_topk(texts, k) if texts else (np.zeros((0, k), np.int64), np.zeros((0, k), np.float32))
    )
    held = ids >= 0
    offsets = np.concatenate([[0], np.cumsum(held.sum(axis=1))]).astype(np.int32)
    used, places = np.unique(ids[held], return_inverse=True)
    names = pa.array(ranker.labels_.take(used.tolist()), pa.string())
    labels = pa.DictionaryArray.from_arrays(pa.array(places, pa.int32()), names).dictionary_decode()
    dropped = {*_ANSWERS, *(() if keep_text else (text_column,))}
    answer = {name: table.column(name) for name in table.schema.names if name not in dropped}
    answer["labels"] = pa.ListArray.from_arrays(pa.array(offsets), labels)
    answer["scores"] = pa.ListArray.from_arrays(pa.array(offsets), pa.array(scores[held], pa.float32()))
    return pa.table(answer)


@lru_cache(maxsize=4)
def opened(path: str, n_jobs: int | None = None) -> TextRanker:
    """Open a saved ranker, once a process; ``TypeError`` if the model is another one."""
    ranker = load(path)
    if not isinstance(ranker, TextRanker):
        raise TypeError(f"{path} is a {type(ranker).__name__}; a TextRanker was expected")
    for stage in (ranker.features_, ranker.model_):
        pass_on(stage, n_jobs=n_jobs)
    return ranker


def score(
    shards: FilePath | Sequence[FilePath],
    model: FilePath,
    out: FilePath,
    *,
    k: int = 10,
    layout: Layout | None = None,
    keep_text: bool = False,
    executor: Literal["local", "ray"] | Executor = "local",
    workers: int | None = None,
) -> list[Path]:
    """Rank the labels of all texts of some shards; write a Parquet file for each.

    A file that is written is not made again when the same call comes after an interruption.

    Parameters
    ----------
    shards : path, pattern, or a list of these
        As for `fit`. Labels that they may have are left aside.
    model : path
        A saved `TextRanker`, on a disk that all workers see.
    out : path
        A directory: the answers to shard number ``i`` become ``part-0000i.parquet``, in its order of rows, with what
        `score_batch` returns; of other files than Parquet, with the ids that ``layout`` names, if any.
    k, keep_text
        As for `score_batch`.
    layout : Layout, optional
    executor, workers
        As for `fit`.

    Returns
    -------
    list of Path
        The files, in the order of the shards.

    Raises
    ------
    FileNotFoundError, TypeError, ValueError
        As `fit` and `score_batch`.
    StageError
        If a shard cannot be read, or lacks a text; the message names it.
    BlockingIOError
        If another process writes there.
    """
    check_integer("k", k, 1)
    layout = Layout() if layout is None else layout
    opened(str(model))
    common: Json = {**version_of(model), "k": k, "layout": layout.given(), "keep_text": keep_text}
    work = Work(out)
    tasks = [
        Task("score", {**shard, **common, "out": f"part-{number:05}.parquet"}, shard["bytes"])
        for number, shard in enumerate(find_shards(shards))
    ]
    with work.held():
        for task in tasks:
            if not work.path(task.arguments["out"]).exists():
                work.forget(task)
        missing = [task for task in tasks if work.done(task) is None]
        with executor_of(executor, workers) as chosen:
            run_missing(work, chosen, missing, len(tasks), "ranking", unit="shards")
    return [work.path(task.arguments["out"]) for task in tasks]


def version_of(model: FilePath) -> Json:
    """Return where a saved model is, and what tells it from others that were there before."""
    version = json.loads(read_text(Path(model) / "config.json"))["checksum"]
    return {"model": str(Path(model).resolve()), "version of model": version}


def score_shard(work: Work, task: Task, n_threads: int) -> Done:
    """Rank the texts of a shard, some at a time, and write a Parquet file in one step."""
    import pyarrow.parquet as pq

    args = task.arguments
    layout = Layout(**args["layout"])
    options: dict[str, Any] = {"k": args["k"], "keep_text": args["keep_text"], "n_jobs": n_threads or None}
    target = work.path(args["out"])
    unfinished = target.with_name(f"{target.name}-{task.name[-8:]}.tmp")
    rows = 0
    writer = None
    try:
        with local_copy(args["shard"]) as path:
            for table, column in _tables(path, layout):
                try:
                    answer = score_batch(table, args["model"], text_column=column, **options)
                except (ValueError, TypeError) as error:
                    raise ValueError(f"{args['shard']}, from row {rows}: {error}") from None
                writer = pq.ParquetWriter(unfinished, answer.schema) if writer is None else writer
                writer.write_table(answer)
                rows += answer.num_rows
        if writer is None:
            raise ValueError(f"{args['shard']} holds no row")
        writer.close()
        work.put(unfinished, target)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    return work.keep(task, [], {"rows": rows})


def _tables(path: str, layout: Layout) -> "Iterator[tuple[pa.Table, str]]":
    """Yield the rows of a file as tables, with the name of the column of texts."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if suffix(path) == ".parquet":
        column = "text" if layout.text_column is None else str(layout.text_column)
        try:
            for batch in pq.ParquetFile(path).iter_batches(batch_size=_ROWS):
                yield pa.Table.from_batches([batch]), column
        except pa.ArrowException as error:
            raise ValueError(f"{path}: damaged: {error}") from error
        return
    for some in batches(iter_texts(path, layout, labels_required=None)):
        ids = {} if layout.id_column is None else {"id": [row.id for row in some]}
        yield pa.table({**ids, "text": [row.text for row in some]}), "text"


def batches(rows: Iterator[TextRow]) -> Iterator[list[TextRow]]:
    """Yield as many rows as are ranked at a time, until there are no more."""
    while some := list(islice(rows, _ROWS)):
        yield some
