"""What is varied: a line for each parameter, with the values that are tried beside its default."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from ..core.types import Json, JsonMapping

__all__ = [
    "BEAMS",
    "COMBINES",
    "DEFAULT",
    "FEATURES",
    "Axis",
    "Space",
    "make_space",
    "of_features",
    "searches_in_training",
]

DEFAULT: Final = "default"
"""The value that leaves a parameter as the ranker has it."""

_WORDS = {"ngram_range": (1, 1)}
_PAIRS = {"ngram_range": (1, 2)}
_CHARACTERS = {"analyzer": "char_wb"}

FEATURES: Final[Mapping[str, Sequence[Mapping[str, Any]]]] = {
    "words": [_WORDS],
    "word pairs": [_PAIRS],
    "words + characters": [_WORDS, _CHARACTERS],
    "word pairs + characters": [_PAIRS, _CHARACTERS],
}
"""Vectorisers by the name of their union; those of characters have the lengths and the weight of axes of their own."""

BEAMS: Final = (5, 10, 20, 40, 80)
COMBINES: Final = ("l2-hinge", "l3-hinge", "l2-l3-hinge", "l3-l4-hinge")
"""How a tree is searched: tried on every tree that is trained, for it costs no training."""


def _always(params: JsonMapping) -> bool:
    return True


def _own_features(params: JsonMapping) -> bool:
    return "features" in params


def _characters(params: JsonMapping) -> bool:
    return "characters" in params.get("features", "")


def _one_tree(params: JsonMapping) -> bool:
    return bool(params.get("n_trees", 1) == 1)


def searches_in_training(params: JsonMapping) -> bool:
    """Whether the beam decides what is learned from, so that another one asks for another training.

    It does for negatives of the matcher, and for how a hybrid ranker merges its sources.
    """
    return "man" in str(params.get("negatives")) or bool(params.get("hybrid"))


@dataclass(frozen=True)
class Axis:
    """A parameter that is varied.

    Attributes
    ----------
    name : str
        Of `arborank.XRLinear`, or one of those that `arborank.tune.setting` knows.
    values : sequence of JSON values
        Tried beside the default.
    when : function of the parameters that are known before it
        Whether it counts: those of the model, and the values of the axes before that are not the default.
    """

    name: str
    values: Sequence[Any]
    when: Callable[[JsonMapping], bool] = field(default=_always, repr=False)

    @property
    def choices(self) -> Sequence[object]:
        """All values, the default first."""
        return [DEFAULT, *self.values]


_OF_FEATURES = (
    Axis("features", tuple(FEATURES)),
    Axis("min_df", (1, 3), _own_features),
    Axis("max_features", (100_000, 1_000_000), _own_features),
    Axis("characters", ("2-4", "3-4", "4-6"), _characters),
    Axis("character_weight", (0.5, 2.0), _characters),
)
_OF_LABELS = (Axis("label_names", (False, True)),)
_OF_SOURCES = (Axis("hybrid", (True,)),)
_OF_MODELS = (
    Axis("branching", (8, 16, 32, 64, 128, 256)),
    Axis("max_leaf_size", (25, 50, 100, 200, 400)),
    Axis("representation", ("pifa", "pifa+spectral")),
    Axis("n_trees", (1, 3)),
    Axis("max_clusters", (2,), _one_tree),
    Axis("Cp", (0.5, 1.0, 2.0, 4.0)),
    Axis("Cn", (0.1, 0.2, 0.3, 0.5, 1.0)),
    Axis("threshold", (0.02, 0.05, 0.1, 0.2)),
    Axis("negatives", ("tfn", "tfn+man")),
    Axis("tail", (0.0, 0.3, 0.6)),
    Axis("rerank", (0.1, 0.3)),
    Axis("combine", COMBINES, searches_in_training),
    Axis("beam_size", BEAMS, searches_in_training),
)


def of_features(params: JsonMapping) -> tuple[object, ...]:
    """Return the values of the axes of features, by which those that are fitted are recognised."""
    return tuple(params.get(axis.name) for axis in _OF_FEATURES)


# What has often been better than the defaults, tried before what the optimiser suggests.
_STARTERS: tuple[Json, ...] = (
    {"n_trees": 3},
    {"hybrid": True},
    {"label_names": True},
    {"features": "words + characters"},
    {"Cn": 0.3, "threshold": 0.05},
    {"n_trees": 3, "features": "words + characters", "Cn": 0.3, "threshold": 0.05},
    {"branching": 128, "max_leaf_size": 50},
    {"Cn": 0.2, "Cp": 2.0, "threshold": 0.05},
    {"negatives": "tfn+man"},
    {"max_clusters": 2},
)


@dataclass(frozen=True)
class Space:
    """The axes in their order, the settings that are tried first, and the parameters of the model."""

    axes: Sequence[Axis]
    starters: Sequence[Json]
    given: JsonMapping

    @property
    def defaults(self) -> Json:
        """The default on every axis that counts there."""
        return self.complete({})

    def complete(self, params: JsonMapping) -> Json:
        """Return the value of every axis that counts: the default where ``params`` has none."""
        full: Json = {}
        for axis in self.axes:
            if self.applies(axis, full):
                full[axis.name] = params.get(axis.name, DEFAULT)
        return full

    def applies(self, axis: Axis, params: JsonMapping) -> bool:
        """Whether an axis counts, the values of those before it being known."""
        return axis.when({**self.given, **{n: value for n, value in params.items() if value != DEFAULT}})

    def to_dict(self) -> Json:
        """Return the values by axis, ready for JSON."""
        return {axis.name: list(axis.values) for axis in self.axes}


def make_space(defaults: JsonMapping, *, of_texts: bool, merges: bool = True) -> Space:
    """Return what is varied for a model with these parameters.

    A value that the model has anyway is no other value than its default. With ``of_texts`` features are varied, too;
    without ``merges``, no `arborank.HybridRanker` is tried.
    """
    axes = [
        Axis(axis.name, [value for value in axis.values if value != defaults.get(axis.name)], axis.when)
        for axis in (*(*_OF_FEATURES, *_OF_LABELS) * of_texts, *_OF_SOURCES * merges, *_OF_MODELS)
        if axis not in _OF_MODELS or axis.name in defaults
    ]
    allowed = {axis.name: axis.values for axis in axes}
    starters = [
        params
        for params in _STARTERS
        if all(value in allowed.get(name, ()) for name, value in params.items())
    ]
    return Space(axes, starters, defaults)
