"""What users see beside results: errors and warnings in one line, and what goes on."""

import io
import logging
import shutil
import sys
import warnings
from typing import Any, NoReturn

import click

from ..core.display import printable
from ..core.errors import ArgumentError
from ..core.progress import no_progress
from . import streams
from .layouts import as_option

__all__ = ["ReportingGroup", "help_option", "is_quiet", "quiet_option", "say", "show_log"]

_INTERRUPTED = 130
_QUIET = "arborank.quiet"
_WIDEST = 120  # columns of help


class ReportingGroup(click.Group):
    """A group whose commands end with one line on the standard error instead of a traceback.

    The exit code is 2 for a wrong command line, 130 after Ctrl-C and 1 for every other error.
    """

    _with_traceback: Exception | None = None  # the error of a command that ``--debug`` shows whole

    def main(self, *args: Any, **extra: Any) -> Any:
        """Run the program; with ``standalone_mode`` the process ends with its exit code."""
        if not extra.get("standalone_mode", True):
            return super().main(*args, **extra)
        streams.prepare()
        extra.setdefault("terminal_width", min(shutil.get_terminal_size((_WIDEST, 24)).columns, _WIDEST))
        code = 0
        try:
            returned = super().main(*args, **extra | {"standalone_mode": False})
            code = returned if isinstance(returned, int) else 0  # that of `ctx.exit`
            if sys.stdout is not None:
                sys.stdout.flush()
        except (KeyboardInterrupt, click.Abort):
            streams.tell("Aborted!")
            code = _INTERRUPTED
        except click.ClickException as error:
            shown = io.StringIO()
            error.show(shown)
            streams.tell(shown.getvalue().rstrip("\n"))
            code = error.exit_code
        except BrokenPipeError:  # of the flush
            pass
        except OSError as error:  # of the help and what else commands do not write
            if error is self._with_traceback:
                raise
            streams.tell(f"Error: standard output: {error.strerror or error}")
            code = 1
        finally:
            streams.release()
        sys.exit(code)

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Parse the command line; who reads its help or version may have seen enough, too."""
        try:
            return super().make_context(info_name, args, parent, **extra)
        except BrokenPipeError:
            raise click.exceptions.Exit(0) from None

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; turn exceptions into messages unless ``--debug`` is given."""
        try:
            with warnings.catch_warnings():
                warnings.showwarning = _show_warning
                return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit):
            raise
        except (KeyboardInterrupt, click.Abort):
            _interrupted(ctx)
        except BrokenPipeError:  # the reader of our output has seen enough, as `head` has
            ctx.exit(0)
        except Exception as error:
            if _by_interrupt(error):
                _interrupted(ctx)
            if ctx.params["debug"]:
                self._with_traceback = error
                raise
            if isinstance(error, ArgumentError):
                raise click.ClickException(self._in_options(ctx, error)) from error
            raise click.ClickException(_one_line(error)) from error

    def _in_options(self, ctx: click.Context, error: ArgumentError) -> str:
        """Return the message of an error with the options of the command in the place of arguments."""
        command = self.get_command(ctx, ctx.invoked_subcommand or "")
        names = {
            param.name: max(param.opts, key=len)
            for param in (command.params if command else ())
            if isinstance(param, click.Option)
        }
        names |= {"n_jobs": names["jobs"]} if "jobs" in names else {}
        told = error.told(lambda argument: names.get(argument, argument), as_option, " ")
        return printable(" ".join(told.split()))


def _interrupted(ctx: click.Context) -> NoReturn:
    streams.tell("\nInterrupted.")
    ctx.exit(_INTERRUPTED)


def _by_interrupt(error: BaseException | None) -> bool:
    """Whether an error is what became of Ctrl-C, as in the middle of a compiled module that is imported."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error is not None


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    streams.tell(f"Warning: {printable(str(message))}")


def _one_line(error: Exception) -> str:
    text = printable(" ".join(str(error).split()))
    if isinstance(error, OSError) and error.strerror:
        return printable(
            f"{error.filename}: {error.strerror}" if error.filename is not None else error.strerror
        )
    if isinstance(error, MemoryError) and text in ("", "std::bad_alloc"):
        return "out of memory"
    if isinstance(error, ValueError | TypeError | OSError | MemoryError | ImportError):
        return text
    return f"internal error: {type(error).__name__}: {text} (arborank --debug ... shows where)"


def say(message: str) -> None:
    """Tell the user what goes on, on the standard error, which keeps results apart; nothing with ``--quiet``."""
    if not is_quiet():
        streams.tell(message)


def _set_quiet(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value:
        ctx.meta[_QUIET] = True
        ctx.with_resource(no_progress())


def is_quiet() -> bool:
    """Whether the command shows results, warnings and errors only."""
    ctx = click.get_current_context(silent=True)
    return ctx is not None and _QUIET in ctx.meta


def _show_help(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        try:
            click.echo(ctx.get_help(), color=ctx.color)
        except OSError as error:  # `naming` would load NumPy first
            error.filename = "standard output"
            raise
        ctx.exit()


help_option = click.help_option("-h", "--help", callback=_show_help)
quiet_option = click.option(
    "-q",
    "--quiet",
    is_flag=True,
    expose_value=False,
    callback=_set_quiet,
    help="Show results, warnings and errors only.",
)


class _Say(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        if record.name != "arborank.linear.layers":  # bars show these
            say(record.getMessage())


def show_log() -> None:
    """Show what the library logs, such as the memory that training will need."""
    if is_quiet():
        return
    logger = logging.getLogger("arborank")
    logger.setLevel(logging.INFO)
    logger.handlers = [_Say()]
    logger.propagate = False
