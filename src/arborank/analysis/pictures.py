"""What pictures need: matplotlib, and a file name that says a format."""

from pathlib import Path

__all__ = ["check_drawable"]

_ENDINGS = (".svg", ".png", ".pdf")


def check_drawable(path: str | Path) -> None:
    """Raise what drawing would raise for want of matplotlib (``ImportError``), a format or a directory."""
    if Path(path).suffix.lower() not in _ENDINGS:
        raise ValueError(f"{path} is no name for a picture; it must end in {', '.join(_ENDINGS)}")
    if not Path(path).absolute().parent.is_dir():
        raise FileNotFoundError(f"{path} cannot be drawn: its directory does not exist")
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError:
        raise ImportError("a picture needs matplotlib: pip install 'arborank[plot]'") from None
