"""`arborank rank`."""

from typing import Any

import click

from ..display import printable
from .data import stdin_is_terminal, stdin_texts
from .files import is_text_model, open_ranker
from .options import beam_option, k_option
from .reporting import say
from .streams import put

__all__ = ["rank", "show"]

_BAR = 20


@click.command(short_help="Rank the labels of one text, or of what you type.")
@click.argument("model", type=click.Path(exists=True, file_okay=False))
@click.argument("text", required=False)
@k_option
@beam_option
def rank(model: str, text: str | None, k: int, beam_size: int | None) -> None:
    """Rank the labels of TEXT; without it, of every line that you type or pipe in (- does the same)."""
    ranker = open_ranker(model)
    if not is_text_model(ranker):
        raise ValueError(f"{model} takes feature matrices, not texts; see arborank predict")
    options = {} if beam_size is None else {"beam_size": beam_size}
    if text is not None and text != "-":
        show(ranker.rank(text, k, **options))
    elif stdin_is_terminal():
        _converse(ranker, k, options)
    else:
        for line in stdin_texts():
            put(printable(line))
            show(ranker.rank(line, k, **options))
            put("")


def _converse(ranker: Any, k: int, options: dict[str, Any]) -> None:
    import contextlib

    with contextlib.suppress(ImportError):
        import readline  # noqa: F401 (gives input() its history and line editing)
    say(f"{len(ranker.labels_):,} labels. Type a text and press Enter; an empty line ends.")
    while True:
        try:
            line = input("> ").strip()
        except EOFError:
            put("")
            return
        if not line:
            return
        show(ranker.rank(line, k, **options))


def show(
    ranking: list[tuple[str, float]], about: dict[str, str] | None = None, right: set[str] | None = None
) -> None:
    """Print a ranking: scores, bars, names, and what is known of the labels."""
    if not ranking:
        put("  (no label)")
    shown = [printable(name) for name, _ in ranking]
    width = max(map(len, shown), default=0) if about else 0
    scale = max((abs(score) for _, score in ranking), default=0.0) or 1.0
    for (name, score), text in zip(ranking, shown, strict=True):
        bar = "█" * round(_BAR * max(score, 0.0) / max(scale, 1.0))
        mark = "" if right is None else "✓ " if name in right else "  "
        line = f"  {score:7.3f} {bar:<{_BAR}} {mark}{text:<{min(width, 32)}}"
        if about and about.get(name):
            line += f"  {printable(about[name])}"
        put(line.rstrip())
