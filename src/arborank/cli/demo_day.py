"""A simulated day in a shop: what is clicked by the hour, with and without exploration."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..core.types import Json

if TYPE_CHECKING:
    from ..datasets import TextData
    from ..exploration import ExploringRanker
    from ..text import TextRanker

__all__ = ["simulated_day"]

_N_BEFORE = 2000  # customers of the days before
_HOURS, _CUSTOMERS = 24, 100
_PLACES = 5
_NEW_SHARE = 0.5  # of the products, which came overnight
_LEARNING = 3, 6, 12, 18  # hours at which the models learn
_ABOUT = (
    "Overnight the shop has doubled its range. Its model knows the new products by their names, and clicks only on "
    "those that it sold before. A customer is a package description, the products are the packages that it depends on, "
    "and the right ones are clicked if they are among the five shown. Greedy shows the five best; exploring leaves the "
    "fifth place to a new product in every other answer."
)


@dataclass
class _Shop:
    """One of both shops: what it showed and what was clicked so far."""

    texts: list[str]
    labels: list[list[str]]
    about: Mapping[str, str]
    explore: bool
    jobs: int | None
    by_hour: list[float] = field(default_factory=list)

    def learned(self) -> "TextRanker":
        """Return a model of all clicks so far and of the products' names."""
        from ..text import TextRanker

        return TextRanker(n_jobs=self.jobs).fit(self.texts, self.labels, label_texts=self.about)

    def opened(self, hour: int) -> "ExploringRanker":
        """Return the ranker that decides from an hour on."""
        from ..exploration import ExploringRanker, InverseGap

        return ExploringRanker(
            self.learned(),
            InverseGap(gamma=1e7),
            explore=int(self.explore),
            newcomers=0.5 if self.explore else 0.0,
            seed=1,
            first=hour * _CUSTOMERS,
        )


def simulated_day(train: "TextData", about: Mapping[str, str], jobs: int | None = None) -> Json:
    """Return the clicks a customer of every hour, in two shops with the same customers."""
    import numpy as np

    rng = np.random.default_rng(0)
    rows = rng.permutation(len(train))[: _N_BEFORE + _HOURS * _CUSTOMERS]
    products = sorted({label for row in rows for label in train.labels[row]})
    new = {
        product for product, one in zip(products, rng.random(len(products)), strict=True) if one < _NEW_SHARE
    }
    before = [
        (train.texts[row], [one for one in train.labels[row] if one not in new]) for row in rows[:_N_BEFORE]
    ]
    before = [(text, labels) for text, labels in before if labels]
    known = {product: f"{product.replace('-', ' ')} {about.get(product, '')}" for product in products}
    shops = [
        _Shop([text for text, _ in before], [labels for _, labels in before], known, explore, jobs)
        for explore in (False, True)
    ]
    for shop in shops:
        ranker = shop.opened(0)
        for hour in range(_HOURS):
            if hour in _LEARNING:
                ranker = shop.opened(hour)
            begin = _N_BEFORE + hour * _CUSTOMERS
            n_clicks = 0
            for row in rows[begin : begin + _CUSTOMERS].tolist():
                shown = ranker.rank(train.texts[row], _PLACES).labels
                clicked = [str(label) for label in shown if label in train.labels[row]]
                n_clicks += len(clicked)
                if clicked:
                    shop.texts.append(train.texts[row])
                    shop.labels.append(clicked)
            shop.by_hour.append(n_clicks / _CUSTOMERS)
    greedy, exploring = shops
    return {
        "about": _ABOUT,
        "customers": _CUSTOMERS,
        "greedy": greedy.by_hour,
        "exploring": exploring.by_hour,
    }
