"""Coroutines that run here and now as far as they get: a task for each would double the time of a short request."""

import asyncio
from collections.abc import Callable, Coroutine, Generator
from typing import Generic, TypeVar

__all__ = ["Prompt", "drive"]

A = TypeVar("A")


class Prompt(asyncio.Future[A], Generic[A]):
    """A future that lets whoever is driven and waits for it go on at once, not in the loop's next turn."""

    go_on: Callable[[], object] | None = None

    def settle(self, outcome: "A | Exception") -> None:
        """Set what it is waited for, unless nobody waits any more."""
        if self.done():
            return
        if isinstance(outcome, Exception):
            self.set_exception(outcome)
        else:
            self.set_result(outcome)
        if self.go_on is not None:
            self.go_on()


def drive(coroutine: Coroutine[object, None, None], tasks: set[asyncio.Task[None]]) -> None:
    """Run a coroutine until it waits: for a `Prompt`, after which it is driven on, or for something else, as a task."""
    try:
        waited = coroutine.send(None)
    except StopIteration:
        return
    except Exception as error:  # of one, which those that are driven after it need not know
        told = {"message": "a request was not answered", "exception": error}
        asyncio.get_running_loop().call_exception_handler(told)
        return
    if isinstance(waited, Prompt):
        waited.go_on = lambda: drive(coroutine, tasks)
        return
    task = asyncio.get_running_loop().create_task(_go_on(coroutine, waited))
    tasks.add(task)
    task.add_done_callback(tasks.discard)


async def _go_on(coroutine: Coroutine[object, None, None], waited: object) -> None:
    await _Rest(coroutine, waited)


class _Rest:
    """What is left of a coroutine that waits for something."""

    def __init__(self, coroutine: Coroutine[object, None, None], waited: object) -> None:
        self._coroutine, self._waited = coroutine, waited

    def __await__(self) -> Generator[object, None, None]:
        waited = self._waited
        while True:
            try:
                yield waited
            except BaseException as error:  # the task is cancelled
                try:
                    waited = self._coroutine.throw(error)
                except StopIteration:
                    return
            else:
                try:
                    waited = self._coroutine.send(None)
                except StopIteration:
                    return
