"""A synthetic search log: 140,000 queries of about five words, and the pages clicked for them, of 96,000.

Words, topics and pages have Zipf frequencies, as in logs of people: a few words are in every tenth query, most pages
are clicked once or twice. A page belongs to a topic and has three words of its own. A query is about one page: a third
of its words are the page's, half are its topic's, the others anybody's; beside that page it leads to one more of the
topic on average. Every page has a query, the other queries go to pages by popularity; so do the test queries.
"""

from pathlib import Path

import data
import numpy as np
from product_log import ragged, write_parts

NAME = "query-log"
QUERIES, PAGES, WORDS, TOPICS, TEST = 140_000, 96_000, 60_000, 2_000, 10_000
OWN, OF_TOPIC, LONGEST = 3, 40, 9
SEED = 0


def zipf(rng: np.random.Generator, n: int, size: tuple[int, ...]) -> np.ndarray:
    """Numbers below n with probability about proportional to 1 / (number + 1)."""
    return np.minimum(np.exp(rng.random(size) * np.log(n + 1)).astype(np.int64) - 1, n - 1)


class Pages:
    """The pages, the popular ones of a topic first."""

    def __init__(self, rng: np.random.Generator):
        self.topic = np.sort(zipf(rng, TOPICS, (PAGES,)))
        self.bounds = np.searchsorted(self.topic, np.arange(TOPICS + 1))
        self.own = zipf(rng, WORDS, (PAGES, OWN))
        self.of_topic = zipf(rng, WORDS, (TOPICS, OF_TOPIC))

    def popular(self, rng: np.random.Generator, topic: np.ndarray) -> np.ndarray:
        """A page of each topic."""
        size = self.bounds[topic + 1] - self.bounds[topic]
        return self.bounds[topic] + np.minimum((size + 1.0) ** rng.random(topic.shape) - 1, size - 1).astype(
            int
        )

    def queries(self, rng: np.random.Generator, about: np.ndarray) -> tuple:
        """Counts of words, and clicked pages, of queries about the given pages."""
        n, topic = len(about), self.topic[about]
        shape = (n, LONGEST)
        kind = rng.choice(3, shape, p=(0.35, 0.5, 0.15))
        own = self.own[about[:, None], rng.integers(OWN, size=shape)]
        shared = self.of_topic[topic[:, None], zipf(rng, OF_TOPIC, shape)]
        words = np.choose(kind, (own, shared, zipf(rng, WORDS, shape)))
        kept = np.arange(LONGEST) < 2 + rng.binomial(LONGEST - 2, 0.55, (n, 1))
        more = rng.binomial(3, 1 / 3, (n, 1))
        clicked = np.column_stack([about, self.popular(rng, np.repeat(topic[:, None], 3, axis=1))])
        Y = ragged(clicked, np.arange(4) < 1 + more, PAGES)
        Y.data[:] = 1
        return ragged(words, kept, WORDS), Y


def make(cache: Path) -> Path:
    """Write the four matrices, TF-IDF rows of unit length, unless they are there; their directory."""
    directory = (cache / NAME).resolve()
    if data.cached(directory):
        return directory
    rng = np.random.default_rng(SEED)
    pages = Pages(rng)
    drawn = pages.popular(rng, pages.topic[rng.integers(PAGES, size=QUERIES - PAGES + TEST)])
    train = rng.permutation(np.concatenate([np.arange(PAGES), drawn[TEST:]]))
    write_parts(directory, pages.queries(rng, train), pages.queries(rng, drawn[:TEST]))
    return directory
