"""A completer beside the most frequent completions, on pairs that were held out."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..autocomplete import Pairs

__all__ = ["compare", "sample"]

_SHOWN = (1, 2, 3, 5, 7, 10)
_MOST = 20_000


def sample(units: Sequence[Any], share: float, seed: int) -> list[bool]:
    """Choose a random share of the different values of ``units``; tell of each entry whether it is chosen."""
    import numpy as np

    different = list(dict.fromkeys(units))
    n_chosen = round(len(different) * share)
    if not 0 < n_chosen < len(different):
        rest = len(different) - n_chosen
        raise ValueError(
            f"--holdout {share:g} of {len(different)} leaves {rest} to train and {n_chosen} to test on"
        )
    places = np.random.default_rng(seed).choice(len(different), n_chosen, replace=False)
    chosen = {different[place] for place in places.tolist()}
    return [unit in chosen for unit in units]


def compare(completer: Any, pairs: "Pairs") -> str:
    """Return a table of the mean reciprocal rank by length of the prefix, one prefix a pair, drawn uniformly."""
    import numpy as np

    from ..autocomplete.normal import normalize
    from ..autocomplete.prefixes import sample_lengths
    from ..autocomplete.quality import quality_by_length, reciprocal_ranks

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
    head = "".join(f"{length:>7}" for length in _SHOWN[:-1]) + f"{_SHOWN[-1]:>6}+"
    lines = [f"{'MRR by characters typed':<24}{head}{'<=3':>8}{'all':>8}"]
    for name, found in answers.items():
        texts = [[normalize(query) for query, _ in row] for row in found]
        quality = quality_by_length(reciprocal_ranks(texts, [wanted[row] for row in rows]), prefixes)
        by_length = "".join(f"{quality.means[quality.lengths.index(n)]:>7.3f}" for n in _SHOWN)
        lines.append(f"{name:<24}{by_length}{quality.short:>8.3f}{quality.overall:>8.3f}")
    return "\n".join(lines)
