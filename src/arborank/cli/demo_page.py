"""`arborank demo --serve`: both models of the demo behind the page to try them, and a day to replay."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from .demo_day import simulated_day
from .files import check_destination
from .reporting import say

if TYPE_CHECKING:
    from ..autocomplete import Pairs
    from ..datasets import TextData

__all__ = ["serve_demo"]

_N_RECENT = 2000  # texts that new labels are told apart from


def serve_demo(
    train: "TextData",
    about: Mapping[str, str],
    pairs: "Pairs",
    n_previous: int,
    directory: str,
    jobs: int | None,
    force: bool,
    port: int,
) -> None:
    """Train what is not there yet, and serve it until Ctrl-C."""
    from ..autocomplete import Autocompleter
    from ..serving import Deployment, Settings, run
    from ..text import TextRanker

    place = Path(directory)
    packages, dependencies = place / "packages", place / "dependencies"
    recent, day = place / "recent.jsonl", place / "day.json"
    if force or not (packages / "config.json").exists():
        check_destination(str(packages), force)
        say(f"Training on {len(train):,} descriptions ...")
        TextRanker(n_jobs=jobs, verbose=1).fit(train.texts, train.labels).save(packages)
    if force or not (dependencies / "config.json").exists():
        check_destination(str(dependencies), force)
        say(f"Training on {len(pairs.queries):,} dependencies ...")
        completer = Autocompleter(n_previous=n_previous, n_jobs=jobs, verbose=1)
        completer.fit_pairs(pairs.previous, pairs.queries).save(dependencies)
    if force or not day.exists():
        say("A shop opens for a day, with and without exploration ...")
        day.write_text(json.dumps(simulated_day(about, jobs)))
    step = max(len(train) // _N_RECENT, 1)
    rows = zip(train.texts[::step], train.labels[::step], strict=True)
    recent.write_text("".join(json.dumps({"text": text, "labels": labels}) + "\n" for text, labels in rows))
    run(
        {"packages": packages, "dependencies": dependencies},
        Settings(recent=recent, day=day, log_requests=False),
        Deployment(port=port, drain=0.0),
        lambda url: say(f"Open {url} in a browser; Ctrl-C ends it."),
    )
