"""Options that several commands take."""

from typing import Any

import click

__all__ = ["Cutoffs", "force_option", "k_option", "jobs_option", "ks_option", "labels_option", "set_jobs", "xmc_option"]


class Cutoffs(click.ParamType[tuple[int, ...]]):
    """Comma-separated positive integers."""

    name = "K,K,..."

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        """Split and check a value."""
        if isinstance(value, tuple):
            return value
        try:
            cuts = tuple(int(part) for part in value.split(","))
        except ValueError:
            cuts = ()
        if not cuts or min(cuts) < 1:
            self.fail(f"{value!r} is not a list of positive integers such as 1,3,5", param, ctx)
        return cuts


POSITIVE = click.IntRange(min=1)

k_option = click.option("-k", type=POSITIVE, default=10, show_default=True, help="Labels to return.")
ks_option = click.option(
    "-k", "ks", type=Cutoffs(), default="1,3,5,10", show_default=True, help="Cut-offs of the metrics."
)
beam_option = click.option("--beam-size", type=POSITIVE, help="Nodes kept at every level, instead of the model's.")
jobs_option = click.option(
    "-j", "--jobs", type=click.IntRange(min=-1), default=-1, show_default=True, help="Threads; -1: every core."
)
force_option = click.option("--force", is_flag=True, help="Replace the model that is there.")
labels_option = click.option(
    "--labels", type=click.Path(exists=True, dir_okay=False), help="Label matrix Y.npz of a feature matrix X.npz."
)
xmc_option = click.option(
    "--xmc", is_flag=True, help="Text files are in the N D L layout (known by .xmc, .svm or .libsvm, too)."
)


def set_jobs(model: Any, jobs: int) -> None:
    """Set the threads of a model and its parts."""
    names = [name for name in model.get_params() if name == "n_jobs" or name.endswith("__n_jobs")]
    model.set_params(**dict.fromkeys(names, jobs))
