"""Calibration: what the scores of ranked lists mean as probabilities, learned from rows that a model has not seen."""

from .calibration import Calibration
from .curve import Curve
from .held_out import cross_fit

__all__ = ["Calibration", "Curve", "cross_fit"]
