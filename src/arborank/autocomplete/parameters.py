"""What the parameters of a completer may be."""

from collections.abc import Iterator
from typing import Any

from ..core.checks import check_integer, check_real
from ..core.sequences import column_names, described, text_list
from ..linear import XRLinear
from ..matching.combine import COMBINATIONS, is_logarithmic
from .growing import INDICES, REPRESENTATIONS
from .prefixes import LAWS

__all__ = ["check_parameters"]

_BOUNDED = tuple(name for name in COMBINATIONS if name != "noop" and not is_logarithmic(name))  # from 0 to 1


def check_parameters(completer: Any) -> None:
    """Check the parameters of an `Autocompleter`.

    Raises
    ------
    TypeError, ValueError
        If one is of the wrong kind or range; the message names it.
    """
    for name, choices in (("index", INDICES), ("representation", REPRESENTATIONS), ("prefix_law", LAWS)):
        found = getattr(completer, name)
        if found not in choices:
            raise ValueError(f"{name} is {found!r}; expected one of {', '.join(choices)}")
    for name in ("n_previous", "prefixes_per_query", "min_count", "min_users"):
        check_integer(name, getattr(completer, name), 1)
    check_integer("random_state", completer.random_state, 0)
    if completer.depth is not None:
        check_integer("depth", completer.depth, 1)
        if completer.index == "kmeans":
            raise ValueError(f"depth is {completer.depth}, but index 'kmeans' has no levels of characters")
    check_real("prefix_weight", completer.prefix_weight, above=0)
    check_real("decay", completer.decay, above=0, most=1)
    if completer.session_gap is not None:
        check_real("session_gap", completer.session_gap, above=0)
    for name in ("previous_features", "prefix_features"):
        found = getattr(completer, name)
        if found is not None and not _is_vectoriser(found):
            raise TypeError(f"{name} must be a vectoriser as NgramTfidf and PrefixTfidf are, found {found!r}")
    blocklist, model = completer.blocklist, completer.model
    # it is read again and again: an iterator would be empty then
    if isinstance(blocklist, Iterator) or column_names(blocklist) is not None:
        raise TypeError(f"blocklist must be a collection of str, found {described(blocklist)}")
    text_list(blocklist, "blocklist", ordered=False)
    if model is not None and not isinstance(model, XRLinear):
        raise TypeError(f"model must be an XRLinear, found {type(model).__name__}")
    if model is not None and model.combine not in _BOUNDED:
        raise ValueError(
            f"combine of model is {model.combine!r}; scores from 0 to 1 need one of {', '.join(_BOUNDED)}"
        )


def _is_vectoriser(value: Any) -> bool:
    methods = ("fit", "transform", "get_params")
    return not isinstance(value, type) and all(hasattr(value, method) for method in methods)
