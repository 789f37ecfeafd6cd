"""The estimators that users fit."""

from .ensemble import Ensemble
from .xrlinear import XRLinear

__all__ = ["Ensemble", "XRLinear"]
