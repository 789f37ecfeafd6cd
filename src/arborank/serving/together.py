"""Questions to a slow model that come at the same time, answered together."""

import asyncio
import time
from collections.abc import Callable, Hashable, Sequence
from typing import Generic, NamedTuple, TypeVar

from .problems import Problem
from .work import Work

__all__ = ["Together"]

Q = TypeVar("Q")
A = TypeVar("A")

_MOST = 32


class _Question(NamedTuple, Generic[Q, A]):
    item: Q
    deadline: float
    answer: "asyncio.Future[A]"


class Together(Generic[Q, A]):
    """Answers a question that comes alone at once, and those that come meanwhile together, after it.

    A transformer answers 32 texts in half the time of one after the other. Nobody waits for others to come.
    """

    def __init__(self, work: Work) -> None:
        self._work = work
        self._waiting: dict[Hashable, list[_Question[Q, A]]] = {}
        self._running: set[asyncio.Task[None]] = set()

    async def ask(
        self, key: Hashable, function: Callable[[Sequence[Q]], list[A]], item: Q, deadline: float
    ) -> A:
        """Return what a function answers to an item; items of the same key may go to one call of the function."""
        loop = asyncio.get_running_loop()
        question: _Question[Q, A] = _Question(item, deadline, loop.create_future())
        if key in self._waiting:
            self._waiting[key].append(question)
        else:
            self._waiting[key] = [question]
            task = loop.create_task(self._answer_all(key, function))
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        return await question.answer

    async def _answer_all(self, key: Hashable, function: Callable[[Sequence[Q]], list[A]]) -> None:
        while waiting := self._waiting[key]:
            self._waiting[key] = waiting[_MOST:]
            await self._answer(waiting[:_MOST], function)
        del self._waiting[key]

    async def _answer(
        self, questions: list[_Question[Q, A]], function: Callable[[Sequence[Q]], list[A]]
    ) -> None:
        now = time.monotonic()
        for one in questions:
            if now > one.deadline and not one.answer.done():
                one.answer.set_exception(Problem(504, "no answer within the time that the request has"))
        open_ones = [one for one in questions if not one.answer.done()]
        if not open_ones:
            return
        try:
            answers = await self._work.aside(lambda: function([one.item for one in open_ones]))
        except Exception as error:
            for one in open_ones:
                if not one.answer.done():
                    one.answer.set_exception(error)
            return
        for one, answer in zip(open_ones, answers, strict=True):
            if not one.answer.done():
                one.answer.set_result(answer)
