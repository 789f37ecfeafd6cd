"""The methods that all models have: ``save``, and those of the Hub."""

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Self

from ..core.state import Savable
from ..core.types import FilePath, JsonMapping
from .records import Record
from .remote import from_hub, is_remote
from .store import load, save

__all__ = ["SaveMixin"]


class SaveMixin:
    """Gives a class with ``to_state`` and ``from_state`` ``save``, ``push_to_hub`` and ``from_pretrained``."""

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

    def push_to_hub(
        self: Savable,
        repo: str,
        *,
        card: str | None = None,
        records: Sequence[Record] = (),
        metadata: JsonMapping | None = None,
        **options: object,
    ) -> str:
        """Save the fitted model into a repository of the Hugging Face Hub, which is made if missing.

        The card gets what the Hub reads of it: library, task, tags, and the evaluations among ``records``.

        Parameters
        ----------
        repo : str
            ``"owner/name"``.
        card, records, metadata
            As for `save`.
        **options
            Those of ``push_to_hub`` of `huggingface_hub.ModelHubMixin`: ``branch``, ``commit_message``, ``private``,
            ``token``, ``create_pr``, ...

        Returns
        -------
        str
            The address of the commit.

        Raises
        ------
        ImportError
            If the extra ``hub`` is not installed.
        ValueError
            If ``repo`` is no name of a repository.
        """
        from .hub import push

        return push(
            self, repo, save_options={"card": card, "records": records, "metadata": metadata}, **options
        )

    @classmethod
    def from_pretrained(
        cls, place: FilePath, *, revision: str | None = None, n_jobs: int | None = None, **options: object
    ) -> Self:
        """Open a model of this class from the Hub, or from a directory.

        Parameters
        ----------
        place : str or path
            ``"owner/name"`` on the Hub; or a directory, or a URL, as `arborank.load` takes.
        revision : str, optional
            Branch, tag or commit of the Hub.
        n_jobs : int, optional
            As for `arborank.load`.
        **options
            Those of `huggingface_hub.snapshot_download`: ``token``, ``cache_dir``, ``local_files_only``, ...

        Raises
        ------
        ImportError
            If the extra ``hub`` is not installed.
        FileNotFoundError
            If there is no such model or revision.
        TypeError
            If it is of another class, or options of the Hub are given for a directory.
        """
        if is_remote(place) or Path(place).is_dir():
            if revision is not None or options:
                raise TypeError(
                    f"revision and options of the Hub are given, but {place} is no name of a model there"
                )
            model = load(place, n_jobs=n_jobs)
        else:
            model = load(from_hub(str(place), revision, **options), n_jobs=n_jobs)
        if not isinstance(model, cls):
            raise TypeError(f"{place} holds the model {type(model).__name__}, not {cls.__name__}")
        return model
