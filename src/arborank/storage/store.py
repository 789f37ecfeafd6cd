"""The directory of a saved model: replaced in one step, mapped rather than read.

Data files are named by their content, so that files of another content never share a name, and replacing
``config.json`` is the one step that turns the old model into the new one: a process killed before it leaves the old
model, after it the new one. Files that nothing refers to any more are removed only then. Equal models have equal
directories.
"""

import contextlib
import difflib
import json
import os
import re
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..core.estimator import set_at_work
from ..core.state import Savable
from ..core.threads import n_threads
from ..core.types import Json, JsonMapping
from .disk import (
    LONGEST_TEXT,
    make_directory,
    put_in_place,
    read_content,
    read_text,
    sync_directory,
    write_text,
)
from .lock import exclusive
from .manifest import FORMAT, Files, make_document, named, parse_document, put_together, take_apart
from .modelcard import model_card
from .records import Record, changed, parse_records
from .remote import fetched, is_remote
from .tensorfile import FileRecord, open_tensors, write_tensors

__all__ = ["add_records", "load", "read_metadata", "read_records", "save", "what_is_there"]

_DATA_FILE = re.compile(r"[A-Za-z0-9_]+-[0-9a-f]{8,16}\.safetensors")
_SMALL = 1 << 20  # bytes: read in a millisecond, so always compared
_UNFINISHED = re.compile(r"(config\.json|README\.md)-[0-9a-f]{8}\.tmp")


def save(
    model: Savable,
    directory: str | os.PathLike[str],
    *,
    card: str | None = None,
    records: Sequence[Record] = (),
    metadata: JsonMapping | None = None,
    made_from: str | os.PathLike[str] | None = None,
    change: str = "updates",
) -> None:
    """Save a model, in place of the one that the directory may hold.

    Parameters
    ----------
    model : Savable
        An object of a class that `arborank.storage.kinds` lists.
    directory : path
        New, empty, or a saved model; it is made if missing. Files in it with names such as this function
        gives belong to the model, ``README.md`` included: they are replaced or removed.
    card : str, optional
        Markdown for the model card.
    records : sequence of Record, default=()
        What is known of the model, such as an evaluation: `read_records` finds it again, and the card shows it.
    metadata : mapping, optional
        Whatever belongs to the model: strings, finite numbers, booleans, None, and lists and string-keyed mappings of
        these. `read_metadata` returns it.
    made_from : path, optional
        The directory of the saved model that this one was made from. What people wrote in its card stays, and so do its
        metadata, unless there are others, and its records, with those of measurements marked as taken before the
        change.
    change : str, default="updates"
        What the mark calls the change.

    Raises
    ------
    TypeError
        If the model, or a part, a setting or an array of it, is of a type that cannot be saved.
    ValueError
        If a setting is NaN or infinite, or a name is not made of letters, digits and underscores.
    FileExistsError
        If the directory holds something else than a model.

    Notes
    -----
    A process killed at any moment leaves the old model or the new one, whole; files and directory are synced
    to the disk. Processes that save into one directory take turns where the system has file locks, and
    readers of the old model keep what they have opened. Contiguous arrays are written from where they are,
    without a copy.
    """
    if not isinstance(card, str | None):
        raise TypeError(f"card must be Markdown text, found {card!r}")
    if not isinstance(metadata, Mapping | None):
        raise TypeError(f"metadata must be a mapping, found {metadata!r}")
    directory = _checked_path(directory)
    token = secrets.token_hex(4)
    files: Files = {}
    node = take_apart(model, (), files)
    make_directory(directory)
    with exclusive(directory, wait=True) as held:
        outdated = _check_destination(directory)
        names: dict[str, str] = {}
        written: dict[str, FileRecord] = {}
        made: set[str] = set()
        try:
            for part, arrays in files.items():
                made.add(unnamed := f"{part}-{token}.safetensors")
                found = write_tensors(directory / unnamed, arrays)
                made.add(name := f"{part}-{found.sha256[:16]}.safetensors")
                os.replace(directory / unnamed, directory / name)
                names[part], written[name] = name, found
            node, old = named(node, names), ""
            if made_from is not None:
                old, records = _read_card(Path(made_from)), changed(read_records(made_from), records, change)
                metadata = read_metadata(made_from) if metadata is None else metadata
            n_bytes = sum(record.size for record in written.values())
            told = model_card(node, n_bytes, records, card, old)
            _put_texts(directory, token, make_document(node, written, records, metadata or {}), told)
        except BaseException:
            _discard(directory, made)
            raise
        if held:  # what is unfinished is then left from an interrupted save, and not another's at work
            outdated |= {name for name in os.listdir(directory) if _is_ours(name)}
        for name in outdated - set(written):
            with contextlib.suppress(OSError):  # Windows keeps a file that someone has mapped
                (directory / name).unlink()


