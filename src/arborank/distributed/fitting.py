"""`fit`: shards of texts in, a saved `TextRanker` out."""

from collections.abc import Sequence
from typing import Literal

from ..core.checks import check_flag, check_integer
from ..core.types import FilePath
from ..datasets import Layout
from ..storage import load
from ..text import TextRanker
from .executors import Executor, executor_of
from .shards import check_installed, find_shards
from .training import Training
from .work import Work

__all__ = ["fit"]


def fit(
    shards: FilePath | Sequence[FilePath],
    out: FilePath,
    *,
    work_dir: FilePath,
    ranker: TextRanker | None = None,
    layout: Layout | None = None,
    executor: Literal["local", "ray"] | Executor = "local",
    workers: int | None = None,
    memory: int = 1 << 30,
    skip_bad: bool = False,
) -> TextRanker:
    """Train a `TextRanker` on shards, and save it.

    The model is that of ``ranker.fit(texts, labels)`` on the rows of all shards in their order, to the byte, whatever
    the number of shards and workers. The layout's column of weights, if any, is the ``sample_weight``.

    Parameters
    ----------
    shards : path, pattern, or a list of these
        Files as `arborank.datasets.read_texts` reads, such as ``"train/*.parquet"``; a pattern stands for its files by
        name. Addresses such as ``"s3://bucket/train/*.parquet"`` are read by fsspec.
    out : path
        The directory of the model.
    work_dir : path
        Where everything is kept that was done: on a disk that all workers see, with room for about three times the
        rows. The same call goes on there after any interruption; the directory can be removed then.
    ranker : TextRanker, optional
        What is trained: with features of this package and an `XRLinear`; by default ``TextRanker()``. For labels or
        rows that do not fit into memory, set ``max_sample`` and ``max_rows`` of the model.
    layout : Layout, optional
        Where shards hold what.
    executor : {"local", "ray"} or Executor, default="local"
        Who works: processes of this machine, or a Ray cluster.
    workers : int, optional
        Processes of ``"local"``; by default one per core.
    memory : int, default 1 GiB
        Bytes that the rows of a task may take. The result does not depend on it.
    skip_bad : bool, default=False
        Whether rows of JSON lines and Parquet that cannot be read are left out, with a warning that counts them.

    Returns
    -------
    TextRanker
        The saved model, opened.

    Raises
    ------
    FileNotFoundError
        If there is no shard.
    TypeError, ValueError
        If an argument or a parameter of the ranker is of another kind than this can train.
    StageError
        If a shard is damaged, empty, or does not hold what the layout says; the message names it, and the row.
    BlockingIOError
        If another process works in the directory.
    ImportError
        If pyarrow, which adds up terms, or what the executor needs is not installed.
    """
    ranker = TextRanker() if ranker is None else ranker
    layout = Layout() if layout is None else layout
    check_installed()
    found = find_shards(shards)
    check_integer("memory", memory, 1 << 20)
    work = Work(work_dir)
    with work.held(), executor_of(executor, workers) as chosen:
        trained = Training(work, ranker, layout, chosen, memory, check_flag("skip_bad", skip_bad)).run(found)
        trained.save(out)
    loaded: TextRanker = load(out)
    return loaded
