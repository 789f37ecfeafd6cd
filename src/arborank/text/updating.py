"""Catalogue life by name: labels of a `TextRanker` are added, refreshed and removed."""

from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any, Literal, Self, TypeVar

import numpy as np
import scipy.sparse as sp

from ..core.checks import Missing, check_missing, check_real
from ..core.estimator import Estimator, check_fitted
from ..core.label_lists import name_rows
from ..core.names import Labels, check_label_texts, encode_names, spell
from ..core.sequences import as_column, text_list
from ..core.sparse import Csr, to_scipy
from ..core.strings import StringTable, find_all
from ..features.base import rows_of
from ..linear.representing import uses_label_features

__all__ = [
    "TextCatalogueMixin",
    "label_features",
    "learn_unseen",
    "row_range",
    "split_texts",
]

R = TypeVar("R", bound="TextCatalogueMixin")
_UNKNOWN = "which is not a label of this model"
_FOREIGN = "has a word that the ranker knows; another vocabulary needs a ranker fitted anew"


class TextCatalogueMixin(Estimator):
    """Changes the labels of a fitted ranker whose model can, as `XRLinear` does.

    Every method returns a new ranker that shares the features with the old one, which stays as it is and can serve
    meanwhile; whatever stops an update leaves no trace.
    """

    features_: Any
    model_: Any
    labels_: StringTable
    normalization: Literal["NFC"] | None

    def add_labels(
        self,
        names: Sequence[str],
        texts: Iterable[str],
        labels: Labels,
        *,
        label_texts: Mapping[str, str] | None = None,
        unseen_weight: float | None = None,
        **options: Any,
    ) -> Self:
        """Return a ranker that knows further labels.

        Parameters
        ----------
        names : sequence of str
            The new labels.
        texts : iterable of str, length n_instances
            Recent texts: those with a new label, and others, like the queries to come, that new labels are told apart
            from. The words that the features know stay the same.
        labels : sequence of length n_instances
            All label names of every text, old and new.
        label_texts : mapping from label name to a text about it, optional
            One more instance of a new label that has some. Labels that have none are ranked by it alone, as
            `XRLinear.learn_unseen_labels` does: for that, texts about old labels help, and ``texts`` as many as there
            are.
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
            an entry in ``label_texts``, no text has a word that the ranker knows, or for the reasons of
            `XRLinear.add_labels`.
        """
        self._check_changeable("add_labels")
        new = _table(names, self.normalization)
        for name in new:
            if name in self.labels_:
                raise ValueError(f"names holds {name!r}, which is a label of this model; see refresh_labels")
        log = self._log(new, texts, labels, label_texts)
        grown = self
        if log.seen:
            X, Y, more = log.instances(self)
            grown = self._successor(
                self.model_.add_labels(X, Y, **more, **options), self.labels_.extended(StringTable(log.seen))
            )
        return self._with_unseen(grown, log, unseen_weight, options)

    def refresh_labels(
        self,
        names: Sequence[str],
        texts: Iterable[str],
        labels: Labels,
        *,
        label_texts: Mapping[str, str] | None = None,
        unseen_weight: float | None = None,
        **options: Any,
    ) -> Self:
        """Return a ranker that has learned some of its labels anew; what it knew of them is forgotten.

        Parameters and errors are those of `add_labels`, for names that the ranker knows.
        """
        self._check_changeable("refresh_labels")
        known = _table(names, self.normalization)
        ids = dict(zip(known, find_all("names", known, self.labels_.find, _UNKNOWN), strict=True))
        log = self._log(known, texts, labels, label_texts)
        fresh = self
        if log.seen:
            X, Y, more = log.instances(self)
            model = self.model_.refresh_labels([ids[name] for name in log.seen], X, Y, **more, **options)
            fresh = self._successor(model, self.labels_)
        return self._with_unseen(fresh, log, unseen_weight, options)

    def remove_labels(self, names: Sequence[str], *, missing: Missing = "error") -> Self:
        """Return a ranker that knows some labels no longer; label ids are numbered anew.

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
        self._check_changeable("remove_labels")
        gone = _table(names, self.normalization)
        if check_missing(missing) == "ignore":
            known = [name for name in gone if name in self.labels_]
            if not known:
                return self._successor(self.model_, self.labels_)
            gone = StringTable(known)
        ids = find_all("names", gone, self.labels_.find, f"{_UNKNOWN}; missing='ignore' passes over it")
        model = self.model_.remove_labels(ids, renumber=True)
        left = np.ones(len(self.labels_), np.bool_)
        left[ids] = False
        return self._successor(model, self.labels_.selected(left))

    def _log(
        self,
        names: StringTable,
        texts: Iterable[str],
        labels: Labels,
        label_texts: Mapping[str, str] | None,
    ) -> "_Log":
        """Check what labels ``names`` are to be learned from, and part those with instances from the others."""
        texts, rows = text_list(texts), name_rows(labels, self.normalization)
        if len(texts) != len(rows):
            raise ValueError(f"texts has {len(texts)} entries but labels has {len(rows)}; they go in pairs")
        for number, row in enumerate(rows):
            for name in row:
                if name not in names and name not in self.labels_:
                    raise ValueError(
                        f"labels of row {number} hold {name!r}, neither a known label nor among names"
                    )
        about = check_label_texts(label_texts, self.normalization)
        for name in about:
            if name not in names and name not in self.labels_:
                raise ValueError(f"label_texts is about {name!r}, neither a known label nor among names")
        found = {name for row in rows for name in row}
        bare = set(names).difference(about, found)
        if bare:
            raise ValueError(f"{min(bare)!r} has neither a text with that label nor a text in label_texts")
        seen = [name for name in names if name in found]
        learned = set(seen)
        if seen and all(learned.intersection(row) for row in rows):
            raise ValueError(
                "every text has a label that is to be learned; there must also be others, like the queries to come"
            )
        return _Log(texts, rows, about, seen, [name for name in names if name not in found])

    @staticmethod
    def _with_unseen(ranker: R, log: "_Log", weight: float | None, options: Mapping[str, Any]) -> R:
        """Return the ranker with the labels that have a text only, if there are any."""
        if weight is not None:
            check_real("unseen_weight", weight, above=0.0, most=1.0)
            if not log.unseen:
                raise TypeError(
                    "unseen_weight is for labels without an instance, but every one here has some"
                )
        if options and not log.seen:
            raise TypeError(f"{min(options)} is an option for labels with texts, but there is none here")
        if not log.unseen:
            return ranker
        features, table = ranker.features_, ranker.labels_
        new = [name for name in log.unseen if name not in table]
        texts = rows_of(features, [log.about[name] for name in log.unseen])
        if not texts.nnz:
            raise ValueError(f"no text about {log.unseen[0]!r}{_others(log.unseen)} {_FOREIGN}")
        X = rows_of(features, log.texts)
        model = learn_unseen(
            ranker.model_, features, table, log.unseen, texts, X, log.rows, log.about, weight
        )
        return ranker._successor(model, table.extended(StringTable(new)) if new else table)

    def _successor(self, model: Any, labels: StringTable) -> Self:
        ranker = type(self)(**self.get_params(deep=False))
        ranker.features_, ranker.model_, ranker.labels_ = self.features_, model, labels
        return ranker

    def _check_changeable(self, method: str) -> None:
        check_fitted(self, "model_")
        if not hasattr(self.model_, method):
            raise TypeError(f"{type(self.model_).__name__} has no {method}; its labels cannot be changed")


@dataclass
class _Log:
    """What labels are learned from: texts with label names, and texts about labels."""

    texts: Sequence[str]
    rows: list[list[str]]
    about: Mapping[str, str]
    seen: list[str]  # labels to learn that have an instance
    unseen: list[str]  # that have a text only

    def instances(self, ranker: Any) -> tuple[Csr, Csr, dict[str, Csr]]:
        """Return instances, their marks for the labels ``seen``, and features of those labels."""
        about = {name: self.about[name] for name in self.seen if name in self.about}
        X = rows_of(ranker.features_, [*self.texts, *about.values()])
        more = label_features(ranker.features_, ranker.model_, self.seen, about or None, True)
        rows = [*self.rows, *([name] for name in about)]
        Y = encode_names(rows, StringTable(self.seen), "ignore")
        if not np.diff(X.indptr)[np.diff(Y.indptr) > 0].any():
            raise ValueError(f"none of the texts with {self.seen[0]!r}{_others(self.seen)} {_FOREIGN}")
        return X, Y, more


def label_features(
    features: Any, model: Any, names: Iterable[str], label_texts: Mapping[str, str] | None, optional: bool
) -> dict[str, Csr]:
    """Return the keyword ``label_features`` of a model's ``fit``, if there are texts about labels.

    ``optional`` texts have another use, and are not given to a model that does not represent labels by them.
    """
    by_text = uses_label_features(getattr(model, "representation", None))
    if label_texts is None or (optional and not by_text):
        return {}
    return {"label_features": rows_of(features, [label_texts.get(name, "") for name in names])}


def split_texts(
    about: Mapping[str, str], names: Sequence[str], cold_start: bool
) -> tuple[dict[str, str], dict[str, str]]:
    """Return the texts to learn from: about the labels ``names``, which have instances, and about others, by name.

    Without ``cold_start`` there are none to learn from, and others are an error: they would have no effect.
    """
    known = set(names)
    if not cold_start:
        unknown = [name for name in about if name not in known]
        if unknown:
            raise ValueError(
                f"label_texts is about {unknown[0]!r}{_others(unknown)}, which no text has as a label; with "
                "cold_start=True they become labels that are ranked by these texts"
            )
        return {}, {}
    if not about:
        raise ValueError("cold_start needs label_texts, which is not given or empty")
    seen = {name: text for name, text in about.items() if name in known}
    return seen, {name: about[name] for name in sorted(set(about).difference(known))}


def row_range(X: Csr, begin: int, end: int) -> Csr:
    """Return some rows of a matrix, without a copy of their values."""
    values = slice(X.indptr[begin], X.indptr[end])
    indptr = X.indptr[begin : end + 1] - X.indptr[begin]
    return Csr(indptr, X.indices[values], X.data[values], X.shape[1])


def learn_unseen(
    model: Any,
    features: Any,
    known: StringTable,
    names: Collection[str],
    texts: Csr,
    X: Csr,
    rows: list[list[str]],
    about: Mapping[str, str],
    weight: float | None,
) -> Any:
    """Return a model that ranks some labels by a text about each: `XRLinear.learn_unseen_labels` by name.

    Parameters
    ----------
    known : StringTable
        Names of the model's labels.
    names : collection of str
        The labels in question; those that are not known are numbered after the others, in this order.
    texts : Csr of shape (len(names), n_features)
        The text about each.
    X, rows
        Instances, and all their label names.
    about : mapping from label name to text
        Of known labels, too.
    weight : float or None
    """
    new = iter(range(len(known), len(known) + len(names)))
    ids = [known.find(name) if name in known else next(new) for name in names]
    chosen = set(names)
    described = [name for name in about if name in known and name not in chosen]
    encoded = to_scipy(rows_of(features, [about[name] for name in described]))
    places = [known.find(name) for name in described]
    scatter = sp.csr_array(
        (np.ones(len(places), np.float32), (places, np.arange(len(places)))), (len(known), len(places))
    )
    return model.learn_unseen_labels(
        ids,
        texts,
        X,
        encode_names(rows, known, "ignore"),
        known_texts=scatter @ encoded,
        weight=weight,
    )


def _others(names: Sequence[str]) -> str:
    return f" and {len(names) - 1} more labels" if len(names) > 1 else ""


def _table(names: Sequence[str], normalization: str | None) -> StringTable:
    column = as_column(names, "names", "a list of label names", ordered=False)
    listed = [spell(name, normalization) if isinstance(name, str) else name for name in column]
    if not listed:
        raise ValueError("names is empty; at least one label name was expected")
    try:
        table = StringTable(listed)
    except (TypeError, ValueError) as error:
        raise type(error)(f"names hold what is no label name: {error}") from None
    if isinstance(names, Set):  # the same in every process
        listed = sorted(listed)
        table = StringTable(listed)
    if len(set(listed)) < len(listed):
        twice = next(name for position, name in enumerate(listed) if table.find(name) != position)
        raise ValueError(f"names holds {twice!r} twice")
    return table
