"""The estimators that users fit."""

from .disentangle import disentangle
from .ensemble import Ensemble
from .xrlinear import XRLinear

__all__ = ["Ensemble", "XRLinear", "disentangle"]
