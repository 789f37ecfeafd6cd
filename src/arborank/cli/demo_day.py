"""A simulated day in a shop: what is clicked by the hour, with and without exploration."""

from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING

from ..core.types import Json

if TYPE_CHECKING:
    import numpy as np

    from ..exploration import Decision
    from ..text import TextRanker

__all__ = ["simulated_day"]

_THINGS = "lamp", "chair", "kettle", "tent", "bicycle", "jacket", "radio", "carpet"
_KINDS = "red", "blue", "wooden", "steel", "small", "light"
_OLD = "Alba", "Bora", "Cima", "Duna"  # models of every kind
_NEW = "Elba", "Fara", "Gola", "Hora"  # that came overnight
_BEFORE = 4000  # customers of the days before
_HOURS, _CUSTOMERS = 24, 200
_PLACES = 3
_ABOUT = (
    "Overnight the shop has doubled its range. Its model knows the old products by clicks, and the new ones by their "
    "names, which do not tell of which kind they are. A customer looks for a thing of a kind, and clicks on each product "
    "of this kind that is shown as probably as it is good. Greedy shows the three best; exploring leaves the third place "
    "to a new product in every other answer."
)


@dataclass(frozen=True)
class _Range:
    """What is sold: who looks for it, and how probably such a customer clicks on it."""

    query: dict[str, str]
    quality: dict[str, float]

    @classmethod
    def drawn(cls, rng: "np.random.Generator") -> "_Range":
        query = {}
        for number, (kind, thing) in enumerate(product(_KINDS, _THINGS)):
            query |= {f"{kind} {thing} {model}": f"{kind} {thing}" for model in _OLD}
            query |= {f"{thing} {model} {number}": f"{kind} {thing}" for model in _NEW}
        return cls(query, dict(zip(query, rng.beta(1.0, 4.0, size=len(query)).tolist(), strict=True)))

    def clicks(self, query: str, shown: tuple[str, ...], chances: "np.ndarray") -> list[float]:
        """Return which of the products shown are clicked, by numbers drawn from 0 to 1."""
        drawn = zip(shown, chances.tolist(), strict=True)
        return [float(self.query[name] == query and chance < self.quality[name]) for name, chance in drawn]


def simulated_day(jobs: int | None = None) -> Json:
    """Return the clicks a customer of every hour, in two shops with the same customers."""
    import numpy as np

    from ..exploration import DecisionLog, ExploringRanker, InverseGap, learn

    rng = np.random.default_rng(0)
    shop = _Range.drawn(rng)
    asked = [f"{kind} {thing}" for kind, thing in product(_KINDS, _THINGS)]
    model = _before(shop, asked, rng, jobs)
    day = rng.choice(asked, size=(_HOURS, _CUSTOMERS)).tolist()
    chances = rng.random((_HOURS, _CUSTOMERS, _PLACES))
    earned: dict[str, list[float]] = {"greedy": [], "exploring": []}
    for name, by_hour in earned.items():
        explores, learned = name == "exploring", model
        for hour, queries in enumerate(day):
            ranker = ExploringRanker(
                learned,
                InverseGap(gamma=1e7),
                explore=int(explores),
                newcomers=0.5 if explores else 0.0,
                seed=1,
                first=hour * _CUSTOMERS,
            )
            decisions: list[Decision] = []
            for query, chance in zip(queries, chances[hour], strict=True):
                one = ranker.rank(query, _PLACES)
                clicks = shop.clicks(query, tuple(map(str, one.labels)), chance)
                decisions.append(replace(one, rewards=tuple(clicks)))
            by_hour.append(sum(sum(one.rewards or ()) for one in decisions) / len(decisions))
            learned = learn(learned, DecisionLog(tuple(decisions)))
    return {"about": _ABOUT, "customers": _CUSTOMERS, **earned}


def _before(shop: _Range, asked: list[str], rng: "np.random.Generator", jobs: int | None) -> "TextRanker":
    """Return what the shop has learned of its old products in the days before, and from the names of all."""
    from ..text import TextRanker

    texts, labels = [], []
    for query in rng.choice(asked, size=_BEFORE).tolist():
        shown = tuple(f"{query} {model}" for model in rng.permutation(_OLD)[:_PLACES])
        clicks = shop.clicks(query, shown, rng.random(_PLACES))
        if any(clicks):
            texts.append(query)
            labels.append([name for name, click in zip(shown, clicks, strict=True) if click])
    return TextRanker(n_jobs=jobs).fit(texts, labels, label_texts={name: name for name in shop.quality})
