"""What probabilities and decisions of a model are worth on labelled data."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from .decisions import is_calibrated, report_of, rule_table, short_lists, told
from .models import Data, Ranker
from .scoring import frequencies
from .tables import table_text

if TYPE_CHECKING:
    from ..core.types import Json
    from ..decisions import Rule
    from ..metrics import ProbabilityReport, SetReport
    from ..storage.records import Table

__all__ = ["Worth"]


@dataclass(frozen=True)
class Worth:
    """What `arborank evaluate` says beside the metrics of the ranking; None where there is nothing to say."""

    probabilities: "ProbabilityReport | None" = None
    rule: str = ""
    decision: "SetReport | None" = None
    rules: "Table | None" = None

    @property
    def reports(self) -> "list[ProbabilityReport | SetReport]":
        """What has tables of its own."""
        return [one for one in (self.probabilities, self.decision) if one is not None]

    @classmethod
    def of(
        cls,
        model: Ranker,
        data: Data,
        ks: tuple[int, ...],
        rule: "Rule | None" = None,
        *,
        every: bool = False,
        beam_size: int | None = None,
        train: Data | None = None,
    ) -> Self:
        """Evaluate the probabilities of a calibrated model, and a tuned rule, or ``every`` rule."""
        from ..decisions import RULES
        from ..decisions.deciding import choose, listed
        from ..metrics import evaluate_probabilities

        calibrated = is_calibrated(model)
        if not calibrated and rule is None:
            return cls()
        lists, truth = short_lists(model, data, beam_size, rule), model.truth(data)
        matrix = listed(*lists, truth.shape[1])
        probabilities = evaluate_probabilities(truth, matrix) if calibrated else None
        if rule is None and not every:
            return cls(probabilities)
        rules = list(RULES.values()) if every else [] if rule is None else [rule]
        table = rule_table(model, lists, truth, ks, rules)
        if rule is None:
            return cls(probabilities, rules=table)
        counts, _ = frequencies(model, train, truth.shape[1])
        return cls(
            probabilities, told(rule), report_of(choose(rule, *lists, model.n_labels), truth, counts), table
        )

    def to_dict(self) -> "Json":
        """Return what there is, ready for JSON."""
        return {
            **({} if self.probabilities is None else {"probabilities": self.probabilities.to_dict()}),
            **({} if self.decision is None else {"decision": {"rule": self.rule, **self.decision.to_dict()}}),
            **({} if self.rules is None else {"rules": self.rules}),
        }

    def tables(self) -> "dict[str, Table]":
        """Return what there is as tables of a record; probabilities with a bar for the share that is true."""
        from ..metrics.probability_report import bar

        tables: dict[str, Table] = {}
        if self.probabilities is not None:
            found = self.probabilities
            errors = {"ECE": found.ece, "Brier score": found.brier}
            tables["probabilities"] = {
                name: {f"@{k}": one for k, one in of.items()} for name, of in errors.items()
            }
            tables["probability"] = {
                f"{one['from']:.1f} to {one['to']:.1f}": {
                    "answers": one["answers"],
                    "mean": one["predicted"],
                    "true": one["true"],
                    "": bar(one["true"]),
                }
                for one in found.to_dict()["reliability"]
                if one["answers"]
            }
        return tables | ({} if self.rules is None else {"rule": self.rules})

    def __str__(self) -> str:
        parts = []
        if self.probabilities is not None:
            parts.append(f"\nprobabilities\n{self.probabilities}")
        if self.decision is not None:
            parts.append(f"\nlabels chosen by {self.rule}\n{self.decision}")
        if self.rules is not None:
            parts.append("\n" + table_text("rule", self.rules))
        return "\n".join(parts)
