"""Who may ask: keys that clients send as ``Authorization: Bearer KEY``, kept as hashes.

A line of the file is a name, the SHA-256 of a key in hexadecimal, and what it opens: ``rank``, ``write``, ``metrics``,
with commas between. Blank lines and lines that begin with ``#`` do not count. Keys are long and random, so that a plain
hash is enough.
"""

import hmac
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias

from ..core.types import FilePath

__all__ = ["SCOPES", "Key", "Opening", "find_key", "read_keys"]

Opening: TypeAlias = Literal["rank", "write", "metrics"]
SCOPES: tuple[Opening, ...] = ("rank", "write", "metrics")


class Key(NamedTuple):
    """A key that the service knows by its hash."""

    name: str
    digest: bytes
    scopes: frozenset[str]


def read_keys(path: FilePath) -> list[Key]:
    """Read a file of keys.

    Raises
    ------
    ValueError
        If a line is malformed, or the file has no key.
    """
    keys = []
    for number, line in enumerate(Path(path).read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        parts = line.split()
        try:
            name, digest, scopes = parts[0], bytes.fromhex(parts[1]), parts[2].split(",")
        except (IndexError, ValueError):
            digest, scopes = b"", []
        if len(parts) != 3 or len(digest) != 32 or not scopes or not set(scopes) <= set(SCOPES):
            raise ValueError(
                f"{path}, line {number}: expected a name, the SHA-256 of a key in hexadecimal, and some of "
                f"{', '.join(SCOPES)} with commas between"
            )
        keys.append(Key(name, digest, frozenset(scopes)))
    if not keys:
        raise ValueError(f"{path} has no key")
    return keys


def find_key(keys: Sequence[Key], authorization: str) -> Key | None:
    """Return the key that a header holds, None if it holds none that is known; takes as long whichever it is."""
    kind, _, token = authorization.partition(" ")
    digest = sha256(token.strip().encode()).digest()
    found = None
    for key in keys:
        if hmac.compare_digest(key.digest, digest):
            found = key
    return found if kind.lower() == "bearer" else None
