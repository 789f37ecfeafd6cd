"""Session-aware query autocompletion: what a user typed before, and the prefix being typed, to likely queries."""

from .completer import Autocompleter
from .log import LogRow, read_log, read_pairs
from .sessions import Pairs, session_pairs

__all__ = ["Autocompleter", "LogRow", "Pairs", "read_log", "read_pairs", "session_pairs"]
