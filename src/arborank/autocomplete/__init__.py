"""Session-aware query autocompletion: what a user typed before, and the prefix being typed, to likely queries."""

from .completer import Autocompleter
from .log import LogRow, read_log, read_pairs
from .pairs import Pairs
from .sessions import session_pairs

__all__ = ["Autocompleter", "LogRow", "Pairs", "read_log", "read_pairs", "session_pairs"]
