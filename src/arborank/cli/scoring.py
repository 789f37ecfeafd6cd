"""Predictions for data with labels, and what they are worth."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from .facts import tree_of
from .models import Data, Ranker

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from scipy.sparse import csr_array

    from ..metrics import Report

__all__ = [
    "batch_size",
    "batches",
    "evaluate_model",
    "frequencies",
    "label_rows",
    "n_answers",
    "predict_all",
]

_UNKNOWN = 0.9  # share of the labels of data above which they are hardly the model's
_BATCH = 8192
_ANSWERS = 1 << 23  # ids and scores of a batch: 96 MiB


def n_answers(model: Ranker, k: int, beam_size: int | None) -> int:
    """Return ``k``, or how many labels the model can return if these are fewer."""
    most, tree = min(k, model.n_labels), tree_of(model.estimator)
    return most if tree is None or beam_size is not None else min(most, tree.n_reachable_)


def batch_size(k: int) -> int:
    """Return how many rows are ranked at a time, so that ``k`` answers to each take little memory."""
    return max(1, min(_BATCH, _ANSWERS // k))


def batches(data: Data, size: int) -> Iterator[Data]:
    """Cut data into batches of so many rows, under a progress bar."""
    from ..core.progress import progress

    with progress("predicting", len(data), unit="rows") as update:
        for start in range(0, len(data), size):
            yield data.take(slice(start, start + size))
            update(min(start + size, len(data)), "")


def predict_all(model: Ranker, data: Data, k: int, beam_size: int | None) -> "NDArray[np.int64]":
    """Return the label ids of the best k labels of every row; fewer columns, padded, where no row has so many."""
    import numpy as np

    most = n_answers(model, k, beam_size)
    parts = batches(data, batch_size(most))
    found = [model.topk(part, most, beam_size)[0] for part in parts]
    ids = np.concatenate(found) if found else np.empty((0, most), np.int64)
    return ids if most == k else np.pad(ids, ((0, 0), (0, 1)), constant_values=-1)


def evaluate_model(
    model: Ranker,
    data: Data,
    ks: tuple[int, ...],
    beam_size: int | None = None,
    train: Data | None = None,
    *,
    ids: "NDArray[np.int64] | None" = None,
    A: float = 0.55,
    B: float = 1.5,
) -> "Report":
    """Score a model, or the answers ``ids`` of it.

    ``train`` gives label frequencies instead of those that the model knows; ``A`` and ``B`` are the constants of
    propensities.
    """
    from ..metrics import evaluate

    ids = predict_all(model, data, max(ks), beam_size) if ids is None else ids
    truth = model.truth(data)
    _warn_of_unknown(model, data, truth)
    counts, n_train = frequencies(model, train, truth.shape[1])
    return evaluate(truth, ids, ks, train_counts=counts, n_train=n_train, A=A, B=B)


def label_rows(
    model: Ranker, data: Data, ids: "NDArray[np.int64]", k: int, train: Data | None
) -> "list[dict[str, object]]":
    """Return what the first ``k`` answers are worth for each label that is true or predicted, frequent ones first."""
    import numpy as np

    from ..metrics import per_label

    truth = model.truth(data)[:, : model.n_labels]  # of others nothing can be predicted
    table = per_label(truth, ids, k, empty_rows="zero")
    counts, _ = frequencies(model, train, model.n_labels)
    found = np.flatnonzero(table["true"] + table["predicted"])
    order = found[np.argsort(-table["true"][found], kind="stable")]
    rows: list[dict[str, object]] = []
    for label in order.tolist():
        row: dict[str, object] = {"label": model.answer(label)}
        if counts is not None:
            row["in training"] = int(counts[label])
        for name, values in table.items():
            value = values[label].item()
            row[name] = "" if value != value else f"{value:.4f}" if isinstance(value, float) else value
        rows.append(row)
    return rows


def _warn_of_unknown(model: Ranker, data: Data, truth: "csr_array") -> None:
    from .text_model import TextModel

    n_unknown = int((truth.indices >= model.n_labels).sum())  # in columns of their own
    if not isinstance(model, TextModel) or n_unknown <= _UNKNOWN * truth.nnz:
        return
    from ..core.notices import warn

    none = n_unknown == truth.nnz
    few = (
        "no label of the data is one"
        if none
        else f"less than {1 - _UNKNOWN:.0%} of the labels of the data are"
    )
    warn(
        f"{few} of the model's, such as {model.first_unknown(data)!r} (data) and {model.answer(0)!r} (model)"
    )


def frequencies(
    model: Ranker, train: Data | None, n_labels: int
) -> "tuple[NDArray[np.int64] | None, int | None]":
    """Return the training instances of every label, and of all, if they are known."""
    import numpy as np

    from ..metrics.propensity import known_frequencies

    tree = tree_of(model.estimator)
    counts: NDArray[np.int64] | None = getattr(tree, "label_counts_", None)  # an imported model has none
    n_train = tree.n_instances_ if tree is not None and counts is not None else 0
    if train is not None:
        known = model.truth(train, extend=False)
        counts, n_train = np.bincount(known.indices, minlength=known.shape[1]), len(train)
    return known_frequencies(counts, n_train, n_labels)
