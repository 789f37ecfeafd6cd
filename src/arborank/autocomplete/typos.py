"""Which queries begin with something one typo away from a prefix."""

from .catalogue import Catalogue

__all__ = ["one_edit_ranges"]

_SHORTEST = 3
_LONGEST = 64
_MOST = 4096


def one_edit_ranges(catalogue: Catalogue, prefix: str) -> list[tuple[int, int]]:
    """Return the id ranges of queries that begin with a prefix changed in one place.

    The change is an extra, missing or wrong character, or two neighbours swapped (Damerau 1964). The first character is
    taken to be right, as are prefixes of fewer than 3 or more than 64 code points. Ranges are cut short at 4096 queries
    in all.

    Parameters
    ----------
    catalogue : Catalogue
    prefix : str
        A form.

    Returns
    -------
    list of (first, end), ascending, not empty and without overlap
    """
    n = len(prefix)
    if not _SHORTEST <= n <= _LONGEST:
        return []
    found = set()
    run = catalogue.matching(prefix[:1])
    for i in range(1, n):
        head, tail = prefix[:i], prefix[i:]
        if run[0] == run[1]:
            break  # nothing begins so, with whatever behind it
        variants = [(head + tail[1:], run)]
        if len(tail) > 1:
            variants.append((head + tail[1] + tail[0] + tail[2:], run))
        for other, its_run in _next_characters(catalogue, head, *run):
            if other == tail[0]:
                run = its_run
            else:
                variants += [(head + other + tail[1:], its_run), (head + other + tail, its_run)]
        found |= {catalogue.matching(variant, within) for variant, within in variants if variant != prefix}
        if not catalogue.forms[run[0]].startswith(prefix[: i + 1]):
            break
    return _without(sorted(found), catalogue.matching(prefix))


def _without(runs: list[tuple[int, int]], own: tuple[int, int]) -> list[tuple[int, int]]:
    """Drop what is in an earlier run or in the run of the prefix itself; keep so many queries at most."""
    kept: list[tuple[int, int]] = []
    left, behind = _MOST, 0
    for first, end in runs:
        for begin, stop in ((first, min(end, own[0])), (max(first, own[1]), end)):
            begin = max(begin, behind)
            stop = min(stop, begin + left)
            if begin < stop:
                kept.append((begin, stop))
                left -= stop - begin
        behind = max(behind, end)
    return kept


def _next_characters(
    catalogue: Catalogue, head: str, first: int, end: int
) -> list[tuple[str, tuple[int, int]]]:
    """Return the characters that follow a beginning, each with its run of queries, by leaps from run to run."""
    found = []
    while first < end:
        key = catalogue.forms[first]
        if len(key) <= len(head):  # less only in a damaged table
            first += 1
            continue
        longer = key[: len(head) + 1]
        _, behind = catalogue.matching(longer, (first, end))
        found.append((longer[-1], (first, behind)))
        first = behind
    return found
