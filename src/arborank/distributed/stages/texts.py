"""From shards to texts and label ids; then the choices that depend on a look at the data."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from hashlib import blake2b
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...core.label_lists import name_rows
from ...core.sparse import Csr
from ...core.strings import StringTable
from ...core.types import AnyArray, Json
from ...datasets import Layout
from ...datasets.containers import TextRow
from ...datasets.jsonl import row_of_line
from ...datasets.lines import read_lines, suffix
from ...datasets.parquet import iter_parquet_rows
from ...datasets.read import EXTENSIONS, iter_texts
from ...features.base import unfitted_parts
from ...text.documents import documents_of
from ...text.worth import names_help
from ..pieces import ManyTexts, packed, table_of, unpacked
from ..settings import features_from, part_to_json
from ..shards import local_copy
from ..work import Done, Task, Work

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["choose", "describe_labels", "index_labels", "read_shard"]

_ROWS, _CHARACTERS = 1 << 19, 1 << 27  # of a file, at most


def read_shard(work: Work, task: Task, n_threads: int) -> Done:
    """Write the texts and label names of a shard, some at a time."""
    args = task.arguments
    facts: Json = {"rows": [], "bad": 0, "first_bad": None}
    seen: list[NDArray[np.uint64]] = []
    layout = Layout(**args["layout"])

    def parts() -> Iterator[Mapping[str, AnyArray]]:
        with local_copy(args["shard"]) as path:
            rows = _good_rows(path, layout, facts) if args["skip_bad"] else iter_texts(path, layout)
            for first in rows:
                some = _some(chain([first], rows))
                more = _weights(args["shard"], some, sum(facts["rows"]))
                labels = name_rows([row.labels for row in some], args["normalization"])
                facts["rows"].append(len(some))
                seen.append(_marks(some))
                yield {**packed([row.text for row in some], "text"), **_named(labels), **more}
        if not facts["rows"]:
            raise ValueError(f"{args['shard']} holds no row")
        facts.update(_repeated(np.concatenate(seen)))

    return work.keep(task, parts(), facts)


def _weights(shard: str, rows: list[Any], first: int) -> dict[str, AnyArray]:
    """Return the weights of rows, where they have some; ``first`` is the place of the first row in its shard."""
    given = [row.weight for row in rows]
    for place, row in enumerate(rows, first):
        if row.relevance is not None:
            raise ValueError(
                f"{shard}: row {place} has a relevance, of no use to distributed training; set relevance_column=None"
            )
        if row.weight is not None and not row.weight > 0:
            raise ValueError(
                f"{shard}: row {place} has the weight {row.weight:g}; leave it out, or weigh it above 0"
            )
    return {} if given[0] is None else {"weights": np.array(given, np.float32)}


def _marks(rows: list[Any]) -> NDArray[np.uint64]:
    """Return a number for each row, which is the same for equal texts with equal labels."""
    told = ("\0".join([row.text, *row.labels]).encode("utf-8", "surrogatepass") for row in rows)
    return np.frombuffer(b"".join(blake2b(one, digest_size=8).digest() for one in told), np.uint64)


def _repeated(marks: NDArray[np.uint64]) -> Json:
    """Return how many rows repeat an earlier one, the first of them, and a mark for all rows."""
    first = np.unique(marks, return_index=True)[1]
    again = np.ones(marks.size, np.bool_)
    again[first] = False
    place = int(again.argmax()) if again.any() else None
    return {
        "repeated": int(again.sum()),
        "first_repeated": place,
        "mark": blake2b(marks.tobytes()).hexdigest(),
    }


def _good_rows(path: str, layout: Layout, facts: Json) -> Iterator[TextRow]:
    """Yield the rows that can be read; count the others, and keep what is wrong with the first."""
    kind = layout.format or EXTENSIONS.get(suffix(path))
    tries: Iterator[Callable[[], TextRow]]
    if kind == "jsonl":
        tries = (partial(row_of_line, path, *line, layout, True) for line in read_lines(path))
    elif kind == "parquet":
        tries = iter_parquet_rows(path, layout)
    else:
        raise ValueError(f"{path}: bad rows are left out of JSON lines and Parquet only, found {kind}")
    for read in tries:
        try:
            yield read()
        except ValueError as error:
            facts["bad"] += 1
            facts["first_bad"] = facts["first_bad"] or str(error)


def _some(rows: Iterator[Any]) -> list[Any]:
    some: list[Any] = []
    size = 0
    for row in islice(rows, _ROWS):
        some.append(row)
        size += len(row.text)
        if size >= _CHARACTERS:
            break
    return some


def _named(labels: list[list[str]]) -> dict[str, AnyArray]:
    names = sorted({name for row in labels for name in row})
    ids = {name: number for number, name in enumerate(names)}
    indptr = np.cumsum([0, *map(len, labels)])
    flat = np.array([ids[name] for row in labels for name in row], np.int32)
    table = StringTable(names)
    return {
        "label_indptr": indptr,
        "label_ids": flat,
        "name_bytes": table.text,
        "name_offsets": table.offsets,
    }


def index_labels(work: Work, task: Task, n_threads: int) -> Done:
    """Give every label name a number, in the order of names, and write the ids of all rows."""
    import pyarrow as pa
    import pyarrow.compute as pc

    files = [work.arrays(file) for file in task.arguments["texts"]]
    coded = pa.chunked_array([_arrow_names(one) for one in files], pa.large_binary()).dictionary_encode()
    names = coded.chunk(0).dictionary if coded.num_chunks else pa.array([], pa.large_binary())
    if not len(names):
        raise ValueError("the shards hold no label name at all; at least one is needed")
    order = pc.sort_indices(names)
    ids = np.empty(len(names), np.int32)
    ids[order.to_numpy()] = np.arange(len(names), dtype=np.int32)
    lengths, columns = [], []
    for chunk, arrays in zip(coded.chunks, files, strict=True):
        own, size = ids[chunk.indices.to_numpy()][arrays["label_ids"]], np.diff(arrays["label_indptr"])
        place = np.argsort(np.repeat(np.arange(size.size), size) * ids.size + own, kind="stable")
        lengths.append(size)
        columns.append(own[place])
    indptr = np.concatenate([[0], np.cumsum(np.concatenate(lengths))])
    _, offsets, text = names.take(order).buffers()
    arrays = {
        "name_bytes": np.frombuffer(text or b"", np.uint8),
        "name_offsets": np.frombuffer(offsets, np.int64),
    }
    arrays |= {"label_indptr": indptr, "label_ids": np.concatenate(columns)}
    return work.keep(task, [arrays], {"labels": ids.size, "positives": int(indptr[-1])})


def _arrow_names(arrays: dict[str, AnyArray]) -> "pa.LargeBinaryArray":
    """Return the label names of a file where they lie."""
    import pyarrow as pa

    offsets = arrays["name_offsets"]
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(arrays["name_bytes"])]
    return pa.Array.from_buffers(pa.large_binary(), offsets.size - 1, buffers)


def choose(work: Work, task: Task, n_threads: int) -> Done:
    """Decide which features suit the texts, and whether the names of labels are learned from."""
    args = task.arguments
    texts = ManyTexts(work, args["texts"], args["sizes"])
    features = features_from(args["features"]).set_params(n_jobs=n_threads or None)
    parts = unfitted_parts(features, texts)
    label_names = args["label_names"]
    if label_names == "auto":
        arrays = work.arrays(args["labels"])
        names = table_of(arrays, "name")
        ids = arrays["label_ids"]
        Y = Csr(arrays["label_indptr"], ids, np.ones(ids.size, np.float32), len(names))
        label_names = names_help(texts, Y, names, n_jobs=n_threads or None)
    return work.keep(task, [], {"parts": [part_to_json(part) for part in parts], "label_names": label_names})


def describe_labels(work: Work, task: Task, n_threads: int) -> Done:
    """Write the names of labels as texts, each with its label."""
    names = unpacked(work.arrays(task.arguments["labels"]), "name")
    documents = documents_of(names, {}, True)
    rows = [(number, text) for number, name in enumerate(names) for text in documents[name]]
    facts: Json = {"rows": []}

    def parts() -> Iterator[Mapping[str, AnyArray]]:
        for first in range(0, len(rows), _ROWS):
            some = rows[first : first + _ROWS]
            facts["rows"].append(len(some))
            ids = np.array([number for number, _ in some], np.int32)
            yield {**packed([text for _, text in some], "text"), "label_ids": ids}

    return work.keep(task, parts(), facts)
