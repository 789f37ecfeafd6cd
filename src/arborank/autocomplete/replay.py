"""A log as it happened: its latest part, and each query with what its user had sent before."""

from collections.abc import Hashable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import itemgetter
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..core.estimator import clone
from ..core.figures import Cells, Tabled, new_figure
from .history import SIZE, History
from .normal import normalize
from .pairs import Pairs
from .prefixes import sample_lengths

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from .completer import Autocompleter

__all__ = ["Replay", "in_order_of_time", "latest", "replayed"]

_time = itemgetter(1)


@dataclass(frozen=True, eq=False)
class Replay(Tabled):
    """What completions of a log were worth over time, by how often the completer was updated.

    Attributes
    ----------
    times : float64 array of shape (n_queries,)
    ranks : dict of str to float64 arrays of shape (n_queries,)
        By way of updating: one over the place of each query among the completions; see `replayed`.
    n_parts : int, default 10
        How many spans of equal length the time is cut into.
    """

    times: NDArray[np.float64]
    ranks: dict[str, NDArray[np.float64]]
    n_parts: int = 10

    def spans(self) -> Iterator[tuple[float, int, dict[str, float]]]:
        """Return the start of each span that has queries, their number and the mean reciprocal rank by way."""
        bounds = np.linspace(self.times.min(), self.times.max(), self.n_parts + 1)
        part = np.clip(np.searchsorted(bounds, self.times, side="right") - 1, 0, self.n_parts - 1)
        for number in np.unique(part).tolist():
            held = part == number
            means = {way: float(ranks[held].mean()) for way, ranks in self.ranks.items()}
            yield float(bounds[number]), int(held.sum()), means

    def tables(self) -> list[Cells]:
        """Return a row a span: when it begins, queries, mean reciprocal ranks."""
        rows: list[list[object]] = [["from (UTC)", "queries", *self.ranks]]
        for start, n, means in self.spans():
            told = datetime.fromtimestamp(start, UTC)
            rows.append([f"{told:%Y-%m-%d %H:%M}", f"{n:,}", *(f"{value:.4f}" for value in means.values())])
        return [rows]

    def plot(self) -> "Figure":
        """Draw the mean reciprocal rank over time, a line a way of updating; ``ImportError`` without matplotlib."""
        figure = new_figure(7, 4)
        axes, spans = figure.add_subplot(), list(self.spans())
        times = np.array([start for start, _, _ in spans]).astype("datetime64[s]")
        for way in self.ranks:
            axes.plot(times, [means[way] for *_, means in spans], "o-", markersize=4, linewidth=1, label=way)
        axes.set_ylabel("mean reciprocal rank")
        axes.legend(title="updates", fontsize=8)
        axes.grid(alpha=0.3)
        figure.autofmt_xdate()
        return figure


def latest(pairs: Pairs, share: float) -> tuple[Pairs, Pairs]:
    """Split pairs by their times: all but the latest share of them, and these.

    Raises
    ------
    ValueError
        If one side would be empty.
    """
    n = len(pairs.queries)
    n_latest = round(n * share)
    if not 0 < n_latest < n:
        raise ValueError(
            f"{share:g} of {n} queries leaves {n - n_latest} to learn from and {n_latest} to test on"
        )
    order = np.argsort(np.array(pairs.times), kind="stable").tolist()
    return pairs.selected(sorted(order[: n - n_latest])), pairs.selected(sorted(order[n - n_latest :]))


def in_order_of_time(learned: Pairs, pairs: Pairs) -> Iterator[tuple[int, History]]:
    """Return the pairs in the order of their times, each with what its user had sent before.

    The history is one object a user, which holds the query itself, too, from the next step on.
    """
    users, times = pairs.users or (), pairs.times or ()
    earlier: dict[Hashable, list[tuple[str, float]]] = {user: [] for user in users}
    for user, query, time in zip(learned.users or (), learned.queries, learned.times or (), strict=True):
        if user in earlier:
            earlier[user].append((query, time))
    histories = {user: History(sorted(sent, key=_time)[-SIZE:]) for user, sent in earlier.items()}
    for row in np.argsort(np.array(times), kind="stable").tolist():
        yield row, histories[users[row]]
        histories[users[row]].add(pairs.queries[row], times[row])


def replayed(
    completer: "Autocompleter",
    learned: Pairs,
    coming: Pairs,
    every: float | None,
    *,
    refit: bool = False,
    k: int = 10,
    random_state: int = 1,
) -> NDArray[np.float64]:
    """Feed queries to a completer in the order of their times, and update it every so often.

    A random prefix of every query is completed, with the queries before it and the user's history, by what the
    completer knew when it was last updated.

    Parameters
    ----------
    completer : Autocompleter
        Fitted on ``learned``; it is not changed.
    learned, coming : Pairs
        With users and times.
    every : float or None
        Seconds between updates, at full multiples of that time; None for no updates. Queries that a completer cannot
        learn, because no known one is among them, are learned with those of the next update.
    refit : bool, default False
        Whether it is fitted again on all that was sent before, instead of being updated.
    k : int, default 10
        Number of completions.
    random_state : int, default 1
        Seed of the prefixes.

    Returns
    -------
    float64 array of shape (n_queries,)
        One over the place of each query among the completions, 0 where it is missing.
    """
    wanted = [normalize(query) for query in coming.queries]
    random = np.random.default_rng(random_state)
    lengths = sample_lengths([max(len(query), 1) for query in wanted], "uniform", random).tolist()
    times = coming.times or []
    ranks = np.zeros(len(wanted))
    waiting: list[int] = []
    for row, history in in_order_of_time(learned, coming):
        if every is not None and waiting and times[row] // every > times[waiting[-1]] // every:
            part = coming.selected(waiting)
            if refit:
                sent = learned.joined(part)
                completer = clone(completer).fit_pairs(*sent[:2], users=sent.users, times=sent.times)
            else:
                with suppress(ValueError):
                    completer = completer.update_pairs(*part[:2], users=part.users, times=part.times)
                    waiting = []
        prefix, previous = wanted[row][: lengths[row]], coming.previous[row]
        found = completer.complete(prefix, previous, k, history=history, now=times[row])
        texts = [normalize(query) for query, _ in found]
        if wanted[row] in texts:
            ranks[row] = 1 / (texts.index(wanted[row]) + 1)
        waiting.append(row)
    return ranks
