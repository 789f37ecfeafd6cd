"""Native kernels of Arborank, for one instruction-set level."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy
from numpy.typing import NDArray

class Frequencies:
    """How often labels were sent; those that are blocked are never returned."""

    def __init__(self, counts: NDArray[numpy.int64], blocked: NDArray[numpy.int32]) -> None: ...

    def __repr__(self) -> str: ...

    def total(self, first: int, end: int) -> int:
        """How often the labels of a range were sent in all, at least 1."""

    def top(self, first: int, end: int, k: int) -> list[int]:
        """
        The labels of a range that were sent most often; among equals the first.
        """

    def blend(self, first: int, end: int, k: int, ids: NDArray[numpy.int64], scores: NDArray[numpy.float32], labels: NDArray[numpy.int32], times: NDArray[numpy.float64], often: Sequence[int], weight: float) -> Any:
        """
        The best labels of a range, and their scores, of what was found, what followed and what is frequent.
        """

def cover_labels(instances: Csr, beams: NDArray[numpy.int32], scores: NDArray[numpy.float32], homes: NDArray[numpy.int32], n_clusters: int, max_clusters: int, capacity: int, min_gain: float) -> Any:
    """
    Copies (labels, clusters) that let beams cover more positives, in the order they were taken.
    """

def part_instances(features: Csr, companions: Csr, instances: Csr, leaves: Csr, beams: NDArray[numpy.int32], scores: NDArray[numpy.float32], coherence: float, max_iter: int, starts: int, n_threads: int) -> NDArray[numpy.int32]:
    """
    The leaf of every positive of every label, parted among the label's leaves; -1 for a label in none.
    """

class Csr:
    """
    Compressed-sparse-row matrix, float32; its structure is checked when it is made.
    """

    def __init__(self, indptr: NDArray[numpy.int64], indices: NDArray[numpy.int32], data: NDArray[numpy.float32], n_cols: int) -> None: ...

    @property
    def indptr(self) -> NDArray[numpy.int64]: ...

    @property
    def indices(self) -> NDArray[numpy.int32]: ...

    @property
    def data(self) -> NDArray[numpy.float32]: ...

    @property
    def shape(self) -> Any: ...

    @property
    def nnz(self) -> int: ...

    def __repr__(self) -> str: ...

    @property
    def canonical(self) -> bool:
        """Columns strictly ascending in every row."""

    @property
    def finite(self) -> bool:
        """No NaN and no infinity."""

class TextOptions:
    """How a text becomes n-grams."""

    def __init__(self, analyzer: str, tokens: str, min_n: int, max_n: int, lowercase: bool, strip_accents: str, compose: bool, stop_words: Sequence[bytes], positions: bool, graphemes: bool) -> None: ...

    def __repr__(self) -> str: ...

class NgramWeights:
    """How the counts of n-grams become values."""

    def __init__(self, binary: bool, sublinear_tf: bool, norm: str, idf: NDArray[numpy.float64] | None, weight: float, positions: NDArray[numpy.float64] | None) -> None: ...

    def __repr__(self) -> str: ...

class NgramPart:
    """A vocabulary in flat arrays, with its options and weights."""

    def __init__(self, options: TextOptions, terms: NDArray[numpy.uint8], offsets: NDArray[numpy.int64], slots: NDArray[numpy.uint64], weights: NgramWeights) -> None: ...

    def __repr__(self) -> str: ...

class NgramEncoder:
    """Texts to TF-IDF rows."""

    def __init__(self, parts: Sequence[NgramPart], norm: str) -> None: ...

    def __repr__(self) -> str: ...

    def encode(self, texts: object, n_threads: int, progress: Callable[[int], object] | None) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        """Return indptr, indices, data; progress takes the texts done."""

class NgramFitter:
    """Learns the vocabularies of several parts in one pass over the texts."""

    def __init__(self, parts: Sequence[TextOptions], keep_rows: bool, n_threads: int) -> None: ...

    def __repr__(self) -> str: ...

    def add(self, texts: object, progress: Callable[[int], object] | None) -> int:
        """
        Count an iterable of texts; return the number so far. Progress takes the texts done.
        """

    @property
    def n_texts(self) -> int: ...

    @property
    def n_without(self) -> int:
        """Texts without any n-gram."""

    def unparted(self, part: int) -> float:
        """
        What share of the text is runs of a script without spaces, too long to be words.
        """

    def found_any(self, part: int) -> bool:
        """Whether the texts hold any n-gram of a part; before `select`."""

    def select(self, part: int, low: float, high: float, max_features: int, binary: bool) -> Any:
        """Return terms, offsets, slots and document frequencies of a part."""

    def rows(self, parts: Sequence[NgramWeights], norm: str, progress: Callable[[int], object] | None) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        """
        Return indptr, indices, data of the texts added; once. Progress takes the texts done.
        """

def ngrams(text: str, options: TextOptions) -> list[Any]:
    """The n-grams of one text, as often as they occur."""

def compose(text: str, visible: bool) -> str:
    """
    The text in NFC; with visible, without invisible characters, and with spaces for zero-width ones.
    """

def starting_with(text: NDArray[numpy.uint8], offsets: NDArray[numpy.int64], prefix: bytes, low: int, high: int) -> Any:
    """
    The first and the one behind the last of the strings, in code point order, that begin with a prefix.
    """

UNICODE_VERSION: str

def balanced_kmeans(rows: Csr, depth: int, max_iter: int, tolerance: float, spherical: bool, max_sample: int, seed: int, n_threads: int, progress: Callable[[int], object] | None = None) -> Any:
    """
    Arrays (order, bounds): rows in leaf order, and where each of the 2^depth leaves begins.
    """

def balanced_kmeans_compact(rows: CompactRows, depth: int, max_iter: int, tolerance: float, spherical: bool, max_sample: int, seed: int, n_threads: int, progress: Callable[[int], object] | None = None) -> Any:
    """
    Arrays (order, bounds): rows in leaf order, and where each of the 2^depth leaves begins.
    """

def balanced_kmeans_dense(rows: NDArray[numpy.float32], depth: int, max_iter: int, tolerance: float, spherical: bool, max_sample: int, seed: int, n_threads: int, progress: Callable[[int], object] | None = None) -> Any:
    """
    Arrays (order, bounds): rows in leaf order, and where each of the 2^depth leaves begins.
    """

class CompactRows:
    """A sparse matrix of values in 16 bits, made for one clustering."""

    def __repr__(self) -> str: ...

    @property
    def shape(self) -> Any: ...

    @property
    def nnz(self) -> int: ...

def multiply_compact(a: Csr, b: Csr, n_threads: int, progress: Callable[[int], object] | None = None) -> CompactRows:
    """
    The product of two sparse matrices with every row divided by its Euclidean norm.
    """

def multiply(a: Csr, b: Csr, normalize: bool, n_threads: int, progress: Callable[[int], object] | None = None) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Arrays (indptr, indices, data) of the product of two sparse matrices."""

