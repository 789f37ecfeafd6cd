"""Pictures and pages of results: what has a `plot` draws with matplotlib, and shows itself as HTML in a notebook."""

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from .types import FilePath

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = [
    "Cells",
    "Shown",
    "Tabled",
    "check_drawable",
    "html_page",
    "html_table",
    "new_figure",
    "per_cent",
    "save_figure",
]

Cells = Sequence[Sequence[object]]

_ENDINGS = (".svg", ".png", ".pdf")
_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;margin:2em auto;max-width:60em;padding:0 1em;color-scheme:light dark}"
    "table{border-collapse:collapse;margin:1em 0}td,th{padding:.1em .8em;text-align:right}"
    "td:first-child,th:first-child{text-align:left}tr:nth-child(even){background:#8881}"
    "details{margin-left:1.2em}summary{cursor:pointer}.words{opacity:.7}li{list-style:none}"
)


class Shown:
    """Gives what has ``to_html`` the form that notebooks show."""

    def to_html(self) -> str:
        """Return the result as a fragment of HTML."""
        raise NotImplementedError

    def _repr_html_(self) -> str:
        return self.to_html()


class Tabled(Shown):
    """Gives what has ``tables`` its forms for notebooks, for Markdown and for LaTeX."""

    def tables(self) -> list[Cells]:
        """Return the numbers as tables: lists of rows of cells, the first row the heads."""
        raise NotImplementedError

    def to_html(self) -> str:
        """Return the tables as HTML, without a page around them."""
        return "\n".join(html_table(rows) for rows in self.tables())

    def to_markdown(self) -> str:
        """Return the tables as Markdown."""
        return "\n\n".join(_markdown(rows) for rows in self.tables())

    def to_latex(self) -> str:
        """Return the tables as LaTeX, for the package ``booktabs``."""
        return "\n\n".join(_latex(rows) for rows in self.tables())


def per_cent(value: float | None) -> str:
    """Return a fraction as a cell, in per cent."""
    return "" if value is None or value != value else f"{100 * value:.2f}"


def check_drawable(path: FilePath) -> None:
    """Raise what drawing would raise for want of matplotlib (``ImportError``), a format or a directory."""
    if Path(path).suffix.lower() not in _ENDINGS:
        raise ValueError(f"{path} is not a name for a picture; it must end in {', '.join(_ENDINGS)}")
    if not Path(path).absolute().parent.is_dir():
        raise FileNotFoundError(f"{path} cannot be drawn: its directory does not exist")
    _need_matplotlib()


def new_figure(width: float, height: float) -> "Figure":
    """Return an empty figure of so many inches, which no window belongs to; ``ImportError`` without matplotlib."""
    _need_matplotlib()
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def save_figure(figure: "Figure", path: FilePath) -> None:
    """Write a figure to a file; text stays text in SVG. Errors are those of `check_drawable`."""
    check_drawable(path)
    from matplotlib import rc_context

    with rc_context({"svg.fonttype": "none"}):  # text that can be searched and selected
        figure.savefig(path)


def _need_matplotlib() -> None:
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError:
        raise ImportError("a picture needs matplotlib: pip install 'arborank[plot]'") from None


def _markdown(rows: Cells) -> str:
    heads, *others = [[str(cell).replace("|", "\\|") for cell in row] for row in rows]
    rules = ["---", *["---:"] * (len(heads) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in (heads, rules, *others))


_LATEX = str.maketrans(
    {one: f"\\{one}" for one in "&%$#_{}"} | {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}"}
)


def _latex(rows: Cells) -> str:
    heads, *others = [" & ".join(str(cell).translate(_LATEX) for cell in row) + r" \\" for row in rows]
    layout = "l" + "r" * (len(rows[0]) - 1)
    begin, end = rf"\begin{{tabular}}{{{layout}}}", r"\end{tabular}"
    return "\n".join([begin, r"\toprule", heads, r"\midrule", *others, r"\bottomrule", end])


def html_table(rows: Cells, caption: str = "") -> str:
    """Return rows as a table, of which the first has the heads; everything is escaped."""
    lines = [f"<caption>{escape(caption)}</caption>"] if caption else []
    for number, row in enumerate(rows):
        kind = "td" if number else "th"
        lines.append(f"<tr>{''.join(f'<{kind}>{escape(str(cell))}</{kind}>' for cell in row)}</tr>")
    return f"<table>{''.join(lines)}</table>"


def html_page(title: str, body: str) -> str:
    """Return a page that stands alone: nothing is loaded, and nothing runs."""
    head = f'<meta charset="utf-8"><title>{escape(title)}</title><style>{_STYLE}</style>'
    top = f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body><h1>{escape(title)}</h1>\n'
    return f"{top}{body}</body></html>\n"
