"""Native kernels of Arborank, for one instruction-set level."""

from collections.abc import Callable, Sequence
import enum
from typing import Annotated, Any, NoReturn, overload

import numpy
import numpy.typing
from numpy.typing import NDArray


class ContextWords:
    """Words of labels' names, and of the contexts that they followed."""

    def __init__(self, names: Csr, followed: Csr) -> None: ...

    def __repr__(self) -> str: ...

class Among:
    """
    Labels, in ascending order, that alone may be returned; how often they were sent.
    """

    def __init__(self, ids: Annotated[NDArray[numpy.int64], dict(shape=(None,), order='C', device='cpu', writable=False)], sent: float, lately: Sequence[float]) -> None: ...

    def __repr__(self) -> str: ...

class Frequencies:
    """How often labels were sent; those that are blocked are never returned."""

    def __init__(self, counts: Annotated[NDArray[numpy.int64], dict(shape=(None,), order='C', device='cpu', writable=False)], blocked: Annotated[NDArray[numpy.int32], dict(shape=(None,), order='C', device='cpu', writable=False)], aged: Annotated[NDArray[numpy.float64], dict(shape=(None, None), order='C', device='cpu', writable=False)]) -> None: ...

    def __repr__(self) -> str: ...

    def total(self, first: int, end: int) -> int:
        """How often the labels of a range were sent in all, at least 1."""

    def top(self, first: int, end: int, k: int) -> list[int]:
        """
        The labels of a range that were sent most often; among equals the first.
        """

    def lately(self, first: int, end: int, k: int) -> list[int]:
        """The same of the counts that age; none without these."""

    def blend(self, run: tuple[int, int], k: int, ids: Annotated[NDArray[numpy.int64], dict(shape=(None,), order='C', device='cpu', writable=False)], scores: Annotated[NDArray[numpy.float32], dict(shape=(None,), order='C', device='cpu', writable=False)], labels: Annotated[NDArray[numpy.int32], dict(shape=(None,), order='C', device='cpu', writable=False)], times: Annotated[NDArray[numpy.int64], dict(shape=(None,), order='C', device='cpu', writable=False)], contexts: Sequence[tuple[int, int, float]], often: Sequence[int], weight: float, among: Among | None = ...) -> tuple[list[int], list[float]]:
        """
        The best labels of a range, and their scores, of what was found, what followed and what is frequent.
        """

    def weighted(self, run: tuple[int, int], k: int, ids: Annotated[NDArray[numpy.int64], dict(shape=(None,), order='C', device='cpu', writable=False)], scores: Annotated[NDArray[numpy.float32], dict(shape=(None,), order='C', device='cpu', writable=False)], labels: Annotated[NDArray[numpy.int32], dict(shape=(None,), order='C', device='cpu', writable=False)], times: Annotated[NDArray[numpy.int64], dict(shape=(None,), order='C', device='cpu', writable=False)], contexts: Sequence[tuple[int, int, float]], often: Sequence[int], weight: float, pool: int, own_ids: Sequence[int], own_values: Annotated[NDArray[numpy.float64], dict(shape=(None, None), order='C', device='cpu', writable=False)], extends: tuple[int, int], left: Sequence[float], words: ContextWords | None, columns: Annotated[NDArray[numpy.int32], dict(shape=(None,), order='C', device='cpu', writable=False)], values: Annotated[NDArray[numpy.float32], dict(shape=(None,), order='C', device='cpu', writable=False)], begun: Annotated[NDArray[numpy.int32], dict(shape=(None,), order='C', device='cpu', writable=False)], begun_values: Annotated[NDArray[numpy.float32], dict(shape=(None,), order='C', device='cpu', writable=False)], weights: Annotated[NDArray[numpy.float64], dict(shape=(None, None), order='C', device='cpu', writable=False)], among: Among | None = ...) -> tuple[list[int], list[float]]:
        """
        The best candidates, and their scores, by weights without a known context and within one.
        """

    def evidence(self, run: tuple[int, int], k: int, ids: Annotated[NDArray[numpy.int64], dict(shape=(None,), order='C', device='cpu', writable=False)], scores: Annotated[NDArray[numpy.float32], dict(shape=(None,), order='C', device='cpu', writable=False)], labels: Annotated[NDArray[numpy.int32], dict(shape=(None,), order='C', device='cpu', writable=False)], times: Annotated[NDArray[numpy.int64], dict(shape=(None,), order='C', device='cpu', writable=False)], contexts: Sequence[tuple[int, int, float]], often: Sequence[int], weight: float, pool: int, own_ids: Sequence[int], own_values: Annotated[NDArray[numpy.float64], dict(shape=(None, None), order='C', device='cpu', writable=False)], extends: tuple[int, int], left: Sequence[float], words: ContextWords | None, columns: Annotated[NDArray[numpy.int32], dict(shape=(None,), order='C', device='cpu', writable=False)], values: Annotated[NDArray[numpy.float32], dict(shape=(None,), order='C', device='cpu', writable=False)], begun: Annotated[NDArray[numpy.int32], dict(shape=(None,), order='C', device='cpu', writable=False)], begun_values: Annotated[NDArray[numpy.float32], dict(shape=(None,), order='C', device='cpu', writable=False)], among: Among | None = ...) -> tuple[Annotated[NDArray[numpy.int64], dict(shape=(None,), order='C')], Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C')], bool]:
        """
        The candidates in ascending order, the evidence on each, and whether anything is known of the context.
        """

N_EVIDENCE: int = ...

class Calibration:
    """What turns the scores of ranked lists into probabilities."""

    def __init__(self, odds_x: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)], odds_y: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)], chances_x: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)], chances_y: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)], weights: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)], places: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)], labels: Annotated[NDArray[numpy.float32], dict(shape=(None,), order='C', device='cpu', writable=False)]) -> None: ...

    def __repr__(self) -> str: ...

    def apply(self, ids: Annotated[NDArray[numpy.int64], dict(shape=(None, None), order='C', device='cpu', writable=False)], scores: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu', writable=False)], ordered: bool = ...) -> Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C')]:
        """Probabilities of ranked labels; -inf where the label is -1."""

