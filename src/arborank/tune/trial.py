"""One setting tried: what it is worth on samples of the data, with every way to search the tree that it made."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from time import perf_counter
from typing import Any, Self

import numpy as np

from ..analysis.compression import model_bytes
from ..core.types import Json, JsonMapping
from ..hybrid import HybridRanker
from ..linear.defaults import search_of
from ..metrics import evaluate
from .options import cut_of
from .space import BEAMS, COMBINES, searches_in_training
from .tasks import Fit, Lesson

__all__ = ["SHOWN", "Outcome", "Trial", "Variant", "try_on"]

SHOWN = ("precision@1", "precision@5")
"""What is measured beside the metric of the search."""

_TIMED = 200  # queries
_K = 10  # answers to each


@dataclass(frozen=True)
class Variant:
    """A way to search the tree.

    Attributes
    ----------
    search : dict
        ``beam_size`` and ``combine`` if they are not as the setting has them.
    quality : dict of str to float
        By metric, from 0 to 1.
    microseconds : float
        Median time of a query on one thread, features included.
    """

    search: Json
    quality: Mapping[str, float]
    microseconds: float


@dataclass(frozen=True)
class Outcome:
    """What came of a setting on a sample.

    Attributes
    ----------
    seconds : float
        Of training and of asking.
    n_bytes : int
        Size of the ranker.
    variants : sequence of Variant
        The first is the setting as it is.
    chosen : dict
        What the data chose for parameters that are ``"auto"``.
    """

    seconds: float
    n_bytes: int
    variants: Sequence[Variant]
    chosen: Json = field(default_factory=dict)

    @classmethod
    def from_dict(cls, found: JsonMapping) -> Self:
        """Return what `to_dict` of it gave."""
        return cls(**{**found, "variants": [Variant(**one) for one in found["variants"]]})


@dataclass
class Trial:
    """A setting, and what came of it so far.

    Attributes
    ----------
    number : int
        From 0, which are the defaults.
    params : dict
        Values by axis.
    outcomes : dict of int to Outcome
        By sample, the smallest is 0.
    failure : str or None
        Why it cannot be trained.
    """

    number: int
    params: Json
    outcomes: dict[int, Outcome] = field(default_factory=dict)
    failure: str | None = None

    def to_dict(self) -> Json:
        """Return the trial as JSON values."""
        outcomes = {str(rung): asdict(outcome) for rung, outcome in self.outcomes.items()}
        return {"params": self.params, "outcomes": outcomes, "failure": self.failure}

    @classmethod
    def from_dict(cls, number: int, found: JsonMapping) -> Self:
        """Return what `to_dict` of it gave."""
        outcomes = {int(rung): Outcome.from_dict(one) for rung, one in found["outcomes"].items()}
        return cls(number, dict(found["params"]), outcomes, found["failure"])

    @property
    def highest(self) -> int:
        """The largest sample that it was tried on; -1 before the first."""
        return max(self.outcomes, default=-1)


def try_on(lesson: Lesson, params: JsonMapping, metric: str) -> Outcome:
    """Train on a sample with these values, ask about what is held out, and measure.

    Raises
    ------
    ValueError, MemoryError
        If these values cannot be trained on it.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of settings that nobody has asked for
        fit = lesson.fit(params)
        start = perf_counter()
        variants = list(_variants(fit, metric))
        seconds = fit.seconds + perf_counter() - start
    return Outcome(seconds, model_bytes(fit.ranker), variants, fit.chosen)


def _variants(fit: Fit, metric: str) -> Iterator[Variant]:
    """Yield the setting as it is, then with other combinations, then the best of these with other beams."""
    best = first = _measured(fit, {}, metric)
    own_beam, own_combine = search_of(fit.tree)
    yield first
    if isinstance(fit.model, HybridRanker) or searches_in_training(vars(fit.model)):
        return
    for combine in COMBINES:
        if combine != own_combine:
            variant = _measured(fit, {"combine": combine}, metric)
            best = max(best, variant, key=lambda one: one.quality[metric])
            yield variant
    for beam_size in BEAMS:
        if beam_size != own_beam:
            yield _measured(fit, {**best.search, "beam_size": beam_size}, metric)


def _measured(fit: Fit, search: Json, metric: str) -> Variant:
    names = dict.fromkeys((metric, *SHOWN))
    cuts = sorted({cut_of("metric", name) for name in names})
    ids = fit.answers(cuts[-1], search)
    known = fit.tree.label_counts_
    counts = np.zeros(fit.truth.shape[1], np.int64)
    counts[: known.size] = known
    report = evaluate(fit.truth, ids, cuts, train_counts=counts, n_train=fit.n_instances)
    quality = {name: report.metrics[name] for name in names}
    return Variant(search, quality, _microseconds(fit, search))


def _microseconds(fit: Fit, search: Mapping[str, Any]) -> float:
    single, n = fit.single_threaded(), len(fit.queries)
    times = []
    for place in np.linspace(0, n - 1, min(n, _TIMED)).astype(np.int64).tolist():
        start = perf_counter()
        single.predict_topk(fit.queries[place], _K, **search)
        times.append(perf_counter() - start)
    return 1e6 * float(np.median(times))
