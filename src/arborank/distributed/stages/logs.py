"""From shards of a query log, each with all that its users sent, to pairs, and to how often queries were sent."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from ...autocomplete import Pairs, read_log, session_pairs
from ...autocomplete.normal import normalize
from ...core.types import AnyArray
from ..pieces import packed, unpacked
from ..shards import local_copy
from ..work import Done, Task, Work

__all__ = ["count_queries", "pair_queries", "pairs_from"]


def pair_queries(work: Work, task: Task, n_threads: int) -> Done:
    """Pair the queries of a shard with those before them."""
    args = task.arguments
    with local_copy(args["shard"]) as path:
        rows = read_log(path, time_unit=args["time_unit"])
    if not rows:
        raise ValueError(f"{args['shard']} holds no row")
    pairs = session_pairs(rows, n_previous=args["n_previous"], session_gap=args["session_gap"])
    users = sorted({row.session if row.user is None else row.user for row in rows})
    numbers = {user: number for number, user in enumerate(users)}
    before = [query for entry in pairs.previous for query in entry]
    arrays: dict[str, AnyArray] = {
        **packed(pairs.queries, "query"),
        **packed(before, "previous"),
        **packed(users, "user"),
        "previous_counts": np.array([len(entry) for entry in pairs.previous], np.int32),
        "users": np.array([numbers[str(user)] for user in pairs.users or ()], np.int32),
        "times": np.array(pairs.times or (), np.float64),
    }
    return work.keep(task, [arrays], {"pairs": len(pairs.queries), "users": len(users)})


def pairs_from(work: Work, files: Sequence[str]) -> Pairs:
    """Return the pairs of all shards, in their order."""
    whole = Pairs([], [], [], [])
    for file in files:
        arrays = work.arrays(file)
        before = unpacked(arrays, "previous")
        ends = np.cumsum(arrays["previous_counts"]).tolist()
        whole.previous.extend(tuple(before[a:b]) for a, b in zip([0, *ends[:-1]], ends, strict=True))
        whole.queries.extend(unpacked(arrays, "query"))
        users = unpacked(arrays, "user")
        assert whole.users is not None
        assert whole.times is not None
        whole.users.extend(users[i] for i in arrays["users"].tolist())
        whole.times.extend(arrays["times"].tolist())
    return whole


def count_queries(work: Work, task: Task, n_threads: int) -> Done:
    """Count the queries of a shard: as terms, for `merge_counts` to add up.

    A term is a query in normal form, a zero byte, and a spelling of it. The users who sent a query stand with the first
    of its spellings, so that they count once.
    """
    arrays = work.arrays(task.arguments["pairs"])
    users: dict[str, set[int]] = {}
    counts: Counter[tuple[str, str]] = Counter()
    for query, user in zip(unpacked(arrays, "query"), arrays["users"].tolist(), strict=True):
        key = normalize(query)
        counts[key, query] += 1
        users.setdefault(key, set()).add(user)
    ordered = sorted(counts, key=lambda term: "\0".join(term).encode("utf-8", "surrogatepass"))
    terms = packed(["\0".join(term) for term in ordered], "term")
    first = [users.pop(key, ()) for key, _ in ordered]
    named: dict[str, AnyArray] = {
        "terms0": terms["term_bytes"],
        "offsets0": terms["term_offsets"],
        "df0": np.array([len(own) for own in first], np.int64),
        "tf0": np.array([counts[term] for term in ordered], np.int64),
    }
    return work.keep(task, [named], {"terms": len(ordered)})
