"""Cells and tables of Markdown."""

from harness import Measurements

OURS, REFERENCE = "arborank", "libpecos"
MIB = 2**20


def table(header: list[str], rows: list[list[str]]) -> str:
    """First column to the left, the others to the right."""
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def number(value: float | None, form: str = "{:,.1f}", scale: float = 1) -> str:
    """A figure, a dash where there is none."""
    return "–" if value is None else form.format(value * scale)


def ratio(other: float | None, ours: float | None) -> str:
    """How many times our figure another is."""
    return "–" if other is None or not ours else f"{other / ours:.1f}×"


def spread(found: Measurements, name: str, form: str = "{:.2f}", **key) -> str:
    """Mean of a figure over its rounds, and half of its range where there are several."""
    values = [one[name] for one in found.of(**key) if name in one]
    if not values:
        return "–"
    half = f" ± {form.format((max(values) - min(values)) / 2)}" if len(values) > 1 else ""
    return form.format(sum(values) / len(values)) + half


def cells(found: Measurements, table: str, sides: tuple[str, ...], **key) -> list[dict]:
    """Keys of a table's cells: more threads first, sides in the given order."""
    keys = {tuple(one["key"].items()): one["key"] for one in found.all if one["key"]["table"] == table}
    matching = [one for one in keys.values() if key.items() <= one.items() and one["side"] in sides]
    return sorted(matching, key=lambda one: (-one["threads"], sides.index(one["side"])))


def against(found: Measurements, figure: str, cell: dict) -> str:
    """How many times arborank's figure this cell's is."""
    return ratio(found.median(figure, **cell), found.median(figure, **cell | {"side": OURS}))
