"""Trains the layers of a tree, top first: every layer's negatives may come from the layers above it."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp

from ..indexing import LabelTree
from ..matching import BeamSearch
from ..progress import progress_bar
from ..ranking import LayerWeights, SolverParams, active_rows, relevance_costs, train_layer
from ..sparse import Csr, as_csr, to_scipy, transpose

__all__ = ["train_layers"]
