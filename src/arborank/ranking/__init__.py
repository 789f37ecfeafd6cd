"""Rank: one layer of linear one-versus-rest rankers, its weights, its negatives and its costs."""

from .negatives import active_rows
from .relevance import relevance_costs
from .solver import SolverParams
from .training import train_layer, training_work
from .weights import LayerWeights, feature_ranks

__all__ = [
    "LayerWeights",
    "SolverParams",
    "active_rows",
    "feature_ranks",
    "relevance_costs",
    "train_layer",
    "training_work",
]