def mix_rows(starts: Sequence[int], sources: Sequence[int], weights: Sequence[float], rows: Csr, tail: Csr, tail_weight: float) -> Any:
    """
    Arrays (indptr, indices, data) of weighted sums of rows, of unit length, beside weighted rows of tail.
    """

def normalize_rows(a: Csr) -> NDArray[numpy.float32]:
    """
    The values of a sparse matrix with every row divided by its Euclidean norm.
    """

def transpose(a: Csr) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Arrays (indptr, indices, data) of the transpose."""

def append_mapped(first: NDArray[numpy.uint8], second: NDArray[numpy.uint8]) -> NDArray[numpy.uint8] | None:
    """
    Two arrays joined without a copy of the first, if that is mapped from a file; else None.
    """

def map_pages(descriptor: int, n_bytes: int) -> NDArray[numpy.uint8]:
    """
    The first bytes of an open file, read-only and mapped; OSError where that is refused.
    """

class Layer:
    """
    The arrays of one layer; none of it can make a search read outside them.
    """

    def __init__(self, branches: NDArray[numpy.int64], ranks: NDArray[numpy.int32], extents: NDArray[numpy.int64], index: NDArray[numpy.uint32], starts: NDArray[numpy.uint16], bases: NDArray[numpy.uint32], keys: NDArray[numpy.uint16], units: NDArray[numpy.uint16], bias: NDArray[numpy.float32], scales: NDArray[numpy.float32], precision: int, n_features: int) -> None: ...

    def check(self) -> None:
        """
        Raises ValueError unless all arrays are as training makes them; reads everything.
        """

    def __repr__(self) -> str: ...

    def nnz(self) -> int:
        """Number of weights, once checked."""

    def convert(self, precision: int, threshold: float, max_nonzeros: int, n_threads: int) -> dict[str, Any]:
        """
        Once checked: a dict of extents, index, starts, bases, keys, units and scales.
        """

    def unpack(self) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        """
        W transposed as CSR, once checked: (indptr, unsorted features, weights).
        """

def rank_features(X: Csr) -> NDArray[numpy.int32]:
    """Places of the columns, those with most entries first."""

def pack_layer(children: Csr, branches: NDArray[numpy.int64], ranks: NDArray[numpy.int32], n_threads: int = 1) -> dict[str, Any]:
    """
    Arrays of a layer from W transposed: a dict of extents, index, starts, bases, keys and units.
    """

class Combination:
    def __init__(self, transform: int, power: int, logarithm: bool) -> None: ...

    def __repr__(self) -> str: ...

    def __call__(self, margins: NDArray[numpy.float32], parents: NDArray[numpy.float32]) -> NDArray[numpy.float32]:
        """Scores of nodes with the given margins and parents' scores."""

