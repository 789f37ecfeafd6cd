"""What users see beside results: errors and warnings in one line, and what goes on."""

import logging
import os
import sys
import warnings
from typing import Any

import click

from ..display import printable
from .layouts import in_options

__all__ = ["ReportingGroup", "say", "show_log"]

_INTERRUPTED = 130


class ReportingGroup(click.Group):
    """A group whose commands end with one line on the standard error instead of a traceback.

    The exit code is 2 for a wrong command line, 130 after Ctrl-C and 1 for every other error.
    """

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; turn exceptions into messages unless ``--debug`` is given."""
        try:
            with warnings.catch_warnings():
                warnings.showwarning = _show_warning
                return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit):
            raise
        except (KeyboardInterrupt, click.Abort):
            click.echo("\nInterrupted.", err=True)
            ctx.exit(_INTERRUPTED)
        except BrokenPipeError:  # the reader of our output has seen enough, as `head` has
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            ctx.exit(0)
        except Exception as error:
            if ctx.params["debug"]:
                raise
            raise click.ClickException(_one_line(error)) from error


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    say(f"Warning: {printable(str(message))}")


def _one_line(error: Exception) -> str:
    told = in_options(error) if hasattr(error, "told") else str(error)  # of a layout, by options
    text = printable(" ".join(told.split()))
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        return printable(f"{error.filename}: {error.strerror}")
    if isinstance(error, MemoryError) and text in ("", "std::bad_alloc"):
        return "out of memory"
    if isinstance(error, ValueError | TypeError | OSError | MemoryError | ImportError):
        return text
    return f"internal error: {type(error).__name__}: {text} (arborank --debug ... shows where)"


def say(message: str) -> None:
    """Tell the user what goes on, on the standard error, which keeps results apart."""
    click.echo(message, err=True)


class _Say(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        say(record.getMessage())


def show_log() -> None:
    """Show what the library logs, such as the memory that training will need."""
    logger = logging.getLogger("arborank")
    logger.setLevel(logging.INFO)
    logger.handlers = [_Say()]
    logger.propagate = False
