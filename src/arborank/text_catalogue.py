"""Catalogue life by name: labels of a `TextRanker` are added, refreshed and removed."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

import numpy as np
import scipy.sparse as sp
from sklearn.base import BaseEstimator

from .models._represent import uses_label_features
from .names import Labels, check_label_texts, encode_names, label_rows
from .sparse import Csr, to_scipy
from .strings import StringTable, find_all

__all__ = ["TextCatalogueMixin", "first_rows", "label_features", "learn_unseen", "split_texts"]

# Labels without an instance are told apart from every tenth text, if that leaves a thousand, at a tenth of its cost:
# benchmarks/CATALOGUE.md shows what more and less of it does.
_STEP, _ENOUGH, _MILD = 10, 1000, 0.1
_UNKNOWN = "which is not a label of this model"


class TextCatalogueMixin(BaseEstimator):
    """Changes the labels of a fitted ranker whose model can, as `XRLinear` does.

    Every method returns a new ranker that shares the features with the old one, which stays as it is and can serve
    meanwhile; whatever stops an update leaves no trace.
    """

    features_: Any
    model_: Any
    labels_: StringTable

    def add_labels(
        self,
        names: Sequence[str],
        texts: Iterable[str],
        labels: Labels,
        *,
        label_texts: Mapping[str, str] | None = None,
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
            An instance of the label, which needs no other then.
        **options
            Further options of the model's ``add_labels``, such as ``negative_share``: the share of the texts without a
            new label that is given.

        Raises
        ------
        TypeError
            If a name or text is not a str, or the model's labels cannot be changed.
        ValueError
            If a name is known already or repeated, a label of a text is unknown, a new label has neither a text nor
            an entry in ``label_texts``, or for the reasons of `XRLinear.add_labels`.
        """
        self._check_changeable("add_labels")
        new = _table(names)
        for name in new:
            if name in self.labels_:
                raise ValueError(f"names holds {name!r}, which is a label of this model; see refresh_labels")
        X, Y, more = self._log(new, texts, labels, label_texts)
        model = self.model_.add_labels(X, Y, **more, **options)
        return self._successor(model, self.labels_.extended(new))

    def refresh_labels(
        self,
        names: Sequence[str],
        texts: Iterable[str],
        labels: Labels,
        *,
        label_texts: Mapping[str, str] | None = None,
        **options: Any,
    ) -> Self:
        """Return a ranker that has learned some of its labels anew; what it knew of them is forgotten.

        Parameters and errors are those of `add_labels`, for names that the ranker knows.
        """
        self._check_changeable("refresh_labels")
        known = _table(names)
        ids = find_all("names", known, self.labels_.find, _UNKNOWN)
        X, Y, more = self._log(known, texts, labels, label_texts)
        model = self.model_.refresh_labels(ids, X, Y, **more, **options)
        return self._successor(model, self.labels_)

    def remove_labels(self, names: Sequence[str]) -> Self:
        """Return a ranker that knows some labels no longer; label ids are numbered anew.

        Raises
        ------
        ValueError
            If a name is unknown or repeated, or no label would be left.
        """
        self._check_changeable("remove_labels")
        ids = find_all("names", _table(names), self.labels_.find, _UNKNOWN)
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
    ) -> tuple[Csr, Csr, dict[str, Csr]]:
        """Return instances, marks of the labels ``names`` only, and features of those labels."""
        texts = texts if isinstance(texts, Sequence) else list(texts)
        rows = label_rows(labels)
        if len(texts) != len(rows):
            raise ValueError(f"texts has {len(texts)} entries but labels has {len(rows)}; they go in pairs")
        for number, row in enumerate(rows):
            for name in row:
                if name not in names and name not in self.labels_:
                    raise ValueError(
                        f"labels of row {number} hold {name!r}, neither a known label nor among names"
                    )
        about = check_label_texts(label_texts)
        for name in about:
            if name not in names:
                raise ValueError(f"label_texts is about {name!r}, which is not among names")
        bare = set(names).difference(about, *rows)
        if bare:
            raise ValueError(f"{min(bare)!r} has neither a text with that label nor a text in label_texts")
        rows += [[name] for name in about]
        X = self.features_.encode([*texts, *about.values()])
        more = label_features(self.features_, self.model_, names, label_texts, True)
        return X, encode_names(rows, names, "ignore"), more

    def _successor(self, model: Any, labels: StringTable) -> Self:
        ranker = type(self)(**self.get_params(deep=False))
        ranker.features_, ranker.model_, ranker.labels_ = self.features_, model, labels
        return ranker

    def _check_changeable(self, method: str) -> None:
        self._check_fitted()
        if not hasattr(self.model_, method):
            raise TypeError(f"{type(self.model_).__name__} has no {method}; its labels cannot be changed")


def label_features(
    features: Any, model: Any, names: Iterable[str], label_texts: Mapping[str, str] | None, optional: bool
) -> dict[str, Csr]:
    """Return the keyword ``label_features`` of a model's ``fit``, if there are texts about labels.

    ``optional`` texts have another use, and are not given to a model that does not represent labels by them.
    """
    by_text = uses_label_features(getattr(model, "representation", None))
    if label_texts is None or (optional and not by_text):
        return {}
    return {"label_features": features.encode([label_texts.get(name, "") for name in names])}


def split_texts(
    about: Mapping[str, str], names: Sequence[str], cold_start: bool
) -> tuple[dict[str, str], dict[str, str]]:
    """Return the texts to learn from: about the labels ``names``, which have instances, and about others, by name."""
    if not cold_start:
        return {}, {}
    if not about:
        raise ValueError("cold_start needs label_texts, which is not given or empty")
    known = set(names)
    seen = {name: text for name, text in about.items() if name in known}
    return seen, {name: about[name] for name in sorted(set(about).difference(known))}


def first_rows(X: Csr, n: int) -> Csr:
    """Return the first rows of a matrix, without a copy of their values."""
    end = X.indptr[n]
    return Csr(X.indptr[: n + 1], X.indices[:end], X.data[:end], X.shape[1])


def learn_unseen(model: Any, X: Csr, n_unseen: int, **options: Any) -> Any:
    """Add labels that only have a text: the last ``n_unseen`` rows of ``X``, in order.

    They are told apart from a part of the other rows, which weigh little: a single text cannot hold out against more.
    """
    n_others = X.shape[0] - n_unseen
    step = min(_STEP, max(n_others // _ENOUGH, 1))
    rows = np.concatenate([np.arange(0, n_others, step), np.arange(n_others, X.shape[0])])
    marks = sp.eye_array(rows.size, n_unseen, k=n_unseen - rows.size, dtype=np.float32, format="csr")
    return model.add_labels(to_scipy(X)[rows], marks, negative_cost=_MILD, **options)


def _table(names: Sequence[str]) -> StringTable:
    if isinstance(names, str):
        raise TypeError(f"names must be a list of label names, found the str {names!r}")
    listed = list(names)
    if not listed:
        raise ValueError("names is empty; at least one label name was expected")
    table = StringTable(listed)
    if len(set(listed)) < len(listed):
        twice = next(name for position, name in enumerate(listed) if table.find(name) != position)
        raise ValueError(f"names holds {twice!r} twice")
    return table
