"""One ranking, of labels or completions: as lines for a person, and as a record for a program."""

import sys
from collections.abc import Mapping, Sequence

from ..core.display import clip, columns, printable, significant, terminal_width
from .streams import put

__all__ = ["ranking_record", "show"]

_BAR = 20
_NAME = 32  # columns of names that have a title beside them; longer ones are shown whole, too
_LEAST = 16  # columns of a title


def show(
    ranking: Sequence[tuple[str, float]],
    about: Mapping[str, str] | None = None,
    right: set[str] | None = None,
    *,
    nothing: str = "(no label)",
) -> None:
    """Print a ranking: scores, bars, names, and what is known of the labels.

    Titles are shortened to the width of a terminal, and elsewhere shown whole, as names are everywhere.
    """
    if not ranking:
        put(f"  {nothing}")
        return
    names = [printable(name) for name, _ in ranking]
    scores = [significant(score) for _, score in ranking]
    n_score = max(7, *map(len, scores))
    n_name = min(max(map(columns, names)), _NAME)
    scale = max(1.0, *(abs(score) for _, score in ranking))
    room = terminal_width(sys.stdout)
    for (name, score), shown, text in zip(ranking, scores, names, strict=True):
        bar = "█" * round(_BAR * max(score, 0.0) / scale)
        mark = "" if right is None else "✓ " if name in right else "  "
        line = f"  {shown:>{n_score}} {bar:<{_BAR}} {mark}{text}"
        title = printable((about or {}).get(name, ""))
        if title:
            line += " " * (n_name - columns(text)) + "  "
            line += title if room is None else clip(title, max(room - columns(line), _LEAST))
        put(line)


def ranking_record(
    kind: str, ranking: Sequence[tuple[str, float]], about: Mapping[str, str] | None = None
) -> dict[str, object]:
    """Return a ranking as lists of names, of scores and, where these are given, of titles or None."""
    record: dict[str, object] = {
        kind: [name for name, _ in ranking],
        "scores": [float(f"{score:.6g}") for _, score in ranking],
    }
    if about is not None:
        record["titles"] = [about.get(name) for name, _ in ranking]
    return record
