"""Files of queries with a number each: how often they were sent, or what their scores are multiplied by."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from typing import TypeVar

from ..core.checks import check_integer, check_real
from ..datasets.lines import StrPath, fault, read_lines, suffix
from .times import shown

__all__ = ["read_counts", "read_weights"]

N = TypeVar("N", int, float)


def read_counts(path: StrPath) -> dict[str, int]:
    """Read how often queries were sent, for `Autocompleter.fit_counts`.

    A line is ``query<TAB>count``, or in a ``.jsonl`` file an object with these keys; ``.gz``, ``.xz`` and ``.zst`` are
    unpacked. A first line of exactly these names is skipped. Counts of a query that stands there twice add up.

    Raises
    ------
    ValueError
        With file and line, if a line has another form or a count is no integer from 0 on.
    """
    counts: Counter[str] = Counter()
    for _, query, count in _rows(path, "count", lambda text: check_integer("count", int(text), 0)):
        counts[query] += count
    return dict(counts)


def read_weights(path: StrPath) -> dict[str, float]:
    """Read what scores of queries are multiplied by, for `Autocompleter.complete`.

    The form is that of `read_counts`, with ``weight`` in place of ``count``.

    Raises
    ------
    ValueError
        With file and line, if a line has another form, a weight is no number from 0 on, or a query stands there twice.
    """
    weights: dict[str, float] = {}
    for number, query, weight in _rows(
        path, "weight", lambda text: check_real("weight", float(text), least=0)
    ):
        if query in weights:
            raise fault(path, number, f"the query {shown(query)} has a weight already")
        weights[query] = weight
    return weights


def _rows(path: StrPath, name: str, read: Callable[[str], N]) -> Iterator[tuple[int, str, N]]:
    for number, line in read_lines(path):
        if suffix(path) in (".jsonl", ".json"):
            try:
                record = json.loads(line)
                query, value = record["query"], str(record[name])
            except (ValueError, KeyError, TypeError, RecursionError):
                query = None
            if not isinstance(query, str):
                raise fault(
                    path, number, f'{{"query": ..., "{name}": ...}} was expected, found {shown(line)}'
                )
        else:
            query, tab, value = line.rpartition("\t")
            if number == 1 and (query, value.strip()) == ("query", name):
                continue
            if not tab:
                raise fault(
                    path, number, f"query and {name} with a tab between were expected, found {shown(line)}"
                )
        try:
            yield number, query, read(value)
        except ValueError:
            raise fault(path, number, f"a {name} from 0 on was expected, found {shown(value)}") from None
