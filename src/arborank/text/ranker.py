"""TextRanker: text in, label names out."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from numbers import Integral
from typing import TYPE_CHECKING, Any, Literal, Self, TypedDict, Unpack, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..calibration import Calibration
from ..core.checks import Missing, check_choice, check_flag, check_real
from ..core.errors import ArgumentError
from ..core.estimator import (
    Estimator,
    check_fitted,
    clone,
    fitted_clone,
    method_beside_parameter,
    method_where,
    pass_on,
)
from ..core.label_lists import weighted_rows
from ..core.lazy import sp
from ..core.sequences import as_column
from ..core.sparse import Csr, as_csr, to_scipy
from ..core.spelling import spell
from ..core.state import Savable, State, lasting
from ..core.strings import StringTable
from ..core.topk import place_in_rows
from ..core.types import (
    AnyArray,
    Classes,
    FilePath,
    Json,
    LabelModel,
    Labels,
    MatrixLike,
    Relevance,
    TopK,
    WeightedLabels,
)
from ..features import TextFeatures
from ..features.base import TextTransformer, n_columns, rows_of
from ..features.foreign import ForeignVectorizer
from ..linear import XRLinear
from ..linear.answers import FEW_LABELS, class_scores, quality, score_matrix, share_matrix
from ..linear.deciding import check_rule, rule_to_parts
from ..linear.targets import classes_from_state, classes_to_state
from ..matching.beam import LabelFilter
from ..storage import SaveMixin
from . import updating
from .classes import class_names, classes_of_names
from .fitting import Fitted, check_stage, fit_texts, listed, reads_fields
from .names import LabelTexts, encode_names, label_ids, weight_array

if TYPE_CHECKING:
    from ..decisions import Rule

__all__ = ["RankOptions", "TextRanker"]


class RankOptions(TypedDict, total=False):
    """Options of `TextRanker.rank` and `rank_batch`: those of `TextRanker.predict_topk`, and what `XRLinear` adds.

    With ``probabilities=True`` scores are the probabilities of `TextRanker.predict_proba_topk`. Labels with a score
    below ``min_score`` are left out.
    """

    candidates: Labels | None
    exclude: Labels | None
    label_weights: Mapping[str, float] | None
    label_filter: LabelFilter | None
    beam_size: int | None
    combine: str | None
    probabilities: bool
    min_score: float


class TextRanker(SaveMixin, Estimator):
    """Features, model and label names in one object.

    Parameters
    ----------
    features : NgramTfidf or TextFeatures, optional
        Turns texts into sparse rows; by default `TextFeatures` with its defaults, or nothing for a model that
        reads texts itself. A vectoriser of scikit-learn does as well, and is saved by skops (extra ``skops``) unless
        it holds functions.
    model : XRLinear or any estimator with ``fit(X, Y)`` and ``predict_topk(X, k)``, optional
        By default `XRLinear` with its defaults.
    label_names : {"auto"} or bool, default="auto"
        Whether the name of a label is learned from, as one more instance of the label. ``"auto"``: if labels of texts
        that are held out are found better with it. Names such as ``"river ecology"`` pass this test, codes and names
        of people do not, and neither does anything where there are too few texts to tell.
    decide : Rule or str, optional
        How `predict` chooses labels: a rule of `arborank.decisions` or its name, such as ``"threshold"``; by default as
        the model's own ``predict``.
    normalization : {"NFC", None}, default="NFC"
        How label names are spelt, here and in whatever is asked of the ranker later. ``"NFC"`` composes them: names
        that differ only in how Unicode writes their letters are one label. None takes names as they are. The texts'
        own spelling is a parameter of the features.
    calibrate : bool, default=False
        Whether `fit` also learns what scores mean as probabilities, for ``rank(..., probabilities=True)`` and
        `predict_proba_topk`: it is set on the model. `XRLinear` then trains about twice as long.
    answer_unknown : bool, default=True
        Whether a text without any term that the features know gets labels, which are those that are frequent. False
        for an empty answer.
    single_label : bool, default=False
        Whether every text has one class, a str or a number: `predict` returns an array of these, and scikit-learn takes
        the ranker for a classifier.
    n_jobs : int, optional
        When given, it is set on the stages that have it; -1 for every core.
    verbose : int, default=0
        When 1, the stages show progress bars.

    Attributes
    ----------
    features_, model_ : the fitted stages
    labels_ : StringTable
        Label names; position ``i`` names label id ``i``.
    label_names_ : bool
        Whether names were learned from, and are in updates.
    classes_ : array of shape (n_labels,)
        With ``single_label``: the classes, ascending.

    Examples
    --------
    >>> from arborank import NgramTfidf, TextRanker
    >>> texts = ["red fruit", "yellow fruit", "fast car", "old car"]
    >>> labels = [["apple"], ["banana"], ["racer"], ["oldtimer"]]
    >>> ranker = TextRanker(features=NgramTfidf()).fit(texts, labels)
    >>> [name for name, score in ranker.rank("a yellow fruit", k=1)]
    ['banana']
    """

    features_: Any
    model_: Any
    labels_: StringTable
    label_names_: bool
    classes_: AnyArray

    def __init__(
        self,
        features: TextTransformer | None = None,
        model: LabelModel | None = None,
        *,
        label_names: Literal["auto"] | bool = "auto",
        decide: "Rule | str | None" = None,
        normalization: Literal["NFC"] | None = "NFC",
        calibrate: bool = False,
        answer_unknown: bool = True,
        single_label: bool = False,
        n_jobs: int | None = None,
        verbose: int = 0,
    ) -> None:
        self.features = features
        self.model = model
        self.label_names = label_names
        self.decide = decide
        self.normalization = normalization
        vars(self)["calibrate"] = calibrate  # also the name of a method
        self.answer_unknown = answer_unknown
        self.single_label = single_label
        self.n_jobs = n_jobs
        self.verbose = verbose

    def _meant_by_none(self, name: str) -> Any:
        if name == "model":
            return XRLinear()
        if name == "features":
            return getattr(self.model, "text_features", TextFeatures)()
        return None

    @classmethod
    def from_fitted(
        cls,
        features: TextTransformer,
        model: LabelModel,
        labels: Iterable[str],
        *,
        label_names: bool = False,
        decide: "Rule | str | None" = None,
        normalization: Literal["NFC"] | None = "NFC",
        answer_unknown: bool = True,
    ) -> Self:
        """Put a ranker together that can rank at once, of parts that are fitted already and are not copied.

        Parameters
        ----------
        features : NgramTfidf, TextFeatures or another fitted vectoriser
        model : XRLinear or another fitted model
            Of rows as ``features`` makes them.
        labels : sequence of str, length n_labels
            The name of every label of the model, by label id.
        label_names : bool, default=False
            Whether the model has learned from the names, as updates then do.
        decide, normalization, answer_unknown
            As for the ranker.

        Raises
        ------
        TypeError
            If a stage lacks a method, or a name is not a str.
        ValueError
            If there is not one name a label, a name is repeated, or the model takes rows of another width.
        """
        check_stage("features", features, "transform")
        check_stage("model", model, "predict_topk")
        check_choice("normalization", normalization, ("NFC", None))
        if not isinstance(labels, StringTable):
            names = list(as_column(labels, "labels", "one name per label"))
            labels = StringTable(
                [spell(name, normalization) if isinstance(name, str) else name for name in names]
            )
            if len(set(labels)) < len(labels):
                twice = next(name for place, name in enumerate(labels) if labels.find(name) != place)
                raise ArgumentError("labels", f"holds {twice!r} twice")
        n_labels = getattr(model, "n_labels_", None)
        if n_labels is not None and len(labels) != n_labels:
            raise ValueError(f"labels has {len(labels)} names, but the model has {n_labels} labels")
        width, wanted = n_columns(features), getattr(model, "n_features_in_", None)
        if width is not None and wanted is not None and width != wanted:
            raise ValueError(f"features make rows of {width} columns, but the model takes {wanted}")
        check_rule("decide", decide)
        ranker = cls(
            features,
            model,
            label_names=check_flag("label_names", label_names),
            decide=decide,
            normalization=normalization,
            answer_unknown=check_flag("answer_unknown", answer_unknown),
        )
        ranker.label_names_ = label_names
        ranker.features_, ranker.model_, ranker.labels_ = features, model, labels
        return ranker

    def fit(
        self,
        texts: Iterable[str],
        labels: WeightedLabels | Classes,
        *,
        relevance: Relevance | None = None,
        sample_weight: ArrayLike | None = None,
        label_texts: LabelTexts | None = None,
        learn_label_texts: bool = True,
        work_dir: FilePath | None = None,
    ) -> Self:
        """Learn features, label tree and rankers.

        Parameters
        ----------
        texts : iterable of str, length n_instances
            A list, a Series or another column of a data frame, or a generator. That is not read into a list where the
            parts of the features and ``label_names`` are given.
        labels : sequence of length n_instances
            The label names of every text: a list or set of str, or one str for a single label; or a mapping from name
            to relevance. With ``single_label``, one str or number.
        relevance : sequence of length n_instances, optional
            How relevant every text's labels are, in the order of ``labels``, such as the ``relevance`` that
            `arborank.datasets.read_tabbed` returns: finite numbers of at least 0. By default all are 1. An error on a
            label costs that many times ``Cp``; see `XRLinear.fit` and the parameters ``relevance`` and
            ``relevance_norm`` of `XRLinear`.
        sample_weight : sequence of float, length n_instances, optional
            How often every text counts, such as the number of times that a query was sent: finite numbers of at least
            0; see `XRLinear.fit`. Features count each text once.
        label_texts : mapping from label name to a text about it, or to several, optional
            Each is learned from as one more instance of the label. Labels that have no other are labels, too, ranked by
            their texts and by what is known of labels like them, as by `XRLinear.learn_unseen_labels`. A model whose
            ``representation`` takes label features, such as ``"pifa-concat"``, also represents labels by the texts.
            Labels need no entry.
        learn_label_texts : bool, default=True
            False if ``label_texts`` is for that ``representation`` alone.
        work_dir : path, optional
            Where the training keeps what it has done, and goes on after an interruption; see `XRLinear.fit`.

        Raises
        ------
        TypeError
            If ``texts`` or ``labels`` are not lists (a data frame of several columns, a dict, a set), a text or name is
            not a str, ``label_names`` is neither "auto" nor a bool, ``learn_label_texts`` is not a bool, or the model
            has no use for an argument.
        ValueError
            If the lengths differ, there is no label at all, a relevance is out of range, or ``label_texts`` that are
            not learned from are missing, are about what is no label, or do not represent labels either.
        """
        return self._fitted(
            texts,
            labels,
            relevance=relevance,
            sample_weight=sample_weight,
            label_texts=label_texts,
            learn_label_texts=learn_label_texts,
            work_dir=work_dir,
        )

    def fit_matrix(
        self,
        X: MatrixLike,
        labels: WeightedLabels | Classes,
        *,
        relevance: Relevance | None = None,
        sample_weight: ArrayLike | None = None,
        label_texts: LabelTexts | None = None,
        learn_label_texts: bool = True,
        work_dir: FilePath | None = None,
    ) -> Self:
        """Learn label tree and rankers from rows that fitted features made before; the features stay as they are.

        So texts are read and encoded once for several models, or in another place.

        Parameters
        ----------
        X : sparse matrix of shape (n_instances, n_features)
            What ``features.transform`` has made of the texts; the parameter ``features`` must be fitted.
        labels, relevance, sample_weight, label_texts, learn_label_texts, work_dir
            As for `fit`. Names are learned from with ``label_names=True``, not with ``"auto"``: without texts, nothing
            could tell whether it helps.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the features are not fitted.
        TypeError, ValueError
            If there are no features, ``X`` has another width than their rows or another length than ``labels``, or for
            the reasons of `fit`.
        """
        if self.features is None:
            raise TypeError("features is None; fit_matrix needs the fitted features that X was made with")
        width = rows_of(self.features, [""]).shape[1]
        return self._fitted(
            (),
            labels,
            X=as_csr(X, "X", n_cols=width),
            relevance=relevance,
            sample_weight=sample_weight,
            label_texts=label_texts,
            learn_label_texts=learn_label_texts,
            work_dir=work_dir,
        )

    def _fitted(
        self,
        texts: Iterable[str],
        labels: WeightedLabels | Classes,
        *,
        X: Csr | None = None,
        learn_label_texts: bool,
        **options: Any,
    ) -> Self:
        """Fit, and keep what was fitted; everything is checked that is not the fitting's own business."""
        check_choice("normalization", self.normalization, ("NFC", None))
        check_flag("answer_unknown", self.answer_unknown)
        if self.label_names != "auto" and not isinstance(self.label_names, bool):
            raise TypeError(f"label_names must be 'auto', True or False, found {self.label_names!r}")
        check_rule("decide", self.decide)
        classes = None
        if check_flag("single_label", self.single_label):
            labels, classes = class_names(labels, self.normalization)
        features, model = _new_stages(self)
        fitted = fit_texts(
            features if X is None or self.features is None else self.features,
            model,
            texts,
            cast(WeightedLabels, labels),
            X=X,
            normalization=self.normalization,
            label_names=self.label_names,
            learn_label_texts=check_flag("learn_label_texts", learn_label_texts),
            n_jobs=self.n_jobs,
            **options,
        )
        # together, and last: a fit that fails leaves the ranker as it was
        self.features_, self.model_, self.labels_, _, self.label_names_ = fitted
        vars(self).pop("classes_", None)
        if classes is not None:
            self.classes_ = classes
        return self

    def rank(self, text: str, k: int = 10, **options: Unpack[RankOptions]) -> list[tuple[str, float]]:
        """Return the best labels of one text as ``(name, score)`` pairs, best first; at most ``k``.

        ``options`` are those of `rank_batch`.
        """
        if not isinstance(text, str) and not reads_fields(getattr(self, "features_", None)):
            raise TypeError(
                f"text must be a str, found {type(text).__name__}; for several texts use rank_batch"
            )
        return self.rank_batch([text], k, **options)[0]

    def rank_batch(
        self, texts: Sequence[str], k: int = 10, **options: Unpack[RankOptions]
    ) -> list[list[tuple[str, float]]]:
        """Return `rank` for every text.

        Parameters
        ----------
        texts : sequence of str
        k : int, default=10
        **options
            As for `predict_topk`; with ``probabilities=True``, of which scores are probabilities, as for
            `predict_proba_topk`; and ``min_score``, the least score of a label that is answered.
        """
        ids, scores = self._best(texts, k, options)
        names = self.labels_
        found = _looked_up(names, ids)
        return [
            [(found[label], score) for label, score in zip(row, row_scores, strict=True) if label >= 0]
            for row, row_scores in zip(ids.tolist(), scores.tolist(), strict=True)
        ]

    def rank_matrix(
        self, texts: Sequence[str], k: int = 10, **options: Unpack[RankOptions]
    ) -> "sp.csr_array":
        """Return what `rank_batch` does, as a sparse matrix of scores.

        Parameters
        ----------
        texts, k, **options
            As for `rank_batch`.

        Returns
        -------
        float32 csr_array of shape (n_texts, n_labels)
            Columns are label ids, the positions in ``labels_``. What is not stored is no answer; a stored score may
            be 0.
        """
        return score_matrix(*self._best(texts, k, options), len(self.labels_))

    def _best(self, texts: Sequence[str], k: int, options: RankOptions) -> TopK:
        """Return ids and scores, those that are not answered -1 and -inf."""
        check_fitted(self, "model_")
        if isinstance(k, Integral):  # lists are not padded
            k = min(k, len(self.labels_))
        asked: dict[str, Any] = {**options}
        predict: Callable[..., TopK] = self.predict_topk
        if check_flag("probabilities", asked.pop("probabilities", False)):
            predict = self.predict_proba_topk
        least = asked.pop("min_score", None)
        ids, scores = predict(texts, k, **asked)
        if least is not None:
            low = scores < check_real("min_score", least)
            ids, scores = np.where(low, -1, ids), np.where(low, np.float32(-np.inf), scores)
        return ids, scores

    def predict(self, texts: Sequence[str]) -> list[list[str]] | AnyArray:
        """Return the labels that the rule ``decide`` chooses for every text, the most probable first.

        Without one, the rule of the model counts; without that, the labels are those of its ``predict``. With
        ``single_label``, an array of shape (n_texts,) of the best classes is returned instead.

        Raises
        ------
        TypeError
            If there is no rule, and the model has no ``predict``.
        ValueError
            If the rule needs probabilities and the model is not calibrated, or it has to be tuned first.
        """
        check_fitted(self, "model_")
        if hasattr(self, "classes_"):
            ids = self.predict_topk(texts, 1)[0][:, 0]
            order = np.argsort(classes_of_names(self.labels_, self.classes_))
            return np.asarray(self.classes_[order[np.maximum(ids, 0)]])
        rows = rows_of(self.features_, texts)
        rule = getattr(self.model_, "decide", None) if self.decide is None else self.decide
        if rule is None:
            chosen = sp.csr_array(self._of_model("predict")(rows))
        else:
            from ..decisions import decide

            chosen = decide(self.model_, rows, rule)
        bounds, order = chosen.indptr, place_in_rows(chosen.indptr, chosen.data)[2]
        ids, names = chosen.indices[order].tolist(), self.labels_
        answers = [[names[label] for label in ids[a:b]] for a, b in pairwise(bounds.tolist())]
        for row in () if (unknown := self._unknown(rows)) is None else np.flatnonzero(unknown).tolist():
            answers[row] = []
        return answers

    def predict_topk(
        self,
        texts: Sequence[str] | Csr,
        k: int = 10,
        *,
        candidates: Labels | None = None,
        exclude: Labels | None = None,
        label_weights: Mapping[str, float] | None = None,
        **options: object,
    ) -> TopK:
        """Return label ids and scores, both of shape (n_texts, k); see `XRLinear.predict_topk`.

        Parameters
        ----------
        texts : sequence of str, or the rows that ``features_`` has made of them
        k : int, default=10
        candidates, exclude : label names for all texts (list of str), or a list of such lists, one per text; optional
            Labels that may be, or may not be, returned.
        label_weights : mapping from label name to number, optional
            What the scores of labels are multiplied by before the best are taken; 1 for those without an entry. A
            label of weight 0 is not returned.
        **options
            Further options of the model's ``predict_topk``, such as ``beam_size``.
        """
        check_fitted(self, "model_")
        self._add_limits(options, candidates, exclude)
        if label_weights is not None:
            options["label_weights"] = weight_array(self.labels_, label_weights, self.normalization)
        rows = texts if isinstance(texts, Csr) else rows_of(self.features_, texts)
        return self._answered(rows, self.model_.predict_topk(rows, k, **options))

    def _unknown(self, rows: Any) -> NDArray[np.bool_] | None:
        """Return which rows get no answer because they are empty; None if all get one."""
        if self.answer_unknown or not isinstance(rows, Csr):
            return None
        empty: NDArray[np.bool_] = rows.indptr[1:] == rows.indptr[:-1]
        return empty if empty.any() else None

    def _answered(self, rows: Any, top: TopK) -> TopK:
        if (unknown := self._unknown(rows)) is None:
            return top
        ids, scores = top
        unknown = unknown[:, None]
        return np.where(unknown, -1, ids), np.where(unknown, np.float32(-np.inf), scores)

    def _add_limits(
        self, options: dict[str, object], candidates: Labels | None, exclude: Labels | None
    ) -> None:
        for name, labels in (("candidates", candidates), ("exclude", exclude)):
            if labels is not None:
                options[name] = label_ids(self.labels_, labels, self.normalization, name)

    def predict_proba_topk(
        self,
        texts: Sequence[str],
        k: int = 10,
        *,
        candidates: Labels | None = None,
        exclude: Labels | None = None,
        reorder: bool = False,
        **options: object,
    ) -> TopK:
        """Return label ids and the probabilities that the labels are relevant, both of shape (n_texts, k).

        Parameters
        ----------
        texts, k, candidates, exclude
            As for `predict_topk`.
        reorder : bool, default=False
            Whether labels are ordered by probability. By default their order is that of `predict_topk`.
        **options
            Further options of the model's ``predict_proba_topk``, such as ``beam_size``.

        Raises
        ------
        TypeError
            If the model has no probabilities at all.
        ValueError
            If it is not calibrated, or an option changes what a score is.
        """
        predict = self._of_model("predict_proba_topk")
        self._add_limits(options, candidates, exclude)
        rows = rows_of(self.features_, texts)
        return self._answered(rows, predict(rows, k, reorder=reorder, **options))

    def score(self, texts: Sequence[str], labels: Labels | Classes) -> float:
        """Return the mean nDCG@5 against the labels of texts; with ``single_label``, the accuracy."""
        check_fitted(self, "model_")
        if hasattr(self, "classes_"):
            truth = list(as_column(labels, "labels", "one class for every text"))
            return float(np.mean(np.asarray(self.predict(texts)) == np.asarray(truth)))
        Y = self.encode_labels(cast(Labels, labels), "extend")
        return quality(Y, self.predict_topk(texts, 5)[0], Y.shape[1], None)

    def decision_function(self, texts: Sequence[str]) -> "AnyArray | sp.csr_array":
        """Return the scores of labels that the model reaches, by label id; see `XRLinear.decision_function`.

        With ``single_label`` and at most 1000 classes: a dense array in the order of ``classes_``.
        """
        check_fitted(self, "model_")
        if not hasattr(self, "classes_") or len(self.classes_) > FEW_LABELS:
            return self._of_model("decision_function")(rows_of(self.features_, texts))
        ids, scores = self.predict_topk(texts, getattr(self.model_, "n_reachable_", len(self.labels_)))
        return class_scores(self._class_places(ids), scores, len(self.classes_))

    @method_where(
        lambda self: (
            vars(self).get("calibrate") or (hasattr(self, "model_") and hasattr(self.model_, "predict_proba"))
        ),
        "fit it with calibrate=True, or give held-out texts to calibrate(texts, labels)",
    )
    def predict_proba(self, texts: Sequence[str]) -> "AnyArray | sp.csr_array":
        """Return the probability of every label by its id, dense for at most 1000; see `XRLinear.predict_proba`.

        There is this method only with the parameter ``calibrate=True`` or in a ranker that is calibrated. With
        ``single_label``, columns are those of ``classes_``, and a row is 1 as a sum.
        """
        check_fitted(self, "model_")
        if not hasattr(self, "classes_"):
            return self._of_model("predict_proba")(rows_of(self.features_, texts))
        k = getattr(self.model_, "n_reachable_", min(len(self.labels_), FEW_LABELS))
        ids, chances = self.predict_proba_topk(texts, k)
        return share_matrix(self._class_places(ids), chances, len(self.classes_), of_classes=True)

    def _class_places(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return which classes label ids are of; the padding stays."""
        places = np.append(np.argsort(classes_of_names(self.labels_, self.classes_)), -1)
        return places[ids]

    @property
    def calibration_(self) -> Calibration | None:
        """What makes probabilities of the model's scores; None if it is not calibrated."""
        check_fitted(self, "model_")
        model = getattr(
            self.model_, "ranker_", self.model_
        )  # of a transformer, its linear ranker is calibrated
        return getattr(self.model_, "calibration_", None) or getattr(model, "calibration_", None)

    @method_beside_parameter
    def calibrate(self, texts: Sequence[str], labels: Labels) -> Self:
        """Learn from held-out texts what scores mean as probabilities.

        Parameters
        ----------
        texts : sequence of str
            Some thousands that the ranker was not fitted on.
        labels : sequence of label-name lists, or of single names
            All their labels; names that the ranker does not know are left out.

        Returns
        -------
        TextRanker
            A fitted copy; it shares everything else with this one.

        Raises
        ------
        TypeError, ValueError
            As ``calibrate`` of the model, or if it has none.
        """
        return self._calibrated("calibrate", texts, labels)

    def recalibrate(self, texts: Sequence[str], labels: Labels) -> Self:
        """Adapt probabilities to texts of another domain; a thousand are enough.

        Parameters
        ----------
        texts, labels
            As for `calibrate`.

        Returns
        -------
        TextRanker
            A fitted copy, whose probabilities are shrunk to those of this one.
        """
        return self._calibrated("recalibrate", texts, labels)

    def _calibrated(self, method: str, texts: Sequence[str], labels: Labels) -> Self:
        calibrate = self._of_model(method)
        Y = self.encode_labels(labels, "ignore")
        texts = listed(self.features_, texts, Y.shape[0])
        return fitted_clone(self, model_=calibrate(rows_of(self.features_, texts), Y))

    def prepare_filter(
        self,
        *,
        candidates: Iterable[str] | None = None,
        exclude: Iterable[str] | None = None,
        label_weights: Mapping[str, float] | None = None,
    ) -> LabelFilter:
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
        filter_of = self._of_model("prepare_filter")
        labels, form = self.labels_, self.normalization
        prepared: LabelFilter = filter_of(
            candidates=None if candidates is None else label_ids(labels, candidates, form, "candidates"),
            exclude=None if exclude is None else label_ids(labels, exclude, form, "exclude"),
            label_weights=None if label_weights is None else weight_array(labels, label_weights, form),
        )
        return prepared

    def quantize(self, precision: str = "int8") -> Self:
        """Return a fitted copy whose model stores its weights in another precision; see `XRLinear.quantize`."""
        return fitted_clone(self, model_=self._of_model("quantize")(precision))

    def prune(self, *, threshold: float = 0.0, max_nonzeros: int | None = None) -> Self:
        """Return a fitted copy whose model has only its largest weights; see `XRLinear.prune`."""
        smaller = self._of_model("prune")(threshold=threshold, max_nonzeros=max_nonzeros)
        return fitted_clone(self, model_=smaller)

    def without_rows(self) -> Self:
        """Return a fitted copy whose model does not keep its training rows; see `XRLinear.without_rows`."""
        return fitted_clone(self, model_=self._of_model("without_rows")())

    def partial_fit(
        self,
        texts: Sequence[str],
        labels: Labels,
        *,
        unknown: Literal["error", "ignore"] = "error",
        **options: object,
    ) -> Self:
        """Learn from further texts of labels that are there; the ranker itself changes, as in scikit-learn.

        Parameters
        ----------
        texts : sequence of str
        labels : sequence of label-name lists, or of single names
            All their labels.
        unknown : {"error", "ignore"}, default="error"
            What a name that the ranker does not know becomes: a `ValueError`, or nothing. `add_labels` adds labels.
        **options
            Further options of the model's ``partial_fit``, such as ``step``: see `XRLinear.partial_fit`.

        Returns
        -------
        self

        Raises
        ------
        TypeError
            If the model has no ``partial_fit``.
        ValueError
            If a name is unknown, the lengths differ, or for the reasons of `XRLinear.partial_fit`.
        """
        self._of_model("partial_fit")
        check_choice("unknown", unknown, ("error", "ignore"))
        Y = self.encode_labels(labels, unknown)
        texts = listed(self.features_, texts, Y.shape[0])
        model = fitted_clone(self.model_)  # which other rankers may share
        self.model_ = model.partial_fit(rows_of(self.features_, texts), Y, **options)
        return self

    def add_labels(
        self,
        names: Sequence[str],
        texts: Iterable[str],
        labels: Labels,
        *,
        label_texts: LabelTexts | None = None,
        unseen_weight: float | None = None,
        **options: object,
    ) -> Self:
        """Return a ranker that knows further labels; it shares the features with this one, which stays as it is.

        Parameters
        ----------
        names : sequence of str
            The new labels.
        texts : iterable of str, length n_instances
            Recent texts: those with a new label, and others, like the queries to come, that new labels are told apart
            from. The words that the features know stay the same.
        labels : sequence of length n_instances
            All label names of every text, old and new.
        label_texts : mapping from label name to a text about it, or to several, optional
            One more instance each of a new label that has some; so is its name, with ``label_names_``. Labels that have
            none are ranked by these alone, as `XRLinear.learn_unseen_labels` does: for that, texts about old labels
            help, and ``texts`` as many as there are.
        unseen_weight : float, optional
            What the scores of labels without an instance are multiplied by, above 0 and at most 1: the less, the fewer
            places they take from others. See `XRLinear.learn_unseen_labels` for the default.
        **options
            Further options of the model's ``add_labels``, such as ``negative_share``: the share of the texts without a
            new label that is given.

        Raises
        ------
        TypeError
            If a name or text is not a str, or the model's labels cannot be changed.
        ValueError
            If a name is known already or repeated, a label of a text is unknown, a new label has neither a text nor
            an entry in ``label_texts`` (which may be missing with ``label_names_``), no text has a word that the ranker
            knows, or for the reasons of `XRLinear.add_labels`.
        """
        given = names, texts, labels, label_texts, unseen_weight, options
        return self._with(updating.learn_labels(self._changeable("add_labels"), "add_labels", *given))

    def refresh_labels(
        self,
        names: Sequence[str],
        texts: Iterable[str],
        labels: Labels,
        *,
        label_texts: LabelTexts | None = None,
        unseen_weight: float | None = None,
        **options: object,
    ) -> Self:
        """Return a ranker that has learned some of its labels again; what it knew of them is forgotten.

        Parameters and errors are those of `add_labels`, for names that the ranker knows.
        """
        given = names, texts, labels, label_texts, unseen_weight, options
        return self._with(updating.learn_labels(self._changeable("refresh_labels"), "refresh_labels", *given))

    def remove_labels(self, names: Sequence[str], *, missing: Missing = "error") -> Self:
        """Return a ranker that knows some labels no longer; label ids are renumbered.

        Parameters
        ----------
        names : sequence of str
        missing : {"error", "ignore"}, default="error"
            What a name is that the ranker does not know: a `ValueError`, or nothing, so that the same names may be
            given twice.

        Raises
        ------
        ValueError
            If a name is unknown, unless that is to be ignored, or repeated, or no label would be left.
        """
        return self._with(updating.remove_labels(self._changeable("remove_labels"), names, missing))

    def encode_labels(
        self, labels: WeightedLabels, unknown: Literal["error", "ignore", "extend"] = "error"
    ) -> "sp.csr_array":
        """Return the indicator matrix of label names, float32 and of shape (n_instances, n_labels).

        Parameters
        ----------
        labels : sequence of label-name lists, or of single names
            Rows that are mappings from name to relevance give these as the values of the matrix.
        unknown : {"error", "ignore", "extend"}, default="error"
            What a name that the model does not know becomes: a `ValueError`, nothing, or a further column. ``"extend"``
            suits evaluation: a label that cannot be predicted still counts as missed.
        """
        check_fitted(self, "model_")
        if unknown not in ("error", "ignore", "extend"):
            raise ValueError(f"unknown is {unknown!r}; expected 'error', 'ignore' or 'extend'")
        rows, weights = weighted_rows(labels, None, self.normalization)
        return to_scipy(encode_names(rows, self.labels_, unknown, weights))

    def to_state(self) -> State:
        """Take the fitted ranker apart for saving."""
        check_fitted(self, "model_")
        features = self.features_
        if not isinstance(features, Savable) and type(features).__module__.startswith("sklearn."):
            features = ForeignVectorizer(features)
        parts = {"features": features, "model": self.model_, "labels": self.labels_}
        config: Json = {"normalization": self.normalization, "label_names": self.label_names_}
        config["decide"] = self.decide if isinstance(self.decide, str) else None
        config["answer_unknown"] = self.answer_unknown
        parts |= rule_to_parts(self.decide)
        arrays, more = classes_to_state(getattr(self, "classes_", None))
        config["single_label"] = hasattr(self, "classes_")
        return State(config, arrays, {**parts, **more})

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Put a saved ranker together again.

        Raises
        ------
        ValueError
            If there is not a name for each label of the model.
        """
        features, labels = state.parts["features"], state.part("labels", StringTable)
        if isinstance(features, ForeignVectorizer):
            features = features.vectorizer
        decide = {"decide": state.parts["decide"]} if "decide" in state.parts else {}
        config = lasting(state.config)
        single_label = check_flag("single_label", config.pop("single_label", False))
        ranker = cls.from_fitted(features, state.parts["model"], labels, **config | decide)
        if single_label:
            classes = classes_from_state(state, len(labels))
            if classes is None or None in labels.find_each([str(one) for one in classes.tolist()]):
                raise ValueError("single_label is True, but there is not a class for every label")
            ranker.single_label, ranker.classes_ = True, classes
        return ranker

    def _fitted_stages(self) -> Mapping[str, Any]:
        return {"features": self.features_, "model": self.model_} if hasattr(self, "model_") else {}

    def _is_classifier(self) -> bool:
        return bool(self.single_label)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string, tags.input_tags.two_d_array = True, False
        tags.target_tags.required, tags.target_tags.multi_output = True, not self.single_label
        return tags

    def _of_model(self, name: str) -> Callable[..., Any]:
        check_fitted(self, "model_")
        method: Callable[..., Any] | None = getattr(self.model_, name, None)
        if method is None:
            raise TypeError(f"the model is a {type(self.model_).__name__}, which has no {name}")
        return method

    def _changeable(self, method: str) -> Fitted:
        check_fitted(self, "model_")
        if hasattr(self, "classes_"):
            raise ValueError("the ranker has single_label=True, and its classes cannot change; fit it anew")
        if not hasattr(self.model_, method):
            raise TypeError(f"{type(self.model_).__name__} has no {method}; its labels cannot be changed")
        return Fitted(self.features_, self.model_, self.labels_, self.normalization, self.label_names_)

    def _with(self, fitted: Fitted) -> Self:
        return fitted_clone(self, model_=fitted.model, labels_=fitted.labels)


def _new_stages(ranker: TextRanker) -> tuple[TextTransformer, LabelModel]:
    """Return unfitted features and model, those given copied."""
    if ranker.features is not None:
        check_stage("features", ranker.features, "fit_transform", "transform")
    if ranker.model is not None:
        check_stage("model", ranker.model, "fit", "predict_topk")
    model = XRLinear() if ranker.model is None else clone(ranker.model)
    default = getattr(model, "text_features", TextFeatures)
    features = default() if ranker.features is None else clone(ranker.features)
    for stage in (features, model):
        pass_on(stage, n_jobs=ranker.n_jobs, verbose=ranker.verbose or None)
    if check_flag("calibrate", ranker.get_params(deep=False)["calibrate"]):
        if not hasattr(model, "predict_proba_topk"):
            raise TypeError(f"calibrate is True, but {type(model).__name__} has no predict_proba_topk")
        pass_on(model, calibrate=True)
    return features, model


def _looked_up(names: StringTable, ids: NDArray[np.int64]) -> dict[int, str]:
    """Return the names of labels that are answered, each made once."""
    several = ids.ravel() if len(ids) == 1 else np.unique(ids)
    labels = [label for label in several.tolist() if label >= 0]
    return dict(zip(labels, names.take(labels), strict=True))
