"""RankerSearch: the settings of a ranker, found by trying them."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from ..core.checks import check_sample_weight
from ..core.errors import ArgumentError
from ..core.estimator import Estimator
from ..core.label_lists import weighted_rows
from ..core.memory import format_bytes
from ..core.progress import progress
from ..core.sparse import as_csr, is_matrix, to_scipy
from ..core.types import FilePath, Json, MatrixLike, Relevance, Targets, WeightedLabels
from ..datasets import TextData
from ..linear import XRLinear
from ..linear.targets import as_indicator
from ..text import TextRanker
from ..text.fitting import listed
from .journal import journal_in
from .matrices import MatrixTask, Pair
from .options import TuneOptions
from .running import run
from .sampling import hold_out, shares
from .setting import config_of
from .space import make_space
from .study import Study
from .suggesting import check_optuna
from .tasks import Ranker, Task
from .texts import TextTask

__all__ = ["RankerSearch"]

Instances = Sequence[str] | MatrixLike
LabelsOrTargets = WeightedLabels | Targets


class RankerSearch(Estimator):
    """Find the settings of a ranker within a time, and train it with the best ones.

    Features, sources, tree, costs, negatives and overlap are varied by successive halving: many settings are tried on a
    sample of rows and labels, the best third of them on a larger one, and so on to all rows. Every tree that is trained
    is searched with several beams and score combinations. The first trial are the defaults, which are tried on every
    sample: on the rows held out, the result is never worse. Settings are suggested by Optuna (extra ``tune``).

    Parameters
    ----------
    ranker : TextRanker or XRLinear, optional
        With the defaults to start from; by default `TextRanker` for texts and `XRLinear` for matrices.
    minutes : float or None, default=10.0
        Time for everything, the final training included. None: until ``n_trials``.
    n_trials : int, optional
        Most settings that are tried, the defaults included. With ``minutes=None`` and without limits of time the result
        is the same on every machine.
    metric : str, default="ndcg@5"
        What is to be high: ``precision``, ``recall``, ``ndcg``, ``r_precision``, ``psp``, ``psndcg``, ``coverage`` or
        ``macro_f1`` at a cut-off. See `arborank.metrics.evaluate`.
    max_size : int, optional
        Most bytes of the arrays of the ranker.
    max_query_time : float, optional
        Most seconds of a query on one thread, features included.
    accept : bool, default=False
        Whether the setting that comes nearest to the limits is taken when none is within them.
    holdout : float, optional
        Share of the rows that settings are compared on, at most 0.5. By default a tenth, but 2000 where these are no
        more than a quarter, and 10,000 at most.
    min_rows : int, default=5000
        Fewest rows of a sample.
    random_state : int, default=0
        Seed of what is held out, of the samples and of the suggestions.
    n_jobs : int, optional
        Threads; None or -1 for every core.
    verbose : int, default=0
        When 1, a progress bar is shown.
    callback : function of a Study, optional
        Called before and after every trial.

    Attributes
    ----------
    best_ranker_ : TextRanker, or XRLinear or HybridRanker
        Trained with the best setting on all rows.
    best_params_ : dict
        What differs from the defaults, by name.
    best_config_ : dict
        The setting as ``arborank train --config`` takes it, ready for JSON.
    best_score_, default_score_ : float
        The metric on the rows held out, of the best setting and of the defaults.
    trials_ : list of dict
        A flat row for every trial, which `pandas.DataFrame` takes: its values, the share of the data that it was tried
        on last, quality, size, time of a query and of training.
    frontier_ : list of dict
        What no other setting beats in quality, size and time of a query, by size.
    study_ : Study
        Everything that was measured.

    Examples
    --------
    >>> from arborank.tune import RankerSearch  # doctest: +SKIP
    >>> search = RankerSearch(minutes=10, max_size=50_000_000).fit(texts, labels)  # doctest: +SKIP
    >>> search.best_ranker_.rank("a game in Python")  # doctest: +SKIP
    """

    best_ranker_: Ranker
    best_params_: Json
    best_config_: Json
    best_score_: float
    default_score_: float
    trials_: list[Json]
    frontier_: list[Json]
    study_: Study

    def __init__(
        self,
        ranker: TextRanker | XRLinear | None = None,
        *,
        minutes: float | None = TuneOptions.minutes,
        n_trials: int | None = TuneOptions.n_trials,
        metric: str = TuneOptions.metric,
        max_size: int | None = TuneOptions.max_size,
        max_query_time: float | None = TuneOptions.max_query_time,
        accept: bool = TuneOptions.accept,
        holdout: float | None = TuneOptions.holdout,
        min_rows: int = TuneOptions.min_rows,
        random_state: int = TuneOptions.random_state,
        n_jobs: int | None = None,
        verbose: int = 0,
        callback: Callable[[Study], None] | None = None,
    ) -> None:
        self.ranker = ranker
        self.minutes = minutes
        self.n_trials = n_trials
        self.metric = metric
        self.max_size = max_size
        self.max_query_time = max_query_time
        self.accept = accept
        self.holdout = holdout
        self.min_rows = min_rows
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.callback = callback

    def fit(
        self,
        X: Instances,
        Y: LabelsOrTargets,
        *,
        relevance: Relevance | None = None,
        sample_weight: ArrayLike | None = None,
        validation: tuple[Instances, LabelsOrTargets] | None = None,
        work_dir: FilePath | None = None,
    ) -> Self:
        """Try settings, and train the best of them on all rows.

        Parameters
        ----------
        X : sequence of str, or sparse matrix or array of shape (n_instances, n_features)
        Y : sequence of length n_instances, or sparse matrix or array of shape (n_instances, n_labels)
            Label names of texts as `TextRanker.fit` takes them; of matrices what `XRLinear.fit` takes.
        relevance : sequence of length n_instances, optional
            How relevant the labels of texts are; see `TextRanker.fit`.
        sample_weight : sequence of float, length n_instances, optional
            How often each text counts in training; comparisons count each once.
        validation : (X, Y), optional
            What settings are compared on; by default some of the rows are held out.
        work_dir : path, optional
            Directory where every trial is written when it is done; the same search goes on from there after an
            interruption, or with more ``minutes``.

        Raises
        ------
        ImportError
            If Optuna is not installed.
        TypeError, ValueError
            If an argument or a parameter is of the wrong kind or out of range; if ``minutes`` are too few for one
            trial, there are too few rows to hold some out, or no setting is within the limits; or if ``work_dir`` holds
            a search of other data or parameters.
        FileExistsError, BlockingIOError
            If ``work_dir`` holds something else, or another process is searching there.
        """
        options = TuneOptions.of(self)
        check_optuna()
        base = _base(self.ranker, of_texts=not is_matrix(X))
        task: Task
        if isinstance(base, TextRanker):
            task = _text_task(base, X, Y, relevance, sample_weight, validation, self.n_jobs)
        else:
            task = _matrix_task(base, X, Y, relevance, sample_weight, validation, self.n_jobs)
        data = task.fingerprint()
        if validation is None:
            task.hold_out(hold_out(task.Y, options.holdout, options.random_state))
        n_rows = task.Y.shape[0]
        defaults = task.setting({})
        space = make_space(
            defaults.model.get_params(deep=False),
            of_texts=isinstance(base, TextRanker),
            merges=task.merges,
        )
        subject = {name: getattr(options, name) for name in ("metric", "holdout", "min_rows", "random_state")}
        subject |= {"space": space.to_dict(), "ranker": repr(base), "data": data}
        study = Study(options, shares(n_rows, options.min_rows), 1 + task.n_held / n_rows)
        with journal_in(work_dir, subject) as journal:
            journal.read(study)
            total = None if options.minutes is None else round(60 * options.minutes)
            with progress("tuning", total, unit="s", enabled=bool(self.verbose)) as update:

                def report(now: Study) -> None:
                    update(min(round(now.seconds), total or round(now.seconds)), "")
                    if self.callback is not None:
                        self.callback(now)

                run(task, space, study, journal, report)
        best = study.best()
        if best.excess > 0 and not options.accept:
            raise _beyond(study)
        setting = task.setting(study.values(best))
        config = config_of(setting)
        study.training = True
        if self.callback is not None:
            self.callback(study)
        ranker = task.fit_all(setting)
        self.study_, self.best_ranker_, self.best_config_ = study, ranker, config
        self.best_params_ = best.changes
        self.best_score_, self.default_score_ = best.score, study.default_score(study.top)
        self.trials_, self.frontier_ = study.rows(), study.frontier_rows()
        return self


def _base(ranker: object, *, of_texts: bool) -> TextRanker | XRLinear:
    """Return what has the defaults, or raise."""
    if ranker is None:
        return TextRanker() if of_texts else XRLinear()
    if not isinstance(ranker, TextRanker | XRLinear):
        raise TypeError(f"ranker must be a TextRanker, an XRLinear or None, found {type(ranker).__name__}")
    if isinstance(ranker, TextRanker) != of_texts:
        found = "texts" if of_texts else "a matrix"
        raise TypeError(f"X holds {found}, which {type(ranker).__name__} does not take")
    model = ranker.model if isinstance(ranker, TextRanker) else ranker
    if model is not None and not isinstance(model, XRLinear):
        raise TypeError(f"the model of ranker must be an XRLinear, found {type(model).__name__}")
    if model is not None and (model.tree is not None or not isinstance(model.representation, str)):
        raise ValueError(
            "ranker has a tree or a representation of its own, which does not suit samples of the labels; "
            "give names of representations only"
        )
    return ranker


def _text_task(
    base: TextRanker,
    X: Instances,
    Y: LabelsOrTargets,
    relevance: Relevance | None,
    sample_weight: ArrayLike | None,
    validation: tuple[Instances, LabelsOrTargets] | None,
    n_jobs: int | None,
) -> TextTask:
    def data(texts: Instances, labels: LabelsOrTargets, relevance: Relevance | None) -> TextData:
        rows, weights = weighted_rows(labels, relevance, base.normalization)  # type: ignore[arg-type]
        texts = listed(base.features, texts, len(rows))  # type: ignore[arg-type]
        return TextData(list(texts), rows, weights)

    valid = None if validation is None else data(*validation, None)
    if valid is not None and not valid.has_labels:
        raise ValueError("validation has no row with a label, to compare settings on")
    train = data(X, Y, relevance)
    counts = check_sample_weight(sample_weight, len(train))
    if counts is not None:
        train = replace(train, sample_weight=counts.tolist())
    if not train.has_labels:
        raise ValueError("Y holds no label name at all; at least one is needed")
    return TextTask(base, train, valid, n_jobs)


def _matrix_task(
    base: XRLinear,
    X: Instances,
    Y: LabelsOrTargets,
    relevance: Relevance | None,
    sample_weight: ArrayLike | None,
    validation: tuple[Instances, LabelsOrTargets] | None,
    n_jobs: int | None,
) -> MatrixTask:
    for name, given in (("relevance", relevance), ("sample_weight", sample_weight)):
        if given is not None:
            raise TypeError(f"{name} goes with texts; settings of matrices are compared without it")
    features = as_csr(X, "X")
    labels, classes = as_indicator(Y, features.shape[0])
    valid = None
    if validation is not None:
        rows = as_csr(validation[0], "validation", n_cols=features.shape[1])
        truth = to_scipy(as_csr(validation[1], "validation", n_cols=labels.shape[1], n_rows=rows.shape[0]))
        known = np.diff(truth.indptr) > 0
        if classes is not None or not known.any():
            raise ValueError(
                "validation needs an indicator matrix beside X, and so does Y, with a label in some row"
            )
        valid = Pair(to_scipy(rows), truth).take(known)
    data = Pair(to_scipy(features), to_scipy(labels))
    return MatrixTask(base, data, valid, n_jobs, Y, of_classes=classes is not None)


def _beyond(study: Study) -> ArgumentError:
    """Return the error that no setting is within the limits, with the one that comes nearest."""
    options, best = study.options, study.best()
    limits = [f"at most {format_bytes(options.max_size)}"] if options.max_size is not None else []
    if options.max_query_time is not None:
        limits.append(f"at most {1e6 * options.max_query_time:.0f} µs a query")
    return ArgumentError(
        "",
        f"no setting has {' and '.join(limits)}: the nearest has {format_bytes(best.n_bytes)}, "
        f"{best.microseconds:.0f} µs a query and {options.metric} {best.score:.4f} ({best})",
        ({"accept": True}, "to take it"),
    )
