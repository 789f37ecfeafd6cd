"""How a service behaves: limits, keys, what may be changed."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from ..core.checks import check_flag, check_integer, check_real
from ..core.errors import ArgumentError
from ..core.types import FilePath

__all__ = ["Settings", "check_name", "model_name"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_ORIGIN = re.compile(r"https?://[^/\s*]+")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Settings of a service; limits on work hold for each process.

    Parameters
    ----------
    max_body : int, default=1048576
        Most bytes of a request's body. A longer one is refused as soon as that is known.
    max_texts : int, default=256
        Most texts of one request.
    max_in_flight : int, default=1024
        Most texts of all requests being answered. Requests beyond it are refused at once, with status 429.
    max_k : int, default=1000
        Most labels for a text.
    timeout : float, default=2.0
        Seconds after which work that has not begun is given up, with status 504. A request may ask for less with the
        header ``X-Timeout-Ms``.
    threads : int, default=0
        Threads for batches and long texts; 0 for as many as cores.
    keys : path, optional
        File of the keys that clients must send; see `arborank.serving.keys`. By default everyone may ask.
    cors : tuple of str, default=()
        Origins, such as ``"https://shop.example"``, whose pages may ask.
    read_only : bool, default=False
        Refuse to change labels and to reload.
    recent : path, optional
        Texts with labels, like the queries to come: new labels are told apart from them; see `TextRanker.add_labels`.
    feedback : path, optional
        File to which feedback is appended, a line of JSON each. By default there is none.
    decisions : path, optional
        File to which rankings that explore are appended, and their rewards: a log of `arborank.exploration`. By
        default nothing explores.
    page : bool, default=True
        Whether ``/`` shows the page to try the models.
    day : path, optional
        File of a simulated day in a shop, which ``/day`` replays; see `arborank demo --serve`.
    log_requests : bool, default=True
        Whether each request but those of probes is logged, as a line of JSON without its texts.
    log_texts : bool, default=False
        Whether these lines hold what was asked, as ``asked``: texts, rows, or a prefix behind the queries before it.
    verify : bool, default=False
        Whether the checksums of all files are compared when a model is loaded, at about a gigabyte a second.
    follow : float, default=0.5
        Seconds between looks at the models' directories: what is saved there is served from then on. 0 for no looks.
    part : (int, int), optional
        Serve part ``i`` of ``n`` of every model only, as ``(i, n)``; needs ``read_only``.
    parts : path, optional
        File with the address of every part of the model, in order, a line each, such as
        ``http://10.0.0.1:8080/v1/models/model``, and behind it a key if the service there needs one: they are asked,
        and their answers merged; needs ``read_only``.

    Raises
    ------
    TypeError, ValueError
        If a value is of another type or out of its range.
    """

    max_body: int = 1 << 20
    max_texts: int = 256
    max_in_flight: int = 1024
    max_k: int = 1000
    timeout: float = 2.0
    threads: int = 0
    keys: FilePath | None = None
    cors: tuple[str, ...] = ()
    read_only: bool = False
    recent: FilePath | None = None
    feedback: FilePath | None = None
    decisions: FilePath | None = None
    page: bool = True
    day: FilePath | None = None
    log_requests: bool = True
    log_texts: bool = False
    verify: bool = False
    follow: float = 0.5
    part: tuple[int, int] | None = None
    parts: FilePath | None = None

    def __post_init__(self) -> None:
        for name in ("max_body", "max_texts", "max_in_flight", "max_k"):
            check_integer(name, getattr(self, name), 1, 2**31 - 1)
        check_integer("threads", self.threads, 0, 1024)
        check_real("timeout", self.timeout, above=0.0)
        check_real("follow", self.follow, least=0.0)
        for name in ("read_only", "page", "log_requests", "log_texts", "verify"):
            check_flag(name, getattr(self, name))
        for name in ("feedback", "decisions"):
            path = getattr(self, name)
            if path is not None and not (there := Path(path).absolute().parent).is_dir():
                raise ArgumentError(name, f"is {str(path)!r}, but there is no directory {there}")
        if self.part is not None:
            check_integer("part", self.part[0], 1, check_integer("part", self.part[1], 1))
        if not self.read_only and (self.part, self.parts) != (None, None):
            raise ArgumentError(
                "read_only", "is False, but models that are served in parts cannot be changed"
            )
        if self.part is not None and self.parts is not None:
            raise ArgumentError("part", "and parts are given; a service is one of them or asks all")
        if self.day is not None and not Path(self.day).is_file():
            raise ArgumentError("day", f"is {str(self.day)!r}, which is no file")
        for origin in self.cors:
            if not _ORIGIN.fullmatch(origin):
                raise ArgumentError(
                    "cors", f"holds {origin!r}, which is no origin such as 'https://shop.example'"
                )

    def to_dict(self) -> dict[str, object]:
        """Return the settings as JSON has them."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: str(value) if isinstance(value, Path) else value for name, value in values.items()}

    @classmethod
    def from_dict(cls, values: Mapping[str, object]) -> "Settings":
        """Return the settings that `to_dict` wrote."""
        told = {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
        return cls(**told)  # type: ignore[arg-type]


def check_name(name: str) -> str:
    """Return the name of a model, or raise if it cannot stand in a path."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        wanted = "at most 100 letters, digits, '.', '_' and '-', a letter or digit first"
        raise ArgumentError("", f"a model cannot be called {name!r}: its name stands in addresses, {wanted}")
    return name


def model_name(directory: FilePath) -> str:
    """Return what the model of a directory is called: the directory's own name."""
    return check_name(Path(directory).resolve().name)
