"""How good completions are on held-out queries, and which evidence earns it."""

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .catalogue import Catalogue
from .history import History
from .normal import normalize
from .pairs import Pairs
from .prefixes import sample_lengths
from .replay import in_order_of_time

if TYPE_CHECKING:
    from .completer import Autocompleter

__all__ = ["Evaluation", "drawn_prefixes", "evaluate"]

_DRAWS = 200  # of users, for an interval
_HALVES = 20  # half-lives in a log, of the counts that age
COUNTED, AGED, OWN = "most frequent", "most frequent lately", "own history first"
WHOLE, NO_CONTEXT, NO_HISTORY, ALONE = "Arborank", "without context", "without history", "without either"


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Where the queries that users sent stood among the completions of a random prefix of each.

    Attributes
    ----------
    places : dict of int64 arrays of shape (n_cases,)
        For every way to complete, the place of the query among its completions, from 1; 0 where it is missing.
    typed : int64 array of shape (n_cases,)
        Number of characters typed.
    lengths : int64 array of shape (n_cases,)
        Length of the query.
    known : bool array of shape (n_cases,)
        Whether the query is in the catalogue.
    users : int64 array of shape (n_cases,)
        Number of the user who sent it, for intervals.
    """

    places: dict[str, NDArray[np.int64]]
    typed: NDArray[np.int64]
    lengths: NDArray[np.int64]
    known: NDArray[np.bool_]
    users: NDArray[np.int64]

    def __len__(self) -> int:
        return self.typed.size

    def reciprocal_ranks(self, name: str) -> NDArray[np.float64]:
        """Return one over each place, 0 where the query is missing."""
        places = self.places[name]
        return np.where(places > 0, 1.0 / np.maximum(places, 1), 0.0)

    def mrr(self, name: str, cases: NDArray[np.bool_] | None = None) -> float:
        """Return the mean reciprocal rank, of some cases; NaN of none."""
        return _mean(self.reciprocal_ranks(name), cases)

    def mrr_of_users(self, name: str) -> float:
        """Return the mean over users of the mean reciprocal rank of each."""
        sizes = np.bincount(self.users)
        return _mean(
            (np.bincount(self.users, self.reciprocal_ranks(name)) / np.maximum(sizes, 1))[sizes > 0], None
        )

    def success(self, name: str, k: int, cases: NDArray[np.bool_] | None = None) -> float:
        """Return the share of queries among the first ``k`` completions."""
        places = self.places[name]
        return _mean(((places > 0) & (places <= k)).astype(np.float64), cases)

    def saved(self, name: str, cases: NDArray[np.bool_] | None = None) -> float:
        """Return the share of a query's characters that need not be typed any more, as it can be chosen."""
        left = (self.lengths - self.typed) / np.maximum(self.lengths, 1)
        return _mean(np.where(self.places[name] > 0, left, 0.0), cases)

    def of_length(self, n: int, and_more: bool = False) -> NDArray[np.bool_]:
        """Return which cases have so many characters typed."""
        return self.typed >= n if and_more else self.typed == n

    @property
    def earned(self) -> dict[str, tuple[str, str]]:
        """What is compared with what to say what a kind of evidence earns, of what was measured."""
        pairs = {
            "over the most frequent": (WHOLE, COUNTED),
            "over own history first": (WHOLE, OWN),
            "context": (WHOLE, NO_CONTEXT),
            "history": (WHOLE, NO_HISTORY),
            "counts that age": (ALONE, COUNTED),
        }
        return {title: pair for title, pair in pairs.items() if set(pair) <= set(self.places)}

    def gain(self, name: str, against: str, level: float = 0.95) -> tuple[float, float, float]:
        """Return what the MRR gains over another way to complete, and a bootstrap interval, users being drawn."""
        values = self.reciprocal_ranks(name) - self.reciprocal_ranks(against)
        sums, sizes = np.bincount(self.users, values), np.bincount(self.users)
        random = np.random.default_rng(0)
        times = random.multinomial(sizes.size, np.full(sizes.size, 1 / sizes.size), _DRAWS)
        low, high = np.quantile(
            times @ sums / np.maximum(times @ sizes, 1), [(1 - level) / 2, (1 + level) / 2]
        )
        return float(values.mean()), float(low), float(high)


