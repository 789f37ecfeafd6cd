"""`arborank demo`."""

import shlex
import shutil
import sys
import textwrap
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..core.display import printable
from .completions import compare
from .demo_page import serve_demo
from .files import check_destination
from .numbers import POSITIVE, Whole
from .options import force_option, jobs_option
from .ranking import show
from .reporting import say, show_log
from .streams import put
from .tables import HELD_OUT, evaluation, show_table

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ..autocomplete import Pairs
    from ..datasets import TextData
    from ..storage import Record
    from ..storage.records import Table
    from ..text import TextRanker

__all__ = ["demo"]

_KS = (1, 3, 5, 10)
_COLUMNS = {
    "P@1": "precision@1",
    "P@3": "precision@3",
    "P@5": "precision@5",
    "nDCG@5": "ndcg@5",
    "R@10": "recall@10",
    "PSP@5": "psp@5",
}
_SHOWN = 3

_N_PREVIOUS = 3
_TYPED_BEFORE = ((), ("python3",), ("libqt5core5a",), ("r-base-core", "r-cran-ggplot2"))


@click.command(short_help="Show everything at work on data that comes with the package.")
@click.argument("what", type=click.Choice(["ranking", "autocomplete"]), default="ranking")
@click.option("--dir", "directory", default="demo-model", show_default=True, help="Directory for the model.")
@click.option("--limit", type=POSITIVE, help="Train on so many texts only, to be quicker.")
@click.option(
    "--serve", is_flag=True, help="Try both models in a browser; those in DIR are used if they are there."
)
@click.option("--port", type=Whole(0, 65535), default=8080, show_default=True, help="With --serve.")
@jobs_option
@force_option
def demo(
    what: str, directory: str, limit: int | None, serve: bool, port: int, jobs: int | None, force: bool
) -> None:
    """Train on 39,000 descriptions of Debian packages, and rank the packages that others depend on.

    "arborank demo autocomplete" completes the names of dependencies while they are typed, from those typed before.
    "arborank demo --serve" opens a page to try both.
    """
    from ..datasets import load_debian
    from ..text import TextRanker

    if not serve:
        check_destination(directory, force)
    show_log()
    train, test, about = load_debian()
    train, test = _thin(train, limit), _thin(test, limit)
    if serve:
        serve_demo(train, about, _pairs(train, 0), _N_PREVIOUS, directory, jobs, force, port)
        return
    if what == "autocomplete":
        _demo_autocomplete(train, test, about, directory, jobs)
        return
    say(f"Which of {len(about):,} packages does a Debian package depend on, going by its description?")
    say(f"Training on {len(train):,} descriptions ...")
    start = time.perf_counter()
    ranker = TextRanker(n_jobs=jobs, verbose=1).fit(train.texts, train.labels)
    trained = time.perf_counter() - start
    start = time.perf_counter()
    ids, _ = ranker.predict_topk(test.texts, max(_KS))
    predicted = time.perf_counter() - start
    say(f"Trained in {trained:.1f} s; ranked {len(test):,} held-out descriptions in {predicted:.2f} s.\n")

    table, record = _compare(ranker, train, test, ids)
    show_table("%", table)
    _show_texts(ranker, test, about)
    ranker.save(directory, records=[record])
    program = _program()
    put(f"""
The model is in {directory}. What to type next:

  {program} rank {directory} "a fast web server written in Python"
  {program} rank {directory}                  (type texts, see their labels)
  {program} inspect {directory} --branches
  {program} train YOUR.jsonl --holdout 0.1 --model my-model""")


def _program() -> str:
    """Return what to type for this program: with its folder, as it was called, where that is not searched."""
    called = Path(sys.argv[0])
    found = called.name == "arborank" and called.is_file() and shutil.which("arborank") is None
    return shlex.quote(str(called)) if found else "arborank"


