"""Rank: one layer of linear one-versus-rest rankers, its weights, its negatives and its costs."""

from .negatives import active_rows, parse_scheme
from .relevance import RelevanceOptions, check_relevance, relevance_costs
from .routing import Routes, keep_routed, keep_visits, part_labels, route
from .solver import SolverParams
from .training import train_layer, training_work
from .weights import LayerWeights, feature_ranks

__all__ = [
    "LayerWeights",
    "RelevanceOptions",
    "Routes",
    "SolverParams",
    "active_rows",
    "check_relevance",
    "feature_ranks",
    "keep_routed",
    "keep_visits",
    "parse_scheme",
    "part_labels",
    "relevance_costs",
    "route",
    "train_layer",
    "training_work",
]
