"""From the values of axes to features and a model, and to the JSON that `arborank train --config` takes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from ..core.estimator import Estimator, clone
from ..core.types import Json, JsonMapping
from ..features import NgramTfidf, TextFeatures
from ..features.base import TextTransformer
from ..hybrid import HybridRanker
from ..linear import XRLinear
from .space import DEFAULT, FEATURES

__all__ = ["Setting", "changes", "config_of", "make_setting", "with_threads"]

LabelNames: TypeAlias = bool | Literal["auto"]

_PART = {"min_df": 2, "max_features": 300_000, "sublinear_tf": True}
_AT_WORK = ("n_jobs", "verbose", "tree")  # no part of a configuration


@dataclass(frozen=True)
class Setting:
    """The estimators of a ranker, which are not fitted.

    Attributes
    ----------
    features : vectoriser or None
        None for those that a `TextRanker` takes by default.
    model : XRLinear or HybridRanker
    label_names : {"auto"} or bool
        As of `TextRanker`.
    """

    features: TextTransformer | None
    model: XRLinear | HybridRanker
    label_names: LabelNames = "auto"


def make_setting(base: Setting, params: JsonMapping) -> Setting:
    """Return copies of the estimators with the values of ``params``."""
    given = changes(params)
    known = base.model.get_params(deep=False)
    model = clone(base.model).set_params(**{name: value for name, value in given.items() if name in known})
    if given.get("hybrid") and isinstance(model, XRLinear):
        model = HybridRanker(model, random_state=model.random_state, n_jobs=model.n_jobs)
    label_names = given.get("label_names", base.label_names)
    if "features" in given:
        return Setting(_features(given), model, label_names)
    return Setting(None if base.features is None else clone(base.features), model, label_names)


def with_threads(model: XRLinear | HybridRanker, n_jobs: int | None) -> XRLinear | HybridRanker:
    """Set the threads of a model, and of a tree in it; return it."""
    if isinstance(model, HybridRanker) and model.ranker is not None:
        model.ranker.set_params(n_jobs=n_jobs)
    return model.set_params(n_jobs=n_jobs)


def _features(given: JsonMapping) -> TextFeatures:
    parts = []
    for part in FEATURES[given["features"]]:
        options: dict[str, Any] = {**_PART, **part}
        options |= {name: given[name] for name in ("min_df", "max_features") if name in given}
        if options.get("analyzer") == "char_wb":
            low, high = given.get("characters", "3-5").split("-")
            options["ngram_range"] = int(low), int(high)
        parts.append(NgramTfidf(**options))
    weight = given.get("character_weight")
    return TextFeatures(parts=parts, weights=None if weight is None else [1.0, weight])


def config_of(setting: Setting) -> Json:
    """Return what differs from the defaults as JSON: what ``arborank train --config`` takes.

    Features of other classes than this package's have no place in it.
    """
    model = setting.model
    config: Json = {
        "model": _changed(model.ranker or XRLinear() if isinstance(model, HybridRanker) else model)
    }
    if isinstance(model, HybridRanker):
        config["hybrid"] = {name: value for name, value in _changed(model).items() if name != "ranker"}
    if setting.label_names != "auto":
        config["ranker"] = {"label_names": setting.label_names}
    features = setting.features
    if isinstance(features, NgramTfidf):
        features = TextFeatures(parts=[features], norm=None)
    if isinstance(features, TextFeatures):
        parts = [{"kind": type(part).__name__, **_changed(part)} for part in features.parts or ()]
        section = {name: value for name, value in _changed(features).items() if name != "parts"}
        config["features"] = {"parts": parts, **section} if parts else section
    return config


def _changed(estimator: Estimator) -> Json:
    """Return the parameters that are not the default."""
    defaults = type(estimator)().get_params(deep=False)
    params = estimator.get_params(deep=False)
    return {
        name: _plain(value)
        for name, value in params.items()
        if name not in _AT_WORK and repr(value) != repr(defaults[name])
    }


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):  # JSON has lists only
        return list(value)
    return dict(value) if isinstance(value, Mapping) else value


def changes(params: JsonMapping) -> Json:
    """Return the values that are not the default."""
    return {name: value for name, value in params.items() if value != DEFAULT}