def cover_labels(instances: Csr, beams: Annotated[NDArray[numpy.int32], dict(shape=(None, None), order='C', device='cpu', writable=False)], scores: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu', writable=False)], homes: Annotated[NDArray[numpy.int32], dict(shape=(None,), order='C', device='cpu', writable=False)], *, n_clusters: int, max_clusters: int, capacity: int, min_gain: float) -> tuple[Annotated[NDArray[numpy.int32], dict(shape=(None,), order='C')], Annotated[NDArray[numpy.int32], dict(shape=(None,), order='C')]]:
    """
    Copies (labels, clusters) that let beams cover more positives, in the order they were taken.
    """

def part_instances(features: Csr, companions: Csr, instances: Csr, leaves: Csr, beams: Annotated[NDArray[numpy.int32], dict(shape=(None, None), order='C', device='cpu', writable=False)], scores: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu', writable=False)], *, coherence: float, max_iter: int, starts: int, n_threads: int) -> Annotated[NDArray[numpy.int32], dict(shape=(None,), order='C')]:
    """
    The leaf of every positive of every label, parted among the label's leaves; -1 for a label in none.
    """

class Csr:
    """
    Compressed-sparse-row matrix, float32; its structure is checked when it is made.
    """

    def __init__(self, indptr: Annotated[NDArray[numpy.int64], dict(shape=(None,), order='C', device='cpu', writable=False)], indices: Annotated[NDArray[numpy.int32], dict(shape=(None,), order='C', device='cpu', writable=False)], data: Annotated[NDArray[numpy.float32], dict(shape=(None,), order='C', device='cpu', writable=False)], n_cols: int) -> None: ...

    @property
    def indptr(self) -> Annotated[NDArray[numpy.int64], dict(shape=(None,), order='C', writable=False)]: ...

    @property
    def indices(self) -> Annotated[NDArray[numpy.int32], dict(shape=(None,), order='C', writable=False)]: ...

    @property
    def data(self) -> Annotated[NDArray[numpy.float32], dict(shape=(None,), order='C', writable=False)]: ...

    @property
    def shape(self) -> tuple[int, int]: ...

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

    def __init__(self, *, analyzer: str = ..., tokens: str = ..., ngram_range: tuple[int, int] = ..., lowercase: bool = ..., strip_accents: str = ..., compose: bool = ..., stop_words: Sequence[bytes] = ..., positions: bool = ..., graphemes: bool = ...) -> None: ...

    def __repr__(self) -> str: ...

class NgramWeights:
    """How the counts of n-grams become values."""

    def __init__(self, *, binary: bool = ..., sublinear_tf: bool = ..., norm: str = ..., idf: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)] | None = ..., weight: float = ..., positions: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)] | None = ...) -> None: ...

    def __repr__(self) -> str: ...

