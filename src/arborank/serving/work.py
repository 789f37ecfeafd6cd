"""How work gets done without keeping others waiting: at once, in threads, or not at all."""

import asyncio
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from .metrics import Metrics
from .problems import Problem
from .settings import Settings

if TYPE_CHECKING:
    from .call import Call

__all__ = ["Work"]

T = TypeVar("T")
A = TypeVar("A")

_LEAST = 32  # items for a thread of their own


class Work:
    """The threads of a service, and how many texts are being answered."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self._most, self._metrics = settings.max_in_flight, metrics
        self._n_threads = settings.threads or os.cpu_count() or 1
        self._pool = ThreadPoolExecutor(self._n_threads, "arborank-serve")
        self.in_flight = 0

    def close(self) -> None:
        """End the threads, after what they do."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def admitted(self, n_texts: int) -> "_Admitted":
        """Count texts as long as they are being answered; refuse them if there are too many already."""
        if self.in_flight + n_texts > self._most:
            self._metrics.rejected.labels("busy").inc()
            detail = f"{self.in_flight} texts are being answered; the most is {self._most}"
            raise Problem(429, detail, headers={"retry-after": "1"})
        return _Admitted(self, n_texts)

    async def at_once(self, function: Callable[[], A], call: "Call") -> A:
        """Call a function that is quick here and now; status 504 if the deadline has passed.

        Requests that came with this one go first as far as to be counted: so many of them are refused at once.
        """
        asked = time.monotonic()
        if not call.alone:
            await asyncio.sleep(0)
        self.begin(asked, time.monotonic(), call)
        return function()

    def begin(self, asked: float, now: float, call: "Call | None") -> None:
        """Count how long a call has waited; status 504 if its deadline has passed."""
        self._metrics.queue_seconds.observe(now - asked)
        if call is not None:
            call.queued = max(call.queued, now - asked)
            if now > call.deadline:
                raise Problem(504, "no answer within the time that the request has")

    async def in_pieces(
        self, function: Callable[[Sequence[T]], list[A]], items: Sequence[T], most: int, call: "Call"
    ) -> list[A]:
        """Call a function in all threads with some of the items each, at most so many; status 504 as for `aside`."""
        answers: list[A] = []
        size = min(most, max(_LEAST, -(-len(items) // self._n_threads)))
        pieces = [items[start : start + size] for start in range(0, len(items), size)]
        for start in range(0, len(pieces), self._n_threads):
            some = pieces[start : start + self._n_threads]
            asked = (self.aside(lambda piece=piece: function(piece), call) for piece in some)  # type: ignore[misc]
            for found in await asyncio.gather(*asked, return_exceptions=True):  # so that all have ended
                if isinstance(found, BaseException):
                    raise found
                answers += found
        return answers

    async def aside(self, function: Callable[[], A], call: "Call | None" = None) -> A:
        """Call a function in a thread; status 504 if none is free before the deadline of a call."""
        asked = time.monotonic()

        def begin() -> A:
            self.begin(asked, time.monotonic(), call)
            return function()

        return await asyncio.get_running_loop().run_in_executor(self._pool, begin)


class _Admitted:
    """Texts, from being admitted to being answered."""

    __slots__ = ("_n_texts", "_work")

    def __init__(self, work: Work, n_texts: int) -> None:
        self._work, self._n_texts = work, n_texts

    def __enter__(self) -> None:
        self._work.in_flight += self._n_texts

    def __exit__(self, *error: object) -> None:
        self._work.in_flight -= self._n_texts
