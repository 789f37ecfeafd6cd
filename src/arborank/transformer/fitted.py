"""A fitted transformer ranker: an encoder in front of a linear ranker."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from ..core.checks import check_integer
from ..core.lazy import sp
from ..core.memory import check_answers_fit
from ..core.sequences import text_list
from ..core.sparse import Csr, as_csr, select_rows, to_scipy
from ..core.state import State
from ..core.types import LabelIds, MatrixLike, TopK
from ..features.base import rows_of
from ..linear import XRLinear
from ..linear.filters import label_filter
from .joined import ranker_rows
from .options import Computing

if TYPE_CHECKING:
    from .encoders.encoder import Encoder

__all__ = ["FittedTransformer"]

_ROWS = 16_384  # texts ranked at once, which bounds the memory of joined rows


@dataclass(frozen=True)
class FittedTransformer:
    """What a transformer ranker has learned.

    Attributes
    ----------
    encoder : Encoder
        Fine-tuned.
    features : fitted vectoriser, or None if sparse features are given with every text
    n_sparse_features : int
    weight : float or None
        Length of the embeddings beside sparse features; None if the ranker sees embeddings alone.
    ranker : XRLinear
    """

    encoder: "Encoder"
    features: Any
    n_sparse_features: int
    weight: float | None
    ranker: XRLinear

    def encode(self, texts: Sequence[str], computing: Computing) -> NDArray[np.float32]:
        """Return the embeddings of texts, of unit length."""
        from .encoders.device import limited_threads
        from .tuning.corpus import Corpus
        from .tuning.team import Team

        texts = text_list(texts)
        out = np.zeros((len(texts), self.encoder.width), np.float32)
        with limited_threads(computing.n_threads):
            cache = self.encoder.cache(texts)
            Corpus(self.encoder, cache, computing.choose(), Team(), bool(computing.verbose)).embeddings(out)
        return out

    def predict_topk(
        self,
        texts: Sequence[str],
        k: int,
        computing: Computing,
        *,
        X: MatrixLike | None = None,
        candidates: LabelIds | None = None,
        exclude: LabelIds | None = None,
        probabilities: bool = False,
        **options: Any,
    ) -> TopK:
        """Return the best labels of every text; see `XRTransformer.predict_topk` and ``predict_proba_topk``."""
        predict = self.ranker.predict_proba_topk if probabilities else self.ranker.predict_topk
        texts = text_list(texts)
        filters = {
            name: label_filter(value, name, len(texts), self.ranker.n_labels_)
            for name, value in (("candidates", candidates), ("exclude", exclude))
        }
        X = self._checked_features(X, len(texts))
        check_answers_fit(len(texts), check_integer("k", k, 1))
        found = []
        for start in range(0, max(len(texts), 1), _ROWS):
            part = slice(start, min(start + _ROWS, len(texts)))
            own = {name: _part(value, part, len(texts)) for name, value in filters.items()}
            rows = self._rows(texts[part], None if X is None else _part(X, part, len(texts)), computing)
            found.append(predict(rows, k, **own, **options))
        ids, scores = zip(*found, strict=True)
        return np.concatenate(ids), np.concatenate(scores)

    def calibrated(
        self, texts: Sequence[str], Y: Csr, computing: Computing, *, X: MatrixLike | None = None, anew: bool
    ) -> Self:
        """Learn from held-out texts what scores mean as probabilities, ``anew`` or shrunk to what is known."""
        texts = text_list(texts)
        rows = self._rows(texts, self._checked_features(X, len(texts)), computing)
        ranker = self.ranker.calibrate(rows, Y) if anew else self.ranker.recalibrate(rows, Y)
        return replace(self, ranker=ranker)

    def explained_row(
        self, text: str, computing: Computing, X: MatrixLike | None = None
    ) -> "tuple[sp.csr_array, Callable[[int], int | str]]":
        """Return what the ranker sees of a text, and what its columns are called."""
        X = self._checked_features(X, 1)
        n_sparse = 0 if self.weight is None else self.n_sparse_features
        terms = None if self.features is None else self.features.get_feature_names_out()

        def name(column: int) -> int | str:
            if column >= n_sparse:
                return "embedding"
            return column if terms is None else str(terms[column])

        return to_scipy(self._rows([text], X, computing)), name

    def _rows(self, texts: Sequence[str], X: MatrixLike | None, computing: Computing) -> Csr:
        sparse = rows_of(self.features, texts) if X is None else as_csr(X, "X")
        return ranker_rows(sparse, self.encode(texts, computing), self.weight)

    def _checked_features(self, X: MatrixLike | None, n_texts: int) -> Csr | None:
        if (X is None) != (self.features is not None):
            told = "was not given" if X is None else "was given"
            raise ValueError(f"X {told}, but fit was {'given' if self.features is None else 'not given'} one")
        return None if X is None else as_csr(X, "X", n_rows=n_texts, n_cols=self.n_sparse_features)

    # ------------------------------------------------------------------ save

    def to_state(self) -> State:
        """Return what is saved, but for ``weight``."""
        parts: dict[str, Any] = {"encoder": self.encoder, "ranker": self.ranker}
        if self.features is not None:
            parts["features"] = self.features
        return State({"n_sparse_features": self.n_sparse_features}, {}, parts)

    @classmethod
    def from_state(cls, state: State, weight: float | None) -> Self:
        """Put what was saved together again.

        Raises
        ------
        TypeError, ValueError
            If a part is of another kind, or they do not fit one another.
        """
        encoder, features = state.parts["encoder"], state.parts.get("features")
        ranker = state.part("ranker", XRLinear)
        for name, part, method in (("encoder", encoder, "embed"), ("features", features, "transform")):
            if part is not None and not hasattr(part, method):
                raise TypeError(f"{name} must have {method}, which {type(part).__name__} has not")
        n_sparse = check_integer("n_sparse_features", state.config["n_sparse_features"], 0)
        if features is not None and features.transform([""]).shape[1] != n_sparse:
            raise ValueError(f"n_sparse_features is {n_sparse}, but features have another number")
        width = encoder.width + (0 if weight is None else n_sparse)
        if width != ranker.n_features_in_:
            raise ValueError(f"rows have {width} columns, but the ranker takes {ranker.n_features_in_}")
        return cls(encoder, features, n_sparse, weight, ranker)


def _part(matrix: Csr | None, part: slice, n_rows: int) -> Any:
    """Return the rows of a part of the texts; a filter of one row holds for all."""
    if matrix is None or matrix.shape[0] != n_rows:
        return None if matrix is None else np.asarray(matrix.indices)
    if part == slice(0, n_rows):
        return matrix
    return select_rows(matrix, part)
