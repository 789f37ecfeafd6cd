"""The next query before anything is typed, beside counting what followed what, and the MRR at every length of prefix.

``python benchmarks/completion_next.py wikispeedia quick-open`` prints a row for every side and beam. Of quick-open, the
last tenth by time is the test.
"""

import argparse
from pathlib import Path

import completion
import completion_counts
import numpy as np
from data import DEFAULT_DATA

from arborank import Autocompleter
from arborank.autocomplete import session_pairs
from arborank.autocomplete.normal import normalize
from arborank.autocomplete.prefixes import sample_lengths
from arborank.autocomplete.quality import quality_by_length, reciprocal_ranks


def quick_open(data: Path) -> list[list]:
    """Files that people opened after others, as an editor's log has them."""
    rows = [line.split("\t") for line in completion.lines(data / "quick-open" / "log.tsv.xz")]
    cut = len(rows) * 9 // 10
    parts = [session_pairs(part) for part in (rows[:cut], rows[cut:])]
    return [list(zip(part.previous, part.queries, strict=True)) for part in parts]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sets", nargs="+", choices=[*completion.NAMES, "quick-open"])
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA)
    parser.add_argument("--beams", nargs="+", type=int, default=[5, 20, 100])
    given = parser.parse_args()
    print("| set | side | hit@10, nothing typed | MRR by characters typed: 1 to 9, 10+ | all |")
    print("| --- | --- | ---: | --- | ---: |")
    for name in given.sets:
        measure(name, given)


def measure(name: str, given: argparse.Namespace) -> None:
    train, test = quick_open(given.data) if name == "quick-open" else completion.pairs(given.data, name)
    random = np.random.default_rng(1)
    if len(test) > completion.TEST:
        test = [test[i] for i in np.sort(random.choice(len(test), completion.TEST, replace=False)).tolist()]
    previous, wanted = [list(before) for before, _ in test], [normalize(query) for _, query in test]
    lengths = sample_lengths([len(query) for query in wanted], "uniform", random).tolist()
    typed = [query[:length] for query, length in zip(wanted, lengths, strict=True)]
    nothing = [""] * len(test)

    def show(side: str, complete) -> None:
        hits = reciprocal_ranks(complete(nothing), wanted) > 0
        quality = quality_by_length(reciprocal_ranks(complete(typed), wanted), typed)
        means = " ".join(f"{mean:.3f}" for mean in quality.means)
        print(f"| {name} | {side} | {hits.mean():.4f} | {means} | {quality.overall:.4f} |", flush=True)

    show("counts", lambda prefixes: completion_counts.answers(train, previous, prefixes, None, 10))
    completer = Autocompleter(n_previous=completion.N_PREVIOUS.get(name, 1), n_jobs=2)
    completer.fit_pairs(*zip(*train, strict=True))

    def normal(answers: list) -> list[list[str]]:
        return [[normalize(query) for query, _ in row] for row in answers]

    show("most frequent", lambda prefixes: normal(completer.complete_batch(prefixes)))
    for beam in given.beams:
        show(
            f"Arborank, beam {beam}",
            lambda prefixes, beam=beam: normal(completer.complete_batch(prefixes, previous, beam_size=beam)),
        )


if __name__ == "__main__":
    main()
