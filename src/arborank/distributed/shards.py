"""Which files the rows are in, in which order, and how a changed file is recognised."""

import os
import tempfile
import time
from collections.abc import Container, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ..core.errors import ArgumentError
from ..core.types import FilePath, Json
from ..datasets.places import files_of
from ..datasets.read import EXTENSIONS

__all__ = ["check_installed", "find_shards", "local_copy"]

_PAUSES = (1.0, 5.0, 20.0)  # seconds before a store that did not answer is asked again


def check_installed() -> None:
    """Raise ``ImportError`` unless pyarrow is there, which adds up what was counted."""
    try:
        import pyarrow  # noqa: F401
    except ImportError as error:
        raise ImportError(
            "training from many files needs pyarrow: pip install 'arborank[distributed]'"
        ) from error


def find_shards(
    places: FilePath | Sequence[FilePath], extensions: Container[str] | None = EXTENSIONS
) -> list[Json]:
    """Return the files that paths, patterns and addresses mean, in order, and what tells the version of each.

    Of a folder these are the files with one of the ``extensions``.

    Raises
    ------
    FileNotFoundError
        If there is none for one of them.
    ImportError
        If an address needs fsspec, or a package of its kind of store.
    ValueError
        If a file is meant twice, or a store cannot be read; the message names the address.
    """
    given = [places] if isinstance(places, str | os.PathLike) else list(places)
    if not given:
        raise ArgumentError("shards", "is empty; at least one file is needed")
    found = [shard for place in given for shard in _of_place(os.fspath(place), extensions)]
    names = [shard["shard"] for shard in found]
    twice = (
        next((name for name in names if names.count(name) > 1), None)
        if len(set(names)) < len(names)
        else None
    )
    if twice is not None:
        raise ArgumentError("shards", f"mean {twice} twice; its rows would count twice")
    return found


def _of_place(place: str, extensions: Container[str] | None) -> list[Json]:
    if "://" in place:
        return _of_address(place)
    found = []
    for path in files_of(place, extensions):
        known = path.stat()
        told = {"shard": str(path.resolve()), "version": str(known.st_mtime_ns), "bytes": known.st_size}
        found.append(told)
    return found


def _of_address(address: str) -> list[Json]:
    try:
        from fsspec.core import url_to_fs
    except ImportError as error:
        raise ImportError(f"{address} needs fsspec: pip install 'arborank[distributed]'") from error
    try:
        system, pattern = url_to_fs(address)
        names: list[str] = sorted(system.glob(pattern))
        known: list[Any] = [(system.ukey(name), system.size(name)) for name in names]
    except ImportError as error:
        raise ImportError(f"{address}: {error}") from error
    except Exception as error:  # each kind of store has errors of its own
        kind = type(error).__name__
        raise ArgumentError(
            "shards",
            f"{address} cannot be read ({kind}: {error}); are the address and the credentials right?",
        ) from error
    if not names:
        raise FileNotFoundError(f"no file is named as the address {address!r} says")
    return [
        {"shard": system.unstrip_protocol(name), "version": str(version), "bytes": int(size)}
        for name, (version, size) in zip(names, known, strict=True)
    ]


@contextmanager
def local_copy(shard: str) -> Iterator[str]:
    """Yield the path of a shard; one in an object store is copied first, for the time being.

    Raises ``OSError`` that names the shard if it cannot be read, also after some pauses where a store did not answer.
    """
    if "://" not in shard:
        yield shard
        return
    from fsspec.core import url_to_fs

    with tempfile.TemporaryDirectory() as directory:
        system, place = url_to_fs(shard)
        path = f"{directory}/{place.rpartition('/')[2]}"
        for pause in (*_PAUSES, None):
            try:
                system.get_file(place, path)
                break
            except Exception as error:  # each kind of store has errors of its own
                if pause is None or not isinstance(error, TimeoutError | ConnectionError):
                    raise OSError(f"{shard} cannot be read ({type(error).__name__}: {error})") from error
                time.sleep(pause)
        yield path
