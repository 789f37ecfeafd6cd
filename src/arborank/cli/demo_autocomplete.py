"""`arborank demo autocomplete`."""

import time
from typing import TYPE_CHECKING

from .completion_report import compare
from .ranking import show
from .reporting import say
from .streams import put
from .tables import HELD_OUT, show_table

if TYPE_CHECKING:
    from ..autocomplete import Pairs
    from ..datasets import TextData

__all__ = ["demo_autocomplete"]

_N_PREVIOUS = 3
_SHOWN = ((), ("python3",), ("libqt5core5a",), ("r-base-core", "r-cran-ggplot2"))


def demo_autocomplete(
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

    record = compare(completer, held_out, HELD_OUT)
    show_table(*next(iter(record.tables.items())))
    for previous in _SHOWN:
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
