"""A fitted encoder and linear ranker answer: what both transformer rankers have beside their `fit`."""

import copy
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from ..core.checks import check_integer
from ..core.estimator import Estimator, check_fitted
from ..core.memory import check_answers_fit
from ..core.progress import progress_bar
from ..core.sequences import text_list
from ..core.sparse import Csr, as_csr, to_scipy, unit_rows
from ..core.state import State, lasting
from ..core.threads import n_threads
from ..features.base import rows_of
from ..linear import XRLinear
from ..linear.answers import quality
from ..linear.filters import label_filter
from ..linear.targets import classes_from_state, classes_to_state
from ..storage import SaveMixin
from .joined import join
from .tokens import TokenCache

if TYPE_CHECKING:
    from .device import Device
    from .encoder import Encoder
    from .team import Team

__all__ = ["EmbeddingPredictor", "nothing"]

_ROWS = 16_384  # texts ranked at once, which bounds the memory of joined rows


class EmbeddingPredictor(SaveMixin, Estimator):
    """Base of estimators whose fitted self is an encoder in front of a linear ranker.

    Attributes
    ----------
    encoder_ : Encoder
    ranker_ : XRLinear
        Ranks on sparse features and embeddings side by side.
    features_ : fitted vectoriser, or None when `fit` was given ``X``
    classes_ : array of shape (n_labels,) or None
    n_labels_, n_instances_, n_sparse_features_ : int
    history_ : list of dict
    """

    encoder: Any
    rank_on: str
    embedding_weight: float
    device: str
    precision: str
    n_jobs: int | None
    verbose: int

    encoder_: "Encoder"
    ranker_: XRLinear
    features_: Any
    classes_: NDArray[Any] | None
    n_labels_: int
    n_instances_: int
    n_sparse_features_: int
    history_: list[dict[str, Any]]

    def _embed(
        self,
        encoder: "Encoder",
        cache: TokenCache,
        device: "Device",
        out: NDArray[np.float32],
        team: "Team",
    ) -> None:
        """Write unit embeddings of all cached texts."""

        def visit(rows: NDArray[np.int64], vectors: Any) -> None:
            out[rows] = unit_rows(vectors.cpu().numpy())

        rows = np.arange(len(cache))
        own = team.share(rows)
        shown = bool(self.verbose) and team.first
        with progress_bar("encoding texts", own.size, enabled=shown, unit="texts") as progress:
            encoder.embed(cache, device, own, visit=visit, progress=progress)
        team.exchange(rows, device, out)

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the embeddings of texts by the fine-tuned encoder.

        Parameters
        ----------
        texts : sequence of str

        Returns
        -------
        float32 array of shape (n_texts, d)
            Rows of unit Euclidean length.
        """
        self._check_fitted()
        from .device import choose_device, limited_threads
        from .team import Team

        texts = text_list(texts)
        out = np.zeros((len(texts), self.encoder_.width), np.float32)
        with limited_threads(n_threads(self.n_jobs)):
            cache = self.encoder_.cache(texts)
            self._embed(self.encoder_, cache, choose_device(self.device, self.precision), out, Team())
        return out

    def predict_topk(
        self,
        texts: Sequence[str],
        k: int = 10,
        *,
        X: Any = None,
        candidates: Any = None,
        exclude: Any = None,
        **options: Any,
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return the best labels of every text, best first.

        Parameters
        ----------
        texts : sequence of str
        k : int, default=10
        X : sparse matrix of shape (n_texts, n_features), optional
            Sparse features; needed if and only if `fit` was given some.
        candidates, exclude : as for `XRLinear.predict_topk`
        **options
            ``beam_size`` and ``combine``, instead of the ranker's own.

        Returns
        -------
        ids : int64 array of shape (n_texts, k)
            Label ids, padded with -1.
        scores : float32 array of shape (n_texts, k)
            In descending order, padded with -inf.
        """
        self._check_fitted()
        texts = text_list(texts)
        filters = {
            name: label_filter(value, name, len(texts), self.n_labels_)
            for name, value in (("candidates", candidates), ("exclude", exclude))
        }
        X = self._checked_features(X, len(texts))
        check_answers_fit(len(texts), check_integer("k", k, 1))
        found = []
        for start in range(0, max(len(texts), 1), _ROWS):
            part = slice(start, min(start + _ROWS, len(texts)))
            own = {name: _part(value, part, len(texts)) for name, value in filters.items()}
            rows = self._joined(texts[part], None if X is None else _part(X, part, len(texts)))
            found.append(self.ranker_.predict_topk(rows, k, **own, **options))
        ids, scores = zip(*found, strict=True)
        return np.concatenate(ids), np.concatenate(scores)

    def _joined(self, texts: Sequence[str], X: Any) -> Csr:
        sparse = rows_of(self.features_, texts) if X is None else as_csr(X, "X")
        return self._beside(sparse, self.encode(texts))

    def _beside(self, sparse: Csr, embeddings: NDArray[np.float32]) -> Csr:
        """Return what the ranker sees."""
        if self.rank_on == "embeddings":
            return join(nothing(sparse), embeddings)
        return join(sparse, embeddings, self.embedding_weight)

    def explained_row(self, text: str, X: Any = None) -> tuple[sp.csr_array, Callable[[int], int | str]]:
        """Return what the ranker sees of a text, and what its columns are called; for `explain`.

        Parameters
        ----------
        text : str
        X : sparse matrix of shape (1, n_features), optional
            Sparse features; needed if and only if `fit` was given some.

        Returns
        -------
        row : csr_array of shape (1, n_sparse + d)
        name : callable
            Gives a column's term (its number where `fit` was given ``X``), ``"embedding"`` for those of the embedding.
        """
        self._check_fitted()
        X = self._checked_features(X, 1)
        n_sparse = self.n_sparse_features_ if self.rank_on == "joint" else 0
        terms = None if self.features_ is None else self.features_.get_feature_names_out()

        def name(column: int) -> int | str:
            if column >= n_sparse:
                return "embedding"
            return column if terms is None else str(terms[column])

        return to_scipy(self._joined([text], X)), name

    def _checked_features(self, X: Any, n_texts: int) -> Csr | None:
        if (X is None) != (self.features_ is not None):
            told = "was not given" if X is None else "was given"
            raise ValueError(
                f"X {told}, but fit was {'given' if self.features_ is None else 'not given'} one"
            )
        return None if X is None else as_csr(X, "X", n_rows=n_texts, n_cols=self.n_sparse_features_)

    def score(self, texts: Sequence[str], y: Any, X: Any = None) -> float:
        """Return the mean nDCG@5 against the labels ``y``, or the accuracy when `fit` was given a 1-D target."""
        self._check_fitted()
        k = 5 if self.classes_ is None else 1
        return quality(y, self.predict_topk(texts, k, X=X)[0], self.n_labels_, self.classes_)

    def accelerate(self, backend: str) -> Self:
        """Return a model whose encoder is compiled: same answers but for rounding, sooner.

        Parameters
        ----------
        backend : {"compile", "onnx"}
            ``torch.compile`` on the model's device, which needs a C++ compiler on a CPU; or ONNX Runtime, on the CPU
            and in float32, which needs the extra ``onnx``. Both take seconds to a minute here, once.

        Returns
        -------
        estimator
            A fitted copy; all but the encoder's program is shared with this one. It is saved without that program.

        Raises
        ------
        ImportError, RuntimeError, ValueError
            If the backend is not installed, fails on this encoder, or is unknown.
        """
        self._check_fitted()
        other = copy.copy(self)
        other.encoder_ = self.encoder_.accelerated(backend, n_threads(self.n_jobs))
        return other

    def export_onnx(self, path: Any) -> None:
        """Write the fine-tuned encoder to a new ONNX file; see `arborank.transformer.accelerated.export_onnx`."""
        self._check_fitted()
        from .accelerated import export_onnx

        export_onnx(self.encoder_, path)

    def save_encoder(self, directory: Any) -> None:
        """Write the fine-tuned encoder alone in Hugging Face layout, with its tokenizer, to a new folder."""
        self._check_fitted()
        self.encoder_.save_pretrained(directory)

    def _check_fitted(self) -> None:
        check_fitted(self, "ranker_")

    # ------------------------------------------------------------------ save

    def to_state(self) -> State:
        """Take the fitted model apart for saving; ``checkpoint_dir`` and a given `Encoder` stay behind."""
        self._check_fitted()
        own = {"features", "ranker", "checkpoint_dir"}
        params = {
            name: value for name, value in lasting(self.get_params(deep=False)).items() if name not in own
        }
        if not isinstance(self.encoder, str):
            params["encoder"] = str(self.encoder) if hasattr(self.encoder, "__fspath__") else None
        config = {
            "params": {name: list(v) if isinstance(v, (list, tuple)) else v for name, v in params.items()},
            "n_labels": self.n_labels_,
            "n_instances": self.n_instances_,
            "n_sparse_features": self.n_sparse_features_,
            "history": self.history_,
        }
        parts: dict[str, Any] = {"encoder": self.encoder_, "ranker": self.ranker_}
        if self.features_ is not None:
            parts["features"] = self.features_
        arrays, classes = classes_to_state(self.classes_)
        return State(config, arrays, parts | classes)

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Put a saved model together again.

        Raises
        ------
        TypeError, ValueError
            If a number or part is of another kind, or they do not fit one another.
        """
        model = cls(**lasting(state.config["params"]))
        model.encoder_, model.ranker_ = state.parts["encoder"], state.part("ranker", XRLinear)
        model.features_ = state.parts.get("features")
        for name, part, method in (
            ("encoder", model.encoder_, "embed"),
            ("features", model.features_, "transform"),
        ):
            if part is not None and not hasattr(part, method):
                raise TypeError(f"{name} must have {method}, which {type(part).__name__} has not")
        numbers = {name: check_integer(name, state.config[name], 0) for name in ("n_labels", "n_instances")}
        model.n_labels_, model.n_instances_ = numbers["n_labels"], numbers["n_instances"]
        if model.n_labels_ != model.ranker_.n_labels_:
            raise ValueError(f"n_labels is {model.n_labels_}, but the ranker has {model.ranker_.n_labels_}")
        n_sparse = check_integer("n_sparse_features", state.config["n_sparse_features"], 0)
        if model.features_ is not None and model.features_.transform([""]).shape[1] != n_sparse:
            raise ValueError(f"n_sparse_features is {n_sparse}, but features have another number")
        width = model.encoder_.width + (n_sparse if model.rank_on == "joint" else 0)
        if width != model.ranker_.n_features_in_:
            raise ValueError(
                f"rows have {width} columns, but the ranker takes {model.ranker_.n_features_in_}"
            )
        model.n_sparse_features_ = n_sparse
        model.history_ = state.config["history"]
        model.classes_ = classes_from_state(state, model.n_labels_)
        return model

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        tags.target_tags.required = True
        tags.target_tags.multi_output = True
        return tags


def nothing(sparse: Csr) -> Csr:
    """Return a matrix of as many rows and no columns."""
    return as_csr(sp.csr_array((sparse.shape[0], 0), dtype=np.float32))


def _part(matrix: Csr | None, part: slice, n_rows: int) -> Any:
    """Return the rows of a part of the texts; a filter of one row holds for all."""
    if matrix is None or matrix.shape[0] != n_rows:
        return None if matrix is None else np.asarray(matrix.indices)
    if part == slice(0, n_rows):
        return matrix
    return as_csr(to_scipy(matrix)[part])
