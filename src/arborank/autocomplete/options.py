"""The parameters of a completer: names, defaults and bounds."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from ..core.options import Options, flag, integer, one_of, option, optional, real
from ..core.sequences import column_names, described, text_list
from ..core.threads import n_threads
from ..features.base import TextTransformer
from ..linear import XRLinear
from ..linear.defaults import AUTO
from ..matching.combine import COMBINATIONS, is_logarithmic
from .matching import Fold, Matching, check_folds
from .prefixes import LAWS
from .threshold import Threshold

__all__ = ["CompleterOptions", "Index", "Representation"]

Index = Literal["hybrid", "trie", "mustlink", "kmeans"]
Representation = Literal["pifa", "names", "pifa-names"]

_BOUNDED = tuple(name for name in COMBINATIONS if name != "noop" and not is_logarithmic(name))  # from 0 to 1


def _vectorizer(name: str, value: Any) -> None:
    methods = ("fit", "transform", "get_params")
    if value is not None and (
        isinstance(value, type) or not all(hasattr(value, method) for method in methods)
    ):
        raise TypeError(f"{name} must be a vectoriser as NgramTfidf and PrefixTfidf are, found {value!r}")


def _linear(name: str, value: Any) -> None:
    if value is not None and not isinstance(value, XRLinear):
        raise TypeError(f"{name} must be an XRLinear, found {type(value).__name__}")
    if value is not None and value.combine not in (*_BOUNDED, AUTO):
        raise ValueError(
            f"combine of {name} is {value.combine!r}; scores from 0 to 1 need one of {', '.join(_BOUNDED)}"
        )


def _texts(name: str, value: Any) -> None:
    # it is read again and again: an iterator would be empty then
    if isinstance(value, Iterator) or column_names(value) is not None:
        raise TypeError(f"{name} must be a collection of str, found {described(value)}")
    text_list(value, name, ordered=False)


@dataclass(frozen=True)
class CompleterOptions(Options):
    """The parameters of `Autocompleter`, which describes them."""

    index: Index = option("hybrid", one_of(("hybrid", "trie", "mustlink", "kmeans")))
    depth: int | None = option(None, optional(integer(1)))
    representation: Representation = option("pifa", one_of(("pifa", "names", "pifa-names")))
    model: XRLinear | None = option(None, _linear)
    previous_features: TextTransformer | None = option(None, _vectorizer)
    prefix_features: TextTransformer | None = option(None, _vectorizer)
    prefix_weight: float = option(0.1, real(above=0))
    n_previous: int | None = option(None, optional(integer(1)))
    decay: float = option(0.7, real(above=0, most=1))
    prefix_law: Literal["uniform", "reciprocal"] = option("uniform", one_of(LAWS))
    prefixes_per_query: int = option(1, integer(1))
    min_count: int = option(1, integer(1))
    min_users: int = option(1, integer(1))
    blocklist: Collection[str] = option((), _texts)
    fold: Collection[Fold] = option((), check_folds)
    infix: bool = option(False, flag())
    typos: int = option(1, integer(1, 2))
    session_gap: float | None = option(1800.0, optional(real(above=0)))
    random_state: int = option(0, integer(0))
    n_jobs: int | None = option(None, lambda _, value: n_threads(value))
    verbose: int = option(0, lambda _, value: bool(value))

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.index == "kmeans" and self.depth is not None:
            raise ValueError(f"depth is {self.depth}, but index 'kmeans' has no levels of characters")

    @property
    def threshold(self) -> Threshold:
        """When a query, a context or a word is learned."""
        return Threshold(self.min_count, self.min_users)

    @property
    def matching(self) -> Matching:
        """How prefixes are compared with queries."""
        return Matching.of(self.fold, self.infix)

    @property
    def n_threads(self) -> int:
        """Threads as native code takes them: 0 for every core."""
        return n_threads(self.n_jobs)
