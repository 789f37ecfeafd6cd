"""Files in and out: data by extension, models, and results that appear whole or not at all."""

import json
import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from .options import set_jobs

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from ..datasets import MatrixData, TextData


__all__ = [
    "check_destination",
    "check_output",
    "check_ranker",
    "is_text_model",
    "open_model",
    "open_ranker",
    "read_data",
    "read_instances",
    "read_label_texts",
    "read_names",
    "save_model",
    "stdin_is_terminal",
    "stdin_texts",
    "write_whole",
]

_XMC = {".xmc", ".svm", ".libsvm"}


def read_data(path: str, labels: str | None, xmc: bool) -> "TextData | MatrixData":
    """Read labelled data: texts, or matrices from an ``.npz`` pair or an N D L file."""
    from ..datasets import MatrixData, read_npz, read_texts, read_xmc
    from ..datasets.lines import suffix

    if suffix(path) == ".npz":
        _check_text_file(path, xmc)
        if labels is None:
            raise click.UsageError(f"{path} holds features only; give its label matrix with --labels Y.npz")
        X, Y = read_npz(path, "X"), read_npz(labels, "Y")
        if X.shape[0] != Y.shape[0]:
            raise ValueError(f"{path} has {X.shape[0]} rows, but {labels} has {Y.shape[0]}")
        return MatrixData(Y, X)
    if labels is not None:
        raise click.UsageError("--labels goes with a feature matrix in .npz; other files hold their labels")
    if xmc or suffix(path) in _XMC:
        return read_xmc(path)
    return read_texts(path)


def _check_text_file(path: str, xmc: bool) -> None:
    if xmc:
        raise click.UsageError(f"--xmc is for text files in the N D L layout, but {path} is a matrix")


def read_instances(path: str, xmc: bool) -> "list[str] | csr_array":
    """Read what to predict for: texts, or a feature matrix; labels in the file are left aside."""
    from ..datasets import read_npz, read_texts, read_xmc
    from ..datasets.lines import suffix

    if suffix(path) == ".npz":
        _check_text_file(path, xmc)
        return read_npz(path, "X")
    if xmc or suffix(path) in _XMC:
        X = read_xmc(path).X
        if X is None:
            raise ValueError(f"{path} holds no features")
        return X
    return read_texts(path, labels_required=False).texts


def read_names(path: str) -> list[str]:
    """Read names, a line each; empty lines are left aside.

    Raises
    ------
    ValueError
        If there is none.
    """
    from ..datasets.lines import read_lines

    names = [line for _, line in read_lines(path) if line.strip()]
    if not names:
        raise ValueError(f"{path} is empty; a line each was expected")
    return names


def read_label_texts(path: str | None) -> dict[str, str]:
    """Read texts about labels, each labelled with the one it is about: a text by label name."""
    if path is None:
        return {}
    from ..datasets import read_texts

    found = read_texts(path)
    about: dict[str, str] = {}
    for text, names in zip(found.texts, found.labels, strict=True):
        for name in names:
            if name in about:
                raise ValueError(f"{path} has two texts about {name!r}")
            about[name] = text
    return about


def stdin_texts() -> Iterator[str]:
    """Yield a text a line of the standard input: the line itself, or ``"text"`` of a JSON object."""
    from ..persistence.disk import naming

    if sys.stdin is None:  # as after <&-
        raise OSError("standard input is closed; give a text or a file, or pipe texts in")
    with naming("standard input"):
        for number, raw in enumerate(sys.stdin.buffer, 1):
            try:
                line = raw.decode("utf-8").rstrip("\r\n")
                text = json.loads(line)["text"] if line.startswith("{") else line
            except UnicodeDecodeError as error:
                raise ValueError(f"standard input:{number}: not utf-8: {error}") from None
            except (ValueError, KeyError, RecursionError):
                raise ValueError(
                    f'standard input:{number}: a JSON object {{"text": ...}} was expected'
                ) from None
            if not isinstance(text, str):
                raise ValueError(f'standard input:{number}: "text" must be a string, found {text!r}')
            yield text


