"""What every vectoriser does: learn from texts in one pass, then turn texts into rows."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence, Sized
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .._native import NgramEncoder, NgramFitter
from ..core.estimator import Estimator
from ..core.lazy import sp
from ..core.progress import progress_bar
from ..core.sequences import as_texts, text_list
from ..core.sparse import Csr, as_csr, to_scipy
from ..core.threads import n_threads
from ..storage import SaveMixin
from .coverage import warn_of_lost_texts

if TYPE_CHECKING:
    from .part import TfidfPart
    from .reading import Reading

__all__ = [
    "Counts",
    "TextTransformer",
    "TextVectorizer",
    "fit_counted",
    "fit_rows",
    "n_columns",
    "new_fitter",
    "reads_once",
    "rows_of",
    "unfitted_parts",
]


class Counts(Protocol):
    """What is known of the terms of all texts: `NgramFitter`, or the sum of what several have counted."""

    @property
    def n_texts(self) -> int:
        """Number of texts."""

    def found_any(self, part: int) -> bool:
        """Return whether the texts hold any term of a part."""

    def select(
        self, part: int, *, low: float, high: float, max_features: int, binary: bool
    ) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.uint64], NDArray[np.int64]]:
        """Return terms, offsets, slots and document frequencies of the terms of a part that are kept."""


class TextTransformer(Protocol):
    """What turns texts into rows: a vectoriser of this package or of scikit-learn, or one of your own."""

    def fit(self, texts: Iterable[str], /) -> Self:
        """Learn from texts."""

    def fit_transform(self, texts: Iterable[str], /) -> object:
        """Learn from texts, and return their rows."""

    def transform(self, texts: Iterable[str], /) -> object:
        """Return the rows of texts."""


def fit_rows(
    features: TextTransformer,
    texts: Iterable[str],
    further: Sequence[str] = (),
    n_texts: int | None = None,
) -> Any:
    """Fit a vectoriser, and return what `rows_of` would of the same texts.

    ``further`` texts stand behind the others, which may be a stream of ``n_texts``. They count for terms, but parts are
    chosen by the others alone, and a warning is about these.
    """
    both = chain(texts, further) if isinstance(texts, Iterator) else [*texts, *further] if further else texts
    if isinstance(features, TextVectorizer):
        return features._fit_rows(both, n_texts)
    return _ready(features.fit_transform(both))


def reads_once(features: TextTransformer) -> bool:
    """Whether a vectoriser learns from texts that come once, and in no list."""
    return isinstance(features, TextVectorizer) and getattr(features, "parts", ()) is not None


def rows_of(features: TextTransformer, texts: Iterable[str]) -> Any:
    """Return the rows of texts as models take them: a `Csr`, without a detour over SciPy where there need be none.

    What is not a sparse matrix, for a model that reads the texts itself, stays as it is.
    """
    if isinstance(features, TextVectorizer):
        return features._rows(texts)
    return _ready(features.transform(texts))


def n_columns(features: TextTransformer) -> int | None:
    """Return the width of the rows of a fitted vectoriser of this package; None of others."""
    return features._width() if isinstance(features, TextVectorizer) else None


def unfitted_parts(features: "TextVectorizer", texts: Sequence[str]) -> "Sequence[TfidfPart]":
    """Return the parts that a vectoriser would learn from texts, of which few are looked at."""
    from .choice import looked_at

    return features._new_parts(looked_at(texts), None)[0]


def fit_counted(features: "TextVectorizer", parts: "Sequence[TfidfPart]", counts: Counts) -> None:
    """Fit a vectoriser to terms that are counted already; ``parts`` are those of `unfitted_parts`."""
    features._learn_counts(parts, counts)


def _ready(rows: Any) -> Any:
    return as_csr(rows, "features") if sp.issparse(rows) else rows


Readings: TypeAlias = Sequence["Reading | None"]


def _readings(parts: "Sequence[TfidfPart]") -> Readings | None:
    """Return what parts do with texts before they are read natively; None if none does anything."""
    found = [part._reading() for part in parts]
    return found if any(one is not None for one in found) else None


def _read(readings: Readings, texts: Iterable[str], n_processes: int) -> list[str]:
    """Return the texts that each part reads, those of a text one after another."""
    given = text_list(texts)
    own = [given if one is None else one.many(given, n_processes) for one in readings]
    return list(chain.from_iterable(zip(*own, strict=True)))


def new_fitter(
    parts: "Sequence[TfidfPart]", texts: Iterable[str], keep_rows: bool, n_threads: int
) -> tuple[NgramFitter, Iterable[str]]:
    """Return what counts the terms of parts, and the texts to add to it, as the parts read them."""
    options, readings = [part.checked() for part in parts], _readings(parts)
    fitter = NgramFitter(options, keep_rows, n_threads, readings is not None)
    return fitter, texts if readings is None else _read(readings, texts, n_threads)


class TextVectorizer(SaveMixin, Estimator, ABC):
    """Texts to sparse rows by one or more weighted parts; the base of all vectorisers here."""

    n_jobs: int | None
    verbose: int

    def fit(self, texts: Iterable[str], y: object = None) -> Self:
        """Learn terms and their weights.

        A `UserWarning` says when more than a tenth of the texts has no term, or is in a script without spaces whose
        phrases pass for words.

        Parameters
        ----------
        texts : iterable of str
            A list, a Series or another column of a data frame, or a generator, which is read once.
        y : ignored

        Raises
        ------
        TypeError
            If ``texts`` is not a list of texts (one str, a data frame of several columns, a dict, a set), a text is not
            a str (its position is named), or a parameter has the wrong type.
        ValueError
            If ``texts`` is empty, no term is left, or a parameter is out of range.
        """
        self._warn(self._learn_parts(texts, None, keep_rows=False), None)
        return self

    def fit_transform(self, texts: Iterable[str], y: object = None) -> "sp.csr_array":
        """Equal to ``fit(texts).transform(texts)``, with one pass over the texts."""
        return to_scipy(self._fit_rows(texts))

    def _fit_rows(self, texts: Iterable[str], n_judged: int | None = None) -> Csr:
        fitter = self._learn_parts(texts, n_judged, keep_rows=True)
        weights = [part._weights(weight) for part, weight in self._weighted_parts()]
        with self._progress("weighting terms", fitter.n_texts) as progress:
            arrays = fitter.rows(weights, self._joint_norm(), progress)
        rows = Csr(*arrays, self._width())
        self._warn(fitter, np.diff(rows.indptr)[:n_judged])
        return rows

    def transform(self, texts: Iterable[str]) -> "sp.csr_array":
        """Return the rows of texts: float32, of shape (n_texts, n_features).

        A text without any known term gets an empty row.

        Raises
        ------
        TypeError
            As `fit`.
        """
        return to_scipy(self._rows(texts))

    def _rows(self, texts: Iterable[str]) -> Csr:
        encoder, width, readings = self._encoder
        texts = as_texts(texts)
        if readings is not None:
            texts = _read(readings, texts, n_threads(self.n_jobs))
        if not self.verbose:
            return Csr(*encoder.encode(texts, n_threads(self.n_jobs), None), width)
        with self._progress("encoding texts", texts) as progress:
            arrays = encoder.encode(texts, n_threads(self.n_jobs), progress)
        return Csr(*arrays, width)

    @cached_property
    def _encoder(self) -> "tuple[NgramEncoder, int, Readings | None]":
        parts = [part._native_part(weight) for part, weight in self._weighted_parts()]
        readings = _readings([part for part, _ in self._weighted_parts()])
        return NgramEncoder(parts, self._joint_norm(), readings is not None), self._width(), readings

    def _learn_parts(self, texts: Iterable[str], n_judged: int | None, keep_rows: bool) -> NgramFitter:
        parts, texts = self._new_parts(as_texts(texts), n_judged)
        fitter, texts = new_fitter(parts, texts, keep_rows, n_threads(self.n_jobs))
        with self._progress("reading texts", texts) as progress:
            fitter.add(texts, progress)
        self._learn_counts(parts, fitter)
        return fitter

    def _learn_counts(self, parts: "Sequence[TfidfPart]", counts: Counts) -> None:
        for i, part in enumerate(parts):
            try:
                part._learn(counts, i)
            except ValueError as error:
                if len(parts) == 1:
                    raise
                raise ValueError(f"parts[{i}]: {error}") from None
        self._keep_parts(parts)
        self.__dict__.pop("_encoder", None)

    def _warn(self, fitter: NgramFitter, n_terms: NDArray[np.int64] | None) -> None:
        warn_of_lost_texts(fitter, [part for part, _ in self._weighted_parts()], n_terms)

    def _progress(self, description: str, texts: Any) -> Any:
        total = texts if isinstance(texts, int) else len(texts) if isinstance(texts, Sized) else None
        return progress_bar(description, total, enabled=bool(self.verbose), unit="texts")

    @abstractmethod
    def get_feature_names_out(self, input_features: object = None) -> NDArray[np.object_]:
        """Return the terms by column, as an object array of str."""

    def _width(self) -> int:
        return sum(len(part.terms_) for part, _ in self._weighted_parts())

    @abstractmethod
    def _new_parts(
        self, texts: Iterable[str], n_judged: int | None
    ) -> "tuple[Sequence[TfidfPart], Iterable[str]]":
        """Return the parts to be learned, all parameters but those of the parts checked, and all the texts.

        A choice of parts is made by the first ``n_judged`` texts.
        """

    @abstractmethod
    def _keep_parts(self, parts: "Sequence[TfidfPart]") -> None:
        """Take over the parts when all are learned: a fit that fails changes nothing."""

    @abstractmethod
    def _weighted_parts(self) -> "Sequence[tuple[TfidfPart, float]]":
        """Return the learned parts, in the order of their columns, with their weights."""

    @abstractmethod
    def _joint_norm(self) -> str:
        """Return the norm that joint rows get, or "none"."""

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in super().__getstate__().items() if name != "_encoder"}

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import TransformerTags

        tags = super().__sklearn_tags__()
        tags.transformer_tags = TransformerTags()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        return tags
