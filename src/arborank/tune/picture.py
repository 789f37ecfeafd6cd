"""The picture of a search: quality against size, and against the time of a query."""

from collections.abc import Callable
from pathlib import Path

from ..analysis.pictures import check_drawable
from .study import Candidate, Study

__all__ = ["draw_study"]


def draw_study(study: Study, path: str | Path) -> None:
    """Draw what was tried on everything into an image file.

    A dot for every setting and search, a line along those that nothing beats in quality and in the other value, a cross
    for the defaults and a star for the best. Errors are those of `arborank.analysis.pictures.check_drawable`.
    """
    check_drawable(path)
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 4), layout="constrained")
    best, default = study.best(), study.plain_default(study.top)
    tried = [
        one
        for trial in study.trials
        if study.top in trial.outcomes
        for one in study.candidates(trial, study.top)
    ]
    measures: tuple[tuple[str, Callable[[Candidate], float]], ...] = (
        ("size of the model, MB", lambda one: one.n_bytes / 1e6),
        ("time of a query, µs", lambda one: one.microseconds),
    )
    for axes, (label, cost) in zip(figure.subplots(1, 2, sharey=True), measures, strict=True):
        points = sorted((cost(one), one.score) for one in tried)
        axes.plot(*zip(*points, strict=True), ".", color="tab:gray", alpha=0.5, label="tried")
        line, top = [], -1.0
        for value, score in points:
            if score > top:
                line.append((value, score))
                top = score
        axes.plot(*zip(*line, strict=True), color="tab:blue", linewidth=1, label="best of its size or time")
        axes.plot(cost(default), default.score, "x", color="black", label="the defaults")
        axes.plot(cost(best), best.score, "*", color="black", markersize=12, label="chosen")
        axes.set_xscale("log")
        axes.set_xlabel(label)
        axes.grid(alpha=0.3)
    left = figure.axes[0]
    left.set_ylabel(study.options.metric)
    left.legend(fontsize=7)
    figure.savefig(path)
