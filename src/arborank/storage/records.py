"""What is known of a saved model beside the model: evaluations and changes, as data in ``config.json``."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from numbers import Real

from ..core.memory import format_bytes
from ..core.types import Json

__all__ = ["Record", "Table", "changed", "parse_records", "table_rows"]

_BYTES = "bytes"  # a column of sizes

Table = Mapping[str, Mapping[str, str | int | float]]
"""Values by row and column."""


@dataclass(frozen=True, kw_only=True)
class Record:
    """One thing known of a model, a section of its card.

    Parameters
    ----------
    title : str
        Such as "Evaluation"; a newer record of the same title takes this one's place.
    summary : str
        What was measured or changed, in a sentence.
    data : str, default=""
        What it was measured on.
    date : str, optional
        The day, as ISO 8601 writes it; by default today.
    tables : mapping, default={}
        Tables by title: values by row and column, such as ``{"metric": {"precision": {"@1": 0.9, "@5": 0.4}}}``.
    before : str, default=""
        What has changed the model since, such as "updates".

    Raises
    ------
    TypeError
        If a table is none, or something else is not a str.
    """

    title: str
    summary: str
    data: str = ""
    date: str = field(default_factory=lambda: date.today().isoformat())
    tables: Mapping[str, Table] = field(default_factory=dict)
    before: str = ""

    def __post_init__(self) -> None:
        for name in ("title", "summary", "data", "date", "before"):
            if not isinstance(getattr(self, name), str):
                raise TypeError(f"{name} must be a str, found {getattr(self, name)!r}")
        if not _is_table(self.tables, 3):
            raise TypeError(f"tables must map titles, rows and columns to values, found {self.tables!r}")

    @property
    def heading(self) -> str:
        """The title, with what has changed the model since."""
        return f"{self.title}, before {self.before}" if self.before else self.title

    @property
    def told(self) -> str:
        """The summary, with what it was measured on and when."""
        return f"On {self.data}, {self.date}: {self.summary}" if self.data else self.summary

    def to_dict(self) -> Json:
        """Return the record as plain dictionaries, strings and numbers, ready for JSON."""
        return asdict(self)


def table_rows(title: str, table: Table) -> list[list[str]]:
    """Return the cells of a table as text, the heads first; sizes and numbers as people read them."""
    columns = list(dict.fromkeys(column for row in table.values() for column in row))
    heads = [title, *("size" if column == _BYTES else column for column in columns)]
    return [heads, *([name, *(_shown(row.get(c, ""), c) for c in columns)] for name, row in table.items())]


def _shown(value: str | int | float, column: str) -> str:
    if isinstance(value, str):
        return value
    if column == _BYTES:
        return format_bytes(value)
    return f"{value:.4f}" if isinstance(value, float) else f"{value:,}"


def changed(old: Sequence[Record], new: Sequence[Record], change: str) -> list[Record]:
    """Return the records of a model that was changed: what was measured before is marked, unless it is replaced."""
    kept = {
        record.title: replace(record, before=record.before or change) if record.tables else record
        for record in old
    }
    return list((kept | {record.title: record for record in new}).values())


def parse_records(found: object) -> list[Record]:
    """Return the records that JSON describes; ``ValueError`` if it describes none."""
    if not isinstance(found, list):
        raise ValueError(f"its records are none (found {type(found).__name__})")
    try:
        return [Record(**one) for one in found]
    except TypeError as error:
        raise ValueError(f"its records are none ({error})") from None


def _is_table(found: object, depth: int = 2) -> bool:
    if depth == 0:
        return isinstance(found, str | Real)
    return isinstance(found, Mapping) and all(
        isinstance(name, str) and _is_table(one, depth - 1) for name, one in found.items()
    )
