"""Texts as token ids in one flat array: a file that is read in batches, never held in memory as a whole."""

import logging
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ...core.sequences import text_list
from ...core.types import AnyArray
from ...storage.disk import map_file, naming
from ...storage.runs import Digest
from .panics import TextError

__all__ = ["TokenCache", "readable", "training_texts"]

_LOG = logging.getLogger(__name__)
_CHUNK = 1024  # texts tokenised together

Tokenize = Callable[[list[str]], tuple[list[list[int]], int]]


class TokenCache:
    """Token ids of many texts.

    Parameters
    ----------
    tokens : integer array
        The ids of all texts, one text after the other; may be a memory map.
    offsets : int64 array of shape (n_texts + 1,)
        Text ``i`` is ``tokens[offsets[i]:offsets[i + 1]]``.
    digest : str
        SHA-256 of the texts themselves.
    """

    def __init__(self, tokens: AnyArray, offsets: NDArray[np.int64], digest: str) -> None:
        self.tokens, self.offsets, self.digest = tokens, offsets, digest
        self.lengths: NDArray[np.int64] = np.diff(offsets)

    def __len__(self) -> int:
        return int(self.lengths.size)

    @classmethod
    def build(
        cls,
        texts: Sequence[str],
        tokenize: Tokenize,
        *,
        vocabulary: int,
        path: Path | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> Self:
        """Tokenise texts, a thousand at a time.

        Parameters
        ----------
        texts : sequence of str
        tokenize : callable
            Gives the ids of some texts, cut to the encoder's length, and how many of them were cut.
        vocabulary : int
            Ids are below it.
        path : Path, optional
            File for the ids; an existing one is replaced. By default they stay in memory.
        progress : callable, optional
            Called with the number of texts done.

        Raises
        ------
        ValueError
            If an id is not below ``vocabulary``: the tokenizer is another encoder's. If it gives up on a text.

        Notes
        -----
        Logs a warning when texts were cut.
        """
        dtype = np.uint16 if vocabulary <= 2**16 else np.int32
        digest, n_cut = Digest(), 0
        offsets = np.zeros(len(texts) + 1, np.int64)
        chunks: list[NDArray[Any]] = []
        file = None if path is None else path.open("wb")
        try:
            for start in range(0, len(texts), _CHUNK):
                some = list(texts[start : start + _CHUNK])
                try:
                    rows, cut = tokenize(some)
                except TextError as error:
                    raise TextError(start + error.place, error.reason) from None
                n_cut += cut
                for i, (text, row) in enumerate(zip(some, rows, strict=True)):
                    digest.add(text)
                    offsets[start + i + 1] = len(row)
                ids: NDArray[Any] = np.fromiter((token for row in rows for token in row), np.int64)
                if ids.size and not (ids.min() >= 0 and ids.max() < vocabulary):
                    raise ValueError(
                        f"the tokenizer gives ids from {ids.min()} to {ids.max()}, but the encoder knows {vocabulary}"
                    )
                ids = ids.astype(dtype)
                if file is None:
                    chunks.append(ids)
                else:
                    with naming(file.name):
                        file.write(ids.data)
                if progress is not None:
                    progress(start + len(some))
        finally:
            if file is not None:
                with naming(file.name):
                    file.close()
        np.cumsum(offsets, out=offsets)
        if n_cut:
            _LOG.warning("%d of %d texts are longer than the encoder reads and were cut", n_cut, len(texts))
        if path is None or offsets[-1] == 0:
            tokens = np.concatenate([np.zeros(0, dtype), *chunks])
        else:
            with path.open("rb") as written:
                tokens = np.frombuffer(map_file(written, int(offsets[-1]) * np.dtype(dtype).itemsize), dtype)
        return cls(tokens, offsets, digest.hexdigest())

    def batch(self, rows: NDArray[np.int64], pad: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return ids and attention mask of some texts, both int64 of shape (n_rows, longest), padded at the end.

        A text without a token is one of padding: attention to nothing is not a number.
        """
        lengths = self.lengths[rows]
        width = max(int(lengths.max(initial=0)), 1)
        ids = np.full((rows.size, width), pad, np.int64)
        for place, row in enumerate(rows):
            ids[place, : lengths[place]] = self.tokens[self.offsets[row] : self.offsets[row + 1]]
        return ids, (np.arange(width) < np.maximum(lengths, 1)[:, None]).astype(np.int64)


def training_texts(texts: Iterable[str]) -> Sequence[str]:
    """Return texts to train on.

    Raises
    ------
    TypeError
        As `arborank.core.sequences.text_list`.
    ValueError
        If there are none or one has nothing but white space.
    """
    texts = text_list(texts)
    if not len(texts):
        raise ValueError("texts is empty; at least one text is needed")
    empty = [position for position, text in enumerate(texts) if not text.strip()]
    if empty:
        raise ValueError(
            f"{len(empty)} of {len(texts)} texts are empty, first texts[{empty[0]}]; leave them out of the training"
        )
    return texts


def readable(text: str) -> str:
    """Return a text with question marks for lone surrogates, which tokenizers refuse."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")