def evaluate(
    completer: "Autocompleter",
    learned: Pairs,
    held_out: Pairs,
    *,
    k: int = 10,
    n_cases: int = 20_000,
    random_state: int = 1,
    others: Mapping[str, Callable[[str, Sequence[str]], Sequence[str]]] = MappingProxyType({}),
) -> Evaluation:
    """Complete a random prefix of every held-out query: by counting, by the user's own history, and by a completer.

    Every query counts: one that the completer does not know is missed, unless its user sent it before. The completer
    and the counts learn nothing of the held-out queries; histories hold those that their user sent before.

    Parameters
    ----------
    completer : Autocompleter
        Fitted on ``learned``.
    learned, held_out : Pairs
        Histories need the users and times of both.
    k : int, default 10
        Number of completions.
    n_cases : int, default 20,000
        Of more held-out queries, so many are drawn.
    random_state : int, default 1
        Seed of the prefixes and of that draw.
    others : mapping of str to callable, optional
        Further ways to complete: of a prefix in normal form and the queries before it, normal forms of completions,
        best first.
    """
    wanted = [normalize(query) for query in held_out.queries]
    typed = drawn_prefixes(wanted, n_cases, random_state)
    rows = list(typed)
    places: dict[str, dict[int, int]] = {}

    def note(name: str, row: int, answer: Sequence[str]) -> None:
        found = places.setdefault(name, {})
        found[row] = answer.index(wanted[row]) + 1 if wanted[row] in answer else 0

    catalogue = completer.catalogue_
    with_histories = all(
        part is not None for part in (learned.users, learned.times, held_out.users, held_out.times)
    )
    aged = _aged(catalogue, learned) if with_histories else None
    for row, history in _histories(learned, held_out, with_histories):
        if row not in typed:
            continue
        prefix, previous = typed[row], held_out.previous[row]
        form = catalogue.compare.form(prefix)
        run = catalogue.matching(form)
        counted = catalogue.keys.take(catalogue.frequent(*run, k)) if run[0] < run[1] else []
        note(COUNTED, row, counted)
        if history is not None and aged is not None:
            matching = history.matching(form, history.size, catalogue.compare)
            own = sorted(matching, key=lambda key: history.use(key, 1)[1])
            note(AGED, row, aged(run, k))
            note(OWN, row, list(dict.fromkeys([*own, *counted]))[:k])
        for name, answer in others.items():
            note(name, row, answer(prefix, previous)[:k])
        now = None if held_out.times is None else held_out.times[row]
        for name, found in _completions(completer, prefix, previous, history, now, k):
            note(name, row, [normalize(query) for query, _ in found])
    known = [catalogue.find(wanted[row]) is not None for row in rows]
    numbers: dict[Hashable, int] = {}
    users = held_out.users or list(range(len(wanted)))
    return Evaluation(
        {name: np.array([found[row] for row in rows], np.int64) for name, found in places.items()},
        np.array([len(prefix) for prefix in typed.values()], np.int64),
        np.array([len(wanted[row]) for row in rows], np.int64),
        np.array(known, np.bool_),
        np.array([numbers.setdefault(users[row], len(numbers)) for row in rows], np.int64),
    )


def drawn_prefixes(queries: Sequence[str], n_cases: int = 20_000, random_state: int = 1) -> dict[int, str]:
    """Return what `evaluate` completes: a random prefix of queries in normal form, by their positions."""
    random = np.random.default_rng(random_state)
    rows = [row for row, query in enumerate(queries) if query]
    if len(rows) > n_cases:
        rows = sorted(random.choice(rows, n_cases, replace=False).tolist())
    lengths = sample_lengths([len(queries[row]) for row in rows], "uniform", random).tolist()
    return {row: queries[row][:length] for row, length in zip(rows, lengths, strict=True)}


def _histories(learned: Pairs, held_out: Pairs, with_histories: bool) -> Iterator[tuple[int, History | None]]:
    if with_histories:
        yield from in_order_of_time(learned, held_out)
    else:
        yield from ((row, None) for row in range(len(held_out.queries)))


def _completions(
    completer: "Autocompleter",
    prefix: str,
    previous: Sequence[str],
    history: History | None,
    now: float | None,
    k: int,
) -> Iterator[tuple[str, list[tuple[str, float]]]]:
    """Complete with all that is known, and without each kind of evidence."""
    yield WHOLE, completer.complete(prefix, previous, k, history=history, now=now)
    yield NO_CONTEXT, completer.complete(prefix, (), k, history=history, now=now)
    if history is not None:
        yield NO_HISTORY, completer.complete(prefix, previous, k, now=now)
        yield ALONE, completer.complete(prefix, (), k, now=now)


def _aged(catalogue: Catalogue, learned: Pairs) -> Callable[[tuple[int, int], int], list[str]]:
    """Return the most frequent queries of a run where the count of an older sending is less."""
    times = np.array(learned.times)
    span = max(float(np.ptp(times)), 1e-9)
    weights = 0.5 ** ((times.max() - times) / (span / _HALVES))
    labels = np.array(
        [-1 if (found := catalogue.find(query)) is None else found for query in learned.queries]
    )
    counts = np.bincount(labels[labels >= 0], weights[labels >= 0], minlength=len(catalogue))

    @lru_cache(maxsize=4096)
    def best(run: tuple[int, int], k: int) -> list[str]:
        order = np.argsort(-counts[slice(*run)], kind="stable")[:k]
        return catalogue.keys.take((run[0] + order).tolist())

    return best


def _mean(values: NDArray[np.float64], cases: NDArray[np.bool_] | None) -> float:
    chosen = values if cases is None else values[cases]
    return float(chosen.mean()) if chosen.size else float("nan")