def load(directory: str | os.PathLike[str], *, verify: bool = False, n_jobs: int | None = None) -> Any:
    """Open a saved model.

    Arrays are mapped from the files, read-only: they take memory only as they are used, and processes share
    it. A model of any size opens in milliseconds; on file systems that cannot map files, they are read into memory.
    `save` may put a new model in place meanwhile; nothing else may change the files. None of them is kept open.

    A missing or truncated file is always found, and so is any change of ``config.json`` and of files of up to a
    megabyte. Of larger ones size and structure are looked at: what was altered inside them before, by a fault of the
    disk, is found with ``verify`` only, and gives wrong answers or a ``ValueError`` otherwise.

    Files may come from anyone, with checksums that fit: whatever they hold when they are opened, no code of theirs runs
    and nothing is read or written outside of them. That holds for as long as they stay as they are. A file that is
    changed in place while a model maps it undoes the checks, and one that is shortened ends the process.

    Parameters
    ----------
    directory : path or str
        What `save` wrote. Or a model elsewhere, of which a local copy is opened: ``"hf://owner/name@revision"`` on the
        Hugging Face Hub (extra ``hub``; the revision may be left out), or the URL of a folder that fsspec knows, such
        as ``"s3://bucket/model"`` (extra ``remote``, and the package of that protocol), which is copied into
        ``~/.cache/arborank``, or where ``ARBORANK_CACHE`` says.
    verify : bool, default False
        Read all files to the end to compare their checksums, at about a gigabyte a second: after a copy over a
        network, say. ``arborank inspect --verify`` does the same.
    n_jobs : int, optional
        Threads of the model and all its stages; None or -1 for every core. It is not saved with a model.

    Returns
    -------
    model
        An object of the class that was saved.

    Raises
    ------
    ImportError
        If the model is elsewhere, and an extra is not installed.
    FileNotFoundError
        If the directory holds no model, or a file of it is missing; or the Hub has no such model or revision.
    ValueError
        If a file is truncated, altered, malformed, of another format version, or its arrays are not the
        expected ones. The message names the file.
    """
    if not isinstance(verify, bool):
        raise TypeError(f"verify must be True or False, found {verify!r}")
    n_threads(n_jobs)  # checks
    path = _checked_path(fetched(str(directory)) if is_remote(directory) else directory) / "config.json"
    text = _read_config(path)
    while True:
        try:
            return set_at_work(_open(path, text, verify), n_jobs=n_jobs)
        except (OSError, ValueError):
            newer = _read_config(path)
            if newer == text:
                raise
            text = newer  # a new model was saved meanwhile, and the files of this one are gone


def read_records(directory: str | os.PathLike[str]) -> list[Record]:
    """Return what is known of a saved model: evaluations, its compression, its last update.

    Raises
    ------
    FileNotFoundError, ValueError
        If ``config.json`` is missing, altered or malformed.
    """
    path = _checked_path(directory) / "config.json"
    document = parse_document(path, _read_config(path))
    try:
        return parse_records(document.get("records"))
    except ValueError as error:
        raise ValueError(f"{path} is malformed: {error}") from None


def add_records(directory: str | os.PathLike[str], records: Sequence[Record]) -> None:
    """Add to what is known of a saved model, in its ``config.json`` and its card; a newer title replaces an older one.

    Raises
    ------
    FileNotFoundError, ValueError
        As `read_records`.
    """
    place = _checked_path(directory)
    path = place / "config.json"
    _read_config(path)  # an error that helps if there is no model to lock
    with exclusive(place, wait=True):
        known = {record.title: record for record in (*read_records(place), *records)}
        document = parse_document(path, _read_config(path))
        files = {name: FileRecord(**record) for name, record in document["files"].items()}
        n_bytes = sum(record.size for record in files.values())
        told = document["model"], files, list(known.values()), document.get("metadata", {})
        card = model_card(told[0], n_bytes, told[2], None, _read_card(place))
        _put_texts(place, secrets.token_hex(4), make_document(*told), card)


def read_metadata(directory: str | os.PathLike[str]) -> Json:
    """Return the ``metadata`` that a model was saved with, empty without any; errors are those of `read_records`."""
    path = _checked_path(directory) / "config.json"
    metadata = parse_document(path, _read_config(path)).get("metadata", {})
    if not isinstance(metadata, dict):
        raise ValueError(f"{path} is malformed: its metadata are no mapping")
    return metadata


