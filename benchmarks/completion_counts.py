"""Completions by counting: what followed the previous query, then what is frequent."""

import heapq
from bisect import bisect_left
from collections import Counter, defaultdict

from arborank.autocomplete.normal import normalize


def answers(
    train: list, previous: list, prefixes: list[str], wanted: list[str] | None, k: int
) -> list[list[str]]:
    """Rank by how often a query followed the last previous one, then by how often it was sent.

    With ``wanted``, the test pairs are counted as well: no ranking that sees the previous query and the prefix only can
    do much better on them.
    """
    pairs = [(before[-1] if before else "", query) for before, query in train]
    if wanted is not None:
        pairs += [
            (before[-1] if before else "", query) for before, query in zip(previous, wanted, strict=True)
        ]
    forms: dict[str, str] = {}
    counts: Counter[str] = Counter()
    following: dict[str, Counter[str]] = defaultdict(Counter)
    for before, query in pairs:
        for text in (before, query):
            if text not in forms:
                forms[text] = normalize(text)
        counts[forms[query]] += 1
        following[forms[before]][forms[query]] += 1
    keys = sorted(counts)
    frequent: dict[str, list[str]] = {}
    lists = []
    for before, prefix in zip(previous, prefixes, strict=True):
        after = following.get(normalize(before[-1]) if before else "", Counter())
        fit = sorted((q for q in after if q.startswith(prefix)), key=lambda q: (-after[q], -counts[q]))[:k]
        if prefix not in frequent:
            run = keys[bisect_left(keys, prefix) : bisect_left(keys, prefix + chr(0x10FFFF))]
            frequent[prefix] = heapq.nlargest(2 * k, run, key=counts.__getitem__)
        lists.append(list(dict.fromkeys([*fit, *frequent[prefix]]))[:k])
    return lists
