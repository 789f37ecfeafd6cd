"""Session-aware query autocompletion: what a user typed before, and the prefix being typed, to likely queries."""

from .completer import Autocompleter
from .counts import read_counts, read_weights
from .history import History
from .log import LogRow, read_log, read_pairs
from .pairs import Pairs
from .sessions import session_pairs

__all__ = [
    "Autocompleter",
    "History",
    "LogRow",
    "Pairs",
    "read_counts",
    "read_log",
    "read_pairs",
    "read_weights",
    "session_pairs",
]