def _thin(data: "TextData", limit: int | None) -> "TextData":
    """Keep at most ``limit`` rows, evenly spread."""
    from ..datasets import TextData

    step = 1 if limit is None else max(-(-len(data) // limit), 1)
    return TextData(data.texts[::step], data.labels[::step])


def _compare(
    ranker: "TextRanker", train: "TextData", test: "TextData", ids: "NDArray[np.int64]"
) -> "tuple[Table, Record]":
    """Table of the metrics, beside always proposing the most frequent labels, and the evaluation to keep."""
    import numpy as np

    from ..metrics import evaluate

    truth = ranker.encode_labels(test.labels, unknown="extend")
    known = ranker.encode_labels(train.labels)
    counts = np.bincount(known.indices, minlength=truth.shape[1])
    popular = np.argsort(-counts, kind="stable")[: max(_KS)]
    answers = {"always the most frequent": np.tile(popular, (len(test), 1)), "Arborank": ids}
    reports = {
        name: evaluate(truth, found, _KS, train_counts=counts, n_train=len(train))
        for name, found in answers.items()
    }
    table = {
        name: {title: f"{100 * report.metrics[metric]:.1f}" for title, metric in _COLUMNS.items()}
        for name, report in reports.items()
    }
    return table, evaluation(reports["Arborank"], HELD_OUT)


def _show_texts(ranker: "TextRanker", test: "TextData", about: dict[str, str]) -> None:
    """Rank a few held-out texts, spread over the test part; show what was right and what was missed."""
    telling = [row for row, labels in enumerate(test.labels) if 3 <= len(labels) <= 6]
    rows = telling or list(range(len(test)))
    for row in rows[len(rows) // 6 :: max(len(rows) // _SHOWN, 1)][:_SHOWN]:
        text, right = test.texts[row], test.labels[row]
        put(f"\n{printable(textwrap.shorten(text, 200, placeholder=' ...'))}")
        ranking = ranker.rank(text, 5)
        show(ranking, about, set(right))
        missed = [label for label in right if label not in dict(ranking)]
        if missed:
            put(f"  not among these: {', '.join(map(printable, missed))}")


def _demo_autocomplete(
    train: "TextData", test: "TextData", about: dict[str, str], directory: str, jobs: int | None
) -> None:
    """Train on the dependencies of Debian packages, as if each were typed after the ones before it."""
    from ..autocomplete import Autocompleter

    say(
        "A maintainer types what a Debian package depends on. What comes next, going by what was typed before?"
    )
    pairs, held_out = _pairs(train, 0), _pairs(test, 1)
    say(f"Training on {len(pairs.queries):,} dependencies, each with up to {_N_PREVIOUS} before it ...")
    start = time.perf_counter()
    completer = Autocompleter(n_previous=_N_PREVIOUS, n_jobs=jobs, verbose=1)
    completer.fit_pairs(pairs.previous, pairs.queries)
    say(f"Trained in {time.perf_counter() - start:.1f} s.\n")

    record = compare(completer, pairs, held_out, HELD_OUT)
    show_table(*next(iter(record.tables.items())))
    for previous in _TYPED_BEFORE:
        start = time.perf_counter()
        found = completer.complete("lib", previous, 4)
        took = 1e6 * (time.perf_counter() - start)
        put(f"\n{' > '.join(previous) or 'nothing'} > lib...    ({took:.0f} µs)")
        show(found, about)
    completer.save(directory, records=[record])
    put(f"""
The model is in {directory}. What to type next:

  arborank complete {directory}                        (completions while you type)
  arborank complete {directory} py -p libqt5core5a
  arborank train-completer YOUR-LOG.tsv --holdout 0.1 --model my-completer""")


def _pairs(data: "TextData", seed: int) -> "Pairs":
    """Every dependency with those before it; their order says nothing, so it is drawn."""
    import numpy as np

    from ..autocomplete import Pairs

    random = np.random.default_rng(seed)
    previous, queries = [], []
    for labels in data.labels:
        names = [labels[i] for i in random.permutation(len(labels))]
        for place, name in enumerate(names):
            previous.append(tuple(names[max(place - _N_PREVIOUS, 0) : place]))
            queries.append(name)
    return Pairs(previous, queries)
