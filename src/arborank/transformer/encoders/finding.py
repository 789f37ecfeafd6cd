"""Where an encoder comes from: a folder, or a name on the Hugging Face hub or in its cache."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import transformers
from transformers.utils import cached_file

from ...core.types import Json
from .components import check_tokenizer_file
from .trust import check_modules, check_settings, check_shards

__all__ = ["Source", "look_up", "quiet", "sentence_modules"]

_POOLING_KEYS = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_lasttoken": "last",
}
_ST_MODULES = ("Transformer", "Pooling", "Normalize")


@dataclass(frozen=True)
class Source:
    """What is known of an encoder before its weights are read.

    Attributes
    ----------
    name : str
        Folder or hub name.
    subfolder : str
        Where in it the encoder lies; empty for the top.
    config : transformers.PretrainedConfig
    pooling : str or None
        What a sentence-transformers model asks for.
    max_length : int or None
        Likewise.
    """

    name: str
    subfolder: str
    config: Any
    pooling: str | None
    max_length: int | None


def look_up(name: str | os.PathLike[str]) -> Source:
    """Find an encoder, of Transformers or sentence-transformers layout.

    Raises
    ------
    TypeError
        If it is neither a path nor a name.
    FileNotFoundError
        If it is in none of the places, which the message lists.
    ValueError
        If it is there but cannot be used, or asks to run code of its own.
    """
    if not isinstance(name, str | os.PathLike):
        raise TypeError(f"encoder must be a folder, a name or an Encoder, found {name!r}")
    name = os.fspath(name)
    where = f"encoder {name!r}"
    modules = sentence_modules(name)
    for module in modules:
        if module["type"].rsplit(".", 1)[-1] not in _ST_MODULES:
            raise ValueError(
                f"encoder {name!r} is a sentence-transformers model with a module {module['type']!r}; "
                f"known are {', '.join(_ST_MODULES)}"
            )
    paths = {module["type"].rsplit(".", 1)[-1]: module["path"] for module in modules}
    subfolder = paths.get("Transformer", "")
    pooling = max_length = None
    if "Pooling" in paths:
        settings = _json(name, f"{paths['Pooling']}/config.json") or {}
        pooling = _pooling_of(name, settings)
        sentence = _json(name, os.path.join(subfolder, "sentence_bert_config.json")) or {}
        max_length = sentence.get("max_seq_length")
    for file in ("config.json", "tokenizer_config.json"):
        check_settings(_json(name, os.path.join(subfolder, file)), f"{where}: {file}")
    shards = _json(name, os.path.join(subfolder, "model.safetensors.index.json"))
    if shards is not None:
        check_shards(shards, where)
    try:
        config = transformers.AutoConfig.from_pretrained(name, subfolder=subfolder, trust_remote_code=False)
    except (OSError, ValueError) as error:
        raise _not_found(name, error) from error
    return Source(name, subfolder, config, pooling, max_length)


def sentence_modules(name: str) -> list[Json]:
    """Return the modules of a sentence-transformers model, none if it is no such model.

    Raises
    ------
    ValueError
        If a module is not of that package (see `check_modules`), or a tokenizer could make any text long (see
        `check_components`).
    """
    where = f"encoder {name!r}"
    modules = check_modules(_json(name, "modules.json") or [], where)
    places = {module["path"] for module in modules if module["type"].endswith(".Transformer")}
    for place in sorted({"", *places}):
        tokenizer = _content(name, os.path.join(place, "tokenizer.json"))
        if tokenizer is not None:
            check_tokenizer_file(tokenizer, where)
    return modules


def _pooling_of(name: str, settings: dict[str, Any]) -> str | None:
    asked = [key for key, value in settings.items() if key.startswith("pooling_mode_") and value is True]
    if "pooling_mode" in settings:
        asked = [f"pooling_mode_{settings['pooling_mode']}"]
    known = {**_POOLING_KEYS, "pooling_mode_cls": "cls", "pooling_mode_mean": "mean"}
    if len(asked) != 1 or asked[0] not in known:
        raise ValueError(
            f"encoder {name!r} asks for pooling {asked}, which is not supported; give pooling= 'cls', 'mean' or 'last'"
        )
    return known[asked[0]]


def _content(name: str, file: str) -> bytes | None:
    try:
        path = cached_file(
            name,
            file,
            _raise_exceptions_for_missing_entries=False,
            _raise_exceptions_for_connection_errors=False,
            _raise_exceptions_for_gated_repo=False,
        )
    except (OSError, ValueError):  # no such folder or repository: told when its config is asked for
        return None
    return None if path is None else Path(path).read_bytes()


def _json(name: str, file: str) -> Any:
    content = _content(name, file)
    if content is None:
        return None
    try:
        return json.loads(content)
    except ValueError as error:
        raise ValueError(f"encoder {name!r}: {file} is not JSON: {error}") from None


def _not_found(name: str, error: Exception) -> Exception:
    folder = Path(name).expanduser()
    if folder.is_dir():
        return ValueError(
            f"encoder {name!r}: the folder holds no encoder that Transformers can read ({error})"
        )
    from huggingface_hub import constants

    hub = "the hub was not asked (HF_HUB_OFFLINE is set)" if constants.HF_HUB_OFFLINE else "nor on the hub"
    first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return FileNotFoundError(
        f"encoder {name!r} was not found: there is no folder {folder.absolute()}, nothing of that name in the "
        f"cache {constants.HF_HUB_CACHE}, and {hub}. Transformers says: {first}"
    )


@contextmanager
def quiet() -> Iterator[None]:
    """Keep Transformers from writing to the terminal."""
    log = transformers.utils.logging
    level, bar = log.get_verbosity(), log.is_progress_bar_enabled()
    log.set_verbosity_error()
    log.disable_progress_bar()
    try:
        yield
    finally:
        log.set_verbosity(level)
        if bar:
            log.enable_progress_bar()
