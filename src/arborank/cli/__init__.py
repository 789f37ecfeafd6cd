"""The command line: `arborank COMMAND --help` says what each command takes.

Commands import what they need when they run, so that help and mistakes are answered at once.
"""

import click

from .. import __version__
from .calibrate import calibrate
from .compare import compare
from .complete import complete
from .compress import compress
from .convert import convert
from .demo import demo
from .evaluate import evaluate
from .explain import explain
from .inspect import inspect
from .learn import learn
from .predict import predict
from .rank import rank
from .replay import replay
from .reporting import ReportingGroup, help_option, quiet_option
from .serve import serve
from .stage import stage
from .train import train
from .train_completer import train_completer
from .tune import tune
from .update import update
from .update_completer import update_completer
from .whatif import whatif

__all__ = ["main"]


@click.group(cls=ReportingGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="arborank", message="%(prog)s %(version)s")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def main(debug: bool) -> None:
    """Rank the few right labels out of many: from raw text to a saved model and its answers.

    Data are JSON lines ({"text": ..., "labels": [...]}), "label,label<TAB>text" lines, CSV, Parquet, fastText's lines,
    or matrices: .npz pairs and the N D L layout of the extreme classification repository. A folder or a pattern such as
    'parts/*.jsonl' means several files; .gz, .xz and .zst are unpacked. Other columns, keys and separators are said
    with --text-column, --label-column, --label-separator and their like.

    "arborank demo" shows everything at work on data that comes with the package.
    """


_OF_RANKERS = (
    train,
    calibrate,
    tune,
    predict,
    evaluate,
    compare,
    rank,
    explain,
    inspect,
    compress,
    update,
    convert,
    learn,
    whatif,
)
_OF_COMPLETERS = (train_completer, update_completer, complete, replay)
for _command in (*_OF_RANKERS, *_OF_COMPLETERS, serve, demo):
    help_option(quiet_option(_command))
    main.add_command(_command)
main.add_command(help_option(stage))
