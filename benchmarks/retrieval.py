"""Retrieving labels for a text: trees of linear rankers, words against names, sentence encoders.

``python benchmarks/retrieval.py`` measures what is missing and writes ``RETRIEVAL.md``. Every side starts from
texts and answers with the ids of a hundred labels, in a process and an environment of its own.
"""

import argparse
from pathlib import Path

import child
import data
from environments import RETRIEVAL
from measurements import Measurements, machine
from tables import number, table

HERE = Path(__file__).resolve().parent
TUNED = "dual-tuned"
TEXT = """\
# Retrieving labels for a text

Measured {date} UTC on {machine}; {threads} thread(s). `python benchmarks/retrieval.py` measures and writes this
file. Every side starts from the text of a query: features or embeddings are part of its time. Ten and a hundred
labels of {rows:,} test rows or as many as fit in {patience:g} s; single queries ask for a hundred.

- **arborank** words and pairs of words, TF-IDF, one tree; **arborank-int8** the same, weights below 0.2 dropped, the
  rest in 8 bits.
- **libpecos** the same with its own TF-IDF and tree parameters, and the quickest of two layouts made for ranking and of
  its memory-mapped form.
- **omikuji**, **napkinxc** the same tree parameters, with scikit-learn's TF-IDF in front.
- **bm25s** the words of the query against those of the label's name; learns nothing from the labelled texts.
- **dual** a pretrained sentence encoder of 6 layers, exact inner products with the encoded names; **dual-usearch** the
  same with an approximate index; **dual-tuned** tuned in one pass (in-batch softmax) on part of the labelled texts,
  {tuned}.

Training is in processor seconds. arborank, libpecos and bm25s had the machine for themselves; the other sides shared
it, so their latencies are too long, and a pass over the test rows may have been cut short (*rows*).

Arborank's recall of ten labels is {factors}.
"""


def measure(given: argparse.Namespace, found: Measurements, name: str, side: str) -> None:
    """Train one side on one set and ask it."""
    key = {"set": name, "side": side, "threads": given.threads}
    if found.done(1, table="retrieval-train", **key):
        return
    rows = given.tuning_rows if side == TUNED else None
    with child.Child(side, "retrieval", given.threads, given) as process:
        trained = process.ask(
            "train", data=str(given.data.resolve()), name=name, threads=given.threads, rows=rows
        )
        if "final" not in trained:
            batch = process.ask("batch", patience=given.patience, most=given.rows)
            found.add(batch, table="retrieval-batch", **key)
            found.add(process.ask("single", count=given.singles), table="retrieval-single", **key)
        found.add(trained, table="retrieval-train", **key)


def tuned(found: Measurements) -> str:
    """How many texts the tuned encoder saw."""
    runs = found.of(table="retrieval-train", side=TUNED)
    return "; ".join(
        f"{run['rows']:,} of {name}" for name, run in zip(sets_of(found, TUNED), runs, strict=True)
    )


def sets_of(found: Measurements, side: str) -> list[str]:
    """Sets on which a side was measured."""
    return [name for name in found.distinct("set", table="retrieval-train") if recall(found, name, side)]


def recall(found: Measurements, name: str, side: str) -> float | None:
    """A side's recall of ten labels."""
    return found.median("R@10", table="retrieval-batch", set=name, side=side)


def factors(found: Measurements) -> str:
    """How many times the recall of lexical and neural retrieval the tree has."""
    parts = []
    for name in found.distinct("set", table="retrieval-train"):
        own = recall(found, name, "arborank")
        others = [(side, recall(found, name, side)) for side in ("bm25s", "dual", TUNED)]
        shown = [f"{own / other:.1f} times that of {side}" for side, other in others if own and other]
        parts.append(f"{', '.join(shown)} on {name}")
    return "; ".join(parts)


def report(given: argparse.Namespace, found: Measurements) -> str:
    """The tables, one a set."""
    date = max((one["date"] for one in found.all if one["key"]["table"].startswith("retrieval")), default="")
    parts = [
        TEXT.format(
            date=date[:10],
            machine=machine(),
            threads=given.threads,
            rows=given.rows,
            patience=given.patience,
            tuned=tuned(found),
            factors=factors(found),
        )
    ]
    header = [
        "side",
        "R@10",
        "R@100",
        "P@1",
        "training CPU s",
        "rows",
        "one query p50 µs",
        "p99 µs",
        "queries/s",
    ]
    for name in found.distinct("set", table="retrieval-train"):
        lines = []
        for side in RETRIEVAL:
            key = {"set": name, "side": side, "threads": given.threads}
            trained = found.of(table="retrieval-train", **key)
            if not trained or "final" in trained[-1]:
                continue
            quality = [
                number(found.median(figure, table="retrieval-batch", **key), "{:.2f}")
                for figure in ("R@10", "R@100", "P@1")
            ]
            single = [
                number(found.median(figure, table="retrieval-single", **key), "{:,.0f}")
                for figure in ("p50", "p99")
            ]
            batch = found.median("microseconds", table="retrieval-batch", **key)
            lines.append(
                [
                    side,
                    *quality,
                    number(trained[-1]["cpu_seconds"]),
                    f"{trained[-1]['rows']:,}",
                    *single,
                    number(batch and 1e6 / batch, "{:,.0f}"),
                    number(trained[-1]["bytes_per_label"], "{:,.0f}"),
                ]
            )
        parts.append(f"\n## {name}\n\n" + table([*header, "bytes a label"], lines) + "\n")
    return "".join(parts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    data.add_arguments(parser)
    child.add_arguments(parser)
    parser.add_argument("--sets", nargs="+", default=["yso-en", "eurlex57k"])
    parser.add_argument("--sides", nargs="+", default=list(RETRIEVAL), choices=list(RETRIEVAL))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rows", type=int, default=6000, help="most test rows")
    parser.add_argument("--tuning-rows", type=int, default=45_000, help="training rows of the tuned encoder")
    parser.add_argument("--singles", type=int, default=500)
    parser.add_argument("--patience", type=float, default=60, help="seconds for a pass over the test rows")
    given = parser.parse_args()
    found = Measurements(given.cache)
    for name in given.sets:
        for side in given.sides:
            measure(given, found, name, side)
    (HERE / "RETRIEVAL.md").write_text(report(given, found))


if __name__ == "__main__":
    main()
