"""TextRanker: text in, label names out."""

import copy
from collections.abc import Iterable, Mapping, Sequence
from inspect import signature
from numbers import Integral
from os import PathLike
from typing import Any, Literal, Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from ..core.checks import check_choice, check_flag, check_real
from ..core.estimator import Estimator, check_fitted, clone
from ..core.label_lists import name_rows, weighted_rows
from ..core.names import Labels, WeightedLabels, by_name, check_label_texts, encode_names, spell
from ..core.sequences import as_column, described, text_list
from ..core.sparse import to_scipy
from ..core.state import State, lasting
from ..core.strings import StringTable
from ..features import TextFeatures
from ..features.base import fit_rows, rows_of
from ..linear import XRLinear
from ..linear.parameters import pass_on
from ..linear.representing import uses_label_features
from ..storage import SaveMixin
from .updating import TextCatalogueMixin, label_features, learn_unseen, row_range, split_texts

__all__ = ["TextRanker"]


class TextRanker(SaveMixin, TextCatalogueMixin, Estimator):
    """Features, model and label names in one object.

    Parameters
    ----------
    features : NgramTfidf or TextFeatures, optional
        Turns texts into sparse rows; by default `TextFeatures` with its defaults, or nothing for a model that
        reads texts itself. A vectoriser of scikit-learn does as well, but is not saved.
    model : XRLinear or any estimator with ``fit(X, Y)`` and ``predict_topk(X, k)``, optional
        By default `XRLinear` with its defaults.
    normalization : {"NFC", None}, default="NFC"
        How label names are spelt, here and in whatever is asked of the ranker later. ``"NFC"`` composes them: names
        that differ only in how Unicode writes their letters are one label. None takes names as they are. The texts'
        own spelling is a parameter of the features.
    n_jobs : int, optional
        When given, it is set on the stages that have it; -1 for every core.
    verbose : int, default=0
        When 1, the stages show progress bars.

    Attributes
    ----------
    features_, model_ : the fitted stages
    labels_ : StringTable
        Label names; position ``i`` names label id ``i``.

    Examples
    --------
    >>> from arborank import NgramTfidf, TextRanker
    >>> texts = ["red fruit", "yellow fruit", "fast car", "old car"]
    >>> labels = [["apple"], ["banana"], ["racer"], ["oldtimer"]]
    >>> ranker = TextRanker(features=NgramTfidf()).fit(texts, labels)
    >>> [name for name, score in ranker.rank("a yellow fruit", k=1)]
    ['banana']
    """

    def __init__(
        self,
        features: Any = None,
        model: Any = None,
        *,
        normalization: Literal["NFC"] | None = "NFC",
        n_jobs: int | None = None,
        verbose: int = 0,
    ) -> None:
        self.features = features
        self.model = model
        self.normalization = normalization
        self.n_jobs = n_jobs
        self.verbose = verbose

    def fit(
        self,
        texts: Sequence[str],
        labels: WeightedLabels,
        *,
        relevance: Sequence[Iterable[float]] | None = None,
        label_texts: Mapping[str, str] | None = None,
        cold_start: bool = False,
        work_dir: str | PathLike[str] | None = None,
    ) -> Self:
        """Learn features, label tree and rankers.

        Parameters
        ----------
        texts : sequence of str, length n_instances
            A list, a Series or another column of a data frame, or a generator.
        labels : sequence of length n_instances
            The label names of every text: a list or set of str, or one str for a single label; or a mapping from name
            to relevance.
        relevance : sequence of length n_instances, optional
            How relevant every text's labels are, in the order of ``labels``, such as the ``relevance`` that
            `arborank.datasets.read_tabbed` returns: finite numbers of at least 0. By default all are 1. An error on a
            label costs that many times ``Cp``; see `XRLinear.fit` and the parameters ``relevance`` and
            ``relevance_norm`` of `XRLinear`.
        label_texts : mapping from label name to a text about it, optional
            Represents labels in the tree, for a model with ``representation`` ``"pifa-concat"`` or ``"pifa-convex"``;
            an instance of the label, with ``cold_start``; or both. Labels need no entry.
        cold_start : bool, default=False
            Whether the text about a label is learned from as one more instance of it. Labels that ``label_texts``
            alone names are labels too then, ranked by their texts and by what is known of labels like them, as by
            `XRLinear.learn_unseen_labels`.
        work_dir : path, optional
            Where the training keeps what it has done, and goes on after an interruption; see `XRLinear.fit`.

        Raises
        ------
        TypeError
            If ``texts`` or ``labels`` are no lists (a data frame of several columns, a dict, a set), a text or name is
            not a str, ``cold_start`` is no bool, or the model has no use for an argument.
        ValueError
            If the lengths differ, there is no label at all, a relevance is out of range, ``label_texts`` names what is
            no label, or ``cold_start`` comes without ``label_texts``.
        """
        texts = text_list(texts)
        check_choice("normalization", self.normalization, ("NFC", None))
        rows, weights = weighted_rows(labels, relevance, self.normalization)
        if len(texts) != len(rows):
            raise ValueError(f"texts has {len(texts)} entries but labels has {len(rows)}; they go in pairs")
        about = check_label_texts(label_texts, self.normalization)
        names = sorted({name for row in rows for name in row})
        if not names:
            raise ValueError("labels holds no label name at all; at least one is needed")
        table = _named(names)
        seen, unseen = split_texts(about, names, check_flag("cold_start", cold_start))
        features, model = self._new_stages()
        if work_dir is not None:
            _check_taken(model, "work_dir", "work_dir")
        if weights is not None:
            _check_taken(model, "relevance", "a relevance of labels")
        if label_texts is not None and not cold_start:
            _check_represents(model)
        if unseen and not hasattr(model, "learn_unseen_labels"):
            raise TypeError(
                f"{type(model).__name__} has no learn_unseen_labels, which the {len(unseen)} labels without an "
                "instance need"
            )
        rows += [[name] for name in seen]
        X = fit_rows(features, [*texts, *seen.values(), *unseen.values()])
        more: dict[str, Any] = {**label_features(features, model, names, about or None, cold_start)}
        if work_dir is not None:
            more["work_dir"] = work_dir
        if weights is not None:
            weights += [[1.0] for _ in seen]
            more["relevance"] = encode_names(rows, table, "error", weights)
        # X may be no matrix, for a model that reads texts
        learned = row_range(X, 0, len(rows)) if unseen else X
        model.fit(learned, encode_names(rows, table, "error"), **more)
        if unseen:
            own, log = row_range(X, len(rows), X.shape[0]), rows[: len(texts)]
            first = row_range(X, 0, len(texts))
            model = learn_unseen(model, features, table, unseen, own, first, log, seen, None)
        # together, and last: a fit that fails leaves the ranker as it was
        self.features_, self.model_, self.labels_ = features, model, StringTable([*names, *unseen])
        return self

    def _new_stages(self) -> tuple[Any, Any]:
        """Return unfitted features and model, those given copied."""
        if self.features is not None:
            _check_stage("features", self.features, "fit_transform", "transform")
        if self.model is not None:
            _check_stage("model", self.model, "fit", "predict_topk")
        model = clone(self.model) if self.model is not None else XRLinear()
        default = getattr(model, "text_features", TextFeatures)
        features = clone(self.features) if self.features is not None else default()
        for stage in (features, model):
            pass_on(stage, n_jobs=self.n_jobs, verbose=self.verbose or None)
        return features, model

    def rank(self, text: str, k: int = 10, **options: Any) -> list[tuple[str, float]]:
        """Return the best labels of one text as ``(name, score)`` pairs, best first; at most ``k``.

        ``options`` are those of `rank_batch`.
        """
        if not isinstance(text, str):
            raise TypeError(
                f"text must be a str, found {type(text).__name__}; for several texts use rank_batch"
            )
        return self.rank_batch([text], k, **options)[0]

    def rank_batch(self, texts: Sequence[str], k: int = 10, **options: Any) -> list[list[tuple[str, float]]]:
        """Return `rank` for every text.

        Parameters
        ----------
        texts : sequence of str
        k : int, default=10
        **options
            As for `predict_topk`.
        """
        self._check_fitted()
        names = self.labels_
        if isinstance(k, Integral):  # lists are not padded
            k = min(k, len(names))
        ids, scores = self.predict_topk(texts, k, **options)
        return [
            [(names[label], score) for label, score in zip(row, row_scores, strict=True) if label >= 0]
            for row, row_scores in zip(ids.tolist(), scores.tolist(), strict=True)
        ]

    def predict_topk(
        self,
        texts: Sequence[str],
        k: int = 10,
        *,
        candidates: Labels | None = None,
        exclude: Labels | None = None,
        label_weights: Mapping[str, float] | None = None,
        **options: Any,
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return label ids and scores, both of shape (n_texts, k); see `XRLinear.predict_topk`.

        Parameters
        ----------
        texts : sequence of str
        k : int, default=10
        candidates, exclude : label names for all texts (list of str), or a list of such lists, one a text; optional
            Labels that may be, or may not be, returned.
        label_weights : mapping from label name to number, optional
            What the scores of labels are multiplied by before the best are taken; 1 for those without an entry. A
            label of weight 0 is not returned.
        **options
            Further options of the model's ``predict_topk``, such as ``beam_size``.
        """
        self._check_fitted()
        if candidates is not None:
            options["candidates"] = self._filter(candidates, "candidates")
        if exclude is not None:
            options["exclude"] = self._filter(exclude, "exclude")
        if label_weights is not None:
            options["label_weights"] = self._weights(label_weights)
        result: tuple[NDArray[np.int64], NDArray[np.float32]] = self.model_.predict_topk(
            rows_of(self.features_, texts), k, **options
        )
        return result

    def prepare_filter(
        self,
        *,
        candidates: Iterable[str] | None = None,
        exclude: Iterable[str] | None = None,
        label_weights: Mapping[str, float] | None = None,
    ) -> Any:
        """Prepare a filter that many calls share, so that it costs them next to nothing.

        Parameters
        ----------
        candidates, exclude : label names, optional
        label_weights : mapping from label name to number, optional
            All as for `predict_topk`.

        Returns
        -------
        filter
            For the option ``label_filter`` of `rank`, `rank_batch` and `predict_topk`.

        Raises
        ------
        TypeError
            If the model has no such filters.
        """
        return self._of_model("prepare_filter")(
            candidates=None if candidates is None else self._filter(candidates, "candidates"),
            exclude=None if exclude is None else self._filter(exclude, "exclude"),
            label_weights=None if label_weights is None else self._weights(label_weights),
        )

    def quantize(self, precision: str = "int8") -> Self:
        """Return a fitted copy whose model stores its weights in another precision; see `XRLinear.quantize`."""
        return self._with_model(self._of_model("quantize")(precision))

    def prune(self, *, threshold: float = 0.0, max_nonzeros: int | None = None) -> Self:
        """Return a fitted copy whose model has only its largest weights; see `XRLinear.prune`."""
        return self._with_model(self._of_model("prune")(threshold=threshold, max_nonzeros=max_nonzeros))

    def _of_model(self, name: str) -> Any:
        self._check_fitted()
        method = getattr(self.model_, name, None)
        if method is None:
            raise TypeError(f"the model is a {type(self.model_).__name__}, which has no {name}")
        return method

    def _with_model(self, model: Any) -> Self:
        other = copy.copy(self)
        other.model_ = model
        return other

    def encode_labels(
        self, labels: WeightedLabels, unknown: Literal["error", "ignore", "extend"] = "error"
    ) -> sp.csr_array:
        """Return the indicator matrix of label names, float32 and of shape (n_instances, n_labels).

        Parameters
        ----------
        labels : sequence of label-name lists, or of single names
            Rows that are mappings from name to relevance give these as the values of the matrix.
        unknown : {"error", "ignore", "extend"}, default="error"
            What a name that the model does not know becomes: a `ValueError`, nothing, or a further column. ``"extend"``
            suits evaluation: a label that cannot be predicted still counts as missed.
        """
        self._check_fitted()
        if unknown not in ("error", "ignore", "extend"):
            raise ValueError(f"unknown is {unknown!r}; expected 'error', 'ignore' or 'extend'")
        rows, weights = weighted_rows(labels, None, self.normalization)
        return to_scipy(encode_names(rows, self.labels_, unknown, weights))

    def _check_fitted(self) -> None:
        check_fitted(self, "model_")

    def _inner_and_label(self, name: Any) -> tuple[Any, int]:
        """Return the fitted model and the id that it has for a label."""
        self._check_fitted()
        if not isinstance(name, str):
            raise TypeError(f"label must be the name of one, found {name!r}")
        return self.model_, self._label_id(name, "label")

    def _label_id(self, name: str, argument: str) -> int:
        label = self.labels_.find(name)
        if label is None:  # sooner than to spell every name
            label = self.labels_.find(spell(name, self.normalization))
        if label is None:
            raise ValueError(f"{argument} holds {name!r}, which is not a label of this model")
        return label

    def _weights(self, weights: Mapping[str, float]) -> NDArray[np.float32]:
        if not isinstance(weights, Mapping):
            raise TypeError(
                f"label_weights must map names to numbers, found {described(weights)}; give a dict, such as "
                "dict(zip(names, weights))"
            )
        array = np.ones(len(self.labels_), np.float32)
        for name, weight in by_name("label_weights", weights, self.normalization).items():
            label = self._label_id(name, "label_weights")
            array[label] = check_real(f"label_weights[{name!r}]", weight, least=0.0)
        return array

    def _filter(self, names: Labels | Iterable[str], argument: str) -> list[int] | list[list[int]]:
        rows = list(as_column(names, argument, "a list of label names, or one a text", ordered=False))
        kinds = set(map(type, rows))  # quick, because filters may come with every query
        if all(issubclass(kind, str) for kind in kinds):
            single = [str(name) for name in rows]
            found = self.labels_.find_each(single)
            if None in found:
                return [self._label_id(name, argument) for name in single]
            return [label for label in found if label is not None]
        return [
            [self._label_id(name, argument) for name in row]
            for row in name_rows(rows, self.normalization, argument)
        ]

    # ------------------------------------------------------------------ save

    def to_state(self) -> State:
        """Take the fitted ranker apart for saving."""
        check_fitted(self, "model_")
        parts = {"features": self.features_, "model": self.model_, "labels": self.labels_}
        return State({"normalization": self.normalization}, {}, parts)

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Put a saved ranker together again.

        Raises
        ------
        ValueError
            If there is not a name for each label of the model.
        """
        features, model = state.parts["features"], state.parts["model"]
        labels = state.part("labels", StringTable)
        _check_stage("features", features, "transform")
        _check_stage("model", model, "predict_topk")
        n_labels = getattr(model, "n_labels_", None)
        if n_labels is not None and len(labels) != n_labels:
            raise ValueError(f"labels has {len(labels)} names, but the model has {n_labels} labels")
        ranker = cls(features=features, model=model, **lasting(state.config))
        check_choice("normalization", ranker.normalization, ("NFC", None))
        ranker.features_, ranker.model_, ranker.labels_ = features, model, labels
        return ranker


def _check_stage(name: str, stage: Any, *methods: str) -> None:
    missing = [method for method in methods if not hasattr(stage, method)]
    if missing:
        raise TypeError(
            f"{name} must be an estimator with {' and '.join(methods)}; {type(stage).__name__} has no {missing[0]}"
        )


def _check_taken(model: Any, keyword: str, argument: str) -> None:
    """Refuse an argument for which the model's ``fit`` has no keyword."""
    known = signature(model.fit).parameters
    if keyword not in known and not any(one.kind is one.VAR_KEYWORD for one in known.values()):
        raise TypeError(f"{argument} is given, but {type(model).__name__} has no use for it")


def _check_represents(model: Any) -> None:
    """Refuse texts about labels for a model that does not represent labels by them."""
    _check_taken(model, "label_features", "label_texts")
    kind = getattr(model, "representation", None)
    if isinstance(kind, str) and not uses_label_features(kind):
        raise ValueError(
            f"label_texts is given, but representation {kind!r} does not use it, and cold_start is not asked for"
        )


def _named(names: list[str]) -> StringTable:
    try:
        return StringTable(names)
    except ValueError as error:
        raise ValueError(f"labels hold a name that cannot be stored: {error}") from None
