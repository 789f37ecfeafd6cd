"""Query logs in files: one query per line with its session and time, or pairs that are ready."""

import json
from collections.abc import Hashable, Iterator
from datetime import datetime
from typing import Any, NamedTuple

from ..datasets.csvfile import read_cells
from ..datasets.lines import StrPath, fault, read_lines, suffix
from ..datasets.parquet import read_records
from .pairs import Pairs
from .times import TimeUnit, check_in_unit, check_unit, is_word, parse_time, shown

__all__ = ["LogRow", "read_log", "read_pairs"]

_WEIGHTS = {"count", "frequency", "weight"}  # keys, in the singular, that would have no effect
_JSON = {".jsonl", ".json"}
_TABLES = {".csv", ".parquet"}


class LogRow(NamedTuple):
    """A query that someone sent: session, time in seconds or as a date, its text, and the user if known."""

    session: str
    time: float | datetime
    query: str
    user: str | None = None


_HEADERS = LogRow._fields[:3], LogRow._fields


def read_log(path: StrPath, *, time_unit: TimeUnit = "s") -> list[LogRow]:
    """Read a query log (UTF-8, ``.gz``, ``.xz`` and ``.zst`` unpacked), its rows in any order.

    A line is ``session<TAB>time<TAB>query``, or ``session<TAB>time<TAB>query<TAB>user`` in every line, or, in a
    ``.jsonl`` file, an object with these keys. Without a user, a session is one: whoever sends queries under the same
    session later is the same person. A time is a number, or a date as ISO 8601 has it, such as ``2024-03-01 12:00:05``
    (UTC unless it says otherwise). A first line of exactly these names, in letters of any case, is skipped. Other keys
    of an object are passed over, but for ``"count"`` and the like: a line counts once. A ``.csv`` file has a header
    with these names, and a ``.parquet`` file such columns; the same holds for others.

    Parameters
    ----------
    path : path-like
    time_unit : {"s", "ms", "us", "ns"}, default "s"
        What numbers count: the rows that are returned have seconds.

    Raises
    ------
    ValueError
        With file and line, if a line has another form, only some lines name a user, or a number is so large that it
        must be in another unit; or if all numbers are times of today's years in another unit only.
    """
    check_unit(time_unit)
    rows: list[LogRow] = []
    for number, fields in _fields(path):
        session, user = (str(one) if type(one) is int else one for one in (fields[0], fields[3]))
        time, query = fields[1:3]
        if not isinstance(session, str) or not session:
            raise fault(path, number, f"a session must be a non-empty string, found {shown(session)}")
        if not isinstance(query, str):
            raise fault(path, number, f"a query must be a string, found {shown(query)}")
        if user is not None and (not isinstance(user, str) or not user):
            raise fault(path, number, f"a user must be a non-empty string, found {shown(user)}")
        if rows and (user is None) != (rows[0].user is None):
            raise fault(path, number, "some lines name a user, this or the first one does not")
        try:
            rows.append(LogRow(session, parse_time(time, time_unit), query, user))
        except ValueError as error:
            hint = (
                "; if that is a header, remove it, or write session, time and query"
                if number == 1 and is_word(time)
                else ""
            )
            raise fault(path, number, f"{error}{hint}") from None
    check_in_unit([row.time for row in rows if isinstance(row.time, float)], time_unit, str(path))
    return rows


def _fields(path: StrPath) -> Iterator[tuple[int, list[Any]]]:
    """Yield the number of every line, from 1, and its session, time, query and user, as they stand there."""
    kind = suffix(path)
    if kind in _TABLES:
        yield from _table_fields(path, kind)
        return
    for number, line in read_lines(path):
        if kind in _JSON:
            record = _record(path, number, line)
            yield number, [record.get(key) for key in LogRow._fields]
            continue
        fields: list[Any] = list(line.split("\t"))
        if number == 1 and tuple(field.strip().casefold() for field in fields) in _HEADERS:
            continue
        if len(fields) not in (3, 4):
            hint = "; is it a CSV file? Let its name end in .csv" if fields == [line] and "," in line else ""
            raise fault(
                path,
                number,
                f"session, time and query with tabs between were expected, and the user behind them if known, "
                f"found {shown(line)}{hint}",
            )
        yield number, fields + [None] * (4 - len(fields))


def _table_fields(path: StrPath, kind: str) -> Iterator[tuple[int, list[Any]]]:
    rows = read_cells(path) if kind == ".csv" else read_records(path)
    first = next(rows, None)
    if first is None:
        return
    names = [str(name).strip().casefold() for name in first[1]]
    wanted = [*_HEADERS[0], *(["user"] if "user" in names else [])]
    for name in names:
        _check_no_weight(path, first[0], name)
    for name in wanted:
        if names.count(name) != 1:
            found = f"{names.count(name)} times" if name in names else "no such column"
            raise fault(
                path, first[0], f"a column {name!r} was expected, found {found} among {', '.join(names[:8])}"
            )
    places = [names.index(name) for name in wanted]
    for number, cells in rows:
        if len(cells) < len(names):
            raise fault(path, number, f"{len(names)} cells were expected, found {len(cells)}")
        fields = [cells[place] for place in places] + [None] * (4 - len(places))
        if isinstance(fields[1], int | float) and not isinstance(fields[1], bool):
            fields[1] = float(fields[1])
        yield number, [*fields[:3], fields[3] if fields[3] != "" else None]


def read_pairs(path: StrPath) -> Pairs:
    """Read pairs of what came before and the query that followed.

    A line is ``previous<TAB>query``, with any number of previous queries, oldest first; or, in a ``.jsonl`` file, an
    object ``{"previous": [...], "query": "..."}``, where ``previous`` may be one string and ``"user"`` is optional.

    Raises
    ------
    ValueError
        With file and line, if a line has another form, or if only some lines name a user.
    """
    previous: list[tuple[str, ...]] = []
    queries: list[str] = []
    users: list[Hashable] = []
    for number, line in read_lines(path):
        if suffix(path) not in _JSON:
            *before, query = line.split("\t")
        else:
            record = _record(path, number, line)
            given, text = record.get("previous", []), record.get("query")
            before = [given] if isinstance(given, str) else given
            if not isinstance(before, list) or not all(isinstance(entry, str) for entry in before):
                raise fault(path, number, f'"previous" must be a list of strings, found {shown(given)}')
            if not isinstance(text, str):
                raise fault(path, number, f'"query" must be a string, found {shown(text)}')
            query = text
            if "user" in record:
                users.append(str(record["user"]))
        if not query.strip():
            raise fault(path, number, "the query is empty")
        previous.append(tuple(before))
        queries.append(query)
        if users and len(users) != len(queries):
            raise fault(path, number, 'some lines have a "user", this or the first one has not')
    return Pairs(previous, queries, users or None)


def _record(path: StrPath, number: int, line: str) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        record = None
    if not isinstance(record, dict):
        raise fault(path, number, f"a JSON object was expected, found {shown(line)}")
    for key in record:
        _check_no_weight(path, number, key)
    return record


def _check_no_weight(path: StrPath, number: int, key: str) -> None:
    if key.casefold().removesuffix("s") in _WEIGHTS:
        raise fault(
            path,
            number,
            f'"{key}" is not read: a line counts once; write it as often as it was sent, or give nothing but queries '
            "and their counts: train-completer --counts, read_counts",
        )
