"""The trials of a search while it goes on: a table that is redrawn on a terminal, a line each elsewhere."""

import sys
from typing import TYPE_CHECKING

from ..core.display import clip, printable, terminal_width
from ..core.memory import format_bytes
from .reporting import is_quiet, say

if TYPE_CHECKING:
    from ..tune.study import Candidate, Study

__all__ = ["Board"]

_MOST = 12  # trials shown


class Board:
    """Shows a study; ``metric`` is the heading of its score."""

    def __init__(self, metric: str) -> None:
        self._metric = metric
        self._drawn = 0  # lines

    def show(self, study: "Study") -> None:
        """Show how far the search is."""
        width = terminal_width(sys.stderr)
        if is_quiet():
            return
        if width is None:
            self._tell(study)
            return
        lines = [clip(printable(line), width - 1) for line in self.lines(study)]
        back = f"\x1b[{self._drawn}A" if self._drawn else ""
        sys.stderr.write(f"{back}\x1b[J" + "".join(f"{line}\n" for line in lines))
        sys.stderr.flush()
        self._drawn = len(lines)

    def _tell(self, study: "Study") -> None:
        """Say what came of the trial that is over."""
        if study.training:
            say(_training(study))
        if study.training or study.now is not None or study.latest is None:
            return
        number, rung = study.latest
        trial = study.trials[number]
        if rung in trial.outcomes:
            cells = self._cells(study, study.best_of(trial, rung))
            say(
                "trial {} on {}: {metric} {}, P@1 {}, P@5 {}, {}, {} µs: {}".format(
                    *cells, metric=self._metric
                )
            )
        elif trial.failure is not None:  # else it was to see what time it takes
            say(f"trial {number} failed: {trial.failure}")

    def lines(self, study: "Study") -> list[str]:
        """Return the best trials, those on more data first, and what is being tried."""
        ranked = [one for rung in reversed(range(len(study.shares))) for one in study.ranked(rung)]
        best: dict[int, Candidate] = {}
        for one in ranked:
            best.setdefault(one.trial.number, one)
        rows = [["trial", "data", self._metric, "P@1", "P@5", "size", "µs", "setting"]]
        rows += [self._cells(study, one) for one in list(best.values())[:_MOST]]
        sizes = [max(map(len, column)) for column in zip(*rows, strict=True)][:-1]
        lines = ["  ".join([*map(str.rjust, row, sizes), row[-1]]) for row in rows]
        lines += [""] * (_MOST + 1 - len(lines))
        return [*lines, self._status(study)]

    def _status(self, study: "Study") -> str:
        minutes = study.options.minutes
        spent = _clock(study.seconds) + ("" if minutes is None else f" of {_clock(60 * minutes)}")
        if study.training:
            return f"{spent}  {_training(study)}"
        if study.now is None:
            return spent
        number, rung = study.now
        return f"{spent}  trial {number} on {100 * study.shares[rung]:.0f} % of the data"

    def _cells(self, study: "Study", one: "Candidate") -> list[str]:
        quality = one.variant.quality
        return [
            str(one.trial.number),
            f"{100 * study.shares[one.rung]:.0f} %",
            f"{one.score:.4f}",
            f"{quality['precision@1']:.4f}",
            f"{quality['precision@5']:.4f}",
            format_bytes(one.n_bytes),
            f"{one.microseconds:.0f}",
            str(one) + (" (beyond the limits)" if one.excess else ""),
        ]


def _training(study: "Study") -> str:
    return f"training on everything: {study.best()}"


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"
