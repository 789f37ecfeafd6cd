"""Session-aware query autocompletion: what a user typed before, and the prefix being typed, to likely queries."""

from .completer import Autocompleter
from .history import History
from .log import LogRow, read_log, read_pairs
from .pairs import Pairs
from .sessions import session_pairs

__all__ = ["Autocompleter", "History", "LogRow", "Pairs", "read_log", "read_pairs", "session_pairs"]