class NgramPart:
    """A vocabulary in flat arrays, with its options and weights."""

    def __init__(self, options: TextOptions, terms: Annotated[NDArray[numpy.uint8], dict(shape=(None,), order='C', device='cpu', writable=False)], offsets: Annotated[NDArray[numpy.int64], dict(shape=(None,), order='C', device='cpu', writable=False)], slots: Annotated[NDArray[numpy.uint64], dict(shape=(None, None), order='C', device='cpu', writable=False)], weights: NgramWeights) -> None: ...

    def __repr__(self) -> str: ...

class NgramEncoder:
    """Texts to TF-IDF rows."""

    def __init__(self, parts: Sequence[NgramPart], norm: str, apart: bool = ...) -> None:
        """
        If apart, every part reads a text of its own: those of a row come one after another.
        """

    def __repr__(self) -> str: ...

    def encode(self, texts: object, n_threads: int, progress: Callable[[int], None] | None) -> tuple[Annotated[NDArray[numpy.int64], dict(shape=(None,), order='C')], Annotated[NDArray[numpy.int32], dict(shape=(None,), order='C')], Annotated[NDArray[numpy.float32], dict(shape=(None,), order='C')]]:
        """Return indptr, indices, data; progress takes the texts done."""

class NgramFitter:
    """Learns the vocabularies of several parts in one pass over the texts."""

    def __init__(self, parts: Sequence[TextOptions], keep_rows: bool, n_threads: int, apart: bool = ...) -> None: ...

    def __repr__(self) -> str: ...

    def add(self, texts: object, progress: Callable[[int], None] | None) -> int:
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

    def select(self, part: int, *, low: float, high: float, max_features: int, binary: bool) -> tuple[Annotated[NDArray[numpy.uint8], dict(shape=(None,), order='C')], Annotated[NDArray[numpy.int64], dict(shape=(None,), order='C')], Annotated[NDArray[numpy.uint64], dict(shape=(None, None), order='C')], Annotated[NDArray[numpy.int64], dict(shape=(None,), order='C')]]:
        """Return terms, offsets, slots and document frequencies of a part."""

    def counts(self, part: int) -> tuple[Annotated[NDArray[numpy.uint8], dict(shape=(None,), order='C')], Annotated[NDArray[numpy.int64], dict(shape=(None,), order='C')], Annotated[NDArray[numpy.int64], dict(shape=(None,), order='C')], Annotated[NDArray[numpy.int64], dict(shape=(None,), order='C')]]:
        """
        Return terms, offsets, document frequencies and occurrences of all terms of a part; in place of `select`.
        """

    def rows(self, parts: Sequence[NgramWeights], norm: str, progress: Callable[[int], None] | None) -> tuple[Annotated[NDArray[numpy.int64], dict(shape=(None,), order='C')], Annotated[NDArray[numpy.int32], dict(shape=(None,), order='C')], Annotated[NDArray[numpy.float32], dict(shape=(None,), order='C')]]:
        """
        Return indptr, indices, data of the texts added; once. Progress takes the texts done.
        """

def term_slots(terms: Annotated[NDArray[numpy.uint8], dict(shape=(None,), order='C', device='cpu', writable=False)], offsets: Annotated[NDArray[numpy.int64], dict(shape=(None,), order='C', device='cpu', writable=False)]) -> Annotated[NDArray[numpy.uint64], dict(shape=(None, None), order='C')]:
    """
    The hash table of terms in byte order, as `NgramFitter.select` returns it.
    """

def ngrams(text: str, options: TextOptions) -> list[str]:
    """The n-grams of one text, as often as they occur."""

def compose(text: str, visible: bool) -> str:
    """
    The text in NFC; with visible, without invisible characters, and with spaces for zero-width ones.
    """

def starting_with(text: Annotated[NDArray[numpy.uint8], dict(shape=(None,), order='C', device='cpu', writable=False)], offsets: Annotated[NDArray[numpy.int64], dict(shape=(None,), order='C', device='cpu', writable=False)], prefix: bytes, low: int, high: int) -> tuple[int, int]:
    """
    The first and the one behind the last of the strings, in code point order, that begin with a prefix.
    """

