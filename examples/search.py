"""Product search: typed queries to packages, with filters and a smaller model.

The shipped data stand in for a shop: a package description is the query, the packages it depends on are the products.
"""

import arborank
from arborank.datasets import load_debian


def main() -> None:
    """Train, rank a misspelt query, filter, and save a model of a quarter of the size."""
    data = load_debian()
    words = arborank.NgramTfidf(ngram_range=(1, 2), min_df=2, sublinear_tf=True)
    trigrams = arborank.NgramTfidf(analyzer="char_wb", ngram_range=(3, 3), min_df=2, sublinear_tf=True)
    ranker = arborank.TextRanker(arborank.TextFeatures(parts=[words, trigrams]))
    ranker.fit(data.train.texts[:10_000], data.train.labels[:10_000])

    query = "a game in Python"
    print("as typed:   ", [name for name, _ in ranker.rank(query, k=3)])
    print("misspelt:   ", [name for name, _ in ranker.rank("a gaem in Pyhton", k=3)])

    sold_out = ranker.prepare_filter(
        exclude=["python3"]
    )  # prepared once, used by every query until stock changes
    print("in stock:   ", [name for name, _ in ranker.rank(query, k=3, label_filter=sold_out)])

    small = ranker.quantize("int8")
    print("with 8 bits:", [name for name, _ in small.rank(query, k=3)])


if __name__ == "__main__":
    main()
