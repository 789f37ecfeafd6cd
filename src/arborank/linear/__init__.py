"""XR-Linear: one sparse linear model for each cluster of a label tree, searched by a beam."""

from .disentangling import disentangle
from .ensemble import Ensemble
from .xrlinear import XRLinear

__all__ = ["Ensemble", "XRLinear", "disentangle"]