def endings_with(text: Annotated[NDArray[numpy.uint8], dict(shape=(None,), order='C', device='cpu', writable=False)], offsets: Annotated[NDArray[numpy.int64], dict(shape=(None,), order='C', device='cpu', writable=False)], labels: Annotated[NDArray[numpy.int32], dict(shape=(None,), order='C', device='cpu', writable=False)], begins: Annotated[NDArray[numpy.int32], dict(shape=(None,), order='C', device='cpu', writable=False)], prefix: bytes) -> tuple[int, int]:
    """
    The same of ends of strings in code point order: a label and a byte of each.
    """

def near(text: Annotated[NDArray[numpy.uint8], dict(shape=(None,), order='C', device='cpu', writable=False)], offsets: Annotated[NDArray[numpy.int64], dict(shape=(None,), order='C', device='cpu', writable=False)], labels: Annotated[NDArray[numpy.int32], dict(shape=(None,), order='C', device='cpu', writable=False)] | None, begins: Annotated[NDArray[numpy.int32], dict(shape=(None,), order='C', device='cpu', writable=False)] | None, typed: bytes, errors: int) -> list[tuple[int, int, int]]:
    """
    Runs of the strings (with labels and begins, of ends of strings) that begin with what was typed but for some errors, and how many.
    """

def strings_at(text: Annotated[NDArray[numpy.uint8], dict(shape=(None,), order='C', device='cpu', writable=False)], offsets: Annotated[NDArray[numpy.int64], dict(shape=(None,), order='C', device='cpu', writable=False)], positions: Sequence[int]) -> list[str]:
    """The strings at some positions; negative ones count from the end."""

UNICODE_VERSION: str = ...

class SentQueries:
    """
    What one user sent, the latest of it. Texts are UTF-8, queries have numbers.
    """

    def __init__(self, size: int) -> None: ...

    def __repr__(self) -> str: ...

    def __len__(self) -> int: ...

    @property
    def n_queries(self) -> int: ...

    @property
    def latest(self) -> float: ...

    def append(self, key: bytes, time: float, text: bytes) -> None:
        """A query was sent, as the last one."""

    def find(self, key: bytes) -> int:
        """The number of a query, -1 if it is not there."""

    def key(self, number: int) -> str: ...

    def text(self, number: int) -> str: ...

    def sent(self) -> list[tuple[str, float, str]]:
        """Key, time and text of all that was sent, oldest first."""

    def matching(self, prefix: bytes, most: int) -> list[int]:
        """
        The queries that begin with a prefix; of more than most, those sent last.
        """

    def labels(self, numbers: Sequence[int]) -> list[int]:
        """What set_label gave to queries, -2 for those without."""

    def set_label(self, number: int, label: int) -> None: ...

    def forget_labels(self) -> None: ...

    def use(self, number: int, most: int) -> tuple[int, int, list[float]]:
        """
        How often a query was sent, how many queries ago, and when the last times.
        """

    def after(self, number: int) -> list[int]:
        """The queries that were sent right after one, oldest first."""

    def evidence(self, numbers: Sequence[int], moment: float, session: Sequence[bytes]) -> Annotated[NDArray[numpy.float64], dict(shape=(None, None), order='C')]:
        """
        What is known of queries at a moment and after some of a session, eight values of each.
        """

class KMeansOptions:
    """How rows are halved, again and again."""

    def __init__(self, *, depth: int, max_iter: int, tolerance: float, spherical: bool, seed: int, n_threads: int) -> None: ...

    def __repr__(self) -> str: ...

@overload
def balanced_kmeans(rows: Csr, options: KMeansOptions, progress: Callable[[int], None] | None) -> tuple[Annotated[NDArray[numpy.int32], dict(shape=(None,), order='C')], Annotated[NDArray[numpy.int64], dict(shape=(None,), order='C')]]:
    """
    Arrays (order, bounds): rows in leaf order, and where each of the 2^depth leaves begins.
    """

@overload
def balanced_kmeans(rows: CompactRows, options: KMeansOptions, progress: Callable[[int], None] | None) -> tuple[Annotated[NDArray[numpy.int32], dict(shape=(None,), order='C')], Annotated[NDArray[numpy.int64], dict(shape=(None,), order='C')]]:
    """The same; the rows are used up."""

