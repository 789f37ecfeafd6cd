"""The driver of a training: which tasks there are, in which order, and how their files become a model."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from ..core.estimator import clone
from ..core.notices import warn
from ..core.types import Json
from ..datasets import Layout
from ..indexing import LabelTree, n_halvings
from ..linear import XRLinear
from ..linear.defaults import Resolved
from ..linear.fitted import FittedTree
from ..ranking import LayerWeights
from ..storage import load
from ..storage.append import GrowingArrays, map_arrays
from ..text import TextRanker
from .driving import Stages
from .executors import Executor
from .pieces import table_of
from .settings import settings_of
from .stages.features import cut_terms, limits_of
from .stages.layers import ARRAYS
from .stages.tree import tree_from
from .work import Done, Work

__all__ = ["BYTES_PER_VALUE", "Training"]

_TERMS = 8_000_000  # of a range of the vocabulary
_TASKS = 32  # that all rows are cut into, if memory asks for no more
_FEW = 20_000  # rows that are not worth a cut
_REPEATED, _SOME = 0.01, 100  # of the rows, and rows at least, from which on repeats are told of
BYTES_PER_VALUE = 24  # of a task's rows: as read, as gathered for a node, and what the solver adds


class Training:
    """A training in a work directory.

    Parameters
    ----------
    work : Work
    ranker : TextRanker
        What is trained.
    layout : Layout
    executor : Executor
    memory : int
        Bytes that a task may take for its rows.
    skip_bad : bool
        Whether rows that cannot be read are left out.
    """

    def __init__(
        self,
        work: Work,
        ranker: TextRanker,
        layout: Layout,
        executor: Executor,
        memory: int,
        skip_bad: bool,
    ) -> None:
        self._work, self._memory = work, memory
        self._stages = Stages(work, executor, bool(ranker.verbose))
        self._ranker, self._layout, self._skip_bad = ranker, layout, skip_bad
        self._settings = settings_of(ranker)

    def run(self, shards: Sequence[Json]) -> TextRanker:
        """Run what has not run yet; return the ranker, whose arrays are mapped from the work directory.

        ``shards`` are objects with the path of each as ``shard``, and what tells its version.
        """
        common: Json = {"layout": self._layout.given(), "normalization": self._ranker.normalization}
        common["skip_bad"] = self._skip_bad
        read = self._stages.run("read", [{**shard, **common} for shard in shards])
        if bad := sum(done.facts["bad"] for done in read):
            first = next(done.facts["first_bad"] for done in read if done.facts["bad"])
            warn(f"{bad:,} rows cannot be read and are left out, the first of them: {first}")
        _warn_of_repeats([shard["shard"] for shard in shards], read)
        texts = [file for done in read for file in done.files]
        sizes = [size for done in read for size in done.facts["rows"]]
        labels = self._stages.one("labels", {"texts": texts})
        given = {"features": self._settings["features"], "label_names": self._ranker.label_names}
        choice = self._stages.one(
            "choice", {"texts": texts, "sizes": sizes, "labels": labels.file, **given}
        ).facts
        documents: list[str] = []
        if choice["label_names"]:
            described = self._stages.one("documents", {"labels": labels.file})
            documents, sizes = list(described.files), sizes + described.facts["rows"]
        rows, features, columns = self._rows(texts, documents, choice["parts"], labels.file)
        n_instances = sum(sizes[: len(texts)])
        n_values = sum(done.facts["values"] for done in rows[: len(texts)])
        held = {"files": [done.file for done in rows], "sizes": sizes, "columns": columns.file}
        told: Json = {"model": self._settings["model"], "rows": held}
        values = self._stages.one("values", {**told, "instances": n_instances, "values": n_values}).facts
        told["resolved"] = values["resolved"]
        all_values = sum(done.facts["values"] for done in rows)
        most = int(self._memory / BYTES_PER_VALUE * sum(sizes) / max(all_values, 1))
        budget = max(min(most, max(sum(sizes) // _TASKS, _FEW)), 1)  # rows
        tree = self._tree(told, columns, budget)
        told |= {"tree": tree.file, "instances": n_instances, "values": all_values}
        layers = self._layers(told, columns, tree, sum(sizes), budget)
        return self._published(
            labels, choice, features, columns, tree, layers, values["resolved"], n_instances
        )

    # ------------------------------------------------------------------ stages

    def _rows(
        self, texts: list[str], documents: list[str], parts: list[Json], labels: str
    ) -> tuple[list[Done], str, Done]:
        every = [*texts, *documents]
        counts = self._stages.run("count", [{"texts": file, "parts": parts} for file in every])
        n_texts = sum(done.facts["texts"] for done in counts)
        files = [done.file for done in counts]
        asked: list[Json] = []
        for part, told in enumerate(parts):
            n_ranges = -(-sum(done.facts["terms"][part] for done in counts) // _TERMS)
            cuts: list[str | None] = [None, *cut_terms(self._work, files, part, max(n_ranges, 1)), None]
            limits = limits_of(told, n_texts)
            asked += [
                {"counts": files, "part": part, "range": list(pair), "limits": limits}
                for pair in pairwise(cuts)
            ]
        merged = self._stages.run("vocabulary", asked)
        of_part = [
            [done for done, one in zip(merged, asked, strict=True) if one["part"] == i]
            for i in range(len(parts))
        ]
        given = {"features": self._settings["features"], "parts": parts, "texts": n_texts}
        given["ranges"] = [[done.file for done in ranges] for ranges in of_part]
        given["found"] = [any(done.facts["found"] for done in ranges) for ranges in of_part]
        features = self._stages.one("features", given).facts["directory"]
        rows = self._stages.run("rows", [{"texts": file, "features": features} for file in every])
        files = [done.file for done in rows]
        pairs = [list(pair) for pair in zip(documents, files[len(texts) :], strict=True)]
        given = {"texts": texts, "rows": files, "labels": labels, "documents": pairs}
        columns = self._stages.one("columns", given)
        return rows, features, columns

    def _tree(self, told: Json, columns: Done, budget: int) -> Done:
        n_labels = columns.facts["labels"]
        asked: Json = {"model": told["model"], "resolved": told["resolved"]}
        if not n_halvings(n_labels, told["resolved"]["max_leaf_size"]):
            return self._stages.one("tree", {**asked, "labels": n_labels, "subtrees": []})
        counts = self._work.arrays(columns.file)["label_counts"] + 1
        bounds = _bounds(counts, budget)
        ranges = [list(pair) for pair in pairwise(bounds)]
        vectors = self._stages.run("vectors", [{"rows": told["rows"], "labels": pair} for pair in ranges])
        asked["vectors"] = {"files": [done.file for done in vectors], "bounds": bounds}
        asked["vectors"]["n_cols"] = columns.facts["features"]
        top = self._stages.one("top", asked)
        below = [{**asked, "top": top.file, "place": place} for place in range(top.facts["nodes"])]
        subtrees = [done.file for done in self._stages.run("subtrees", below)]
        del asked["vectors"]
        return self._stages.one("tree", {**asked, "labels": n_labels, "top": top.file, "subtrees": subtrees})

    def _layers(self, told: Json, columns: Done, tree: Done, n_rows: int, budget: int) -> list[Done]:
        counts = self._work.arrays(columns.file)["label_counts"] + 1
        parts = _parts(tree_from(self._work, tree.file), counts, n_rows, told["model"]["max_rows"], budget)
        tasks = [({**told, "levels": [a, b], "nodes": nodes}, weight) for (a, b), nodes, weight in parts]
        return self._stages.run("layers", [one for one, _ in tasks], [weight for _, weight in tasks])

    # ------------------------------------------------------------------ publish

    def _published(
        self,
        labels: Done,
        choice: Json,
        features: str,
        columns: Done,
        tree: Done,
        layers: list[Done],
        resolved: Json,
        n_instances: int,
    ) -> TextRanker:
        own = self._work.arrays(columns.file)
        grown = tree_from(self._work, tree.file)
        given = self._ranker.model
        model = clone(given) if isinstance(given, XRLinear) else XRLinear()
        weights = [self._joined(level, grown, layers, own["ranks"]) for level in range(grown.depth)]
        model.fitted_ = FittedTree(grown, weights, 1.0, own["label_counts"], n_instances)
        model.resolved_ = Resolved(**resolved)
        model.n_features_in_, model.classes_, model.calibration_ = columns.facts["features"], None, None
        ranker = clone(self._ranker)
        ranker.features_, ranker.model_ = load(self._work.path(features)), model
        ranker.labels_ = table_of(self._work.arrays(labels.file), "name")
        ranker.label_names_ = choice["label_names"]
        return ranker

    def _joined(self, level: int, tree: LabelTree, layers: list[Done], ranks: Any) -> LayerWeights:
        """Put the parts of a layer together, in files of its own."""
        directory = self._work.path("joined")
        directory.mkdir(exist_ok=True)
        stem = directory / f"layer{level}"
        for path in directory.glob(f"layer{level}.*"):
            path.unlink()
        parts = [arrays for done in layers if f"{level}.bias" in (arrays := self._work.arrays(done.file))]
        with GrowingArrays(stem, {}) as files:
            for number, arrays in enumerate(parts, 1):
                own = {name: arrays[f"{level}.{name}"] for name in (*ARRAYS, "branches")}
                own |= {"ranks": ranks, "scales": np.empty(0, np.float32)}
                part = LayerWeights.from_arrays(own)
                files.append(part.continuing(files.lengths, ends=number == len(parts)))
            described = files.sync()
        whole: dict[str, Any] = map_arrays(stem, described, verify=False)
        whole |= {"branches": tree.branches[level], "ranks": ranks, "scales": np.empty(0, np.float32)}
        return LayerWeights.from_arrays(whole)


def _warn_of_repeats(shards: list[str], read: list[Done]) -> None:
    """Tell of rows that are there twice, which count twice: a shard that is another's copy, or rows within one."""
    known: dict[str, str] = {}
    for shard, done in zip(shards, read, strict=True):
        other = known.setdefault(done.facts["mark"], shard)
        if other != shard and sum(done.facts["rows"]) > _SOME:
            warn(f"{shard} holds the same rows as {other}; they count twice")
    rows = sum(sum(done.facts["rows"]) for done in read)
    most = max(zip(read, shards, strict=True), key=lambda pair: pair[0].facts["repeated"])
    if (repeated := sum(done.facts["repeated"] for done in read)) > max(rows * _REPEATED, _SOME):
        place = f"row {most[0].facts['first_repeated']} of {most[1]}"
        warn(
            f"{repeated:,} of {rows:,} rows repeat another of their shard, such as {place}; they count twice"
        )


