"""The parameter ``decide`` of estimators; rules are imported when there is one: models are opened faster without."""

from typing import TYPE_CHECKING

from ..core.types import LabelModel

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from ..decisions import Rule

__all__ = ["check_rule", "chosen_labels", "rule_to_parts"]


def check_rule(name: str, rule: object) -> None:
    """Raise unless a parameter is a rule, the name of one, or None."""
    if rule is not None:
        from ..decisions import as_rule

        as_rule(rule, name)  # type: ignore[arg-type]  # or it raises


def chosen_labels(model: LabelModel, X: object, rule: "Rule | str") -> "csr_array":
    """Return what a rule chooses as an indicator of shape (n_rows, n_labels)."""
    from ..decisions import decide

    chosen = decide(model, X, rule)
    chosen.data[:] = 1.0
    return chosen


def rule_to_parts(rule: "Rule | str | None") -> "dict[str, Rule]":
    """Return the part that a saved model has of a rule; a name stands with its settings."""
    return {} if rule is None or isinstance(rule, str) else {"decide": rule}
