"""From texts to rows: terms are counted file by file, the counts added range by range, and texts encoded with them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..._native import term_slots
from ...core.sparse import Csr
from ...core.types import AnyArray, Json, JsonMapping
from ...features.base import fit_counted, new_fitter, rows_of
from ...features.options import document_limits
from ...features.part import TfidfPart
from ...ranking import feature_ranks
from ...storage import load, save
from ..pieces import unpacked
from ..settings import features_from
from ..work import Done, Task, Work

__all__ = ["count", "count_columns", "cut_terms", "fit_features", "limits_of", "make_rows", "merge_counts"]


def count(work: Work, task: Task, n_threads: int) -> Done:
    """Count the terms of some texts, for every part of the features."""
    parts = [_part(told) for told in task.arguments["parts"]]
    fitter, texts = new_fitter(
        parts, unpacked(work.arrays(task.arguments["texts"]), "text"), False, n_threads
    )
    fitter.add(texts, None)
    arrays: dict[str, AnyArray] = {}
    sizes = []
    for number in range(len(parts)):
        counts = fitter.counts(number)
        arrays |= dict(zip(_names(number), counts, strict=True))
        sizes.append(int(counts[2].size))
    return work.keep(task, [arrays], {"texts": fitter.n_texts, "without": fitter.n_without, "terms": sizes})


def _part(told: JsonMapping) -> TfidfPart:
    part = features_from(told)
    assert isinstance(part, TfidfPart)
    return part


def _names(part: int) -> tuple[str, str, str, str]:
    return f"terms{part}", f"offsets{part}", f"df{part}", f"tf{part}"


def cut_terms(work: Work, files: list[str], part: int, n_ranges: int) -> list[str]:
    """Return terms, in hexadecimal, that divide those of a part into ranges of about the same size."""
    sample: list[bytes] = []
    for file in files:
        terms, offsets = (work.arrays(file)[name] for name in _names(part)[:2])
        places = np.linspace(0, offsets.size - 2, 16 * n_ranges if offsets.size > 1 else 0).astype(np.int64)
        sample += [terms[offsets[i] : offsets[i + 1]].tobytes() for i in places]
    sample.sort()
    cuts = {sample[len(sample) * i // n_ranges] for i in range(1, n_ranges)} if sample else set()
    return [cut.hex() for cut in sorted(cuts)]


def merge_counts(work: Work, task: Task, n_threads: int) -> Done:
    """Add the counts of the terms of a range, and leave out those in too few or too many texts."""
    import pyarrow as pa
    import pyarrow.compute as pc

    args = task.arguments
    part = args["part"]
    low, high = (None if one is None else bytes.fromhex(one) for one in args["range"])
    tables = []
    for file in args["counts"]:
        terms, offsets, df, tf = (work.arrays(file)[name] for name in _names(part))
        first = 0 if low is None else _place(terms, offsets, low)
        last = offsets.size - 1 if high is None else _place(terms, offsets, high)
        buffers = [None, pa.py_buffer(offsets[first : last + 1]), pa.py_buffer(terms)]
        strings = pa.Array.from_buffers(pa.large_binary(), last - first, buffers)
        tables.append(pa.table({"term": strings, "df": df[first:last], "tf": tf[first:last]}))
    whole = pa.concat_tables(tables)
    found_any = whole.num_rows > 0
    merged = whole.group_by("term", use_threads=n_threads != 1).aggregate([("df", "sum"), ("tf", "sum")])
    del whole, tables
    least, most = args["limits"]
    df = merged["df_sum"]
    merged = merged.filter(pc.and_(pc.greater_equal(df, least), pc.less_equal(df, most)))
    merged = merged.take(pc.sort_indices(merged["term"])).combine_chunks()
    arrays = {
        "df": merged["df_sum"].to_numpy(),
        "tf": merged["tf_sum"].to_numpy(),
        **_text_of(merged["term"]),
    }
    return work.keep(task, [arrays], {"found": found_any, "terms": merged.num_rows})


def _place(terms: NDArray[np.uint8], offsets: NDArray[np.int64], term: bytes) -> int:
    """Return the place of the first term that is not before another one."""
    low, high = 0, offsets.size - 1
    while low < high:
        middle = (low + high) // 2
        if terms[offsets[middle] : offsets[middle + 1]].tobytes() < term:
            low = middle + 1
        else:
            high = middle
    return low


def _text_of(column: Any) -> dict[str, AnyArray]:
    """Return the bytes and offsets of a column of strings."""
    if not len(column):
        return {"terms": np.zeros(0, np.uint8), "offsets": np.zeros(1, np.int64)}
    strings = column.chunk(0) if hasattr(column, "chunk") else column
    _, offsets, data = strings.buffers()
    ends = np.frombuffer(offsets, np.int64)[strings.offset : strings.offset + len(strings) + 1]
    return {"terms": np.frombuffer(data, np.uint8)[ends[0] : ends[-1]], "offsets": ends - ends[0]}


@dataclass(frozen=True)
class _Merged:
    """The terms of all texts: what a vectoriser asks of an `NgramFitter`."""

    work: Work
    files: list[list[str]]  # of every part, the files of its ranges
    found: list[bool]
    n_texts: int

    def found_any(self, part: int) -> bool:
        return self.found[part]

    def select(
        self, part: int, *, low: float, high: float, max_features: int, binary: bool
    ) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.uint64], NDArray[np.int64]]:
        ranges = [self.work.arrays(file) for file in self.files[part]]  # within the limits already
        lengths = np.concatenate([np.diff(one["offsets"]) for one in ranges])
        terms = np.concatenate([one["terms"] for one in ranges])
        df, tf = (np.concatenate([one[name] for one in ranges]) for name in ("df", "tf"))
        if 0 < max_features < df.size:
            kept = np.zeros(df.size, np.bool_)
            kept[np.argsort(-(df if binary else tf), kind="stable")[:max_features]] = True
            terms, lengths, df = terms[np.repeat(kept, lengths)], lengths[kept], df[kept]
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        return terms, offsets, term_slots(terms, offsets), df


def limits_of(told: JsonMapping, n_texts: int) -> list[float]:
    """Return in how many texts a term of a part must be at least, and at most."""
    params = _part(told).get_params(deep=False)
    return list(document_limits(params["min_df"], params["max_df"], n_texts))


def fit_features(work: Work, task: Task, n_threads: int) -> Done:
    """Make the vectoriser of all texts, saved in a directory of its own."""
    args = task.arguments
    features = features_from(args["features"])
    parts = [_part(told) for told in args["parts"]]
    if isinstance(features, TfidfPart):
        parts = [features]
    fit_counted(features, parts, _Merged(work, args["ranges"], args["found"], args["texts"]))
    directory = work.path(task.name)
    save(features, directory)
    return work.keep(task, [], {"directory": task.name})


def make_rows(work: Work, task: Task, n_threads: int) -> Done:
    """Encode some texts, and count the entries of every column."""
    args = task.arguments
    features = load(work.path(args["features"]))
    features.set_params(n_jobs=n_threads or None)
    rows: Csr = rows_of(features, unpacked(work.arrays(args["texts"]), "text"))
    counts = np.bincount(rows.indices, minlength=rows.shape[1]).astype(np.uint32)
    arrays: dict[str, AnyArray] = {
        "indptr": rows.indptr,
        "indices": rows.indices,
        "data": rows.data,
        "counts": counts,
    }
    facts = {"rows": rows.shape[0], "values": rows.nnz, "empty": int((np.diff(rows.indptr) == 0).sum())}
    return work.keep(task, [arrays], facts)


def count_columns(work: Work, task: Task, n_threads: int) -> Done:
    """Add the entries of every column, and join the labels of documents to those of instances."""
    args = task.arguments
    total: NDArray[np.int64] = np.zeros(0, np.int64)
    for file in args["rows"]:
        counts = work.arrays(file)["counts"].astype(np.int64)
        total = counts if not total.size else total + counts
    labels = work.arrays(args["labels"])
    indptr, ids = [labels["label_indptr"]], [labels["label_ids"]]
    weights = _weights(work, args["texts"])
    for texts, rows in args["documents"]:
        own, filled = work.arrays(texts)["label_ids"], np.diff(work.arrays(rows)["indptr"]) > 0
        indptr.append(indptr[-1][-1] + np.cumsum(filled))
        ids.append(own[filled])
        if weights:
            weights.append(np.ones(own.size, np.float32))
    n_labels = labels["name_offsets"].size - 1
    arrays: dict[str, AnyArray] = {
        "label_indptr": np.concatenate(indptr),
        "label_ids": np.concatenate(ids),
        "label_counts": np.bincount(labels["label_ids"], minlength=n_labels),
        "ranks": feature_ranks(np.minimum(total, 2**32 - 1).astype(np.uint32)),
    }
    if weights:
        arrays["weights"] = np.concatenate(weights)
    facts: Json = {
        "features": int(total.size),
        "labels": n_labels,
        "positives": int(labels["label_ids"].size),
    }
    return work.keep(task, [arrays], facts)


def _weights(work: Work, texts: list[str]) -> list[NDArray[np.float32]]:
    """Return the weights of all texts, file by file; none if they have none, or all count 1."""
    found = [arrays["weights"] for file in texts if "weights" in (arrays := work.arrays(file))]
    return found if any((some != 1).any() for some in found) else []
