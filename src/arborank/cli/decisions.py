"""Rules of decision for the commands: which one counts, its answers, and what all of them are worth."""

from dataclasses import fields
from typing import TYPE_CHECKING, Any

import click

from .models import Data, Ranker, check_calibrated
from .scoring import batch_size, batches

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from scipy.sparse import csr_array

    from ..core.types import TopK
    from ..decisions import Rule
    from ..metrics import SetReport
    from ..storage.records import Table

__all__ = [
    "ALL",
    "decide_option",
    "is_calibrated",
    "report_of",
    "rule_of",
    "rule_table",
    "short_lists",
    "told",
    "tuned_for",
    "widened",
]

ALL = "all"
_TITLES = {
    "precision": "precision",
    "recall": "recall",
    "micro_f1": "micro-F1",
    "example_f1": "example-F1",
    "macro_f1": "macro-F1",
    "coverage": "coverage",
}

decide_option = click.option(
    "--decide",
    metavar="RULE[=VALUE]",
    help="How labels are chosen: fixed-k=3, threshold, expected-f1, precision=0.9, coverage and others.",
)


def rule_of(model: Ranker, given: str | None) -> "Rule | None":
    """Return the rule that is given, else the model's own, if it has one."""
    from ..decisions import as_rule

    own = (getattr(one, "decide", None) for one in (model.estimator, model.inner))
    rule = given if given is not None else next((one for one in own if one is not None), None)
    return None if rule is None else as_rule(rule)


def tuned_for(model: Ranker, rule: "Rule", directory: str | None = None) -> "Rule":
    """Return a rule that can decide for a model, which may be that of a directory and lack what the rule needs."""
    from ..decisions.deciding import tuned_rule

    if directory is not None and rule.needs_probabilities:
        check_calibrated(model, directory, f"the rule {rule.name!r}")
    return tuned_rule(model.inner, rule)


def is_calibrated(model: Ranker) -> bool:
    """Whether the model has probabilities."""
    return model.estimator.calibration_ is not None


def short_lists(
    model: Ranker,
    data: Data,
    beam_size: int | None,
    rule: "Rule | None" = None,
    candidates: list[str] | None = None,
    exclude: list[str] | None = None,
) -> "TopK":
    """Return the best labels of every row with their probabilities, or scores without calibration."""
    import numpy as np

    from ..decisions.deciding import depth_of

    k = min(depth_of(rule), model.n_labels)
    calibrated = is_calibrated(model)
    parts = [
        model.topk(part, k, beam_size, candidates, exclude, probabilities=calibrated)
        for part in batches(data, batch_size(k))
    ]
    ids, values = zip(*parts, strict=True)
    return np.concatenate(ids), np.concatenate(values)


def told(rule: "Rule") -> str:
    """Return a rule's name, and its values that are numbers and not the default ones."""
    values = {one.name: (getattr(rule, one.name), one.default) for one in fields(rule)}
    plain = [
        f"{name} {value:.4g}"
        for name, (value, usual) in values.items()
        if _is_number(value) and value != usual
    ]
    return rule.name + (f" ({', '.join(plain)})" if plain else "")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def rule_table(
    model: Ranker, lists: "TopK", truth: "csr_array", ks: tuple[int, ...], rules: "list[Rule]"
) -> "Table":
    """Return what rules are worth, a row each, beside so many labels for every row."""
    from ..decisions import FixedK
    from ..decisions.deciding import choose
    from ..metrics import set_values

    table: dict[str, dict[str, str | int | float]] = {}
    for rule in [*(FixedK(k) for k in ks), *rules]:
        name = f"{rule.name}={rule.k}" if isinstance(rule, FixedK) and rule.k in ks else rule.name
        values = set_values(
            truth, widened(choose(tuned_for(model, rule), *lists, model.n_labels), truth.shape[1])
        )
        table[name] = {"labels a row": f"{values.pop('labels_per_row'):.2f}"}
        table[name] |= {_TITLES[metric]: value for metric, value in values.items()}
    return table


def report_of(chosen: "csr_array", truth: "csr_array", counts: "NDArray[np.int64] | None") -> "SetReport":
    """Return the report of a decision."""
    from ..metrics import evaluate_sets

    return evaluate_sets(truth, widened(chosen, truth.shape[1]), train_counts=counts)


def widened(chosen: "csr_array", n_labels: int) -> "csr_array":
    """Return decisions with columns for labels that the model does not know."""
    wider: Any = chosen.copy()
    wider.resize(chosen.shape[0], n_labels)
    return wider
