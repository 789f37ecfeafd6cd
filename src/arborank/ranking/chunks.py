"""Layers of weights that change: families are taken over as they lie, byte by byte, or else packed again."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._native import Layer
from .weights import LayerWeights

__all__ = ["append_chunks", "concat_siblings", "gather_chunks", "select_children"]


def append_chunks(first: LayerWeights, second: LayerWeights) -> LayerWeights:
    """Return a layer with the parents of ``first``, then those of ``second``, in the precision of ``first``."""
    n = [layer.native.n_parents for layer in (first, second)]
    return gather_chunks([first, second], np.repeat([0, 1], n), np.concatenate([np.arange(m) for m in n]))


def concat_siblings(layers: Sequence[LayerWeights]) -> LayerWeights:
    """Make the children of several layers of a single parent siblings below one, in the precision of the first."""
    return LayerWeights(Layer.join_siblings([layer.native for layer in layers]))


def select_children(layer: LayerWeights, kept: NDArray[np.bool_]) -> LayerWeights:
    """Leave out children unless ``kept``, and parents that lose all; what is left is the same to the bit."""
    return LayerWeights(layer.native.select(kept))


def gather_chunks(layers: Sequence[LayerWeights], source: ArrayLike, parent: ArrayLike) -> LayerWeights:
    """Put families together to one layer: parent ``i`` is parent ``parent[i]`` of ``layers[source[i]]``.

    What comes first of arrays in a mapped file is not copied. Families of a layer whose ``ranks`` or ``precision``
    differ from those of ``layers[0]`` are packed again. Raises ``ValueError`` if the layers differ in width, or no
    parent is asked for.
    """
    sources = np.ascontiguousarray(source, np.int64)
    return LayerWeights(
        Layer.gather([layer.native for layer in layers], sources, np.ascontiguousarray(parent, np.int64))
    )
