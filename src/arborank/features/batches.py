"""A function of Python over many texts, in several processes where that pays."""

import json
import os
import sys
import warnings
from collections.abc import Callable, Sequence

__all__ = ["map_texts"]

_FEW = 4000  # texts, below which processes would not pay


def map_texts(
    function: Callable[[Sequence[str]], list[str]],
    texts: Sequence[str],
    n_processes: int,
    native: bool = False,
) -> list[str]:
    """Return ``function(texts)``, computed in forked processes, a part of the texts each, where there are many.

    ``native`` says that the function has threads of its own. Children compute and write, and touch nothing else.
    """
    n = min(n_processes or os.cpu_count() or 1, len(texts) // _FEW + 1)
    if n < 2 or native or not sys.platform.startswith("linux"):
        return function(texts)
    size = -(-len(texts) // n)
    parts = [texts[start : start + size] for start in range(0, len(texts), size)]
    children = [_start(function, part) for part in parts[1:]]
    done = []
    try:
        done += function(parts[0])
    finally:
        answers = [_answer(*child) for child in children]
    for part, answer in zip(parts[1:], answers, strict=True):
        done += function(part) if answer is None else answer  # here it raises what it raised there
    return done


def _start(function: Callable[[Sequence[str]], list[str]], part: Sequence[str]) -> tuple[int, int]:
    reader, writer = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # other threads are no matter: see above
        child = os.fork()
    if child:
        os.close(writer)
        return child, reader
    status = 1
    try:
        os.close(reader)
        with os.fdopen(writer, "wb") as file:
            file.write(json.dumps(function(part)).encode())
        status = 0
    finally:
        os._exit(status)


def _answer(child: int, reader: int) -> list[str] | None:
    with os.fdopen(reader, "rb") as file:
        content = file.read()
    _, status = os.waitpid(child, 0)
    if status:
        return None
    answer: list[str] = json.loads(content)
    return answer
