"""Data for the commands: texts or matrices, from files by their extension or from the standard input."""

import sys
from collections.abc import Container, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from .layouts import Form, as_option

if TYPE_CHECKING:
    from ..datasets import Layout, TextRow
    from ..datasets.lines import Stream
    from .models import Data

__all__ = [
    "features_in",
    "read_data",
    "read_label_texts",
    "read_names",
    "stdin_is_terminal",
    "stdin_rows",
    "stdin_texts",
    "text_rows",
]

_XMC = {".xmc", ".svm", ".libsvm"}


def read_data(path: str, form: Form, known: Container[str] | None = None, *, labelled: bool = True) -> "Data":
    """Read texts, or matrices from an ``.npz`` file or an N D L file.

    ``known`` is as for `read_texts`. Unless ``labelled``, labels may be missing.
    """
    from ..core.lazy import sp
    from ..datasets import MatrixData, read_npz, read_texts, read_xmc
    from ..datasets.lines import suffix
    from ..datasets.places import means_several

    layout, label_matrix = form.layout, form.label_matrix
    is_npz, is_xmc = suffix(path) == ".npz", form.xmc or suffix(path) in _XMC
    if (is_npz or is_xmc) and means_several(path):
        raise click.UsageError(f"{path} means several files, but features are read from one")
    if is_npz and form.xmc:
        raise click.UsageError(f"--xmc is for text files in the N D L layout, but {path} is a matrix")
    given = [as_option(name, value) for name, value in layout.given().items()]
    if given and (is_npz or is_xmc):
        raise click.UsageError(f"{given[0]} is for files of texts, but {path} holds features")
    if label_matrix is not None and not is_npz:
        raise click.UsageError("--labels goes with a feature matrix in .npz; other files hold their labels")
    if is_xmc and not is_npz:
        return read_xmc(path)
    if not is_npz:
        layout = layout if labelled else replace(layout, relevance_column=None)
        return read_texts(path, layout, labels_required=labelled, known=known)
    if labelled and label_matrix is None:
        raise click.UsageError(f"{path} holds features only; give its label matrix with --labels Y.npz")
    X = read_npz(path, "X")
    Y = sp.csr_array((X.shape[0], 0), dtype=X.dtype) if label_matrix is None else read_npz(label_matrix, "Y")
    if X.shape[0] != Y.shape[0]:
        raise ValueError(f"{path} has {X.shape[0]} rows, but {label_matrix} has {Y.shape[0]}")
    return MatrixData(Y, X)


def read_names(path: str) -> list[str]:
    """Read names, a line each; empty lines are left aside, and ``ValueError`` if there are no others."""
    from ..datasets.lines import read_lines

    names = [line for _, line in read_lines(path) if line.strip()]
    if not names:
        raise ValueError(f"{path} is empty; one entry per line was expected")
    return names


def read_label_texts(path: str | None, layout: "Layout", language: str | None = None) -> dict[str, list[str]]:
    """Read texts about labels, each labelled with the one it is about, or a vocabulary: texts by label name."""
    if path is None:
        return {}
    from ..datasets import read_texts, read_vocabulary
    from ..datasets.skos import SKOS
    from ..datasets.vocabulary import is_vocabulary

    if is_vocabulary(path):
        return read_vocabulary(path, None if language is None else language.split(","))
    if language is not None:
        raise click.UsageError(
            f"--language is for vocabularies in SKOS ({', '.join(SKOS)}) or with columns such as uri and label_en, "
            f"but {path} is none"
        )
    found = read_texts(path, layout, unique_labels=True)
    about: dict[str, list[str]] = {}
    for text, names in zip(found.texts, found.labels, strict=True):
        for name in names:
            about.setdefault(name, []).append(text)
    return about


def features_in(path: str, xmc: bool) -> bool:
    """Whether a file holds features by its name, or because that is said."""
    from ..datasets.lines import suffix

    return xmc or suffix(path) == ".npz" or suffix(path) in _XMC


def text_rows(path: str, layout: "Layout", known: Container[str]) -> "Iterator[TextRow]":
    """Yield the texts of a file, or of several, whatever labels stand beside them."""
    return _unlabelled(path, layout, known)


def stdin_rows(layout: "Layout", known: Container[str]) -> "Iterator[TextRow]":
    """Yield what the standard input holds, read as a file of lines would be."""
    yield from _unlabelled(_stdin(), layout, known)


def _unlabelled(source: "str | Stream", layout: "Layout", known: Container[str]) -> "Iterator[TextRow]":
    from ..datasets.read import iter_texts

    layout = replace(layout, relevance_column=None)  # of labels that are left aside
    return iter_texts(source, layout, labels_required=None, known=known)


def stdin_texts(as_lines: bool) -> Iterator[str]:
    """Yield every line of the standard input at once: the line itself, or ``"text"`` if it may be a JSON object."""
    from ..datasets.lines import read_lines
    from ..datasets.tabbed import iter_lines

    if as_lines:
        yield from (line for _, line in read_lines(_stdin()))
    else:
        yield from (row.text for row in iter_lines(_stdin()))


def _stdin() -> "Stream":
    from ..datasets.lines import Stream

    if sys.stdin is None:  # as after <&-
        raise OSError("standard input is closed; give a text or a file, or pipe texts in")
    return Stream(sys.stdin.buffer, "standard input")


def stdin_is_terminal() -> bool:
    """Whether a person types."""
    return sys.stdin is not None and sys.stdin.isatty()
