"""Probabilities beside scores, of rankers over texts: those of their linear rankers."""

from collections.abc import Sequence
from typing import Any, Self, cast

import numpy as np
from numpy.typing import NDArray

from ..core.estimator import fitted_clone, method_beside_parameter
from ..core.sequences import text_list
from ..core.types import LabelIds, MatrixLike, Targets, TopK
from ..linear.calibrated import relevant_labels

__all__ = ["CalibratedTransformer", "rows_to_hold_out"]

_SHARE, _ROWS = 20, 5000


class CalibratedTransformer:
    """Gives a transformer ranker the methods below."""

    @method_beside_parameter
    def calibrate(self, texts: Sequence[str], Y: Targets, X: MatrixLike | None = None) -> Self:
        """Learn from held-out texts what scores mean as probabilities.

        Parameters
        ----------
        texts, Y, X : as for `fit`
            Some thousand texts that the model was not fitted on.

        Returns
        -------
        estimator
            A fitted copy, which shares everything else with this one.

        Raises
        ------
        TypeError, ValueError
            As `arborank.XRLinear.calibrate`.
        """
        return self._calibrated(texts, Y, X, anew=True)

    def recalibrate(self, texts: Sequence[str], Y: Targets, X: MatrixLike | None = None) -> Self:
        """Adapt probabilities to texts of another domain; a thousand are enough.

        Parameters
        ----------
        texts, Y, X : as for `fit`

        Returns
        -------
        estimator
            A fitted copy, whose probabilities are shrunk to those of this one.
        """
        return self._calibrated(texts, Y, X, anew=False)

    def predict_proba_topk(
        self,
        texts: Sequence[str],
        k: int = 10,
        *,
        X: MatrixLike | None = None,
        candidates: LabelIds | None = None,
        exclude: LabelIds | None = None,
        reorder: bool = False,
        **options: object,
    ) -> TopK:
        """Return the best labels of every text with the probability that they are relevant.

        Parameters and errors are those of `predict_topk` and of `arborank.XRLinear.predict_proba_topk`.
        """
        model = cast(Any, self)
        limits = {"candidates": candidates, "exclude": exclude, "reorder": reorder}
        top: TopK = model._fitted().predict_topk(
            texts, k, model._computing(), X=X, probabilities=True, **limits, **options
        )
        return top

    def _calibrated(self, texts: Sequence[str], Y: Targets, X: MatrixLike | None, *, anew: bool) -> Self:
        model = cast(Any, self)
        fitted, texts = model._fitted(), text_list(texts)
        truth = relevant_labels(Y, len(texts), model.n_labels_, model.classes_)
        return fitted_clone(self, fitted_=fitted.calibrated(texts, truth, model._computing(), X=X, anew=anew))


def rows_to_hold_out(n_rows: int, seed: int) -> NDArray[np.bool_]:
    """Return which texts a fit holds out to calibrate: a twentieth, at most 5000.

    Raises
    ------
    ValueError
        If there are fewer than two.
    """
    if n_rows < 2:
        raise ValueError(f"calibrate=True holds texts out and needs at least 2, found {n_rows}")
    held = np.zeros(n_rows, np.bool_)
    held[np.random.default_rng(seed).permutation(n_rows)[: min(max(n_rows // _SHARE, 1), _ROWS)]] = True
    return held
