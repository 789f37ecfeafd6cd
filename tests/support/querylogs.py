"""Synthetic query logs, in each of which one kind of evidence counts or is useless."""

import numpy as np

DAY = 86_400.0
MORNING = {"news of the morning": 8 * 3600.0, "night bus": 23 * 3600.0}


def _words(n, random):
    """Different queries of two words with few first letters, so that short prefixes leave a choice."""
    letters = np.array(list("aeinorst"))
    return list(
        dict.fromkeys(f"{random.choice(letters)}{''.join(random.choice(letters, 4))} {i}" for i in range(n))
    )


def _zipf(n, size, random):
    return np.minimum((n * random.random(size) ** 3).astype(int), n - 1)


def querylog(name, seed=0, size=1.0):
    """Return rows of (session, time, query) of a kind of log; six in ten queries are followed by another one soon.

    A log of size 1 has 12,000 visits.
    """
    random = np.random.default_rng([seed, [*LOGS, "morning"].index(name)])
    n_users, n_visits, n_queries = 60, round(12_000 * size), 300
    if name == "tiny":
        n_visits, n_queries = 150, 20
    elif name == "large":
        n_visits, n_queries = 2 * n_visits, 4000
    elif name == "one user":
        n_users = 1
    texts = ["new york", "news", *_words(n_queries - 2, random)]
    users = random.integers(n_users, size=n_visits)
    times = np.sort(random.random(n_visits)) * 90 * DAY
    drawn = _zipf(n_queries, (n_visits, 2), random)
    if name == "drift":  # what is frequent moves through the queries
        drawn = (drawn + (n_queries * times / (90 * DAY)).astype(int)[:, None]) % n_queries
    rows = []
    for i, (user, time, both) in enumerate(zip(users.tolist(), times.tolist(), drawn.tolist(), strict=True)):
        draw = random.random()
        query, after = both
        if name in ("habits", "one user") and draw < 0.5:
            query = (7 * user + int(random.integers(3))) % n_queries  # of one's own
        if name == "returns" and len(rows) > 2 and draw < 0.4:  # to what anybody sent a while ago
            query = texts.index(rows[-1 - int(random.integers(min(len(rows), 40)))][2])
        if name == "bursts":  # half of all queries are the ten of the day
            query = (query % 10 + 10 * int(time // DAY)) % n_queries if draw < 0.5 else query
        if name in ("habits", "context"):
            after = (query * 31 + 17) % n_queries
        first = f"{texts[query]} {i}" if name == "every query new" else texts[query]
        if name == "morning" and draw < 0.7:
            first = list(MORNING)[i % 2]
            time = DAY * (time // DAY) + MORNING[first] + 600 * draw
        rows.append((f"u{user}", time, first))
        if draw < 0.2 or draw > 0.6:
            rows.append(
                (f"u{user}", time + 30, f"{texts[after]} {-i}" if name == "every query new" else texts[after])
            )
    return rows


LOGS = (
    "habits",
    "context",
    "useless",
    "drift",
    "tiny",
    "large",
    "one user",
    "every query new",
    "returns",
    "bursts",
)
