"""The trials of a search on disk, from which it goes on after whatever ended it."""

from collections.abc import Iterator
from contextlib import contextmanager

from ..core.types import FilePath, JsonMapping
from ..storage.runs import Run
from .study import Study
from .trial import Trial

__all__ = ["Journal", "journal_in"]


class Journal:
    """Where a study is written after every trial; nowhere without a directory."""

    def __init__(self, run: Run | None) -> None:
        self._run = run

    def read(self, study: Study) -> None:
        """Take over what was written before."""
        if self._run is None or not self._run.progress:
            return
        try:
            progress = self._run.progress
            trials = [Trial.from_dict(number, one) for number, one in enumerate(progress["trials"])]
            study.shares, study.trials = list(progress["shares"]), trials
            study.seconds = float(progress["seconds"])
        except (KeyError, TypeError, ValueError) as error:
            raise self._run.damaged("what its trials hold", f"{error!r}") from None

    def write(self, study: Study) -> None:
        """Write all trials, in one step."""
        if self._run is not None:
            trials = [trial.to_dict() for trial in study.trials]
            self._run.commit({"shares": study.shares, "seconds": study.seconds, "trials": trials})


@contextmanager
def journal_in(work_dir: FilePath | None, subject: JsonMapping) -> Iterator[Journal]:
    """Hold a directory; errors are those of `arborank.storage.runs.Run`."""
    if work_dir is None:
        yield Journal(None)
        return
    with Run(work_dir, subject, argument="work_dir") as run:
        yield Journal(run)
