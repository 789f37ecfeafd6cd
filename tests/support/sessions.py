"""A query log of which the answers can be seen."""


def sessions(nexts, n=20, *, name="", start=0, gap=0):
    """Every topic leads to its own queries, the first of them most often: rows (session, time, query)."""
    return [
        (f"{name}{topic}{i}{j}", start + gap * j + time, query)
        for topic, queries in nexts.items()
        for i, after in enumerate(queries)
        for j in range(n - 4 * i)
        for time, query in enumerate([topic, after])
    ]
