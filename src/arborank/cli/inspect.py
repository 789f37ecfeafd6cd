"""`arborank inspect`."""

from inspect import signature
from pathlib import Path
from typing import Any

import click

from .files import check_output, check_suffix, is_text_model, open_model
from .numbers import POSITIVE
from .streams import put

__all__ = ["inspect"]


@click.command(short_help="Say what a model is: parameters, tree, sizes.")
@click.argument("model", type=click.Path(exists=True, file_okay=False))
@click.option("--verify", is_flag=True, help="Read all files to the end and compare their checksums.")
@click.option("--branches", is_flag=True, help="Draw the branches of the label tree, with names.")
@click.option("--depth", type=POSITIVE, default=1, show_default=True, help="Levels drawn by --branches.")
@click.option("--examples", type=POSITIVE, default=4, show_default=True, help="Labels named for a branch.")
@click.option(
    "--senses",
    metavar="LABEL",
    help="Show what the leaves of a label (its name; its id without names) stand for.",
)
@click.option(
    "--picture", type=click.Path(dir_okay=False, writable=True), help="Draw --senses into this SVG file."
)
def inspect(
    model: str,
    verify: bool,
    branches: bool,
    depth: int,
    examples: int,
    senses: str | None,
    picture: str | None,
) -> None:
    """Say what MODEL is: class, parameters, shape of the label tree, sizes."""
    if picture is not None and senses is None:
        raise click.UsageError("--picture draws what --senses shows; give --senses LABEL, too")
    if picture is not None:
        check_output("--picture", picture, model)
        check_suffix("--picture", picture, ".svg")
    if senses is not None:
        _show_senses(open_model(model, verify=verify), senses, picture)
        return
    from ..memory import format_bytes

    loaded = open_model(model, verify=verify)
    files = [path for path in Path(model).iterdir() if path.is_file()]
    size = sum(path.stat().st_size for path in files)
    put(f"{model}: {type(loaded).__name__}, {format_bytes(size)} in {len(files)} files")
    if verify:
        put("every file has the checksum it was saved with")
    members = getattr(getattr(loaded, "model_", loaded), "models_", [loaded])
    for number, member in enumerate(members):
        if len(members) > 1:
            put(f"\nmember {number}: {type(member).__name__}")
        _inspect(member, branches, depth, examples)


def _inspect(model: Any, branches: bool, depth: int, examples: int) -> None:
    from ..memory import format_bytes

    trained = getattr(model, "model_", model)
    if is_text_model(model):
        for number, part in enumerate(getattr(model.features_, "parts_", [model.features_])):
            put(f"features {number}: {_changed(part)}")
    put(f"model: {_changed(trained)}")
    trained = getattr(trained, "ranker_", trained)  # of a transformer, what ranks on its embeddings
    if not hasattr(trained, "tree_"):
        if branches:
            raise click.UsageError(
                f"--branches needs a model with a label tree; this is {type(trained).__name__}"
            )
        return
    put(f"{trained.n_features_in_:,} features")
    names = None
    if branches:
        names = model.labels_ if is_text_model(model) else [str(i) for i in range(trained.n_labels_)]
    put("")
    put(trained.tree_.describe())
    put("")
    put(f"{'layer':>5} {'rankers':>12} {'weights':>14} {'memory':>10}")
    for number, layer in enumerate(trained.layers_):
        put(f"{number + 1:>5} {layer.n_children:>12,} {layer.nnz:>14,} {format_bytes(layer.nbytes):>10}")
    if names is not None:
        drawing = trained.tree_.describe(names, max_depth=depth, examples=examples)
        put(drawing[drawing.index("\n\n") + 1 :])


def _show_senses(model: Any, label: str, picture: str | None) -> None:
    from ..display import printable
    from ..names import spell
    from ..persistence.disk import naming
    from ..senses import draw_senses, label_senses

    trained = getattr(model, "model_", model)
    if not hasattr(trained, "tree_"):
        raise click.UsageError(
            f"--senses needs a model with one label tree; this is {type(trained).__name__}"
        )
    if is_text_model(model):
        names, features = list(model.labels_), model.features_.get_feature_names_out().tolist()
        label = spell(label, model.normalization)
        if label not in model.labels_:
            raise click.UsageError(f"the model has no label {label!r}")
        number = model.labels_.index(label)
    else:
        names = [str(i) for i in range(trained.n_labels_)]
        features = [f"feature {i}" for i in range(trained.n_features_in_)]
        if label not in names:
            raise click.UsageError(f"the model has labels 0 to {trained.n_labels_ - 1}, and no {label!r}")
        number = int(label)
    found = label_senses(trained, number)
    put(f"{printable(label)}: {len(found)} {'leaf' if len(found) == 1 else 'leaves'}")
    for sense in found:
        put(f"\nleaf {sense.leaf}")
        put("  decided by:    " + ", ".join(printable(features[i]) for i, _ in sense.features))
        put("  together with: " + ", ".join(printable(names[i]) for i in sense.companions))
    if picture is not None:
        with naming(picture):
            Path(picture).write_text(draw_senses(found, label, names, features), encoding="utf-8")
        put(f"\ndrawn into {picture}")


def _changed(part: Any) -> str:
    """Class and the parameters that are not the default."""
    defaults = {name: given.default for name, given in signature(type(part)).parameters.items()}
    params = part.get_params(deep=False)
    changed = [f"{name}={value!r}" for name, value in params.items() if value != defaults[name]]
    return f"{type(part).__name__}({', '.join(changed)})"
