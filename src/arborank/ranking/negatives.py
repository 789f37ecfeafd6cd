"""Hard negatives: which instances are examples of which parent node of a layer.

Every instance that has a positive label below a parent is an example of it (teacher forcing). More examples
are found by the already trained upper layers (matcher-aware: the instances that reach the parent in beam
search) or given by the user. A user-supplied negative, instance i against label l, makes i an example of the
whole cluster of l, on every layer, as the tree lifts it.
"""

import numpy as np

from ..core.lazy import sp
from ..core.sparse import Csr, as_csr, to_scipy, transpose
from ..core.types import MatrixLike

__all__ = ["active_rows", "parse_scheme"]

_SOURCES = ("tfn", "man", "usn")


def parse_scheme(scheme: str) -> frozenset[str]:
    """Return the sources that a scheme such as ``"tfn+man"`` unites, or raise an error if it is none.

    They are ``"tfn"`` (teacher forcing), ``"man"`` (matcher-aware) and ``"usn"`` (user-supplied), joined by ``"+"`` in
    any order.
    """
    if not isinstance(scheme, str):
        raise TypeError(f"negatives must be a string such as 'tfn' or 'tfn+man', found {scheme!r}")
    parts = scheme.split("+")
    unknown = [part for part in parts if part not in _SOURCES]
    if unknown:
        raise ValueError(
            f"negatives {scheme!r} holds {unknown[0]!r}; known are tfn, man and usn, joined by '+'"
        )
    if len(set(parts)) < len(parts):
        raise ValueError(f"negatives {scheme!r} names a source twice")
    return frozenset(parts)


def active_rows(
    scheme: str,
    positives: MatrixLike,
    *,
    beam: MatrixLike | None = None,
    user: MatrixLike | None = None,
    is_root: bool = False,
) -> Csr:
    """Return the examples of every parent node of a layer: a pattern of ones of shape (n_parents, n_instances).

    Parameters
    ----------
    scheme : str
        See `parse_scheme`.
    positives : matrix of shape (n_instances, n_parents)
        The labels lifted to the parents' level. Instances with a positive below a parent are always its examples.
    beam, user : matrices of the same shape, optional
        The nodes that beam search over the upper layers keeps for every instance, needed by ``"man"`` except at the
        root, and user-supplied negatives lifted to the parents' level, needed by ``"usn"``. Only the patterns count.
    is_root : bool
        The layer below the root: its single parent takes every instance, whatever the scheme.

    Raises
    ------
    ValueError
        If the scheme needs a matrix that is not given, one is given that it does not use, or shapes differ.
    """
    sources = parse_scheme(scheme)
    lifted = as_csr(positives, "positives")
    if is_root and lifted.shape[1] != 1:
        raise ValueError(f"the root layer has 1 parent, found {lifted.shape[1]}")
    given = {"man": ("beam", beam), "usn": ("user", user)}
    for source, (name, matrix) in given.items():
        if source in sources and matrix is None and not is_root:
            raise ValueError(f"negatives {scheme!r} need {name}, which was not given")
        if source not in sources and matrix is not None:
            raise ValueError(f"{name} was given but negatives {scheme!r} do not use it")
    if is_root:
        return as_csr(sp.csr_array(np.ones((1, lifted.shape[0]), np.float32)), "active")
    union = _pattern(lifted)
    for source, (name, matrix) in given.items():
        if source in sources:
            union = union + _pattern(as_csr(matrix, name, n_cols=lifted.shape[1], n_rows=lifted.shape[0]))
    return transpose(as_csr(_pattern(as_csr(union, "active")), "active"))


def _pattern(csr: Csr) -> "sp.csr_array":
    matrix = to_scipy(csr)
    return sp.csr_array((np.ones(csr.nnz, np.float32), matrix.indices, matrix.indptr), shape=csr.shape)