def _open(path: Path, text: str, verify: bool) -> Any:
    document = parse_document(path, text)
    files: Files = {}
    try:
        for name, record in document["files"].items():
            if not _DATA_FILE.fullmatch(name):
                raise ValueError(f"{path} is malformed: {name!r} is not a name of a data file")
            expected = FileRecord(**record)
            whole = verify or expected.size <= _SMALL
            files[name] = open_tensors(path.with_name(name), expected, verify=whole)
        model = put_together(document["model"], (), path, files)
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"{path} is malformed ({type(error).__name__}: {error})") from error
    for name, arrays in files.items():
        if arrays:
            raise ValueError(f"{path.with_name(name)} holds {min(arrays)!r}, which config.json does not list")
    return model


def _config_text(document: dict[str, Any]) -> str:
    text = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    if len(text.encode()) > LONGEST_TEXT:
        raise ValueError(
            f"the settings of the model take {len(text.encode()):,} bytes as text; {LONGEST_TEXT:,} is the most. "
            "Lists as long as that (of stop words or blocked phrases) do not belong into a model"
        )
    return text


def _read_config(path: Path) -> str:
    try:
        return read_text(path)
    except (FileNotFoundError, NotADirectoryError):
        raise FileNotFoundError(f"{path} is missing: {what_is_there(path.parent)}") from None
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is altered: {error}") from None


def _checked_path(directory: Any) -> Path:
    if not isinstance(directory, str | os.PathLike):
        raise TypeError(f"directory must be a path, a str or os.PathLike, found {directory!r}")
    return Path(directory)


def what_is_there(directory: Path) -> str:
    """Say what stands in the place of a model, and where one may be."""
    if not directory.exists():
        near = difflib.get_close_matches(directory.name, _models_in(directory.parent), n=3, cutoff=0.6)
        meant = " or ".join(repr(str(directory.parent / name)) for name in near)
        return f"there is no directory {directory}" + (f"; did you mean {meant}?" if near else "")
    if not directory.is_dir():
        return f"{directory} is a file; a model is a directory"
    if (directory / "param.json").exists():
        return "the directory holds no model; it looks like a PECOS model, which `arborank convert` reads"
    there = " and in ".join(repr(str(directory / name)) for name in sorted(_models_in(directory))[:3])
    return "the directory holds no model" + (f"; there is one in {there}" if there else "")


def _models_in(directory: Path) -> list[str]:
    try:
        return [name for name in os.listdir(directory) if os.path.isfile(directory / name / "config.json")]
    except OSError:
        return []


def _read_card(directory: Path) -> str:
    """Return a model's card, empty if it is gone; it may have been written by people, in an encoding of theirs."""
    path = directory / "README.md"
    if not path.is_file():
        return ""
    content = read_content(path)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def _check_destination(directory: Path) -> set[str]:
    """Return the data files of the model in ``directory``, or raise if it holds something else."""
    names = os.listdir(directory)
    if "config.json" not in names:
        foreign = sorted(name for name in names if not _is_ours(name))
        if foreign:
            raise FileExistsError(f"{directory} is not empty and holds no model (it holds {foreign[0]!r})")
        return set()
    data_files = _data_files(directory)
    if data_files is None:
        raise FileExistsError(
            f"{directory} holds a config.json that is damaged or not Arborank's; remove it, or save elsewhere"
        )
    return data_files


def _data_files(directory: Path) -> set[str] | None:
    """Return the data files of the model in ``directory``, or None if there is no model, or no whole one."""
    try:
        document = json.loads(read_text(directory / "config.json"))
        if document["format"] == FORMAT:
            return {name for name in document["files"] if _DATA_FILE.fullmatch(name)}
    except (FileNotFoundError, ValueError, KeyError, TypeError, RecursionError):
        pass
    return None


def _put_texts(directory: Path, token: str, document: Json, card: str) -> None:
    """Put ``config.json`` in place, from which on the directory is the new model, and its card."""
    config, readme = directory / f"config.json-{token}.tmp", directory / f"README.md-{token}.tmp"
    try:
        write_text(readme, card)
        write_text(config, _config_text(document))
        put_in_place(config, directory / "config.json")
    except BaseException:
        _discard(directory, {config.name, readme.name})
        raise
    os.replace(readme, directory / "README.md")
    sync_directory(directory)


def _discard(directory: Path, names: set[str]) -> None:
    """Remove what a failed save has written, but nothing of the model in place: the failure may follow the switch."""
    with contextlib.suppress(OSError):  # the first error is the one to tell
        for name in names - (_data_files(directory) or set()):
            (directory / name).unlink(missing_ok=True)


def _is_ours(name: str) -> bool:
    return bool(_DATA_FILE.fullmatch(name) or _UNFINISHED.fullmatch(name))
