"""A completer beside the most frequent completions, on pairs that were held out."""

from math import isnan
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..autocomplete import Autocompleter, Pairs
    from ..storage import Record

__all__ = ["compare"]

_SHOWN = (1, 2, 3, 5, 7, 10)
_MOST = 20_000


def compare(completer: "Autocompleter", pairs: "Pairs", data: str) -> "Record":
    """Return the record of the mean reciprocal rank by length of the prefix, one prefix a pair, drawn uniformly."""
    import numpy as np

    from ..autocomplete.normal import normalize
    from ..autocomplete.prefixes import sample_lengths
    from ..autocomplete.quality import quality_by_length, reciprocal_ranks
    from ..storage import Record

    random = np.random.default_rng(completer.random_state + 1)
    wanted = [normalize(query) for query in pairs.queries]
    rows = [row for row, query in enumerate(wanted) if query]
    if len(rows) > _MOST:
        rows = sorted(random.choice(rows, _MOST, replace=False).tolist())
    lengths = sample_lengths([len(wanted[row]) for row in rows], "uniform", random).tolist()
    prefixes = [wanted[row][:length] for row, length in zip(rows, lengths, strict=True)]
    previous = [pairs.previous[row] for row in rows]
    answers = {
        "most frequent": completer.complete_batch(prefixes),
        "Arborank": completer.complete_batch(prefixes, previous),
    }
    table = {}
    for name, found in answers.items():
        texts = [[normalize(query) for query, _ in row] for row in found]
        quality = quality_by_length(reciprocal_ranks(texts, [wanted[row] for row in rows]), prefixes)
        means = {f"{n}{'+' * (n == _SHOWN[-1])}": quality.means[quality.lengths.index(n)] for n in _SHOWN}
        means |= {"<=3": quality.short, "all": quality.overall}
        table[name] = {column: mean for column, mean in means.items() if not isnan(mean)}
    return Record(
        title="Evaluation",
        summary=f"{len(prefixes):,} prefixes, a random one of each query.",
        data=data,
        tables={"MRR by characters typed": table},
    )
