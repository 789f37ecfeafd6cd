"""Models elsewhere: on the Hugging Face Hub, or in a folder that fsspec knows (S3, Google Cloud, HTTP, ...).

What is opened is always a local copy: files of the Hub are in its own cache, others in that of this package. Data files
are named by their content, so that what the cache has already is not fetched again.
"""

import hashlib
import os
import re
import secrets
from pathlib import Path
from typing import Any

from .disk import read_text
from .manifest import parse_document

__all__ = ["fetched", "from_hub", "is_remote"]

_URL = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_HUB = re.compile(r"hf://(?P<repo>[\w.-]+/[\w.-]+)(@(?P<revision>[^@]+))?")
_FILES = ("config.json", "README.md", "*.safetensors")
_PIECE = 1 << 22


def is_remote(place: object) -> bool:
    """Whether a place is named by a URL."""
    return isinstance(place, str) and _URL.match(place) is not None


def fetched(url: str) -> Path:
    """Return a local copy of the model at a URL: ``hf://owner/name@revision``, or a folder that fsspec can open.

    Raises
    ------
    ImportError
        If the extra ``hub`` or ``remote`` is not installed.
    FileNotFoundError
        If there is no such model or revision.
    ValueError
        If the URL is none of the Hub, or its protocol is unknown.
    """
    if not url.lower().startswith("hf://"):
        return _copied(url)
    parts = _HUB.fullmatch(url)
    if parts is None:
        raise ValueError(
            f"{url} is no model on the Hub; hf://owner/name or hf://owner/name@revision was expected"
        )
    return from_hub(parts["repo"], parts["revision"])


def from_hub(repo: str, revision: str | None = None, **options: object) -> Path:
    """Return the local copy of a model on the Hub; ``options`` are those of `huggingface_hub.snapshot_download`."""
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import (
            LocalEntryNotFoundError,
            RepositoryNotFoundError,
            RevisionNotFoundError,
        )
    except ImportError:
        raise ImportError("models of the Hub need huggingface_hub: pip install 'arborank[hub]'") from None
    try:
        return Path(snapshot_download(repo, revision=revision, allow_patterns=list(_FILES), **options))
    except RevisionNotFoundError:
        raise FileNotFoundError(f"{repo} on the Hub has no revision {revision!r}") from None
    except RepositoryNotFoundError:
        raise FileNotFoundError(f"the Hub has no {repo}, or none that you may read") from None
    except LocalEntryNotFoundError as error:
        raise FileNotFoundError(
            f"{repo} is not in the cache, and the Hub cannot be reached: {error}"
        ) from None


def _copied(url: str) -> Path:
    try:
        import fsspec
    except ImportError:
        raise ImportError(f"{url} needs fsspec: pip install 'arborank[remote]'") from None
    system, root = fsspec.core.url_to_fs(url)
    root = root.rstrip("/")
    try:
        text = system.cat_file(f"{root}/config.json").decode()
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        raise FileNotFoundError(f"{url} holds no model: config.json is missing") from None
    place = _cache() / hashlib.sha256(url.encode()).hexdigest()[:16]
    place.mkdir(parents=True, exist_ok=True)
    sizes = _data_files(url, text)
    for name, size in sizes.items():
        if not (place / name).is_file() or (place / name).stat().st_size != size:
            _fetch(system, f"{root}/{name}", place / name)
    if system.exists(f"{root}/README.md"):
        _fetch(system, f"{root}/README.md", place / "README.md")
    _put(place / "config.json", text.encode())  # last: from here on, the copy is this model
    for path in place.glob("*.safetensors"):
        if path.name not in sizes:
            path.unlink(missing_ok=True)
    return place


def _data_files(url: str, text: str) -> dict[str, int]:
    """Return the sizes of the data files of a model by name, as its config.json has them."""
    try:
        document = parse_document(Path("config.json"), text)
        sizes = {name: int(record["size"]) for name, record in document["files"].items()}
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{url}: config.json is malformed ({type(error).__name__}: {error})") from error
    except ValueError as error:
        raise ValueError(f"{url}: {error}") from None
    for name in sizes:
        if Path(name).name != name or not name.endswith(".safetensors"):
            raise ValueError(f"{url}: config.json is malformed: {name!r} is not a name of a data file")
    return sizes


def _fetch(system: Any, source: str, target: Path) -> None:
    unfinished = target.with_name(f"{target.name}.{secrets.token_hex(4)}.part")
    try:
        with system.open(source, "rb") as remote, unfinished.open("xb") as file:
            while piece := remote.read(_PIECE):
                file.write(piece)
        os.replace(unfinished, target)
    finally:
        unfinished.unlink(missing_ok=True)


def _put(path: Path, content: bytes) -> None:
    if path.is_file() and read_text(path).encode() == content:
        return
    unfinished = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
    unfinished.write_bytes(content)
    os.replace(unfinished, path)


def _cache() -> Path:
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("ARBORANK_CACHE") or Path(home) / "arborank")
