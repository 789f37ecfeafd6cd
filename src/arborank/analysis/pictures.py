"""What pictures need, matplotlib and a file name that says a format; and the picture of a compression."""

from collections.abc import Sequence
from pathlib import Path

from .compression import Trial

__all__ = ["check_drawable", "draw_trials"]

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