def _bounds(work: "np.ndarray[Any, Any]", most: int) -> list[int]:
    """Divide places into ranges of at most so much work, one place at least; return where they begin, and the end."""
    before = np.concatenate([[0], np.cumsum(work)])
    bounds = [0]
    while bounds[-1] < work.size:
        end = int(np.searchsorted(before, before[bounds[-1]] + most, side="right")) - 1
        bounds.append(max(end, bounds[-1] + 1))
    return bounds


Part = tuple[tuple[int, int], list[int], float]


def _parts(
    tree: LabelTree, counts: "np.ndarray[Any, Any]", n_rows: int, max_rows: int | None, budget: int
) -> list[Part]:
    """Divide the layers of a tree: levels, nodes of the first of them, and about how many rows these have.

    Levels whose nodes all have few rows are trained together with those below, so that rows are read once.
    """
    by_slot = counts[tree.labels]
    rows: list[Any] = []
    for level in range(tree.depth):
        own = np.add.reduceat(by_slot, tree.slot_bounds(level)[:-1])
        rows.append(
            np.minimum(own if level else n_rows, n_rows if max_rows is None else min(n_rows, max_rows))
        )
    cut = next((level for level in range(1, tree.depth) if rows[level].max() <= budget), tree.depth)
    parts: list[Part] = []
    levels = [(level, level + 1) for level in range(cut)] + ([(cut, tree.depth)] if cut < tree.depth else [])
    for first, last in levels:
        for begin, end in pairwise(_bounds(np.atleast_1d(rows[first]), budget)):
            weight = float(np.atleast_1d(rows[first])[begin:end].sum()) * (last - first)
            parts.append(((first, last), [begin, end], weight))
    return parts
