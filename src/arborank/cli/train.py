"""`arborank train`."""

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from .configuration import build_features, build_hybrid, build_model, label_names_of, read_config
from .data import read_data, read_label_texts
from .decisions import decide_option, rule_of, tuned_for
from .facts import tree_of
from .files import check_apart, check_destination
from .holdout import held_out, holdout_name, holdout_option
from .layouts import Form, data_options, language_option
from .matrix_model import MatrixModel
from .models import Data, Ranker
from .numbers import POSITIVE, Automatic, Real, Several, Whole
from .options import DATA, FILE, directory_option, force_option, jobs_option, ks_option, seed_option
from .reporting import say, show_log
from .scoring import evaluate_model
from .shards import Shards, shard_options, train_shards
from .streams import put
from .tables import calibration, evaluation
from .text_model import TextModel
from .worth import Worth

if TYPE_CHECKING:
    from ..features import TextFeatures
    from ..hybrid import HybridRanker
    from ..linear import XRLinear
    from ..storage import Record

__all__ = ["train"]

_FEATURES = ("analyzer", "tokenizer", "stop_words", "ngram_range", "min_df", "max_features")


@click.command(short_help="Train a model on labelled texts or matrices.")
@click.argument("data", type=DATA, required=False)
@directory_option
@click.option("--test", type=DATA, help="Labelled data to evaluate the model on.")
@click.option("--test-labels", type=FILE, help="Label matrix of --test X.npz.")
@holdout_option("DATA")
@click.option(
    "--config",
    type=FILE,
    help='JSON with all parameters: {"features": {"parts": [{"kind": "NgramTfidf", ...}]}, "model": {...}}.',
)
@click.option(
    "--analyzer",
    type=click.Choice(["word", "char", "char_wb"]),
    help="n-grams of what.  [by the texts; word with the next five]",
)
@click.option(
    "--tokenizer",
    metavar="NAME|FILE",
    help="What words are: simplemma:fi for the lemmas of a language, or a model of tokenizers (.json) or sentencepiece "
    "(.model).",
)
@click.option("--stop-words", metavar="LANGUAGE", help="Leave out the stop words of a language, such as fi.")
@click.option(
    "--ngrams", "ngram_range", type=Several(POSITIVE), metavar="MIN,MAX", help="Lengths of n-grams.  [1,2]"
)
@click.option("--min-df", type=POSITIVE, help="Texts that a term must occur in.  [2]")
@click.option("--max-features", type=POSITIVE, help="Terms kept, the most frequent.  [300000]")
@click.option(
    "--preset",
    type=click.Choice(["pecos"]),
    help="Parameters that follow from the data have the defaults of PECOS instead, for comparisons; those of --config "
    "and of options win.",
)
@click.option("--max-leaf-size", type=Automatic(POSITIVE), help="Most labels in a leaf of the tree.  [auto]")
@click.option("--branching", type=Automatic(Whole(min=2)), help="Children of an inner node.  [auto]")
@click.option("--n-trees", type=POSITIVE, help="Trees that are searched together: 3 rank better.  [1]")
@click.option(
    "--hybrid",
    is_flag=True,
    help="Merge the tree with mean instances, similar texts and names of labels: ranks better, with probabilities; "
    "training takes at least twice as long.",
)
@click.option("--negatives", help="tfn, man, or tfn+man (more thorough, slower).  [tfn]")
@click.option("--max-sample", type=POSITIVE, help="Labels that decide a split of more.  [all]")
@click.option("--max-rows", type=POSITIVE, help="Instances that the children of a node learn from.  [all]")
@click.option("--threshold", type=Automatic(Real(min=0)), help="Smaller weights are dropped.  [auto]")
@click.option("--max-nonzeros", type=POSITIVE, help="Weights kept per label.  [all]")
@click.option("--beam-size", type=Automatic(POSITIVE), help="Nodes kept on every level of the tree.  [auto]")
@click.option(
    "--rerank",
    type=Real(min=0, max=1),
    help="How much the likeness of a text to a label's mean text counts: more finds rarer labels.  [0]",
)
@click.option(
    "--tail",
    type=Automatic(Real(min=0, max=1)),
    help="How much more the texts of rare labels count than those of frequent ones: more finds rarer labels.  [auto]",
)
@click.option(
    "--calibrate",
    is_flag=True,
    help="Learn what scores mean as probabilities; training takes twice as long, or longer for few rows.",
)
@decide_option
@seed_option
@click.option(
    "--work-dir",
    type=click.Path(file_okay=False),
    help="Keep what is trained here and not in memory; the same command goes on from there when it was interrupted.",
)
@click.option(
    "--label-texts",
    type=FILE,
    help="Texts about labels, each labelled with the one it is about, or a vocabulary in SKOS (.ttl, .rdf, .nt, "
    ".jsonld) with the names of labels; labels that no other text has are ranked by them.",
)
@language_option
@click.option(
    "--learn-label-texts/--no-learn-label-texts",
    default=True,
    help="Whether --label-texts are learned from, or only for a representation of --config that takes them.  [yes]",
)
@click.option(
    "--label-names/--no-label-names",
    default=None,
    help="Whether the names of labels are learned from, too.  [if it helps on held-out texts]",
)
@shard_options
@data_options
@ks_option
@jobs_option
@force_option
def train(
    data: str | None,
    directory: str,
    test: str | None,
    test_labels: str | None,
    holdout: float | None,
    config: str | None,
    preset: str | None,
    hybrid: bool,
    calibrate: bool,
    work_dir: str | None,
    label_texts: str | None,
    language: str | None,
    learn_label_texts: bool,
    label_names: bool | None,
    shards: Shards,
    form: Form,
    ks: tuple[int, ...],
    jobs: int | None,
    force: bool,
    **options: Any,
) -> None:
    """Train a model on DATA and save it.

    DATA are texts with label names (.jsonl, .json, .tsv, .txt, .csv, .parquet; a folder of them, or a pattern such as
    'parts/*.jsonl'), or features and labels as matrices: X.npz with --labels Y.npz, or a file in the N D L layout.

    With --shards in place of DATA, training works from file to file, in processes of bounded memory or on a Ray
    cluster, and makes the same model.
    """
    if test is not None and holdout is not None:
        raise click.UsageError("--test and --holdout are two ways to evaluate; give one")
    _check_pair("test-labels", test_labels, "--test X.npz", test)
    _check_pair("language", language, "--label-texts FILE", label_texts)
    _check_pair("no-learn-label-texts", not learn_label_texts or None, "--label-texts FILE", label_texts)
    check_destination(directory, force)
    if work_dir is not None:
        check_apart(work_dir, directory)
    show_log()
    from ..datasets import TextData

    settings = read_config(config)
    given = {name: value for name, value in options.items() if value is not None}
    of_features = {name: given.pop(name) for name in _FEATURES if name in given}
    if jobs is not None:
        given["n_jobs"] = jobs
    given |= _for_rule(given.get("decide"))
    model, features = build_model(settings, given, preset), build_features(settings, of_features)
    names = label_names_of(settings) if label_names is None else label_names

    if shards.patterns:
        calibrate |= model.get_params(deep=False)["calibrate"]
        _check_with_shards(data, holdout, hybrid or "hybrid" in settings, calibrate, label_texts)
        from ..text import TextRanker

        made = TextRanker(features, model, label_names=names, n_jobs=jobs, verbose=1)
        return train_shards(shards, made, directory, work_dir, form.layout, test, ks)
    if data is None:
        raise click.UsageError("Missing argument 'DATA', or --shards")
    train_data = read_data(data, form)
    if not train_data.has_labels:
        raise ValueError(f"{data} has no row with a label, to train on")
    test_data = (
        None if test is None else _test_data(test, replace(form, label_matrix=test_labels), train_data)
    )
    if holdout is not None:
        chosen = held_out(len(train_data), holdout, model.random_state)
        train_data, test_data = train_data.take(~chosen), train_data.take(chosen)
    about = read_label_texts(label_texts, form.layout, language)
    of_texts = of_features or about or names != "auto" or {"features", "ranker"} & set(settings)
    if of_texts and not isinstance(train_data, TextData):
        raise click.UsageError(
            f"{data} holds features already; options of features, --label-texts and --label-names do not apply"
        )
    start = time.perf_counter()
    given = {"label_texts": about or None, "learn_label_texts": learn_label_texts, "work_dir": work_dir}
    ranker = build_hybrid(settings, model, jobs, wanted=hybrid)
    if calibrate:
        ranker.set_params(calibrate=True)
    fitted = _fit(train_data, ranker, features, jobs, names, given)
    took, tree = time.perf_counter() - start, tree_of(fitted.estimator)
    assert tree is not None
    say(f"trained {tree.n_labels_:,} labels on {tree.n_features_in_:,} features in {took:.1f} s")
    report = ""
    records = calibration(fitted.estimator)
    if test_data is not None:
        where = holdout_name(holdout, data) if test is None else Path(test).name
        report, record = _scored(fitted, test_data, train_data, ks, where)
        records.append(record)
    fitted.estimator.save(directory, records=records)
    if report:
        put(report)
    say(f"saved {directory}" + (f"; {work_dir} can be removed" if work_dir else ""))


