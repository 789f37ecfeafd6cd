"""A log as it happened: its latest part, and each query with what its user had sent before."""

from collections.abc import Hashable, Iterator

import numpy as np

from .history import History
from .pairs import Pairs

__all__ = ["in_order_of_time", "latest"]


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
    histories = {user: History(sent) for user, sent in earlier.items()}
    for row in np.argsort(np.array(times), kind="stable").tolist():
        yield row, histories[users[row]]
        histories[users[row]].add(pairs.queries[row], times[row])
