"""`arborank explain`."""

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from ..core.display import printable
from .models import open_text_model
from .numbers import POSITIVE
from .options import beam_option, json_option, k_option, model_argument
from .streams import put, put_json

if TYPE_CHECKING:
    from ..analysis.explain import Explanation

__all__ = ["explain"]


@click.command(short_help="Say why a label is, or is not, among the answers for a text.")
@model_argument
@click.argument("text")
@click.argument("label")
@click.option("--features", type=POSITIVE, default=8, show_default=True, help="Features named at each step.")
@click.option("--html", type=click.Path(dir_okay=False, writable=True), help="Write a page into this file.")
@click.option("--plot", type=click.Path(dir_okay=False, writable=True), help="Draw it: .svg, .png or .pdf.")
@k_option
@beam_option
@json_option
def explain(
    model: str,
    text: str,
    label: str,
    features: int,
    html: str | None,
    plot: str | None,
    k: int,
    beam_size: int | None,
    as_json: bool,
) -> None:
    """Say how LABEL fares for TEXT in MODEL: its place, or where it leaves the beam and what would have kept it.

    Then follows every way to the label: the score of each step, and the features that add most or take most.
    """
    from ..analysis.explain import explain as explained
    from ..analysis.whynot import why_not
    from ..core.figures import check_drawable, html_page, save_figure
    from ..storage.disk import naming

    if plot is not None:
        check_drawable(plot)
    ranker = open_text_model(model).estimator
    found = explained(ranker, text, label, n_features=features)
    fares = why_not(ranker, text, label, k=k, beam_size=beam_size)
    if as_json:
        put_json({**asdict(fares), "told": str(fares), "ways": [asdict(way) for way in found]}, indent=1)
    else:
        put(printable(str(fares)))
        _show(found)
    if html is not None:
        with naming(html), open(html, "w", encoding="utf-8") as file:
            file.write(html_page(f"{label}: {text}", fares.to_html() + found.to_html()))
    if plot is not None:
        save_figure(found.plot(), plot)


def _show(found: "Explanation") -> None:
    for way in found:
        put(f"\nscore {way.score:.4g}, by leaf {way.leaf}")
        for level, step in enumerate(way.steps, 1):
            features = ", ".join(f"{name} {value:+.3g}" for name, value in step.features)
            put(
                printable(
                    f"  level {level}, node {step.node}: {step.score:.4g} (bias {step.bias:+.3g}; {features})"
                )
            )
        if way.centroid is not None:
            features = ", ".join(f"{name} {value:+.3g}" for name, value in way.centroid.features)
            put(printable(f"  centroid: cosine {way.centroid.similarity:.4g} ({features})"))