def _test_data(path: str, form: Form, train: Data) -> Data:
    """Return labelled data of the same kind as those of training."""
    data = read_data(path, form)
    if not data.has_labels:
        raise ValueError(f"{path} has no row with a label, which an evaluation needs")
    if type(data) is not type(train):
        raise click.UsageError("DATA and --test must both be texts, or both be matrices")
    return data


def _check_with_shards(
    data: str | None, holdout: float | None, hybrid: bool, calibrate: bool, label_texts: str | None
) -> None:
    """Refuse what training from shards has no use for, or cannot do."""
    given = {
        "DATA": data,
        "--holdout": holdout,
        "--hybrid": hybrid or None,
        "--calibrate": calibrate or None,
        "--label-texts": label_texts,
    }
    name = next((name for name, value in given.items() if value is not None), None)
    if name is not None:
        raise click.UsageError(f"{name} does not go with --shards")


def _scored(
    model: Ranker, data: Data, train: Data | None, ks: tuple[int, ...], where: str
) -> "tuple[str, Record]":
    """Return an evaluation as text and as a record."""
    rule = rule_of(model, None)
    scored = evaluate_model(model, data, ks, train=train)
    worth = Worth.of(model, data, ks, None if rule is None else tuned_for(model, rule), train=train)
    return "\n".join(filter(None, (str(scored), str(worth)))), evaluation(scored, where, worth.tables())