@overload
def balanced_kmeans(rows: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu', writable=False)], options: KMeansOptions, progress: Callable[[int], None] | None) -> tuple[Annotated[NDArray[numpy.int32], dict(shape=(None,), order='C')], Annotated[NDArray[numpy.int64], dict(shape=(None,), order='C')]]:
    """The same."""

class CompactRows:
    """A sparse matrix of values in 16 bits, made for one clustering."""

    def __repr__(self) -> str: ...

    @property
    def shape(self) -> tuple[int, int]: ...

    @property
    def nnz(self) -> int: ...

    def copy(self) -> CompactRows: ...

    @staticmethod
    def of(rows: Csr) -> CompactRows:
        """The rows of a matrix."""

    @staticmethod
    def from_arrays(indptr: Annotated[NDArray[numpy.int64], dict(shape=(None,), order='C', device='cpu', writable=False)], columns: Annotated[NDArray[numpy.int32], dict(shape=(None,), order='C', device='cpu', writable=False)], shares: Annotated[NDArray[numpy.int16], dict(shape=(None,), order='C', device='cpu', writable=False)], units: Annotated[NDArray[numpy.float32], dict(shape=(None,), order='C', device='cpu', writable=False)], n_cols: int) -> CompactRows:
        """Rows of what `arrays` returns."""

    def arrays(self) -> tuple[Annotated[NDArray[numpy.int64], dict(shape=(None,), order='C')], Annotated[NDArray[numpy.int32], dict(shape=(None,), order='C')], Annotated[NDArray[numpy.int16], dict(shape=(None,), order='C')], Annotated[NDArray[numpy.float32], dict(shape=(None,), order='C')]]:
        """
        Arrays (indptr, columns, shares, units): the values of a row are its shares times its unit.
        """

def multiply_compact(a: Csr, b: Csr, n_threads: int, progress: Callable[[int], None] | None = ...) -> CompactRows:
    """
    The product of two sparse matrices with every row divided by its Euclidean norm.
    """

def multiply(a: Csr, b: Csr, normalize: bool, n_threads: int, progress: Callable[[int], None] | None = ...) -> tuple[Annotated[NDArray[numpy.int64], dict(shape=(None,), order='C')], Annotated[NDArray[numpy.int32], dict(shape=(None,), order='C')], Annotated[NDArray[numpy.float32], dict(shape=(None,), order='C')]]:
    """Arrays (indptr, indices, data) of the product of two sparse matrices."""

def mix_rows(starts: Sequence[int], sources: Sequence[int], weights: Sequence[float], rows: Csr, tail: Csr, tail_weight: float) -> tuple[Annotated[NDArray[numpy.int64], dict(shape=(None,), order='C')], Annotated[NDArray[numpy.int32], dict(shape=(None,), order='C')], Annotated[NDArray[numpy.float32], dict(shape=(None,), order='C')]]:
    """
    Arrays (indptr, indices, data) of weighted sums of rows, of unit length, beside weighted rows of tail.
    """

def normalize_rows(a: Csr) -> Annotated[NDArray[numpy.float32], dict(shape=(None,), order='C')]:
    """
    The values of a sparse matrix with every row divided by its Euclidean norm.
    """

def transpose(a: Csr) -> tuple[Annotated[NDArray[numpy.int64], dict(shape=(None,), order='C')], Annotated[NDArray[numpy.int32], dict(shape=(None,), order='C')], Annotated[NDArray[numpy.float32], dict(shape=(None,), order='C')]]:
    """Arrays (indptr, indices, data) of the transpose."""

def map_pages(descriptor: int, n_bytes: int) -> Annotated[NDArray[numpy.uint8], dict(shape=(None,), order='C', writable=False)]:
    """
    The first bytes of an open file, read-only and mapped; OSError where that is refused.
    """

class Precision(enum.Enum):
    """How a weight is stored."""

    float32 = 0

    float16 = 1

    int8 = 2

class Layer:
    """
    The weights of one layer; no search of it reads outside its arrays, whatever they hold.
    """

    @staticmethod
    def from_arrays(arrays: dict[str, numpy.typing.NDArray[Any]], precision: Precision) -> Layer:
        """A layer over arrays that a saved one has; reads no weights."""

    @staticmethod
    def pack(children: Csr, bias: Annotated[NDArray[numpy.float32], dict(shape=(None,), order='C', device='cpu', writable=False)], branches: Annotated[NDArray[numpy.int64], dict(shape=(None,), order='C', device='cpu', writable=False)], ranks: Annotated[NDArray[numpy.int32], dict(shape=(None,), order='C', device='cpu', writable=False)], n_threads: int) -> Layer:
        """A layer of weights W, given transposed."""

    @staticmethod
    def gather(layers: Sequence[Layer], source: Annotated[NDArray[numpy.int64], dict(shape=(None,), order='C', device='cpu', writable=False)], parent: Annotated[NDArray[numpy.int64], dict(shape=(None,), order='C', device='cpu', writable=False)]) -> Layer:
        """
        Families of several layers as one layer, in the ranks and the precision of the first.
        """

    @staticmethod
    def join_siblings(layers: Sequence[Layer]) -> Layer:
        """The children of layers of a single parent as siblings below one."""

    def select(self, kept: Annotated[NDArray[numpy.bool_], dict(shape=(None,), order='C', device='cpu', writable=False)]) -> Layer:
        """The children marked, and their parents."""

    @property
    def arrays(self) -> dict[str, numpy.typing.NDArray[Any]]:
        """All arrays by name, not copied."""

    @property
    def branches(self) -> Annotated[NDArray[numpy.int64], dict(shape=(None,), order='C', writable=False)]: ...

    @property
    def ranks(self) -> Annotated[NDArray[numpy.int32], dict(shape=(None,), order='C', writable=False)]: ...

    @property
    def bias(self) -> Annotated[NDArray[numpy.float32], dict(shape=(None,), order='C', writable=False)]: ...

    @property
    def precision(self) -> Precision: ...

    @property
    def n_features(self) -> int: ...

    @property
    def n_parents(self) -> int: ...

    @property
    def n_children(self) -> int: ...

    def check(self) -> None:
        """
        Raises ValueError unless all arrays are as training makes them; reads everything.
        """

    def nnz(self) -> int:
        """Number of weights."""

    def convert(self, precision: Precision, threshold: float, max_nonzeros: int | None, n_threads: int) -> Layer:
        """A layer of another precision, of weights that are large enough."""

    def unpack(self) -> tuple[Annotated[NDArray[numpy.int64], dict(shape=(None,), order='C')], Annotated[NDArray[numpy.int32], dict(shape=(None,), order='C')], Annotated[NDArray[numpy.float32], dict(shape=(None,), order='C')]]:
        """W transposed as CSR: (indptr, unsorted features, weights)."""

    def __repr__(self) -> str: ...

@overload
def rank_features(X: Csr) -> Annotated[NDArray[numpy.int32], dict(shape=(None,), order='C')]:
    """Places of the columns, those with most entries first."""

@overload
def rank_features(counts: Annotated[NDArray[numpy.uint32], dict(shape=(None,), order='C', device='cpu', writable=False)]) -> Annotated[NDArray[numpy.int32], dict(shape=(None,), order='C')]:
    """The same, of the entries of every column."""

class Transform(enum.Enum):
    """What becomes of a margin."""

    identity = 0

    sigmoid = 1

    hinge = 2

class Combination:
    """How margins become scores and meet those of the parents."""

    def __init__(self, transform: Transform, *, power: int = ..., logarithm: bool = ...) -> None: ...

    def __repr__(self) -> str: ...

    def __call__(self, margins: Annotated[NDArray[numpy.float32], dict(shape=(None,), order='C', device='cpu', writable=False)], parents: Annotated[NDArray[numpy.float32], dict(shape=(None,), order='C', device='cpu', writable=False)]) -> Annotated[NDArray[numpy.float32], dict(shape=(None,), order='C')]:
        """Scores of nodes with the given margins and parents' scores."""

class Merge(enum.Enum):
    """How the scores of a label in several slots become one."""

    max = 0

    mean = 1

    log_sum = 2

    average = 3

class SearchOptions:
    """How a search goes; made once for many."""

    def __init__(self, *, beam_size: int = ..., above: Combination = ..., at_labels: Combination = ..., merge: Merge = Merge.max) -> None: ...

    def __repr__(self) -> str: ...

class ArmPolicy:
    """How arms of a query are chosen; made once for many."""

    def __init__(self, name: str, parameter: float, newcomers: float = ..., widely: bool = ...) -> None: ...

    @property
    def newcomers(self) -> float: ...

    def __repr__(self) -> str: ...

def label_ids(labels: list[Any] | tuple[Any, ...]) -> numpy.typing.NDArray[numpy.int64] | None:
    """
    An int64 array of a list or tuple of ints; None if it holds anything else.
    """

class LabelFilter:
    """What Searcher.filter prepares."""

    @property
    def weighted(self) -> bool:
        """Whether it weighs labels."""

    def __repr__(self) -> str: ...

    def __reduce__(self) -> NoReturn: ...

class Searcher:
    """Beam search over a stack of layers; keeps their arrays alive."""

    def __init__(self, layers: Sequence[Layer], labels: Annotated[NDArray[numpy.int32], dict(shape=(None,), order='C', device='cpu', writable=False)], n_labels: int) -> None: ...

    def filter(self, *, allowed: Annotated[NDArray[numpy.int64], dict(shape=(None,), order='C', device='cpu', writable=False)] | None = ..., excluded: Annotated[NDArray[numpy.int64], dict(shape=(None,), order='C', device='cpu', writable=False)] | None = ..., weights: Annotated[NDArray[numpy.float32], dict(shape=(None,), order='C', device='cpu', writable=False)] | None = ...) -> LabelFilter: ...

    def topk(self, X: Csr, k: int, options: SearchOptions, *, label_filter: LabelFilter | None = ..., allowed: Csr | None = ..., excluded: Csr | None = ..., only: Annotated[NDArray[numpy.int64], dict(shape=(None,), order='C', device='cpu', writable=False)] | None = ..., without: Annotated[NDArray[numpy.int64], dict(shape=(None,), order='C', device='cpu', writable=False)] | None = ..., ranges: Annotated[NDArray[numpy.int64], dict(shape=(None, None), order='C', device='cpu', writable=False)] | None = ..., n_threads: int = ..., progress: Callable[[int], None] | None = ...) -> tuple[Annotated[NDArray[numpy.int64], dict(shape=(None, None), order='C')], Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C')]]:
        """
        Labels and scores of the best k; `only` and `without` are ids for a single row.
        """

    def frontier(self, X: Csr, k: int, options: SearchOptions, policy: ArmPolicy, n_explore: int, *, eligible: numpy.typing.NDArray[numpy.int64] | None = None, removed: numpy.typing.NDArray[numpy.int64] | None = None, best: numpy.typing.NDArray[numpy.int64] | None = None, promise: numpy.typing.NDArray[numpy.float64] | None = None, fresh: numpy.typing.NDArray[numpy.bool_] | None = None) -> tuple[numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.float64], numpy.typing.NDArray[numpy.float64], int]:
        """
        Slots from and to, how many of them may be shown, scores and chances of the arms of a row; how many are labels.
        """

    def decide(self, X: Csr, k: int, options: SearchOptions, policy: ArmPolicy, n_explore: int, uniform: float, *, eligible: numpy.typing.NDArray[numpy.int64] | None = None, removed: numpy.typing.NDArray[numpy.int64] | None = None, best: numpy.typing.NDArray[numpy.int64] | None = None, promise: numpy.typing.NDArray[numpy.float64] | None = None, fresh: numpy.typing.NDArray[numpy.bool_] | None = None) -> tuple[tuple[int, ...], tuple[float, ...], tuple[float, ...], tuple[tuple[int, ...], ...], tuple[tuple[float, ...], ...]]:
        """
        Labels to show, their scores and propensities, the nodes above, and how many labels below these are shown.
        """

    def __repr__(self) -> str: ...

class MergeOptions:
    """How many candidates are gathered, from how much of a query."""

    def __init__(self, *, n_candidates: int, n_neighbours: int, most_features: int, n_short: int) -> None: ...

    def __repr__(self) -> str: ...

class Sources:
    """
    Merges what a tree, mean instances, names and training rows say of labels.
    """

    def __init__(self, centroids: Csr, names: Csr, rows: Csr, labels: Csr, log_counts: Annotated[NDArray[numpy.float32], dict(shape=(None,), order='C', device='cpu', writable=False)]) -> None: ...

    def __repr__(self) -> str: ...

    @property
    def n_inputs(self) -> int: ...

    @property
    def n_short_inputs(self) -> int: ...

    def inputs(self, X: Csr, ids: Annotated[NDArray[numpy.int64], dict(shape=(None, None), order='C', device='cpu', writable=False)], scores: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu', writable=False)], options: MergeOptions) -> tuple[Annotated[NDArray[numpy.int64], dict(shape=(None,), order='C')], Annotated[NDArray[numpy.int32], dict(shape=(None,), order='C')], Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C')]]:
        """
        Where the candidates of each query begin, their labels, and the inputs of their scores.
        """

    def short_inputs(self, X: Csr, ids: Annotated[NDArray[numpy.int64], dict(shape=(None, None), order='C', device='cpu', writable=False)], scores: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu', writable=False)], options: MergeOptions, tree: Searcher, weights: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)]) -> tuple[Annotated[NDArray[numpy.int64], dict(shape=(None,), order='C')], Annotated[NDArray[numpy.int32], dict(shape=(None,), order='C')], Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C')]]:
        """The same of the short list of each query, best first."""

    def topk(self, X: Csr, ids: Annotated[NDArray[numpy.int64], dict(shape=(None, None), order='C', device='cpu', writable=False)], scores: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu', writable=False)], options: MergeOptions, tree: Searcher, weights: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)], short_weights: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)], k: int, *, allowed: Csr | None = ..., excluded: Csr | None = ..., label_weights: Annotated[NDArray[numpy.float32], dict(shape=(None,), order='C', device='cpu', writable=False)] | None = ..., n_threads: int = ...) -> tuple[Annotated[NDArray[numpy.int64], dict(shape=(None, None), order='C')], Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C')]]:
        """
        Labels and probabilities of the best k by two logistic models: of all candidates, and of the short list.
        """

