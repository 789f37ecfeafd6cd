"""What is trained, as JSON that tasks pass on; what distributed training cannot do is refused here."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..core.estimator import clone, pass_on
from ..core.state import lasting
from ..core.types import Json, JsonMapping
from ..features import PARTS, NgramTfidf, PrefixTfidf, TextFeatures
from ..features.part import TfidfPart
from ..linear import XRLinear
from ..linear.defaults import Resolved
from ..linear.options import LinearOptions
from ..text import TextRanker

__all__ = ["features_from", "model_from", "options_of", "part_to_json", "settings_of"]

_ONLY: Mapping[str, Any] = {  # parameters of `XRLinear` that have one value here
    "tree": None,
    "representation": "pifa",
    "n_trees": 1,
    "max_clusters": 1,
    "negatives": "tfn",
    "rerank": 0.0,
    "calibrate": False,
    "keep_rows": False,
}


def settings_of(ranker: TextRanker) -> Json:
    """Return the parameters of a ranker's features and model as JSON.

    Raises
    ------
    TypeError
        If they are estimators of another kind.
    ValueError
        If a parameter has a value that distributed training cannot do.
    """
    model = XRLinear() if ranker.model is None else ranker.model
    features = TextFeatures() if ranker.features is None else ranker.features
    if type(model) is not XRLinear:
        raise TypeError(
            f"model must be an XRLinear, found {type(model).__name__}; others train on one machine"
        )
    if not isinstance(features, TextFeatures | NgramTfidf | PrefixTfidf):
        raise TypeError(f"features must be TextFeatures or a part of them, found {type(features).__name__}")
    if ranker.get_params(deep=False)["calibrate"]:
        raise ValueError("calibrate is True; calibrate the trained model, with texts that it has not seen")
    given = model.get_params(deep=False)
    for name, only in _ONLY.items():
        value = given[name]
        if (value is not None) if only is None else not (np.ndim(value) == 0 and value == only):
            raise ValueError(f"{name} is {value!r}, but only {only!r} can be trained by distributed stages")
    if features.norm != "l2":
        raise ValueError(f"norm of the features is {features.norm!r}, but rows must have unit length: 'l2'")
    LinearOptions.of(model)
    parameters = {name: _plain(value) for name, value in lasting(given).items()}
    parameters["decide"] = None  # of answers, not of the training
    told = {"features": _to_json(features), "model": parameters}
    try:
        json.dumps(told)
    except TypeError as error:
        raise ValueError(
            f"the settings hold what tasks cannot pass on as JSON, such as a function ({error})"
        ) from None
    return told


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    return list(value) if isinstance(value, tuple) else value


def _to_json(features: TextFeatures | TfidfPart) -> Json:
    if isinstance(features, TfidfPart):
        return part_to_json(features)
    params = lasting(features.get_params(deep=False))
    parts = params["parts"]
    params["parts"] = None if parts is None else [part_to_json(part) for part in parts]
    params["weights"] = None if params["weights"] is None else [float(one) for one in params["weights"]]
    return {"kind": "TextFeatures", **params}


def part_to_json(part: TfidfPart) -> Json:
    """Return the kind and the parameters of a vectoriser that is not fitted."""
    params = {name: _plain(value) for name, value in lasting(part.get_params(deep=False)).items()}
    if isinstance(params.get("stop_words"), set | frozenset):
        params["stop_words"] = sorted(params["stop_words"])
    return {"kind": type(part).__name__, **params}


def features_from(told: JsonMapping) -> TextFeatures | TfidfPart:
    """Return the vectoriser that JSON tells of, not fitted."""
    params = dict(told)
    kind = params.pop("kind")
    if kind == "TextFeatures":
        if params["parts"] is not None:
            params["parts"] = [features_from(part) for part in params["parts"]]
        return TextFeatures(**params)
    if isinstance(params["ngram_range"], list):
        params["ngram_range"] = tuple(params["ngram_range"])
    part: TfidfPart = PARTS[kind](**params)
    return part


def model_from(told: JsonMapping) -> XRLinear:
    """Return the model that JSON tells of, not fitted."""
    return XRLinear(**told)


def options_of(told: JsonMapping, resolved: JsonMapping, n_threads: int) -> LinearOptions:
    """Return the options of a model, with values for what was automatic."""
    model = clone(model_from(told))
    pass_on(model, n_jobs=n_threads or None)
    return LinearOptions.of(model, Resolved(**resolved))
