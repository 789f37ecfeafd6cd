"""Whether the names of labels say something of the texts that have them.

Labels of held-out texts are looked for by the cosine between a text and the sum of the other texts that a label has,
once with the label's name among these and once with a text that is like no other in its place. This is done in folds
with a sample: some labels with all their texts, so that labels have as many texts as they have in all.

Names cost something, too: each is an instance that frequent labels do not have, so that these come first less often.
Where there are frequent labels, names must therefore help more to be worth it.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..core.lazy import sp
from ..core.sparse import Csr, to_scipy
from ..features import TextFeatures

__all__ = ["names_help"]

_SEED: Final = 0
_TEXTS, _CHARACTERS, _LABELS = 10_000, 4_000_000, 3000  # of the sample, at most
_OF_LABEL = 100  # texts, at most, that a label brings into the sample
_FOLDS, _ASKED = 5, 2000  # parts that texts are held out in, and texts whose labels are looked for, at most
_WEIGHTS: Final = (0.25, 0.5, 1.0, 2.0)  # of a name among the texts of its label
_STRANGE: Final = 4.0  # squared length of what is added to every label, so that cosines favour frequent ones
_DEPTH: Final = 10
_DISCOUNTS: Final = 1 / np.log2(np.arange(2, _DEPTH + 2))
_TINY: Final = np.float32(1e-6)  # what puts labels of equal scores in an order
_FEWEST: Final = 20  # of these; below, nothing is found
_ENOUGH: Final = 400  # of these; it is over then unless the standard errors are between the next two
_UNSURE: Final = (1.0, 5.0)
_FREQUENT: Final = 0.002  # share of the texts that a label of a text has, on average, where some are frequent
_LEAST: Final = 0.02  # nDCG@10 that names must gain then
_SURE: Final = 2.5  # standard errors by which nDCG@10 must be better


def names_help(texts: Sequence[str], Y: Csr, names: Sequence[str], *, n_jobs: int | None) -> bool:
    """Return whether labels of held-out texts are found better when a label's name is one of its texts.

    Parameters
    ----------
    texts : sequence of str, length n_instances
    Y : Csr of shape (n_instances, n_labels)
    names : sequence of str, length n_labels
    n_jobs : int, optional
        As of `TextFeatures`.
    """
    if Y.shape[0] < _FEWEST:
        return False
    rng = np.random.default_rng(_SEED)
    rows, labels = _sample(texts, Y, rng)
    taken = [texts[i] for i in rows]
    try:
        features = TextFeatures(n_jobs=n_jobs).fit(taken)
    except ValueError:  # no word occurs twice
        return False
    instances, own = features.transform(taken), features.transform([names[i] for i in labels])
    marks = to_scipy(Y)[rows][:, labels]
    gain = np.empty((len(_WEIGHTS), 0))
    sure = most = 0.0
    for held in np.array_split(rng.permutation(rows.size), _FOLDS):
        gain = np.concatenate([gain, _gains(instances, marks, own, held)], axis=1)
        n = gain.shape[1]
        if n < _FEWEST:
            continue
        noise = gain.std(axis=1, ddof=1) / np.sqrt(n)
        sure = float(np.max(gain.mean(axis=1) / np.maximum(noise, 1e-12)))
        most = float(gain.mean(axis=1).max())
        if n >= _ASKED or (n >= _ENOUGH and not _UNSURE[0] < sure < _UNSURE[1]):
            break
    counts = np.bincount(Y.indices).astype(np.float64)
    share = np.square(counts).sum() / (counts.sum() * Y.shape[0])  # of a label of a text, on average
    return bool(sure > _SURE and (most > _LEAST or share < _FREQUENT))


def _sample(
    texts: Sequence[str], Y: Csr, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return texts and labels: labels at random with their texts, as long as these are not too many or too long."""
    of_label = to_scipy(Y).tocsc()
    chosen = np.zeros(Y.shape[0], np.bool_)
    labels: list[int] = []
    n_texts = n_characters = 0
    for label in rng.permutation(Y.shape[1])[:_LABELS]:
        rows = of_label.indices[of_label.indptr[label] : of_label.indptr[label + 1]]
        if rows.size > _OF_LABEL:
            rows = rng.permutation(rows)[:_OF_LABEL]
        rows = rows[~chosen[rows]]
        chosen[rows] = True
        labels.append(label)
        n_texts += rows.size
        n_characters += sum(len(texts[i]) for i in rows)
        if n_texts >= _TEXTS or n_characters >= _CHARACTERS:
            break
    return np.flatnonzero(chosen), np.sort(np.array(labels, np.int64))


def _gains(
    instances: "sp.csr_array", marks: "sp.csr_array", own: "sp.csr_array", held: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return by how much names raise the nDCG of instances held out that have a label of others; per weight a row."""
    rest = np.ones(instances.shape[0], np.bool_)
    rest[held] = False
    known = np.flatnonzero(marks[rest].sum(axis=0) > 0)
    truth = marks[held][:, known].toarray() > 0
    asked = truth.any(axis=1)
    truth, queries, own = truth[asked], instances[held[asked]], own[known]
    others = (marks[rest][:, known].T @ instances[rest]).tocsr()
    rows, columns = np.nonzero(truth)
    of_others, of_names = (queries @ others.T).toarray(), (queries @ own.T).toarray()
    lengths = [_squares(others), 2 * _sums(others.multiply(own)), _squares(own)]
    order = np.random.default_rng(_SEED).random(known.size, np.float32) * _TINY
    found = []
    for weight in (0.0, *_WEIGHTS):
        squares = lengths[0] + weight * lengths[1] + weight**2 * lengths[2] + _STRANGE
        scores = (of_others + weight * of_names) / np.sqrt(squares).astype(np.float32) + order
        found.append(_discounted_gain(scores, rows, columns))
    ideal = np.cumsum(_DISCOUNTS)[np.minimum(np.bincount(rows), _DEPTH) - 1]
    gains: NDArray[np.float64] = (np.array(found[1:]) - found[0]) / ideal
    return gains


def _discounted_gain(
    scores: NDArray[np.floating], rows: NDArray[np.int64], columns: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the DCG of every row; a label without a score is not found."""
    own = scores[rows, columns]
    best = np.partition(scores, max(scores.shape[1] - _DEPTH, 0), axis=1)[:, -_DEPTH:]
    places = (best[rows] > own[:, None]).sum(axis=1)
    worth = np.where((places < _DEPTH) & (own > _TINY), _DISCOUNTS[np.minimum(places, _DEPTH - 1)], 0.0)
    return np.bincount(rows, worth, minlength=scores.shape[0]).astype(np.float64)


def _squares(matrix: "sp.csr_array") -> NDArray[np.float64]:
    return _sums(matrix.multiply(matrix))


def _sums(matrix: "sp.csr_array") -> NDArray[np.float64]:
    return np.asarray(matrix.sum(axis=1), np.float64).ravel()