class Centroids:
    """Unit vectors, one a label, that queries are compared with."""

    def __init__(self, indptr: Annotated[NDArray[numpy.int64], dict(shape=(None,), order='C', device='cpu', writable=False)], features: Annotated[NDArray[numpy.int32], dict(shape=(None,), order='C', device='cpu', writable=False)], values: Annotated[NDArray[numpy.int8], dict(shape=(None,), order='C', device='cpu', writable=False)], units: Annotated[NDArray[numpy.float32], dict(shape=(None,), order='C', device='cpu', writable=False)], shares: Annotated[NDArray[numpy.float32], dict(shape=(None,), order='C', device='cpu', writable=False)], n_features: int) -> None: ...

    def __repr__(self) -> str: ...

    def rerank(self, X: Csr, ids: Annotated[NDArray[numpy.int64], dict(shape=(None, None), order='C', device='cpu', writable=False)], scores: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu', writable=False)], k: int, *, weight: float, enough: float, sharpness: float, logarithm: bool = ..., label_filter: LabelFilter | None = ..., label_weights: Annotated[NDArray[numpy.float32], dict(shape=(None,), order='C', device='cpu', writable=False)] | None = ..., n_threads: int = ...) -> tuple[Annotated[NDArray[numpy.int64], dict(shape=(None, None), order='C')], Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C')]]:
        """Labels and scores of the best k of short lists, ranked again."""

