"""Which prefixes of a query a completer is trained on."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["LAWS", "sample_lengths", "sample_prefixes"]

LAWS = ("reciprocal", "uniform")


def sample_lengths(
    lengths: Sequence[int] | NDArray[np.int64], law: str, random: np.random.Generator
) -> NDArray[np.int64]:
    """Draw the length of a prefix for every query.

    Parameters
    ----------
    lengths : int array of shape (n,)
        Lengths of the queries in code points, at least 1.
    law : {"reciprocal", "uniform"}
        ``"uniform"``: every length from 1 to the query's is as likely, as in Yadav et al. (KDD 2021). ``"reciprocal"``:
        length ``p`` is as likely as ``1 / p``: more of the short prefixes, where the choice is.
    random : numpy Generator

    Returns
    -------
    int64 array of shape (n,)
        From 1 to each length.
    """
    whole = np.asarray(lengths, dtype=np.int64)
    shares = random.random(whole.size)
    if law == "uniform":
        return 1 + (shares * whole).astype(np.int64)
    if law != "reciprocal":
        raise ValueError(f"prefix_law is {law!r}; expected one of {', '.join(LAWS)}")
    harmonic = np.cumsum(1.0 / np.arange(1, int(whole.max(initial=1)) + 1))
    drawn = 1 + np.searchsorted(harmonic, shares * harmonic[whole - 1], side="right")
    return np.minimum(drawn, whole)


def sample_prefixes(keys: Sequence[str], labels: NDArray[np.int64], law: str, seed: int) -> list[str]:
    """Draw a prefix for every instance, of its query's normal form.

    ``law`` is that of `sample_lengths`, with the empty prefix as the first length: what nothing was typed for yet is
    asked for as well.
    """
    lengths = np.array([len(key) for key in keys])[labels]
    drawn = sample_lengths(lengths + 1, law, np.random.default_rng(seed)) - 1
    return [keys[label][:length] for label, length in zip(labels.tolist(), drawn.tolist(), strict=True)]
