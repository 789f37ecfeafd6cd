"""`arborank train`."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .configuration import build_features, build_model, read_config
from .data import has_labels, read_data, read_label_texts
from .files import check_destination
from .layouts import layout_options
from .numbers import POSITIVE, Real, Whole
from .options import force_option, integers, jobs_option, ks_option, labels_option, xmc_option
from .reporting import say, show_log
from .streams import put
from .tables import evaluation

if TYPE_CHECKING:
    from ..datasets import Layout

__all__ = ["train"]

_FILE = click.Path(exists=True, dir_okay=False)
_FEATURES = ("analyzer", "ngram_range", "min_df", "max_features")


@click.command(short_help="Train a model on labelled texts or matrices.")
@click.argument("data", type=_FILE)
@click.option("--model", "-m", "directory", required=True, type=click.Path(), help="Directory for the model.")
@click.option("--test", type=_FILE, help="Labelled data to evaluate the model on.")
@click.option("--test-labels", type=_FILE, help="Label matrix of --test X.npz.")
@click.option(
    "--holdout",
    type=Real(0, 1, min_open=True, max_open=True),
    help="Evaluate on this share of DATA.",
)
@click.option(
    "--config",
    type=_FILE,
    help='JSON with all parameters: {"features": {"parts": [{"kind": "NgramTfidf", ...}]}, "model": {...}}.',
)
@click.option("--analyzer", type=click.Choice(["word", "char", "char_wb"]), help="n-grams of what.  [word]")
@click.option(
    "--ngrams", "ngram_range", callback=integers, metavar="MIN,MAX", help="Lengths of n-grams.  [1,2]"
)
@click.option("--min-df", type=POSITIVE, help="Texts that a term must occur in.  [2]")
@click.option("--max-features", type=POSITIVE, help="Terms kept, the most frequent.  [300000]")
@click.option("--max-leaf-size", type=POSITIVE, help="Most labels in a leaf of the tree.  [100]")
@click.option("--branching", type=Whole(min=2), help="Children of an inner node.  [16]")
@click.option("--negatives", help="tfn, man, or tfn+man (more thorough, slower).  [tfn]")
@click.option("--threshold", type=Real(min=0), help="Smaller weights are dropped.  [0.1]")
@click.option("--max-nonzeros", type=POSITIVE, help="Weights kept a label.  [all]")
@click.option("--beam-size", type=POSITIVE, help="Nodes kept on every level of the tree.  [10]")
@click.option("--seed", "random_state", type=Whole(min=0), help="Seed of all that is random.  [0]")
@click.option(
    "--work-dir",
    type=click.Path(file_okay=False),
    help="Keep what is trained here and not in memory; the same command goes on from there when it was interrupted.",
)
@click.option(
    "--label-texts",
    type=_FILE,
    help="Texts about labels, each labelled with the one it is about; with --cold-start, or for a representation of "
    "--config that takes them.",
)
@click.option(
    "--cold-start",
    is_flag=True,
    help="Learn from --label-texts too, and rank labels that are in no other text by theirs.",
)
@labels_option
@xmc_option
@layout_options
@ks_option
@jobs_option
@force_option
def train(
    data: str,
    directory: str,
    test: str | None,
    test_labels: str | None,
    holdout: float | None,
    config: str | None,
    work_dir: str | None,
    label_texts: str | None,
    cold_start: bool,
    label_matrix: str | None,
    xmc: bool,
    layout: "Layout",
    ks: tuple[int, ...],
    jobs: int | None,
    force: bool,
    **options: Any,
) -> None:
    """Train a model on DATA and save it.

    DATA are texts with label names (.jsonl, .tsv, .txt, .csv, .parquet), or features and labels as matrices:
    X.npz with --labels Y.npz, or a file in the N D L layout.
    """
    if test is not None and holdout is not None:
        raise click.UsageError("--test and --holdout are two ways to evaluate; give one")
    _check_pair("test-labels", test_labels, "--test X.npz", test)
    _check_pair("cold-start", cold_start or None, "--label-texts FILE", label_texts)
    check_destination(directory, force)
    if work_dir is not None:
        _check_apart(work_dir, directory)
    show_log()
    from ..datasets import MatrixData

    settings = read_config(config)
    given = {name: value for name, value in options.items() if value is not None}
    of_features = {name: given.pop(name) for name in _FEATURES if name in given}
    if jobs is not None:
        given["n_jobs"] = jobs
    model = build_model(settings, given)
    features = build_features(settings, of_features)

    train_data = read_data(data, label_matrix, xmc, layout)
    if not has_labels(train_data):
        raise ValueError(f"{data} has no row with a label, to train on")
    test_data = read_data(test, test_labels, xmc, layout) if test else None
    if test_data is not None and not has_labels(test_data):
        raise ValueError(f"{test} has no row with a label, which an evaluation needs")
    if holdout is not None:
        train_data, test_data = _split(train_data, holdout, model.random_state)
    if test_data is not None and type(test_data) is not type(train_data):
        raise click.UsageError("DATA and --test must both be texts, or both be matrices")
    start = time.perf_counter()
    if isinstance(train_data, MatrixData):
        if of_features or "features" in settings or label_texts is not None:
            raise click.UsageError(
                f"{data} holds features already; options of features and --label-texts do not apply"
            )
        say(f"{train_data.Y.shape[0]:,} instances, {train_data.Y.shape[1]:,} labels")
        fitted = model.fit(train_data.X, train_data.Y, work_dir=work_dir)
    else:
        from ..text import TextRanker

        say(f"{len(train_data.texts):,} texts")
        ranker = TextRanker(features=features, model=model, n_jobs=jobs)
        fitted = ranker.fit(
            train_data.texts,
            train_data.labels,
            relevance=train_data.relevance,
            label_texts=read_label_texts(label_texts, layout) or None,
            cold_start=cold_start,
            work_dir=work_dir,
        )
    trained = getattr(fitted, "model_", fitted)
    took = time.perf_counter() - start
    say(f"trained {trained.n_labels_:,} labels on {trained.n_features_in_:,} features in {took:.1f} s")
    records, report = [], ""
    if test_data is not None:
        from .scoring import evaluate_model

        scored = evaluate_model(fitted, test_data, ks, train=train_data)
        report = str(scored)
        where = (
            Path(test).name
            if test is not None
            else f"{100 * (holdout or 0):g} % of {Path(data).name}, held out"
        )
        records = [evaluation(scored, where)]
    fitted.save(directory, records=records)
    if report:
        put(report)
    say(f"saved {directory}" + (f"; {work_dir} can be removed" if work_dir else ""))


def _check_pair(option: str, value: Any, other: str, other_value: Any) -> None:
    if value is not None and other_value is None:
        raise click.UsageError(f"--{option} goes with {other}")


def _check_apart(work_dir: str, directory: str) -> None:
    """Refuse directories that are one, or one in the other: a model is saved to a directory of its own."""
    state, model = Path(work_dir).resolve(), Path(directory).resolve()
    if state.is_relative_to(model) or model.is_relative_to(state):
        raise click.UsageError(
            f"--work-dir {work_dir} and --model {directory} must be two directories, neither in the other"
        )


def _split(data: Any, share: float, seed: int) -> tuple[Any, Any]:
    """Hold out a random share of the rows."""
    import numpy as np

    n = len(data.texts) if hasattr(data, "texts") and data.texts is not None else data.Y.shape[0]
    n_test = round(n * share)
    if not 0 < n_test < n:
        raise ValueError(
            f"--holdout {share:g} of {n} rows leaves {n - n_test} to train and {n_test} to test on"
        )
    chosen = np.zeros(n, dtype=bool)
    chosen[np.random.default_rng(seed).choice(n, n_test, replace=False)] = True
    return _rows(data, np.flatnonzero(~chosen)), _rows(data, np.flatnonzero(chosen))


def _rows(data: Any, rows: Any) -> Any:
    from ..datasets import MatrixData, TextData

    if hasattr(data, "Y"):
        return MatrixData(data.Y[rows], data.X[rows])
    relevance = None if data.relevance is None else [data.relevance[i] for i in rows]
    return TextData([data.texts[i] for i in rows], [data.labels[i] for i in rows], relevance)
