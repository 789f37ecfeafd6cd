"""What was measured, as records of a saved model and as tables on the screen."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..core.display import aligned
from .streams import put

if TYPE_CHECKING:
    from ..metrics import Report
    from ..storage import Record
    from ..storage.records import Table

__all__ = ["HELD_OUT", "calibration", "evaluation", "show_table", "table_text"]

HELD_OUT = "the held-out part of the shipped data"


def evaluation(report: "Report", data: str, more: "Mapping[str, Table] | None" = None) -> "Record":
    """Return the record of an evaluation: fractions by metric and cut-off, and by bucket; and ``more`` tables."""
    from ..storage import Record

    metrics: dict[str, dict[str, float]] = {}
    for name, value in report.metrics.items():
        metric, _, k = name.partition("@")
        metrics.setdefault(metric, {})[f"@{k}"] = value
    buckets = {
        one.name: {
            "in training": one.range,
            "labels": one.n_labels,
            "true": one.n_true,
            **{f"{name}@{report.ks[-1]}": getattr(one, name) for name in ("precision", "recall")},
        }
        for one in report.buckets
    }
    rows = f"{report.n_scored:,} rows scored, {report.n_empty:,} without a true label"
    return Record(
        title="Evaluation",
        summary=f"{rows}, {report.n_labels:,} labels.",
        data=data,
        tables={"metric": metrics} | ({"bucket": buckets} if buckets else {}) | dict(more or {}),
    )


def show_table(title: str, table: "Table") -> None:
    """Print a table: names at the left, numbers at the right of their columns."""
    put(table_text(title, table))


def table_text(title: str, table: "Table") -> str:
    """Return the lines of a table."""
    from ..storage.records import table_rows

    return "\n".join(aligned(table_rows(title, table)))


def calibration(model: object) -> "list[Record]":
    """Return what is known of a model's probabilities, for its card; nothing if it has none."""
    from ..storage import Record

    found = getattr(model, "calibration_", None)
    if found is None:
        return []
    facts = found.facts
    learned = f"Probabilities were learned from {facts.n_rows:,} held-out rows on {facts.date}"
    if facts.n_recalibrated:
        learned += f", and adapted to {facts.n_recalibrated:,} of another domain"
    first, five, ten = (f"{found.expected_missed(k):.2f}" for k in (1, 5, 10))
    summary = f"{learned}. On average, {first} relevant labels of a row are missing from the first place, {five} from "
    summary += (
        f"the first 5 and {ten} from the first 10; {found.unreached:.2f} are out of reach of the search."
    )
    if facts.n_updates:
        summary += f" Updates of labels since: {facts.n_updates}."
    return [Record(title="Calibration", summary=summary)]
