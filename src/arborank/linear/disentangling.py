"""A trained model disentangled: trained again on an overlapping tree made of its own."""

from ..core.checks import check_integer
from ..core.estimator import check_fitted, fitted_clone
from ..core.types import MatrixLike, Targets
from ..indexing.overlap import Copies
from .fitting import fit_tree
from .instances import known_rows
from .options import LinearOptions
from .refining import Refinement
from .targets import as_indicator
from .xrlinear import XRLinear

__all__ = ["disentangle"]


def disentangle(
    model: XRLinear,
    X: MatrixLike,
    Y: Targets,
    max_clusters: int = 2,
    rounds: int = Refinement.rounds,
    *,
    copies: Copies = "needed",
    min_gain: float | None = Refinement.min_gain,
    max_leaf_size: int | None = Refinement.max_leaf_size,
    coherence: float = Refinement.coherence,
    starts: int = Refinement.starts,
    beam_negatives: float | None = Refinement.beam_negatives,
    relevance: MatrixLike | None = None,
    user_negatives: MatrixLike | None = None,
) -> XRLinear:
    """Train a model anew on an overlapping tree made of a trained model's own.

    ``XRLinear(max_clusters=2).fit(X, Y)`` does the same in one go, without training the provisional model's bottom
    level.

    Parameters
    ----------
    model : XRLinear
        Fitted; it is left as it is.
    X, Y
        What it was fitted on, in any form that `XRLinear.fit` takes.
    max_clusters : int, default 2
        Most leaves of a label, at least 2.
    rounds : int, default 1
        How often beams are searched and leaves assigned; from the second round on, the matchers know the overlapping
        tree of the round before.
    copies : {"needed", "all", "counted"}, default "needed"
        Which labels get copies: those that beams miss, or all; see `XRLinear` and
        `arborank.indexing.overlapping_tree`.
    min_gain, max_leaf_size
        See `arborank.indexing.overlapping_tree`.
    coherence : float, default 3.0
        How much the instances of a label are divided among its leaves by their likeness to one another, rather than by
        the matcher's scores alone; see `arborank.ranking.routing.route`.
    starts : int, default 1
        How often that parting is begun; more find senses that the matcher mixes up, and take longer.
    beam_negatives : float, optional
        An instance is a negative, on the bottom level, in leaves that hold one of its labels, and in every leaf of its
        beam whose score is at least this. By default 0.1 with ``copies="all"``, and otherwise more than any score: it
        takes longer, and with few copies it helps on some data (``eurlex57k``, ``debian-depends``) and harms on others
        (``yso-en``).
    relevance, user_negatives : optional
        What it was fitted on, as for `XRLinear.fit`.

    Returns
    -------
    XRLinear
        Fitted, with the parameters of ``model``, ``max_clusters`` and ``copies``; not calibrated.

    Raises
    ------
    TypeError, ValueError
        If the model is not a fitted XRLinear with a tree without overlap, ``X`` has not the features that it was
        fitted on, or an argument is out of range.
    """
    if not isinstance(model, XRLinear):
        raise TypeError(f"model must be an XRLinear, found {type(model).__name__}")
    check_fitted(model, "fitted_")
    check_integer("max_clusters", max_clusters, 2)
    twin = fitted_clone(model, tree=model.tree_, max_clusters=max_clusters, copies=copies)
    rows = known_rows(model, X)
    labels, classes = as_indicator(Y, rows.shape[0])
    fitted, times = fit_tree(
        rows,
        labels,
        LinearOptions.of(twin),
        tree=model.tree_,
        relevance=relevance,
        user_negatives=user_negatives,
        refinement=Refinement(rounds, min_gain, max_leaf_size, coherence, starts, beam_negatives),
    )
    return fitted_clone(twin, fitted_=fitted, classes_=classes, fit_times_=times, calibration_=None)
