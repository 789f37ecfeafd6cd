"""What pictures need, matplotlib and a file name that says a format; those of probabilities and of a compression."""

from collections.abc import Sequence
from pathlib import Path

from ..metrics import ProbabilityReport
from .compression import Trial

__all__ = ["check_drawable", "draw_probabilities", "draw_trials"]

_ENDINGS = (".svg", ".png", ".pdf")


def check_drawable(path: str | Path) -> None:
    """Raise what drawing would raise for want of matplotlib (``ImportError``), a format or a directory."""
    if Path(path).suffix.lower() not in _ENDINGS:
        raise ValueError(f"{path} is not a name for a picture; it must end in {', '.join(_ENDINGS)}")
    if not Path(path).absolute().parent.is_dir():
        raise FileNotFoundError(f"{path} cannot be drawn: its directory does not exist")
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError:
        raise ImportError("a picture needs matplotlib: pip install 'arborank[plot]'") from None


def draw_probabilities(report: ProbabilityReport, path: str | Path) -> None:
    """Draw how often predictions of a probability are true, and precision, recall and F1 by threshold.

    Errors are those of `check_drawable`.
    """
    check_drawable(path)
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    found, curve = report.reliability, report.curve
    held = found.counts > 0
    left.plot([0, 1], [0, 1], color="grey", linewidth=0.8, linestyle="--")
    left.plot(found.predicted[held], found.observed[held], "o-", markersize=4, linewidth=1)
    left.set(xlim=(0, 1), ylim=(0, 1), xlabel="probability", ylabel="share that is true")
    share = found.counts / max(found.counts.sum(), 1)
    left.bar(
        found.edges[:-1],
        share,
        width=found.edges[1:] - found.edges[:-1],
        align="edge",
        color="#9ecae1",
        alpha=0.6,
    )
    errors = ", ".join(f"ECE@{k} {100 * error:.1f} %" for k, error in report.ece.items())
    left.set_title(errors, fontsize=9)
    for name, values in (("precision", curve.precision), ("recall", curve.recall), ("F1", curve.f1)):
        right.plot(curve.thresholds, values, linewidth=1, label=name)
    right.set(xlim=(0, 1), ylim=(0, 1), xlabel="threshold")
    right.legend(fontsize=8)
    for axes in (left, right):
        axes.grid(alpha=0.3)
    figure.savefig(path)


def draw_trials(trials: Sequence[Trial], chosen: Trial, path: str | Path, *, k: int) -> None:
    """Draw recall against size, a line a beam, into an image file, with a star for the chosen trial.

    The first trial is that of the model as it was. Errors are those of `check_drawable`; ``k`` is the cut of recall.
    """
    check_drawable(path)
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.2), layout="constrained")
    axes = figure.add_subplot()
    for beam_size in sorted({trial.setting.beam_size for trial in trials[1:]}):
        line = [t for t in trials[1:] if t.setting.beam_size == beam_size]
        for precision, marker in zip(sorted({t.setting.precision for t in line}), "os^", strict=False):
            some = sorted((t for t in line if t.setting.precision == precision), key=lambda t: t.n_bytes)
            axes.plot(
                [t.n_bytes / 1e6 for t in some],
                [t.recall for t in some],
                marker=marker,
                markersize=4,
                linewidth=1,
                label=f"beam {beam_size}, {precision}",
            )
    axes.plot(trials[0].n_bytes / 1e6, trials[0].recall, "x", color="black", label="as it was")
    axes.plot(chosen.n_bytes / 1e6, chosen.recall, "*", color="black", markersize=12, label="chosen")
    axes.set_xscale("log")
    axes.set_xlabel("size of the model, MB")
    axes.set_ylabel(f"recall@{k}")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=7)
    figure.savefig(path)
