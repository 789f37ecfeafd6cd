"""Which texts go together: batches of like length, so that little is padded.

Everything here is a function of its arguments alone, so that an interrupted run continues with the same batches.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

__all__ = ["TrainingBatches", "budget_batches"]

_POOL = 50  # batches whose texts are sorted by length together


class TrainingBatches:
    """The batches of one level's training, epoch after epoch, each text once an epoch.

    Parameters
    ----------
    lengths : int64 array of shape (n_texts,)
        Tokens of every text.
    batch_size : int
    seed : sequence of int
        Two equal ones give the same batches.
    """

    def __init__(self, lengths: NDArray[np.int64], batch_size: int, seed: tuple[int, ...]) -> None:
        self._lengths, self._size, self._seed = lengths, batch_size, seed
        self._epoch = -1
        self._batches: list[NDArray[np.int64]] = []

    @property
    def per_epoch(self) -> int:
        """Number of batches in an epoch."""
        return -(-self._lengths.size // self._size)

    def __getitem__(self, number: int) -> NDArray[np.int64]:
        """Return the positions of the texts of a batch, counted from the first epoch on."""
        epoch, place = divmod(number, self.per_epoch)
        if epoch != self._epoch:
            self._batches, self._epoch = self._shuffled(epoch), epoch
        return self._batches[place]

    def _shuffled(self, epoch: int) -> list[NDArray[np.int64]]:
        rng = np.random.default_rng((*self._seed, epoch))
        order = rng.permutation(self._lengths.size)
        batches: list[NDArray[np.int64]] = []
        for start in range(0, order.size, _POOL * self._size):
            some = order[start : start + _POOL * self._size]
            some = some[np.argsort(self._lengths[some], kind="stable")]
            batches += [some[i : i + self._size] for i in range(0, some.size, self._size)]
        return [batches[i] for i in rng.permutation(len(batches))]

    def visited(self, n_batches: int) -> NDArray[np.int64]:
        """Return the positions of the texts that the first ``n_batches`` hold, ascending."""
        if n_batches >= self.per_epoch:
            return np.arange(self._lengths.size)
        first = [self[i] for i in range(n_batches)]
        return np.sort(np.concatenate([np.zeros(0, np.int64), *first]))


def budget_batches(lengths: NDArray[np.int64], budget: int) -> Iterator[NDArray[np.int64]]:
    """Yield positions in order of length, longest first, as many at once as ``budget`` tokens with padding allow."""
    order = np.argsort(-lengths, kind="stable")
    start = 0
    while start < order.size:
        longest = max(int(lengths[order[start]]), 1)
        stop = start + max(budget // longest, 1)
        yield order[start:stop]
        start = stop
