"""Adding, refreshing and removing labels by name: each from a fitted value to a new one."""

from collections.abc import Iterable, Mapping, Sequence, Set
from inspect import signature
from typing import Any, Literal, NamedTuple

import numpy as np

from ..core.checks import IGNORE_MISSING, MISSING, Missing, check_choice, check_real
from ..core.errors import ArgumentError
from ..core.label_lists import name_rows
from ..core.sequences import as_column
from ..core.sparse import Csr
from ..core.spelling import spell
from ..core.strings import StringTable, find_all
from ..core.types import Labels
from ..features.base import rows_of
from .documents import documents_of, joined
from .fitting import (
    Fitted,
    label_features,
    labels_of_documents,
    learn_unseen,
    listed,
    others,
    takes_documents,
)
from .names import LabelTexts, check_label_texts, encode_names

__all__ = ["learn_labels", "remove_labels"]

_UNKNOWN = "which is not a label of this model"
_FOREIGN = "has a word that the ranker knows; another vocabulary needs a ranker fitted again"


class _Lesson(NamedTuple):
    """What labels are learned from: texts with label names, and texts about labels."""

    texts: Sequence[str]
    rows: list[list[str]]
    documents: Mapping[str, Sequence[str]]  # of the labels to learn, and of others that are known
    seen: list[str]  # labels to learn that have an instance
    unseen: list[str]  # that have documents only


def learn_labels(
    fitted: Fitted,
    method: Literal["add_labels", "refresh_labels"],
    names: Iterable[str],
    texts: Iterable[str],
    labels: Labels,
    label_texts: LabelTexts | None,
    unseen_weight: float | None,
    options: Mapping[str, object],
) -> Fitted:
    """Learn labels, first those with instances, then those with a text only; see the method of `TextRanker`."""
    table = _table(names, fitted.normalization)
    if method == "refresh_labels":
        find_all("names", table, fitted.labels.find, _UNKNOWN)
    elif known := [name for name in table if name in fitted.labels]:
        raise ArgumentError(
            "names", f"holds {known[0]!r}, which is a label of this model; see refresh_labels"
        )
    lesson = _lesson(fitted, table, texts, labels, label_texts)
    if unseen_weight is not None:
        check_real("unseen_weight", unseen_weight, above=0.0, most=1.0)
        if not lesson.unseen:
            raise TypeError("unseen_weight is for labels without an instance, but every one here has some")
    if options and not lesson.seen:
        raise TypeError(f"{min(options)} is an option for labels with texts, but there is none here")
    if lesson.seen:
        X, Y, more = _instances(fitted, lesson, method)
        labels = fitted.labels
        if method == "add_labels":
            labels = labels.extended(StringTable(lesson.seen))
            model = fitted.model.add_labels(X, Y, **more, **options)
        else:
            model = fitted.model.refresh_labels(labels.find_each(lesson.seen), X, Y, **more, **options)
        fitted = fitted._replace(model=model, labels=labels)
    if not lesson.unseen:
        return fitted
    about = joined(lesson.documents)
    if not rows_of(fitted.features, [about[name] for name in lesson.unseen]).nnz:
        raise ValueError(f"no text about {lesson.unseen[0]!r}{others(lesson.unseen)} {_FOREIGN}")
    X = rows_of(fitted.features, lesson.texts)
    return learn_unseen(fitted, lesson.unseen, about, X, lesson.rows, unseen_weight)


def _lesson(
    fitted: Fitted,
    names: StringTable,
    texts: Iterable[str],
    labels: Labels,
    label_texts: LabelTexts | None,
) -> _Lesson:
    """Check what labels ``names`` are learned from, and separate those with instances from the others."""
    rows = name_rows(labels, fitted.normalization)
    texts = listed(fitted.features, texts, len(rows))
    about = check_label_texts(label_texts, fitted.normalization)
    given = [("labels", f"of row {number} hold", row) for number, row in enumerate(rows)]
    for argument, where, named in (*given, ("label_texts", "is about", about)):
        for name in named:
            if name not in names and name not in fitted.labels:
                raise ArgumentError(argument, f"{where} {name!r}, neither a known label nor among names")
    found = {name for row in rows for name in row}
    bare = set(names).difference(about, found)
    if bare and not fitted.label_names:
        problem = f"holds {min(bare)!r}, which no text has as a label and no label_texts is about"
        raise ArgumentError("names", problem)
    seen = [name for name in names if name in found]
    if seen and all(not set(seen).isdisjoint(row) for row in rows):
        raise ValueError(
            "every text has a label that is to be learned; there must also be others, like the queries to come"
        )
    unseen = [name for name in names if name not in found]
    described = fitted.labels if fitted.label_names and unseen else about
    documents = documents_of(dict.fromkeys([*names, *described]), about, fitted.label_names)
    return _Lesson(texts, rows, documents, seen, unseen)


def remove_labels(fitted: Fitted, names: Iterable[str], missing: Missing) -> Fitted:
    """Forget labels; parameters and errors are those of `TextRanker.remove_labels`."""
    gone: Sequence[str] = _table(names, fitted.normalization)
    if check_choice("missing", missing, MISSING) == "ignore":
        gone = [name for name in gone if name in fitted.labels]
        if not gone:
            return fitted
    ids = find_all("names", gone, fitted.labels.find, _UNKNOWN, IGNORE_MISSING)
    left = np.ones(len(fitted.labels), np.bool_)
    left[ids] = False
    model = fitted.model.remove_labels(ids, renumber=True)
    return fitted._replace(model=model, labels=fitted.labels.selected(left))


def _instances(fitted: Fitted, lesson: _Lesson, method: str) -> tuple[Csr, Csr, dict[str, Any]]:
    """Return instances, their marks for the labels ``seen``, and further arguments of the model's method."""
    model = fitted.model
    own = [(name, text) for name in lesson.seen for text in lesson.documents[name]]
    own = [] if takes_documents(model) else own
    X = rows_of(fitted.features, [*lesson.texts, *(text for _, text in own)])
    more: dict[str, Any] = {**label_features(fitted.features, model, lesson.seen, joined(lesson.documents))}
    if own and "n_documents" in signature(getattr(model, method)).parameters:
        more["n_documents"] = len(own)
    taught = labels_of_documents([name for name, _ in own], X)
    Y = encode_names([*lesson.rows, *taught], StringTable(lesson.seen), "ignore")
    if not np.diff(X.indptr)[np.diff(Y.indptr) > 0].any():
        raise ValueError(f"none of the texts with {lesson.seen[0]!r}{others(lesson.seen)} {_FOREIGN}")
    return X, Y, more


def _table(names: Iterable[str], normalization: str | None) -> StringTable:
    column = as_column(names, "names", "a list of label names", ordered=False)
    listed = [spell(name, normalization) if isinstance(name, str) else name for name in column]
    if not listed:
        raise ArgumentError("names", "is empty; at least one label name was expected")
    try:
        table = StringTable(listed)
    except (TypeError, ValueError) as error:
        raise type(error)(f"names hold something that is not a label name: {error}") from None
    if isinstance(names, Set):  # the same in every process
        listed = sorted(listed)
        table = StringTable(listed)
    if len(set(listed)) < len(listed):
        twice = next(name for position, name in enumerate(listed) if table.find(name) != position)
        raise ArgumentError("names", f"holds {twice!r} twice")
    return table
