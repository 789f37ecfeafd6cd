"""The queries that can be suggested: sorted, so that those with a common prefix are neighbours, with their counts."""

import reprlib
from collections.abc import Collection, Iterable, Sequence
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from .._native import Frequencies
from ..core.checks import IGNORE_MISSING, Missing, check_flag
from ..core.remembered import Remembered
from ..core.sequences import text_list
from ..core.state import State
from ..core.strings import StringTable, find_all, shown_first
from .aged import AgedCounts
from .infix import WordStarts
from .matches import Matches
from .matching import PLAIN, Matching, check_folds
from .normal import normalize
from .phrases import holds_phrase, normal_phrases

__all__ = ["Catalogue"]

_MANY = 1000  # queries that match a prefix which is remembered
_KEPT = 4  # ids that are remembered, for each query
_REMEMBERED = 4096  # queries whose place is kept for the next keystroke
_MOST_SENT = 2**63 - 1  # of all queries


class Catalogue:
    """Queries in code point order of the form that they are matched by; a query's position is its label id.

    Parameters
    ----------
    keys : StringTable
        Normal forms, in the order of `Matching.sorted`, without duplicates.
    texts : StringTable
        What is shown for each.
    counts : int64 array of shape (n_queries,)
        How often each was sent.
    blocked : int32 array, optional
        Ids that are never to be suggested, ascending.
    phrases : iterable of str, optional
        Normal forms of the words and phrases that `blocking` was given.
    aged : AgedCounts, optional
        How often each was sent lately, where times are known.
    compare : Matching, optional
        How prefixes are compared with queries; by default by normal forms.

    Attributes
    ----------
    forms : StringTable
        What prefixes are compared with, ascending.
    """

    def __init__(
        self,
        keys: StringTable,
        texts: StringTable,
        counts: NDArray[np.int64],
        blocked: NDArray[np.int32] | None = None,
        phrases: Iterable[str] = (),
        aged: AgedCounts | None = None,
        compare: Matching = PLAIN,
        forms: StringTable | None = None,
        starts: WordStarts | None = None,
    ) -> None:
        blocked = np.array([], dtype=np.int32) if blocked is None else blocked
        if not len(keys) == len(texts) == counts.size:
            raise ValueError(f"{len(keys)} keys, {len(texts)} texts and {counts.size} counts do not fit")
        self.keys = keys
        self.texts = texts
        self.counts = counts
        self.blocked = blocked
        self.phrases = tuple(phrases)
        if aged is not None and aged.values.shape[1] != counts.size:
            raise ValueError(f"{counts.size} counts and {aged.values.shape[1]} that age do not fit")
        self.aged = aged
        self.compare = compare
        if forms is None:
            forms = StringTable(map(compare.form, keys)) if compare.fold else keys
        if len(forms) != len(keys):
            raise ValueError(f"{len(keys)} keys and {len(forms)} forms do not fit")
        self.forms = forms
        if starts is not None:
            self.starts = starts
        self._many: dict[str, Matches] = {}  # of prefixes that very many queries match
        self._places: Remembered[str, int] = Remembered(_REMEMBERED)  # of queries that were looked up

    def __len__(self) -> int:
        return len(self.keys)

    def __repr__(self) -> str:
        return shown_first("Catalogue", self.texts[:3], len(self), "queries")

    @cached_property
    def longest(self) -> int:
        """Length of the longest form in bytes."""
        return int(self.forms.lengths().max(initial=0))

    def matching(self, prefix: str, within: tuple[int, int] | None = None) -> tuple[int, int]:
        """Return the ids, from the first to behind the last, of queries whose form begins with that of a prefix.

        Parameters
        ----------
        prefix : str
        within : (int, int), optional
            Range of ids to search: that of a shorter prefix, if known.
        """
        start = prefix.encode()
        if len(start) > self.longest:
            return 0, 0
        return self.forms.starting(start, *within) if within else self.forms.starting(start)

    @cached_property
    def starts(self) -> WordStarts:
        """Where the words of queries begin, for prefixes of any word."""
        return WordStarts.of(self.forms)

    def matches(self, prefix: str, only: NDArray[np.int64] | None = None) -> Matches:
        """Return the queries that match the form of a prefix; ``only`` are ids, ascending, that may."""
        if not self.compare.infix or not prefix:
            found = Matches(self, self.matching(prefix))
        elif (known := self._many.get(prefix)) is not None:
            found = known
        else:
            every = self.starts.matching(self.forms, prefix)
            found = Matches(self, (0, len(self)), every)
            if every.size > _MANY and every.size + sum(map(len, self._many.values())) <= _KEPT * len(self):
                self._many[prefix] = found
        return found if only is None else found.among(only)

    def find(self, text: str) -> int | None:
        """Return the id of a query, or None."""
        return self.find_key(normalize(text))

    def find_key(self, key: str) -> int | None:
        """Return the id of the query with a normal form, or None."""
        if (known := self._places.get(key)) is not None:
            return known
        form = self.compare.form(key)
        place, end = self.matching(form)
        while place < end and self.forms[place] == form:
            if self.keys[place] == key:
                self._places[key] = place
                return place
            place += 1
        return None

    def find_all(self, name: str, queries: Iterable[str], missing: Missing | None = None) -> list[int]:
        """Return the ids of queries that are known; unknown ones are left out if ``missing`` is ``"ignore"``.

        Raises
        ------
        TypeError, ValueError
            If one is not a str, or unknown; the message has ``name``, the argument that they came in.
        """
        wanted = text_list(queries, name, ordered=False)
        if missing == "ignore":
            wanted = [query for query in wanted if self.find(query) is not None]
        remedies = [IGNORE_MISSING] if missing == "error" else []
        return find_all(name, wanted, self.find, "which this completer does not know", *remedies)

    def frequent(self, first: int, end: int, k: int) -> list[int]:
        """Return the ids of the ``k`` most frequent queries of a range that are not blocked; among equals in order."""
        return self.sent.top(first, end, k)

    def lately(self, first: int, end: int, k: int) -> list[int]:
        """Return the ids of those that were sent most often lately; none where times are not known."""
        return self.sent.lately(first, end, k)

    @cached_property
    def sent(self) -> Frequencies:
        """How often the queries were sent, for native code."""
        aged = np.zeros((0, self.counts.size)) if self.aged is None else self.aged.values
        return Frequencies(self.counts, self.blocked, aged)

    def __reduce__(self) -> tuple[Any, ...]:
        return Catalogue, tuple(self._parts().values())

    def _parts(self) -> dict[str, Any]:
        """Return what it is made of, by the names of the parameters and in their order."""
        names = ("keys", "texts", "counts", "blocked", "phrases", "aged", "compare", "forms")
        return {name: getattr(self, name) for name in names} | {"starts": vars(self).get("starts")}

    def counting(self, counts: NDArray[np.int64], aged: AgedCounts | None = None) -> "Catalogue":
        """Return a catalogue of the same queries with other counts."""
        return Catalogue(**{**self._parts(), "counts": counts, "aged": aged})

    def blocking(self, phrases: Iterable[str]) -> "Catalogue":
        """Return a catalogue in which queries that contain one of some words or phrases are blocked, too."""
        wanted = normal_phrases([*self.phrases, *phrases])
        blocked = np.union1d(self.blocked, self.holding(wanted)).astype(np.int32)
        return Catalogue(**{**self._parts(), "blocked": blocked, "phrases": wanted})

    def holding(self, phrases: Sequence[str]) -> NDArray[np.int32]:
        """Return the ids of the queries that hold one of some normal forms, ascending."""
        found = [i for i, key in enumerate(self.keys) if holds_phrase(key, phrases)] if phrases else []
        return np.array(found, np.int32)

    def selected(self, kept: NDArray[np.bool_]) -> "Catalogue":
        """Return the queries where ``kept``, of shape (n_queries,), is true, renumbered in their order."""
        keys = self.keys.selected(kept)
        texts = keys if self.texts is self.keys else self.texts.selected(kept)
        blocked = np.cumsum(kept)[self.blocked[kept[self.blocked]]] - 1
        aged = None if self.aged is None else self.aged.selected(kept)
        forms = keys if self.forms is self.keys else self.forms.selected(kept)
        return Catalogue(
            keys, texts, self.counts[kept], blocked.astype(np.int32), self.phrases, aged, self.compare, forms
        )

    def merged(
        self, newer: "Catalogue", renamed: Collection[str]
    ) -> tuple["Catalogue", NDArray[np.int64], NDArray[np.int64]]:
        """Add the queries of a newer log.

        Parameters
        ----------
        newer : Catalogue
            Counts of queries that are in both add up.
        renamed : collection of str
            Normal forms of queries that are shown in the newer log's spelling; the others keep theirs.

        Returns
        -------
        catalogue : Catalogue
        own, others : int64 arrays
            The id there of each of this catalogue's queries, and of each of the newer one's.
        """
        old, new = list(self.keys), list(newer.keys)
        keys = self.compare.sorted({*old, *new})
        ids = dict(zip(keys, range(len(keys)), strict=True))
        own, others = (np.array([ids[key] for key in part], np.int64) for part in (old, new))
        texts = dict(zip(new, newer.texts, strict=True))
        texts |= {
            key: text
            for key, text in zip(old, self.texts, strict=True)
            if key not in texts or key not in renamed
        }
        counts = np.zeros(len(keys), np.int64)
        counts[own] += self.counts
        counts[others] += newer.counts
        table, shown = StringTable(keys), [texts[key] for key in keys]
        aged = self.aged
        if aged is not None:
            sent_now = AgedCounts(np.tile(newer.counts * 1.0, (2, 1)), aged.half_lives, aged.at)
            aged = aged.merged(newer.aged or sent_now, own, others, len(keys))
        catalogue = Catalogue(
            table,
            table if shown == keys else StringTable(shown),
            counts,
            np.sort(own[self.blocked]).astype(np.int32),
            self.phrases,
            aged,
            self.compare,
        )
        return catalogue, own, others

    def to_state(self) -> State:
        """Return what is saved."""
        parts: dict[str, StringTable | AgedCounts] = {"keys": self.keys}
        if self.forms is not self.keys:
            parts["forms"] = self.forms
        if self.texts is not self.keys:
            parts["texts"] = self.texts
        if self.aged is not None:
            parts["aged"] = self.aged
        compare = self.compare
        config = {"phrases": list(self.phrases), "fold": list(compare.fold), "infix": compare.infix}
        arrays: dict[str, NDArray[Any]] = {"counts": self.counts, "blocked": self.blocked}
        if compare.infix:
            arrays |= self.starts.to_arrays()
        return State(config, arrays, parts)

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Restore saved queries.

        Raises
        ------
        ValueError
            If counts are not a vector of int64 from 0 on, one per query, or ids of blocked queries not int32, ascending
            and in range.
        """
        keys = state.part("keys", StringTable)
        counts, blocked = state.vector("counts", np.int64), state.vector("blocked", np.int32)
        if counts.size == 0 or counts.min() < 0 or counts.max() > _MOST_SENT // counts.size:
            raise ValueError(
                f"counts must hold a number from 0 to 2^63 / {counts.size} a query, and one at least"
            )
        if blocked.size and not (
            blocked[0] >= 0 and blocked[-1] < len(keys) and (blocked[1:] > blocked[:-1]).all()
        ):
            raise ValueError(f"blocked must hold ascending ids from 0 to {len(keys) - 1}")
        texts = state.part("texts", StringTable) if "texts" in state.parts else keys
        phrases = state.config["phrases"]
        if not isinstance(phrases, list) or not all(isinstance(phrase, str) for phrase in phrases):
            raise ValueError(f"phrases must be a list of str, found {reprlib.repr(phrases)}")
        aged = state.part("aged", AgedCounts) if "aged" in state.parts else None
        check_folds("fold", fold := state.config["fold"])
        check_flag("infix", infix := state.config["infix"])
        forms = state.part("forms", StringTable) if fold else keys
        starts = WordStarts.from_state(state, len(keys)) if infix else None
        return cls(keys, texts, counts, blocked, phrases, aged, Matching.of(fold, infix), forms, starts)
