"""`arborank inspect`."""

from typing import Any

import click

from ..core.display import printable
from .facts import call_of, facts_of, inner_of, members_of, names_of, parts_of, tree_of, words_of
from .files import check_output
from .models import open_model
from .numbers import POSITIVE
from .options import json_option, model_argument
from .reporting import say
from .streams import put, put_json
from .tables import show_table

__all__ = ["inspect"]


@click.command(short_help="Say what a model is: parameters, tree, sizes.")
@model_argument
@click.option("--verify", is_flag=True, help="Read all files to the end and compare their checksums.")
@click.option("--branches", is_flag=True, help="Draw the branches of the label tree, with names.")
@click.option(
    "--html",
    type=click.Path(dir_okay=False, writable=True),
    help="Write the label tree into this file as a page to walk through.",
)
@click.option("--depth", type=POSITIVE, default=1, show_default=True, help="Levels drawn by --branches.")
@click.option("--examples", type=POSITIVE, default=4, show_default=True, help="Labels named for a branch.")
@click.option(
    "--senses",
    metavar="LABEL",
    help="Show what the leaves of a label (its name; its id without names) stand for.",
)
@click.option(
    "--picture",
    type=click.Path(dir_okay=False, writable=True),
    help="Draw --senses into this file (.svg, .png, .pdf).",
)
@json_option
def inspect(
    model: str,
    verify: bool,
    branches: bool,
    html: str | None,
    depth: int,
    examples: int,
    senses: str | None,
    picture: str | None,
    as_json: bool,
) -> None:
    """Say what MODEL is: class, parameters, shape of the label tree, sizes.

    With --branches or --html, the branches of a model of texts have the words that speak most for them.
    """
    if picture is not None and senses is None:
        raise click.UsageError("--picture draws what --senses shows; give --senses LABEL, too")
    if as_json and branches:
        raise click.UsageError("--branches draws a tree for people; give it without --json")
    if picture is not None:
        from ..core.figures import check_drawable

        check_output("--picture", picture, model)
        check_drawable(picture)
    from ..storage import read_records

    loaded = open_model(model, verify=verify)
    if senses is not None:
        _show_senses(loaded, senses, picture, as_json)
        return
    if html is not None:
        _write_page(loaded, model, html)
        say(f"wrote {html}")
        return
    facts = facts_of(loaded, model)
    records = read_records(model)
    if as_json:
        known = {"records": [record.to_dict() for record in records]}
        put_json(facts | known | ({"verified": True} if verify else {}), indent=1)
        return
    from ..core.memory import format_bytes

    put(printable(f"{model}: {facts['class']}, {format_bytes(facts['bytes'])} in {facts['files']} files"))
    if verify:
        put("every file has the checksum it was saved with")
    members = members_of(loaded)
    for number, (member, known) in enumerate(zip(members, facts["members"], strict=True)):
        if len(members) > 1:
            put(f"\nmember {number}: {known['class']}")
        _show(member, known, branches, depth, examples)
    for record in records:
        put(f"\n{printable(f'{record.heading}: {record.told}')}")
        for title, table in record.tables.items():
            put("")
            show_table(title, table)


def _show(model: Any, known: dict[str, Any], branches: bool, depth: int, examples: int) -> None:
    from ..core.memory import format_bytes

    for number, part in enumerate(parts_of(model)):
        put(f"features {number}: {printable(call_of(part))}")
    if known.get("label_names"):
        put("labels: their names are learned from, too")
    if type(model).__name__ == "Autocompleter":
        put(f"completer: {printable(call_of(model))}")
    put(f"model: {printable(call_of(inner_of(model)))}")
    ranker = tree_of(model)
    if ranker is None:
        if branches:
            raise click.UsageError(
                f"--branches needs a model with a label tree; this is {known['estimator']['class']}"
            )
        return
    if known["chosen"]:
        chosen = ", ".join(f"{name}={value!r}" for name, value in known["chosen"].items())
        put(f"chosen from the data: {chosen}")
    put(f"{known['n_features']:,} features\n")
    put(ranker.tree_.describe())
    put(f"\n{'layer':>5} {'rankers':>12} {'weights':>14} {'memory':>10}")
    for number, layer in enumerate(known["layers"], 1):
        size = format_bytes(layer["bytes"])
        put(f"{number:>5} {layer['rankers']:>12,} {layer['weights']:>14,} {size:>10}")
    if branches:
        from ..analysis.naming import node_names

        names, words = names_of(model), words_of(model)
        said = (
            None
            if words is None
            else {
                level: node_names(ranker, level, words)
                for level in range(1, min(depth, ranker.tree_.depth - 1) + 1)
            }
        )
        drawing = ranker.tree_.describe(names, max_depth=depth, examples=examples, words=said)
        put(drawing[drawing.index("\n\n") + 1 :])


def _write_page(model: Any, directory: str, path: str) -> None:
    from ..analysis.browse import tree_page
    from ..storage.disk import naming

    ranker = tree_of(model)
    if ranker is None:
        raise click.UsageError(
            f"--html needs a model with one label tree; this is {type(inner_of(model)).__name__}"
        )
    check_output("--html", path, directory)
    page = tree_page(ranker, names_of(model), words_of(model), title=directory)
    with naming(path), open(path, "w", encoding="utf-8") as file:
        file.write(page)


def _show_senses(model: Any, label: str, picture: str | None, as_json: bool) -> None:
    from ..analysis.senses import draw_senses, label_senses
    from ..core.spelling import spell
    from ..storage.disk import naming

    inner = inner_of(model)
    if type(inner).__name__ != "XRLinear":
        raise click.UsageError(f"--senses needs a model with one label tree; this is {type(inner).__name__}")
    names, features = names_of(model), [f"feature {i}" for i in range(inner.n_features_in_)]
    if type(model).__name__ == "TextRanker":
        features = model.features_.get_feature_names_out().tolist()
        label = spell(label, model.normalization)
    if label not in names:
        raise click.UsageError(f"the model has no label {label!r} among {len(names):,}, such as {names[0]!r}")
    senses = label_senses(inner, names.index(label))
    leaves: list[dict[str, Any]] = [
        {
            "leaf": int(sense.leaf),
            "decided_by": [features[i] for i, _ in sense.features],
            "together_with": [names[i] for i in sense.companions],
        }
        for sense in senses
    ]
    if picture is not None:
        with naming(picture):
            draw_senses(senses, printable(label), names, features, picture)
    if as_json:
        put_json({"label": label, "leaves": leaves}, indent=1)
        return
    put(f"{printable(label)}: {len(leaves)} {'leaf' if len(leaves) == 1 else 'leaves'}")
    for leaf in leaves:
        put(f"\nleaf {leaf['leaf']}")
        put("  decided by:    " + ", ".join(map(printable, leaf["decided_by"])))
        put("  together with: " + ", ".join(map(printable, leaf["together_with"])))
    if picture is not None:
        put(f"\ndrawn into {printable(picture)}")
