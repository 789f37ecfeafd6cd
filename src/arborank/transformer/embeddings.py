"""Vectors of texts, for labels that have names or descriptions."""

from collections.abc import Callable, Sequence
from os import PathLike
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..core.checks import check_integer
from ..core.sequences import text_list
from ..core.sparse import unit_rows
from ..core.types import FilePath

__all__ = ["text_embeddings"]


class TextEncoder(Protocol):
    """What makes vectors of texts."""

    def encode(self, texts: list[str], /) -> ArrayLike:
        """Return a matrix with one row per text."""


def text_embeddings(
    texts: Sequence[str],
    encoder: "FilePath | TextEncoder | Callable[[list[str]], ArrayLike]" = (
        "sentence-transformers/all-MiniLM-L6-v2"
    ),
    *,
    batch_size: int = 64,
) -> NDArray[np.float32]:
    """Return a vector of unit length for every text.

    ``XRLinear(representation=text_embeddings(label_names))`` groups labels by the meaning of their names. To mix that
    with their instances, give them to ``fit`` as ``label_features``, and the estimator
    ``representation={"pifa": 0.7, "features": 0.3}``.

    Parameters
    ----------
    texts : sequence of str
    encoder : str, path or object, default "sentence-transformers/all-MiniLM-L6-v2"
        Name or folder of a sentence-transformers model, which needs the package
        (``pip install 'arborank[embeddings]'``); such a model; or any object with ``encode``, or callable, that makes a
        matrix of a list of texts.
    batch_size : int, default 64
        Texts given to the encoder at a time.

    Returns
    -------
    float32 array of shape (n_texts, d)
        Rows of zeros stay as they are.

    Raises
    ------
    ImportError
        If ``encoder`` is a name and sentence-transformers is not installed.
    TypeError, ValueError
        If ``texts`` are not strings, or the encoder does not return a finite vector for every text.
    """
    check_integer("batch_size", batch_size, 1)
    texts = text_list(texts)
    if not len(texts):
        raise ValueError("texts is empty; at least one text was expected")
    encode = _encode(encoder)
    parts = [
        _checked(encode(list(texts[begin : begin + batch_size])), len(texts[begin : begin + batch_size]))
        for begin in range(0, len(texts), batch_size)
    ]
    return unit_rows(np.concatenate(parts))


def _encode(encoder: Any) -> Callable[[list[str]], Any]:
    if isinstance(encoder, (str, PathLike)):
        try:
            from sentence_transformers import SentenceTransformer
        except ImportError:
            raise ImportError(
                "an encoder by name needs the package sentence-transformers: pip install 'arborank[embeddings]'"
            ) from None
        from .encoders.finding import sentence_modules

        sentence_modules(str(encoder))  # a stranger's list would have any function of any package called
        options = {"use_safetensors": True}
        model = SentenceTransformer(str(encoder), trust_remote_code=False, model_kwargs=options)
        return lambda texts: model.encode(texts, batch_size=len(texts), show_progress_bar=False)
    encode: Callable[[list[str]], Any] = getattr(encoder, "encode", encoder)
    if callable(encode):
        return encode
    raise TypeError(f"encoder must be a name, an object with encode or a callable; found {encoder!r}")


def _checked(vectors: Any, n: int) -> NDArray[np.float32]:
    array = np.asarray(vectors)
    if array.dtype.kind not in "iuf":
        raise TypeError(f"the encoder returned an array of dtype {array.dtype}; numbers were expected")
    if array.ndim != 2 or array.shape[0] != n:
        raise ValueError(
            f"the encoder returned an array of shape {array.shape}; one row for each of {n} texts was expected"
        )
    if not np.isfinite(array).all():
        raise ValueError("the encoder returned NaN or infinity")
    return array.astype(np.float32)
