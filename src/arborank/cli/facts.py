"""What `inspect` says of a model, as plain values."""

from inspect import signature
from pathlib import Path
from typing import Any

import click

from .files import is_text_model

__all__ = ["call_of", "facts_of", "members_of", "parts_of", "senses_of", "tree_of"]


def facts_of(model: Any, directory: str) -> dict[str, Any]:
    """Return class, sizes and what is known of every member of a model."""
    files = [path for path in Path(directory).iterdir() if path.is_file()]
    return {
        "model": directory,
        "class": type(model).__name__,
        "bytes": sum(path.stat().st_size for path in files),
        "files": len(files),
        "members": [_member(member) for member in members_of(model)],
    }


def members_of(model: Any) -> list[Any]:
    """Return the models of an ensemble, or the one that it is."""
    members: list[Any] = getattr(getattr(model, "model_", model), "models_", [model])
    return members


def tree_of(model: Any) -> Any:
    """Return what ranks with a label tree in a model, which is on the embeddings of a transformer; None without one."""
    trained = getattr(model, "model_", model)
    trained = getattr(trained, "ranker_", trained)
    return trained if hasattr(trained, "tree_") else None


def _member(model: Any) -> dict[str, Any]:
    facts: dict[str, Any] = {"class": type(model).__name__}
    parts = parts_of(model)
    if parts:
        facts["features"] = [_estimator(part) for part in parts]
    facts["estimator"] = _estimator(getattr(model, "model_", model))
    ranker = tree_of(model)
    if ranker is None:
        return facts
    tree = ranker.tree_
    return facts | {
        "n_features": ranker.n_features_in_,
        "n_labels": tree.n_labels,
        "n_slots": int(tree.labels.size),
        "depth": tree.depth,
        "layers": [
            {"rankers": layer.n_children, "weights": int(layer.nnz), "bytes": int(layer.nbytes)}
            for layer in ranker.layers_
        ],
    }


def parts_of(model: Any) -> list[Any]:
    """Return the vectorisers of a model of texts, an empty list for others."""
    return list(getattr(model.features_, "parts_", [model.features_])) if is_text_model(model) else []


def call_of(part: Any) -> str:
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


def senses_of(model: Any, label: str) -> tuple[int, str, list[Any], list[str], list[str]]:
    """Return number and name of a label, its senses, and the names of all labels and features.

    Raises
    ------
    click.UsageError
        If the model has no such label, or no tree.
    """
    from ..analysis.senses import label_senses
    from ..core.spelling import spell

    trained = getattr(model, "model_", model)
    if not hasattr(trained, "tree_"):
        raise click.UsageError(
            f"--senses needs a model with one label tree; this is {type(trained).__name__}"
        )
    if is_text_model(model):
        names, features = list(model.labels_), model.features_.get_feature_names_out().tolist()
        label = spell(label, model.normalization)
        if label not in model.labels_:
            raise click.UsageError(f"the model has no label {label!r}")
        number = model.labels_.index(label)
    else:
        names = [str(i) for i in range(trained.n_labels_)]
        features = [f"feature {i}" for i in range(trained.n_features_in_)]
        if label not in names:
            raise click.UsageError(f"the model has labels 0 to {trained.n_labels_ - 1}, and no {label!r}")
        number = int(label)
    return number, label, label_senses(trained, number), names, features
