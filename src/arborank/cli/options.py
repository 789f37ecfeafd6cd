"""Options that several commands take."""

import os
from pathlib import Path

import click

from .numbers import POSITIVE, Several, Whole

__all__ = [
    "DATA",
    "DATA_OR_DASH",
    "FILE",
    "MODEL",
    "Copy",
    "beam_option",
    "directory_option",
    "force_option",
    "jobs_option",
    "json_option",
    "k_option",
    "ks_option",
    "missing_option",
    "model_argument",
    "out_option",
    "probabilities_option",
    "seed_option",
]


class Copy(str):
    """The directory of a local copy of a model at a URL, which no command changes."""


class _Model(click.Path):
    """The directory of a saved model; of one at a URL, that of its local copy."""

    def convert(
        self, value: str | os.PathLike[str], param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        """Return the directory, or say what is there instead."""
        if os.path.isdir(value):
            super().convert(value, param, ctx)  # checks that it can be read
            return os.fspath(value)
        from ..storage.remote import fetched, is_remote
        from ..storage.store import what_is_there

        if not is_remote(value):
            self.fail(what_is_there(Path(value)), param, ctx)
        try:
            return Copy(fetched(str(value)))
        except (OSError, ImportError, ValueError) as error:
            self.fail(str(error), param, ctx)


class _Data(click.Path):
    """A file, a folder of files, or a pattern that they are named by."""

    def convert(
        self, value: str | os.PathLike[str], param: click.Parameter | None, ctx: click.Context | None
    ) -> str | bytes | os.PathLike[str]:
        from ..datasets.places import is_pattern

        return value if is_pattern(value) else super().convert(value, param, ctx)


DATA = _Data(exists=True)
DATA_OR_DASH = _Data(exists=True, allow_dash=True)
FILE = click.Path(exists=True, dir_okay=False)
MODEL = _Model(exists=True, file_okay=False)
model_argument = click.argument("model", type=MODEL)
k_option = click.option("-k", type=POSITIVE, default=10, show_default=True, help="Labels to return.")
ks_option = click.option(
    "-k", "ks", type=Several(POSITIVE), default="1,3,5,10", show_default=True, help="Cut-offs of the metrics."
)
beam_option = click.option("--beam-size", type=POSITIVE, help="Nodes kept on every level of the tree.")
jobs_option = click.option("-j", "--jobs", type=Whole(), help="Threads.  [every core]")
probabilities_option = click.option(
    "--probabilities", is_flag=True, help="Probabilities instead of scores; MODEL must be calibrated."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
force_option = click.option("--force", is_flag=True, help="Replace the model that is there.")
missing_option = click.option(
    "--missing",
    type=click.Choice(["error", "ignore"]),
    default="error",
    show_default=True,
    help="Whether it is an error if what --remove names is gone already, or --add finds nothing new.",
)
directory_option = click.option(
    "--model", "-m", "directory", required=True, type=click.Path(), help="Directory for the model."
)
out_option = click.option(
    "--out", "-o", "directory", type=click.Path(), help="Save here, and leave MODEL as it is."
)
seed_option = click.option(
    "--seed", "random_state", type=Whole(min=0), help="Seed of all that is random.  [0]"
)
