"""The ``save`` method that all models have."""

from collections.abc import Sequence
from os import PathLike

from ..core.state import Savable
from ..core.types import JsonMapping
from .records import Record
from .store import save

__all__ = ["SaveMixin"]


class SaveMixin:
    """Gives a class with ``to_state`` and ``from_state`` the method ``save``."""

    def save(
        self: Savable,
        directory: str | PathLike[str],
        *,
        card: str | None = None,
        records: Sequence[Record] = (),
        metadata: JsonMapping | None = None,
    ) -> None:
        """Save the fitted model to a directory, which `arborank.load` opens.

        Parameters
        ----------
        directory : path
            New, empty, or a saved model, which is replaced in one step: a crash leaves it whole.
        card : str, optional
            Markdown for the model card.
        records : sequence of arborank.storage.Record, default=()
            What is known of the model, such as an evaluation: the card shows it, and `arborank.storage.read_records`
            returns it.
        metadata : mapping, optional
            Whatever belongs to the model, of what JSON has: `arborank.storage.read_metadata` returns it.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the model is not fitted.
        FileExistsError
            If the directory holds something that is not a saved model.
        """
        save(self, directory, card=card, records=records, metadata=metadata)