def check_destination(directory: str, force: bool) -> None:
    """Refuse a place for a model that already holds something; a model gives way to ``--force``."""
    if not directory:
        raise click.UsageError("the directory for the model has no name")
    path = Path(directory)
    parent = next((place for place in path.absolute().parents if place.exists()), path)
    if not path.exists() and not (parent.is_dir() and os.access(parent, os.W_OK)):
        raise click.UsageError(
            f"{directory} cannot be made: {parent} is not a directory that can be written to"
        )
    if (path / "config.json").exists():
        if not force:
            raise click.UsageError(f"{directory} holds a model already; --force replaces it")
    elif path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise click.UsageError(f"{directory} exists and is not a saved model; name another directory")


def check_output(option: str, path: str, *inputs: str | None) -> None:
    """Refuse to write a file over an input, or into a model that is one."""
    place = Path(path)
    for given in inputs:
        if given is None or given == "-":
            continue
        source = Path(given)
        if place.exists() and place.samefile(source):
            raise click.UsageError(f"{option} {path} is the input, which would be replaced")
        if source.is_dir() and place.resolve().is_relative_to(source.resolve()):
            raise click.UsageError(f"{option} {path} lies in the model {given}; name a file outside of it")


def save_model(model: Any, directory: str, card: str | None = None, **of_card: str) -> None:
    """Save a model with notes for its card, which is not bound to this machine's number of threads.

    ``of_card`` are ``card_of`` and ``change`` of `arborank.persistence.save`, for a model made from another.
    """
    from ..persistence import save

    set_jobs(model, None)
    getattr(model, "model_", model).set_params(verbose=0)
    save(model, directory, card=card, **of_card)


def open_model(directory: str, *, verify: bool = False) -> Any:
    """Open a saved model; with ``verify`` every byte of it is compared with its checksum."""
    from ..persistence import load

    return load(directory, verify=verify)


def open_ranker(directory: str) -> Any:
    """Open a saved model that ranks labels.

    Raises
    ------
    ValueError
        If the model is something else.
    """
    model = open_model(directory)
    check_ranker(model, directory)
    return model


def check_ranker(model: Any, directory: str) -> None:
    """Refuse what does not rank labels."""
    if not hasattr(model, "predict_topk"):
        hint = "; see arborank complete" if hasattr(model, "complete") else ""
        raise ValueError(
            f"{directory} holds the model {type(model).__name__}, which does not rank labels{hint}"
        )


def is_text_model(model: Any) -> bool:
    """Whether the model takes texts."""
    return hasattr(model, "rank_batch")


@contextmanager
def write_whole(path: str) -> Iterator[IO[bytes]]:
    """Open a file for bytes that takes its name when complete; ``-`` is the standard output.

    ``.gz`` and ``.xz`` are packed. After an error or Ctrl-C the file that was there before is there still.
    """
    from ..datasets.lines import open_bytes
    from ..persistence.disk import put_in_place, sync

    target = Path(path)
    if path == "-":
        if sys.stdout is None:
            raise OSError("standard output is closed; name a file for the predictions with -o")
        yield sys.stdout.buffer
    elif target.exists() and not target.is_file():  # a pipe or a device has no content to keep
        with open_bytes(target, "wb") as file:
            yield file
    else:
        target = target.resolve()
        part = target.with_name(f".{secrets.token_hex(4)}-{target.name}")
        try:
            with open_bytes(part, "wb") as file:
                yield file
            with part.open("rb") as written:
                sync(written)
            put_in_place(part, target)
        except FileNotFoundError:
            if target.parent.is_dir():
                raise
            raise FileNotFoundError(2, "No such directory", str(target.parent)) from None
        finally:
            part.unlink(missing_ok=True)


def stdin_is_terminal() -> bool:
    """Whether a person types."""
    return sys.stdin is not None and sys.stdin.isatty()
