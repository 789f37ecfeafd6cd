"""`arborank compare`."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from .data import read_data
from .layouts import Form, data_options
from .matrix_model import MatrixModel
from .models import Data, Ranker, open_ranker
from .numbers import Whole
from .options import FILE, MODEL, beam_option, jobs_option, json_option, ks_option, seed_option
from .scoring import predict_all
from .streams import put, put_json
from .text_model import TextModel

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ..metrics import Comparison

__all__ = ["compare"]

_NAMES = 5  # labels shown of a row


@click.command(short_help="Score two models side by side.")
@click.argument("first", type=MODEL)
@click.argument("second", type=MODEL)
@click.argument("data", type=FILE)
@click.option(
    "--rows",
    "n_rows",
    type=Whole(min=0),
    default=5,
    show_default=True,
    help="Rows shown that each ranks better.",
)
@json_option
@seed_option
@ks_option
@beam_option
@data_options
@jobs_option
def compare(
    first: str,
    second: str,
    data: str,
    n_rows: int,
    as_json: bool,
    random_state: int | None,
    ks: tuple[int, ...],
    beam_size: int | None,
    form: Form,
    jobs: int | None,
) -> None:
    """Score the models FIRST and SECOND on the same DATA, and show the rows where they differ most.

    The interval of a change is that of 1,000 bootstrap samples of the rows, on which both models are scored; a star
    marks changes whose interval is on one side of 0. Models of texts may know different labels.
    """
    from ..metrics import compare as compared

    models = open_ranker(first, jobs), open_ranker(second, jobs)
    read = read_data(data, form, models[0].known)
    for model in models:
        model.own(read, data)
    if not read.has_labels:
        raise ValueError(f"{data} has no row with a label, which a comparison needs")
    sides = _aligned(models, read)
    ids = [
        places[predict_all(model, read, max(ks), beam_size)]
        for model, places in zip(models, sides.places, strict=True)
    ]
    found = compared(sides.truth, ids[0], ids[1], ks, n_labels=sides.n_labels, random_state=random_state or 0)
    shown = _most_different(found, sides, read, ids, n_rows)
    if as_json:
        put_json({"first": first, "second": second, **found.to_dict(), "rows": shown}, indent=1)
        return
    put(f"first:  {first}\nsecond: {second}\n{found.n_scored:,} rows scored\n\n{found}")
    _show(shown)


@dataclass(frozen=True)
class _Sides:
    """Labels that two models name differently, as numbers of one list.

    ``places`` are the numbers of each model's labels; the last entry is that of the padding.
    """

    truth: Any
    n_labels: int
    places: "tuple[NDArray[np.int64], NDArray[np.int64]]"
    names: list[Any]


def _aligned(models: tuple[Ranker, Ranker], data: Data) -> _Sides:
    import numpy as np

    from ..core.label_lists import name_rows

    first, second = models
    if isinstance(first, MatrixModel):
        if first.n_labels != second.n_labels:
            raise ValueError(
                f"the first model has {first.n_labels} labels, but the second has {second.n_labels}"
            )
        places = np.append(np.arange(first.n_labels), -1)
        return _Sides(first.truth(data), first.n_labels, (places, places), list(range(first.n_labels)))
    assert isinstance(second, TextModel)
    rows = name_rows(first.own(data).labels, first.estimator.normalization)
    numbers: dict[str, int] = {}
    for names in (first.estimator.labels_, second.estimator.labels_, *rows):
        for name in names:
            numbers.setdefault(name, len(numbers))
    both = [np.array([*(numbers[name] for name in one.estimator.labels_), -1]) for one in (first, second)]
    truth = [[numbers[name] for name in row] for row in rows]
    return _Sides(truth, len(numbers), (both[0], both[1]), list(numbers))


def _most_different(
    found: "Comparison", sides: _Sides, data: Data, ids: "list[NDArray[np.int64]]", n_rows: int
) -> list[dict[str, Any]]:
    """Return the rows that one model ranks best in comparison with the other, those of the second model first."""
    import numpy as np

    from ..core.lazy import sp

    order = np.argsort(-found.by_row, kind="stable")
    chosen = [*order[:n_rows], *(row for row in order[::-1][:n_rows])]
    texts = getattr(data, "texts", None)
    records = []
    for row in dict.fromkeys(int(row) for row in chosen if found.by_row[row] != 0):
        true = sides.truth[[row]].indices.tolist() if sp.issparse(sides.truth) else sides.truth[row]
        lists = [[label for label in side[row, :_NAMES].tolist() if label >= 0] for side in ids]
        records.append(
            {
                "row": row,
                **({} if texts is None else {"text": texts[row]}),
                "change": round(float(found.by_row[row]), 4),
                "labels": [sides.names[label] for label in true],
                "first": [sides.names[label] for label in lists[0]],
                "second": [sides.names[label] for label in lists[1]],
            }
        )
    return records


def _show(rows: list[dict[str, Any]]) -> None:
    from ..core.display import clip, printable

    for row in rows:
        text = f": {clip(printable(row['text']), 90)}" if "text" in row else ""
        put(f"\nrow {row['row']}, nDCG {100 * row['change']:+.1f}{text}")
        for side in ("first", "second"):
            marked = (f"{'✓ ' * (name in row['labels'])}{printable(str(name))}" for name in row[side])
            put(f"  {side + ':':<8}{', '.join(marked)}")
        missed = [
            str(name) for name in row["labels"] if name not in row["first"] and name not in row["second"]
        ]
        if missed:
            put(f"  missed: {', '.join(map(printable, missed))}")
