"""`arborank update-completer`."""

import re
from pathlib import Path

import click

from .complete import open_completer
from .files import check_destination, read_names, save_model
from .options import force_option, jobs_option, set_jobs
from .reporting import say

__all__ = ["update_completer"]

_FILE = click.Path(exists=True, dir_okay=False)
_EVALUATION = re.compile(r"^## Evaluation(?:, before updates)?$\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)


@click.command("update-completer", short_help="Let a completer follow its log without training it anew.")
@click.argument("model", type=click.Path(exists=True, file_okay=False))
@click.argument("log", type=_FILE, required=False)
@click.option("--pairs", is_flag=True, help="Lines are previous queries and a query, not a log.")
@click.option("--refresh", type=_FILE, help="Forget these queries, a line each, and learn them from LOG.")
@click.option("--remove", type=_FILE, help="Remove these queries, a line each.")
@click.option("--blocklist", type=_FILE, help="Words and phrases, one a line, never to be suggested again.")
@click.option("--out", "-o", "directory", type=click.Path(), help="Save here, and leave MODEL as it is.")
@jobs_option
@force_option
def update_completer(
    model: str,
    log: str | None,
    pairs: bool,
    refresh: str | None,
    remove: str | None,
    blocklist: str | None,
    directory: str | None,
    jobs: int | None,
    force: bool,
) -> None:
    """Change the queries of MODEL, which train-completer made.

    First --remove; then the new queries of LOG are added, in the form that train-completer reads, only what was not
    learned yet. What --blocklist holds is removed with all that was learned from it. The result takes MODEL's place in
    one step.
    """
    if log is None and (refresh is not None or pairs):
        raise click.UsageError("--refresh and --pairs need LOG, to learn from")
    if log is None and remove is None and blocklist is None:
        raise click.UsageError("nothing to do: give LOG, --remove or --blocklist")
    if directory is not None:
        check_destination(directory, force)
    completer = open_completer(model)
    from ..autocomplete import read_log, read_pairs, session_pairs

    set_jobs(completer, jobs)
    before = len(completer.catalogue_)
    if remove is not None:
        completer = completer.remove(read_names(remove))
    if blocklist is not None:
        completer.block(read_names(blocklist))
    if log is None:
        completer = completer.update([])  # without what is blocked now
    else:
        again = () if refresh is None else read_names(refresh)
        if pairs:
            data = read_pairs(log)
        else:
            limits = {name: getattr(completer, name) for name in ("n_previous", "session_gap")}
            data = session_pairs(read_log(log), **limits)
        if not data.queries:
            raise ValueError(f"{log} holds no query")
        completer = completer.update_pairs(data.previous, data.queries, users=data.users, refresh=again)
    summary = f"{before:,} queries before, {len(completer.catalogue_):,} now"
    card = f"## Last update\n\n{summary}.\n\n{_evaluation(model)}"
    save_model(completer, directory or model, card)
    say(f"{summary}; saved {directory or model}")


def _evaluation(model: str) -> str:
    """Return the evaluation in a model's card, under a title that says that the model has changed since."""
    try:
        card = (Path(model) / "README.md").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):  # a card is for people: it may be gone, or be one of their own
        return ""
    found = _EVALUATION.search(card)
    return f"## Evaluation, before updates\n{found[1].rstrip()}" if found else ""