def label_ids(labels: object) -> object:
    """
    An int64 array of a list or tuple of ints; None if it holds anything else.
    """

class LabelFilter:
    """What Searcher.filter prepares."""

    def __repr__(self) -> str: ...

    def __reduce__(self) -> Any: ...

class Searcher:
    """Beam search over a stack of layers; keeps their arrays alive."""

    def __init__(self, layers: list[Layer], labels: NDArray[numpy.int32], n_labels: int) -> None: ...

    def filter(self, allowed: NDArray[numpy.int64] | None, excluded: NDArray[numpy.int64] | None, weights: NDArray[numpy.float32] | None) -> LabelFilter: ...

    def lines(self, X: Csr, k: int, beam_size: int, combination: Combination, at_labels: Combination) -> dict[str, Any]:
        """
        Distinct 64-byte cache lines of the layers' arrays that a search of all rows in step reads, by array.
        """

    def topk(self, X: Csr, k: int, beam_size: int, combination: Combination, at_labels: Combination, filter: LabelFilter | None, allowed: Csr | None, excluded: Csr | None, only: NDArray[numpy.int64] | None, without: NDArray[numpy.int64] | None, ranges: NDArray[numpy.int64] | None, merge: int, n_threads: int, progress: Callable[[int], object] | None) -> Any: ...

    def is_short(self, X: Csr, k: int, beam_size: int, n_masked: int = 0) -> bool:
        """
        Whether topk keeps the GIL, because handing it over may take longer than the search.
        """

    def __repr__(self) -> str: ...

    @property
    def kept_bytes(self) -> int:
        """Working memory that is kept for later searches."""

def train_layer(X: Csr, active: Csr, positives: Csr, branches: NDArray[numpy.int64], first: int, last: int, ranks: NDArray[numpy.int32], solver: int, Cp: float, Cn: float, bias: float, eps: float, max_iter: int, threshold: float, max_nonzeros: int, n_threads: int, progress: Callable[[int], object] | None) -> dict[str, Any]:
    """
    The arrays of a trained LayerWeights by name, and every child's sum of squared weights, learned and reaching the threshold; shapes are checked by the caller.
    """

LEVEL: str
