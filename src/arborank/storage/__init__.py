"""Saved models: a directory that is always whole, opened in an instant, without pickle.

The directory holds ``config.json`` (what the model consists of, and size and checksum of every data file),
the arrays in ``*.safetensors``, and a model card in ``README.md``.
"""

from ..core.state import Savable, State
from .mixin import SaveMixin
from .records import Record
from .store import add_records, load, read_metadata, read_records, save

__all__ = [
    "Record",
    "Savable",
    "SaveMixin",
    "State",
    "add_records",
    "load",
    "read_metadata",
    "read_records",
    "save",
]
