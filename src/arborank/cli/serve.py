"""`arborank serve`."""

from pathlib import Path
from typing import Any

import click

from .numbers import POSITIVE, Duration, Real, Size, Whole
from .options import FILE, MODEL, Copy
from .reporting import say

__all__ = ["serve"]


class _Named(click.ParamType):  # type: ignore[type-arg]
    """A model, which may be given a name: ``NAME=DIRECTORY``."""

    name = "model"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str | None, str]:
        """Return name and directory; a directory whose path has ``=`` is a directory."""
        if isinstance(value, tuple):
            return value
        from ..storage.remote import is_remote

        name, sign, place = value.partition("=")
        if not sign or is_remote(value) or Path(value).is_dir():
            name, place = None, value
        path = MODEL.convert(place, param, ctx)
        if isinstance(path, Copy):
            name = name or place.rstrip("/").rpartition("/")[2].partition("@")[0]
        return name, path


class _Part(click.ParamType):  # type: ignore[type-arg]
    """A part of a model: its number, from 1, and how many there are, as in ``1/4``."""

    name = "part"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        """Return both numbers."""
        number, _, n_parts = str(value).partition("/")
        if not (number.isdecimal() and n_parts.isdecimal() and 1 <= int(number) <= int(n_parts)):
            self.fail(f"a part such as 1/4 was expected, found {value!r}", param, ctx)
        return int(number), int(n_parts)


@click.command(short_help="Answer over HTTP: rankings, completions, explanations.")
@click.argument("models", type=_Named(), nargs=-1, required=True, metavar="[NAME=]MODEL...")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=Whole(0, 65535), default=8080, show_default=True, help="0 for any that is free.")
@click.option("--uds", type=click.Path(), help="Listen on this Unix socket instead.")
@click.option("--workers", type=POSITIVE, default=1, show_default=True, help="Processes, which share memory.")
@click.option("--threads", type=Whole(min=0), default=0, help="Threads for batches.  [every core]")
@click.option("--keys", type=FILE, help="File of the keys that clients must send.")
@click.option("--no-auth", is_flag=True, help="Answer other machines without keys.")
@click.option("--cors", multiple=True, metavar="ORIGIN", help="Origin whose pages may ask; may be repeated.")
@click.option("--max-body", type=Size(), default="1MiB", show_default=True, help="Longest body.")
@click.option("--max-texts", type=POSITIVE, default=256, show_default=True, help="Most texts of a request.")
@click.option(
    "--max-in-flight",
    type=POSITIVE,
    default=1024,
    show_default=True,
    help="Most texts at a time, of a process.",
)
@click.option("--max-connections", type=POSITIVE, default=4096, show_default=True, help="Most, of a process.")
@click.option(
    "--arrival",
    type=Real(0, min_open=True),
    default=10.0,
    show_default=True,
    help="Seconds for a request to arrive.",
)
@click.option("--timeout", type=Duration(), default="2s", show_default=True, help="Time of a request.")
@click.option(
    "--drain", type=Real(min=0), default=5.0, show_default=True, help="Seconds not ready before the end."
)
@click.option(
    "--grace", type=Real(min=0), default=30.0, show_default=True, help="Seconds for the last answers."
)
@click.option(
    "--read-only", is_flag=True, help="Change no labels, and reload on a signal or a new file only."
)
@click.option("--verify", is_flag=True, help="Compare the checksums of all files when a model is loaded.")
@click.option("--recent", type=FILE, help="Texts with labels that new labels are told apart from.")
@click.option(
    "--feedback", type=click.Path(dir_okay=False), help="Append what clients tell of answers to this file."
)
@click.option(
    "--decisions",
    type=click.Path(dir_okay=False),
    help="Let clients explore; append what was shown, and its rewards.",
)
@click.option("--part", type=_Part(), metavar="I/N", help="Serve only part I of N of a model, such as 1/4.")
@click.option(
    "--parts", type=FILE, help="File of the addresses of all parts: ask them, and merge their answers."
)
@click.option("--no-page", is_flag=True, help="Show no page to try the models.")
@click.option("--no-request-log", is_flag=True, help="Log no requests.")
@click.option("--log-texts", is_flag=True, help="Log what was asked, too, which may be private.")
def serve(models: tuple[tuple[str | None, str], ...], **options: object) -> None:
    """Serve models over HTTP until Ctrl-C.

    A model is called as its directory, or NAME. POST /v1/models/NAME/rank {"text": "..."} ranks labels; the page at /
    shows all that can be asked, and /openapi.json describes it. What is saved into a model's directory later is served
    from then on.
    """
    from ..serving import Deployment, Settings, model_name, run

    named: dict[str, Path] = {}
    for name, path in models:
        if name is None:
            try:
                name = model_name(path)
            except ValueError as error:
                raise click.UsageError(f"{error}; give it a name, as name={path}") from None
        elif isinstance(path, Copy) and not options["read_only"]:
            raise click.UsageError("a model at a URL stays as it is; serve it with --read-only")
        if name in named:
            raise click.UsageError(f"two models are called {name}; give one another name, as other={path}")
        named[name] = Path(path)
    deployment = Deployment(**{key: options.pop(key) for key in _OF_DEPLOYMENT})  # type: ignore[arg-type]
    shown = {"page": not options.pop("no_page"), "log_requests": not options.pop("no_request_log")}
    if options["part"] is not None or options["parts"] is not None:
        options["read_only"] = True
    settings = Settings(**options, **shown)  # type: ignore[arg-type]
    run(named, settings, deployment, lambda url: say(f"{url} serves {', '.join(named)}"))


_OF_DEPLOYMENT = ("host", "port", "uds", "workers", "no_auth", "drain", "grace", "max_connections", "arrival")