class Solver(enum.Enum):
    """How a ranker is fitted."""

    l2svc_dual = 0

    l1svc_dual = 1

    logistic_dual = 2

    l2svc_primal = 3

class SolverOptions:
    """The problems that rankers solve, and when they are solved."""

    def __init__(self, *, solver: Solver, Cp: float, Cn: float, bias: float, eps: float, max_iter: int, threshold: float, max_nonzeros: int | None) -> None: ...

    def __repr__(self) -> str: ...

def train_layer(X: Csr, active: Csr, positives: Csr, branches: Annotated[NDArray[numpy.int64], dict(shape=(None,), order='C', device='cpu', writable=False)], ranks: Annotated[NDArray[numpy.int32], dict(shape=(None,), order='C', device='cpu', writable=False)], options: SolverOptions, *, first: int, last: int, n_documents: int, n_values: int | None, n_threads: int, progress: Callable[[int], None] | None, weights: Annotated[NDArray[numpy.float32], dict(shape=(None,), order='C', device='cpu', writable=False)] | None = ...) -> tuple[Layer, Annotated[NDArray[numpy.float32], dict(shape=(None,), order='C')], Annotated[NDArray[numpy.float32], dict(shape=(None,), order='C')]]:
    """
    Parents `first` to `last` of a layer, and every child's sum of squared weights: all, and of those that reach the threshold.
    """

CERTAIN: float = ...

LEVEL: str
