"""From pairs to the queries that may be suggested, with what a query log must not give away left out."""

from collections import Counter
from collections.abc import Container, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..core.strings import StringTable
from .catalogue import Catalogue
from .contexts import Context
from .counted import mark_pairs
from .normal import NormalForms, spelling
from .options import CompleterOptions
from .pairs import Pairs
from .phrases import holds_phrase
from .threshold import Threshold

__all__ = ["Instances", "gather"]


@dataclass(frozen=True)
class Instances:
    """What is learned of some pairs: those whose query is kept.

    Attributes
    ----------
    catalogue : Catalogue
        The queries that are kept.
    labels : int64 array
        The query of each pair, by its id.
    contexts : list of tuple of str
        Normal forms of the queries before it, without blocked ones.
    users : list, optional
        Who sent it.
    marks : uint64 array
        One for each pair where ``times`` are known, else a single one for all; see `mark_pairs`.
    times : list of float, optional
        When each was sent; None without users, too.
    places : int64 array
        Where each stands among all pairs.
    """

    catalogue: Catalogue
    labels: NDArray[np.int64]
    contexts: list[Context]
    users: list[Hashable] | None
    marks: NDArray[np.uint64]
    times: list[float] | None
    places: NDArray[np.int64]

    def _at(self, rows: NDArray[np.int64], labels: NDArray[np.int64], catalogue: Catalogue) -> "Instances":
        kept = rows.tolist()
        return Instances(
            catalogue,
            labels[rows],
            [self.contexts[row] for row in kept],
            None if self.users is None else [self.users[row] for row in kept],
            self.marks[:0],
            None if self.times is None else [self.times[row] for row in kept],
            self.places[rows],
        )

    def without(self, held_out: NDArray[np.bool_], threshold: Threshold) -> "Instances | None":
        """Return all but some of the pairs, without marks; None if nothing else was sent often enough."""
        n = len(self.catalogue)
        earlier = ~held_out[self.places]
        rows = np.flatnonzero(earlier)
        users = None if self.users is None else [self.users[row] for row in rows.tolist()]
        kept = threshold.met(self.labels[rows], users, n)
        if not kept.any():
            return None
        labels = np.where(kept, np.cumsum(kept) - 1, -1)[self.labels]
        rows = np.flatnonzero(earlier & (labels >= 0))
        left = self.catalogue.selected(kept)
        counts = np.bincount(labels[rows], minlength=len(left))
        return self._at(rows, labels, left.counting(counts))

    def after(self, pairs: Pairs, n_previous: int, phrases: Sequence[str]) -> "Instances":
        """Return the same with other numbers of queries before each as its context; ``pairs`` are those gathered."""
        before = (pairs.previous[place] for place in self.places.tolist())
        return replace(self, contexts=_open_contexts(before, n_previous, phrases, NormalForms()))

    def latest(self, share: float) -> "Instances":
        """Return the latest share of the pairs, any share where times are not known; the catalogue stays."""
        n = len(self.labels)
        if self.times is None:
            order = np.random.default_rng(0).permutation(n)
        else:
            order = np.argsort(np.array(self.times), kind="stable")
        rows = order[n - max(round(n * share), 1) :]
        return self._at(np.sort(rows), self.labels, self.catalogue)


def gather(
    pairs: Pairs,
    options: CompleterOptions,
    phrases: Sequence[str],
    n_previous: int,
    known: Container[str] | None = None,
) -> Instances:
    """Count queries by their normal form and keep those that are frequent enough and not blocked.

    The text shown for a query is its most frequent spelling, as `spelling` gives it.

    Parameters
    ----------
    pairs : Pairs
    options : CompleterOptions
    phrases : sequence of str
        Normal forms of words and phrases that no query may hold.
    n_previous : int
        How many queries before each are its context.
    known : container of str, optional
        Normal forms of queries that are kept however few sent them. If given, nothing may be left.

    Raises
    ------
    ValueError
        If users are needed but not known, or no query is left.
    """
    if options.min_users > 1 and pairs.users is None:
        raise ValueError(f"min_users is {options.min_users}, so users are needed, one per pair")
    forms = NormalForms()
    spellings: Counter[tuple[str, str]] = Counter()
    numbers: dict[str, int] = {}
    number_of: dict[str, int] = {}
    for query, count in Counter(pairs.queries).items():
        key = forms[query]
        number_of[query] = numbers.setdefault(key, len(numbers))
        spellings[key, spelling(query)] += count
    ids = np.fromiter(map(number_of.__getitem__, pairs.queries), np.int64, len(pairs.queries))
    enough = options.threshold.met(ids, pairs.users, len(numbers))
    names = options.matching.sorted(
        key
        for key, number in numbers.items()
        if key and (enough[number] or (known is not None and key in known)) and not holds_phrase(key, phrases)
    )
    if known is None and not pairs.queries:
        raise ValueError("there is no query to learn from")
    if known is None and not names:
        raise ValueError(
            f"no query is left of {len(numbers)} different ones: min_count={options.min_count}, "
            f"min_users={options.min_users}, {len(phrases)} blocked phrases"
        )
    best: dict[str, tuple[int, str]] = {}
    for (key, shown), count in spellings.items():
        if key not in best or (-count, shown) < best[key]:
            best[key] = (-count, shown)
    texts = [best[name][1] for name in names]
    order = np.array([numbers[name] for name in names], np.int64)
    labels = np.full(len(numbers), -1)
    labels[order] = np.arange(len(order))
    rows = np.flatnonzero(labels[ids] >= 0)
    labels = labels[ids[rows]]
    table = StringTable(names)
    catalogue = Catalogue(
        table,
        table if texts == names else StringTable(texts),
        np.bincount(labels, minlength=len(names)),
        compare=options.matching,
    )
    kept = pairs.selected(rows.tolist())
    known_again = kept.users is not None and kept.times is not None
    return Instances(
        catalogue,
        labels,
        _open_contexts(kept.previous, n_previous, phrases, forms),
        kept.users,
        mark_pairs(kept if known_again else pairs),
        kept.times if known_again else None,
        rows,
    )


def _open_contexts(
    before: Iterable[tuple[str, ...]], n_previous: int, phrases: Sequence[str], forms: NormalForms
) -> list[Context]:
    """Return the normal forms of what came before each query, without what holds one of some phrases."""
    contexts = []
    for previous in before:
        latest = tuple([forms[text] for text in previous[-n_previous:]])
        if "" in latest:  # blank ones do not count
            latest = tuple([key for text in previous if (key := forms[text])][-n_previous:])
        contexts.append(latest)
    if not phrases:
        return contexts
    is_open = {text: not holds_phrase(text, phrases) for text in {t for c in contexts for t in c}}
    return [tuple(filter(is_open.__getitem__, context)) for context in contexts]
