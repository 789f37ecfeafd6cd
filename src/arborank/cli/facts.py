"""What `inspect` says of a model, as plain values."""

from copy import copy
from dataclasses import replace
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..core.estimator import Estimator
    from ..core.types import Json
    from ..features.part import TfidfPart
    from ..linear import XRLinear

__all__ = [
    "call_of",
    "facts_of",
    "inner_of",
    "members_of",
    "names_of",
    "parts_of",
    "tree_of",
    "with_inner",
    "words_of",
]


def facts_of(model: object, directory: str) -> "Json":
    """Return class, sizes and what is known of every member of a model."""
    files = [path for path in Path(directory).iterdir() if path.is_file()]
    return {
        "model": directory,
        "class": type(model).__name__,
        "bytes": sum(path.stat().st_size for path in files),
        "files": len(files),
        "members": [_member(member) for member in members_of(model)],
    }


def inner_of(model: Any) -> Any:
    """Return what ranks numbered labels in a model of names, else the model."""
    return _last_stage(model) if type(model).__name__ in ("TextRanker", "Autocompleter") else model


def with_inner(model: Any, inner: "XRLinear") -> Any:
    """Return a copy of a model that ranks with another `inner_of`."""
    other = copy(model)
    match type(model).__name__:
        case "TextRanker":
            other.model = other.model_ = inner
        case "Autocompleter":
            other.fitted_ = replace(model.fitted_, model=inner)
        case _:
            return inner
    return other


def members_of(model: object) -> list[object]:
    """Return the models of an ensemble, or the one that it is."""
    inner = inner_of(model)
    return list(inner.models_) if type(inner).__name__ == "Ensemble" else [model]


def tree_of(model: Any) -> "XRLinear | None":
    """Return what ranks with a label tree in a model, which is on the embeddings of a transformer; None without one."""
    while type(model).__name__ != "Ensemble" and (last := _last_stage(model)) is not None:
        model = last
    return model if type(model).__name__ == "XRLinear" else None


def _last_stage(model: object) -> Any:
    """Return what ranks for a model; None if that is the model itself."""
    from ..core.estimator import stages_of

    return next(reversed([*stages_of(model).values()]), None)


def _member(model: Any) -> dict[str, Any]:
    facts: dict[str, Any] = {"class": type(model).__name__}
    parts = parts_of(model)
    if parts:
        facts["features"] = [_estimator(part) for part in parts]
        facts["label_names"] = model.label_names_
    if type(model).__name__ == "Autocompleter":
        facts["completer"] = _estimator(model)
    facts["estimator"] = _estimator(inner_of(model))
    ranker = tree_of(model)
    if ranker is None:
        return facts
    from ..linear.defaults import chosen

    tree = ranker.tree_
    return facts | {
        "chosen": {name: _plain(value) for name, value in chosen(ranker).items()},
        "n_features": ranker.n_features_in_,
        "n_labels": tree.n_labels,
        "n_slots": int(tree.labels.size),
        "depth": tree.depth,
        "layers": [
            {"rankers": layer.n_children, "weights": int(layer.nnz), "bytes": int(layer.nbytes)}
            for layer in ranker.layers_
        ],
    }


def parts_of(model: Any) -> "list[TfidfPart]":
    """Return the vectorisers of a model of texts, an empty list for others."""
    if type(model).__name__ != "TextRanker":
        return []
    features = model.features_
    return list(features.parts_) if type(features).__name__ == "TextFeatures" else [features]


def names_of(model: Any) -> list[str]:
    """Return what the labels of a model are called: their numbers where they have no names."""
    if type(model).__name__ == "TextRanker":
        return list(model.labels_)
    return [str(label) for label in range(inner_of(model).n_labels_)]


def words_of(model: object) -> "Sequence[str] | None":
    """Return what the features are called that the tree of a model scores; None if they have no names."""
    if type(model).__name__ != "TextRanker" or tree_of(model) is not inner_of(model):
        return None
    from ..core.estimator import stages_of

    names = getattr(stages_of(model)["features"], "get_feature_names_out", None)
    parts = len(parts_of(model))
    return (
        None
        if names is None
        else [str(name).partition(":")[2] if parts > 1 else str(name) for name in names()]
    )


def call_of(part: "Estimator") -> str:
    """Return how an estimator is made: its class, and the parameters that are not the default."""
    defaults = {name: given.default for name, given in signature(type(part)).parameters.items()}
    params = part.get_params(deep=False)
    changed = [f"{name}={value!r}" for name, value in params.items() if repr(value) != repr(defaults[name])]
    return f"{type(part).__name__}({', '.join(changed)})"


def _estimator(part: Any) -> dict[str, Any]:
    params = {name: _plain(value) for name, value in part.get_params(deep=False).items()}
    return {"class": type(part).__name__, "parameters": params}


def _plain(value: Any) -> Any:
    """Return a value as JSON has it, or how Python writes it."""
    if hasattr(value, "tolist") and getattr(value, "ndim", 1) == 0:  # a number of NumPy
        value = value.tolist()
    if (
        value is None
        or isinstance(value, bool | int | str)
        or (isinstance(value, float) and abs(value) < 1e300)
    ):
        return value
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return repr(value)
