"""A simulated day in a shop: what is clicked by the hour, with and without exploration."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..core.types import Json
    from ..exploration import ExploringRanker

__all__ = ["simulated_day"]

_PRODUCTS, _NEW_SHARE = 2000, 0.5
_BEFORE = 4000  # customers of the days before
_HOURS, _CUSTOMERS = 24, 100
_PLACES, _WORDS = 5, 4
_LEARNING = 2, 4, 8, 12, 16, 20  # hours at which the models learn
_ABOUT = (
    "Overnight the shop has doubled its range. Its model knows the old products by clicks and all by their names. A "
    "customer wants one product, types four words of its description, and clicks on it if it is among the five shown. "
    "Greedy shows the five best; exploring leaves the fifth place to a new product in every other answer."
)


@dataclass
class _Shop:
    """One of both shops: what was typed and clicked so far."""

    queries: list[str]
    clicks: list[list[str]]
    names: Mapping[str, str]
    explore: bool
    jobs: int | None
    by_hour: list[float] = field(default_factory=list)

    def opened(self, hour: int) -> "ExploringRanker":
        """Return the ranker that decides from an hour on: of a model of all clicks so far and the products' names."""
        from ..exploration import ExploringRanker, InverseGap
        from ..text import TextRanker

        model = TextRanker(n_jobs=self.jobs).fit(self.queries, self.clicks, label_texts=self.names)
        newcomers = 0.5 if self.explore else 0.0
        policy = InverseGap(gamma=1e7)
        first = hour * _CUSTOMERS
        return ExploringRanker(
            model, policy, explore=int(self.explore), newcomers=newcomers, seed=1, first=first
        )


def simulated_day(about: Mapping[str, str], jobs: int | None = None) -> "Json":
    """Return the clicks a customer of every hour, in two shops with the same customers.

    Parameters
    ----------
    about : mapping from product to description
    jobs : int, optional
    """
    import numpy as np

    rng = np.random.default_rng(0)
    known = [product for product, text in about.items() if len(text.split()) >= _WORDS]
    products = rng.permutation(known)[:_PRODUCTS].tolist()
    n_old = int(len(products) * (1 - _NEW_SHARE))
    wanted = 1 / np.arange(1, len(products) + 1) ** 0.8
    rng.shuffle(wanted)

    def customers(n: int, n_products: int) -> list[tuple[str, str]]:
        drawn = rng.choice(n_products, size=n, p=wanted[:n_products] / wanted[:n_products].sum())
        texts = [about[products[one]].split() for one in drawn]
        return [
            (" ".join(rng.choice(text, _WORDS, replace=False)), products[one])
            for text, one in zip(texts, drawn, strict=True)
        ]

    before = customers(_BEFORE, n_old)
    names = {product: product.replace("-", " ") for product in products}
    shops = [
        _Shop([text for text, _ in before], [[product] for _, product in before], names, explore, jobs)
        for explore in (False, True)
    ]
    day = [customers(_CUSTOMERS, len(products)) for _ in range(_HOURS)]
    for shop in shops:
        ranker = shop.opened(0)
        for hour, there in enumerate(day):
            if hour in _LEARNING:
                ranker = shop.opened(hour)
            n_clicks = 0
            for query, product in there:
                if product in ranker.rank(query, _PLACES).labels:
                    n_clicks += 1
                    shop.queries.append(query)
                    shop.clicks.append([product])
            shop.by_hour.append(n_clicks / len(there))
    greedy, exploring = shops
    return {
        "about": _ABOUT,
        "customers": _CUSTOMERS,
        "greedy": greedy.by_hour,
        "exploring": exploring.by_hour,
    }