def _for_rule(decide: str | None) -> dict[str, bool]:
    """Return what else a rule needs: a calibrated model, unless it takes scores as they are."""
    if decide is None:
        return {}
    from ..decisions import as_rule

    rule = as_rule(decide)
    return {"calibrate": True} if rule.needs_probabilities or not rule.is_tuned else {}


def _fit(
    data: Data,
    model: "XRLinear | HybridRanker",
    features: "TextFeatures",
    jobs: int | None,
    label_names: 'bool | Literal["auto"]',
    options: dict[str, Any],
) -> Ranker:
    from ..datasets import TextData
    from ..text import TextRanker

    if not isinstance(data, TextData):
        say(f"{len(data):,} instances, {data.Y.shape[1]:,} labels")
        work_dir = {} if options["work_dir"] is None else {"work_dir": options["work_dir"]}
        return MatrixModel(model.fit(data.X, data.Y, **work_dir))
    say(f"{len(data):,} texts")
    ranker = TextRanker(features, model, label_names=label_names, n_jobs=jobs)
    ranker.fit(data.texts, data.labels, relevance=data.relevance, sample_weight=data.sample_weight, **options)
    if ranker.label_names_:
        say("the names of labels are learned from, too")
    return TextModel(ranker)


def _check_pair(option: str, value: object, other: str, other_value: object) -> None:
    if value is not None and other_value is None:
        raise click.UsageError(f"--{option} goes with {other}")
