"""Exploration: what a decision costs, and what it earns.

    python benchmarks/exploration.py cost                  # beside a plain ranking, over 10,000 to 1,000,000 labels
    python benchmarks/exploration.py reward --data DIR     # of sets turned into streams, by policy
    python benchmarks/exploration.py flat --data DIR --peer ENVIRONMENT/bin/python    # beside vowpalwabbit 9.11.9

The streams: a shop has doubled its range. Its model has seen 1,500 rows, with the labels that it sold so far, a random
half; the others are new, and the model knows them by their names alone. Then 14,000 queries come. Five labels are shown
to each, and of these it is seen which are right, and nothing else. After 250, 375, 562 queries and so on the model is
fitted anew, to the rows of the start and to what was right of what was shown. Texts are cut after 30 words.

What has a choice was chosen on one stream of each set (``--tuning``); it shares no row with those that are measured.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import scipy.sparse as sp

N_FEATURES = 50_000

PEER = """
import json, sys, time
import numpy as np
import vowpalwabbit
log = np.load(sys.argv[1])
rng, bounds, n_labels = np.random.default_rng(0), log["bounds"], int(log["n_labels"])
workspace = vowpalwabbit.Workspace(
    "--cb_explore_adf --large_action_space --max_actions 20 --squarecb --cb_type mtr -q xa -b 24 --quiet"
)
actions = [f"|a {label}" for label in range(n_labels)]
def shared(row):
    a, b = log["indptr"][row : row + 2]
    return "shared |x " + " ".join(f"{i}:{v:.4f}" for i, v in zip(log["indices"][a:b], log["data"][a:b]))
def right(row):
    return log["labels"][bounds[row] : bounds[row + 1]].tolist()
def learn(row, label, reward, chance):
    workspace.learn([shared(row), f"0:{-reward}:{chance} |a {label}"])
n_start, n_rows = int(log["n_start"]), bounds.size - 1
for row in range(n_start):
    for label in right(row):
        learn(row, label, 1, 1.0)
    for label in rng.integers(n_labels, size=2 * len(right(row))).tolist():
        if label not in right(row):
            learn(row, label, 0, 1.0)
times, rewards = [], []
for row in range(n_start, n_rows):
    start = time.perf_counter()
    chances = np.asarray(workspace.predict([shared(row), *actions]))
    best = np.argsort(-chances, kind="stable")[:4]
    chances[best] = 0
    chances = chances / chances.sum() if chances.sum() > 0 else np.full(n_labels, 1 / n_labels)
    last = int(rng.choice(n_labels, p=chances))
    times.append(time.perf_counter() - start)
    shown = [*((label, 1.0) for label in best.tolist()), (last, max(float(chances[last]), 0.01))]
    rewards.append(sum(label in right(row) for label, _ in shown) / len(shown))
    for label, chance in shown:
        learn(row, label, int(label in right(row)), chance)
print(json.dumps({"us": 1e6 * float(np.median(times)), "reward": float(np.mean(rewards))}))
"""


def grown(n_labels, n_terms=40, n_weights=30, seed=0):
    """A tree of random rankers, and rows of random texts: words by Zipf's law in both."""
    from arborank import LabelTree, XRLinear
    from arborank.core.sparse import as_csr
    from arborank.linear.fitted import FittedTree
    from arborank.ranking import LayerWeights

    rng = np.random.default_rng(seed)
    leaves = np.minimum(np.arange((n_labels + 99) // 100 + 1) * 100, n_labels)
    tree = LabelTree.from_order(np.arange(n_labels, dtype=np.int32), leaves, branching=16)
    layers = []
    for branches in tree.branches:
        n = int(branches[-1]) * n_weights
        words = (rng.zipf(1.3, size=n) % N_FEATURES).astype(np.int32)
        weights = sp.csc_array(
            (rng.normal(size=n).astype(np.float32) * 0.7, words, np.arange(0, n + 1, n_weights)),
            shape=(N_FEATURES, int(branches[-1])),
        )
        weights.sum_duplicates()
        bias = np.full(int(branches[-1]), -0.3, np.float32)
        layers.append(
            LayerWeights.from_matrix(weights, bias, branches, ranks=layers[0].ranks if layers else None)
        )
    model = XRLinear(n_jobs=1).fit(np.eye(4, dtype=np.float32), [[0], [1], [2], [3]])
    model.fitted_, model.n_features_in_ = FittedTree(tree, layers), N_FEATURES
    rows = []
    for _ in range(300):
        words = np.unique(rng.zipf(1.3, size=n_terms) % N_FEATURES)
        row = sp.csr_array((np.abs(rng.normal(size=words.size)).astype(np.float32), words, [0, words.size]),
                           shape=(1, N_FEATURES))  # fmt: skip
        rows.append(as_csr(row))
    return model, rows


def median_us(ask, rows, n_rounds=5):
    """The median time of a question in microseconds."""
    times = []
    for _ in range(n_rounds):
        for row in rows:
            start = time.perf_counter()
            ask(row)
            times.append(time.perf_counter() - start)
    return 1e6 * float(np.median(times[len(rows) :]))


def cost(given, k=10):
    """Times of plain rankings and of decisions."""
    from arborank.exploration import ExploringRanker

    for n_labels in (10_000, 100_000, 1_000_000):
        model, rows = grown(n_labels)
        plain = median_us(lambda row, model=model: model.predict_topk(row, k), rows)
        told = [f"{n_labels:>9,} labels: ranking {plain:.1f} us"]
        for explore in (1, 3):
            ranker = ExploringRanker(model, explore=explore, seed=1)
            own = median_us(lambda row, ranker=ranker: ranker.rank(row, k), rows)
            told.append(f"exploring in {explore} of {k} places {own:.1f} us ({own / plain:.2f} times)")
        print("; ".join(told), flush=True)


@dataclass(frozen=True, eq=False)
class Shop:
    """A stream and the model that it starts with."""

    features: sp.csr_array  # of the rows of the start, the queries and the labels' names
    start: sp.csr_array  # labels of the rows of the start
    truth: list[set[int]]  # of the queries
    seed: int

    @classmethod
    def opened(cls, data, name, seed, *, tuning=False, n_start=1500, n_queries=14_000, n_labels=10_000):
        from data import label_matrix, read_names, read_part

        from arborank import NgramTfidf
        from arborank.datasets import load_debian

        texts, labels = read_part(data, name, "train", 80_000)
        texts = [" ".join(text.split()[:30]) for text in texts]
        about = load_debian()[2] if name == "debian-depends" else {}
        names = [f"{one} {about.get(one, '')}" for one in read_names(data, name)]
        counts = np.bincount(np.concatenate(labels), minlength=len(names))
        kept = np.sort(np.argsort(-counts, kind="stable")[:n_labels])
        Y = label_matrix(labels, len(names))[:, kept].tocsr()
        rng = np.random.default_rng(seed)
        half = np.random.default_rng(77).random(Y.shape[0]) < 0.5
        rows = rng.permutation(np.flatnonzero((half == tuning) & (np.diff(Y.indptr) > 0)))[
            : n_start + n_queries
        ]
        old = rng.random(kept.size) < 0.5
        start = sp.csr_array(Y[rows[:n_start]] @ sp.diags_array(old.astype(np.float32)))
        start.eliminate_zeros()
        sold = np.flatnonzero(np.diff(start.indptr))
        rows, start = np.concatenate([rows[:n_start][sold], rows[n_start:]]), start[sold]
        vectorizer = NgramTfidf(ngram_range=(1, 2), min_df=2, max_features=300_000, sublinear_tf=True)
        names = [names[label].replace("-", " ") for label in kept]
        vectorizer.fit([texts[row] for row in rows[: sold.size]] + names)
        features = sp.csr_array(vectorizer.transform([texts[row] for row in rows] + names))
        return cls(features, start, [set(Y[[row]].indices.tolist()) for row in rows[sold.size :]], seed)

    def fitted(self, clicked):
        """A model of the rows of the start, what was clicked, a list of labels a query, and the names."""
        from arborank import XRLinear

        n_labels = self.start.shape[1]
        lengths = np.array([len(one) for one in clicked], int)
        Y = sp.csr_array(
            (np.ones(lengths.sum(), np.float32), np.concatenate([*clicked, []]).astype(np.int32),
             np.concatenate([[0], np.cumsum(lengths)])), shape=(len(clicked), n_labels))  # fmt: skip
        used = np.flatnonzero(lengths)
        n = self.start.shape[0]
        names = np.arange(self.features.shape[0] - n_labels, self.features.shape[0])
        rows = np.concatenate([np.arange(n), n + used, names])
        labels = sp.vstack(
            [self.start, Y[used], sp.eye_array(n_labels, dtype=np.float32, format="csr")], format="csr"
        )
        return XRLinear(n_jobs=1, random_state=self.seed).fit(
            self.features[rows], labels, n_documents=n_labels
        )

    def run(self, policy, newcomers=False, k=5):
        """The rewards of all decisions, by what was shown, and how many new labels were found.

        Newcomers come in every decision at first, and ever rarer; those that were shown ten times in vain never again.
        """
        from arborank.core.sparse import as_csr
        from arborank.exploration import DecisionLog, ExploringRanker

        n, model, clicked, log = self.start.shape[0], self.fitted([]), [], []
        ends = [round(250 * 1.5**i) for i in range(40)]
        for begin, end in pairwise([0, *(one for one in ends if one < len(self.truth)), len(self.truth)]):
            share = min(1.0, (1000 / (begin + 1)) ** 0.5) if newcomers else 0.0
            tried = DecisionLog(tuple(log)).in_vain(10)
            ranker = ExploringRanker(model, policy, explore=0 if policy is None else 1, newcomers=share,
                                     tried=tried, seed=self.seed, first=begin)  # fmt: skip
            for number in range(begin, end):
                decision = ranker.rank(as_csr(self.features[[n + number]]), k)
                rewards = tuple(float(label in self.truth[number]) for label in decision.labels)
                log.append(replace(decision, query="", rewards=rewards))
                clicked.append([label for label in decision.labels if label in self.truth[number]])
            if end < len(self.truth):
                model = self.fitted(clicked)
        known = set(self.start.indices.tolist())
        rewards = np.array([sum(one.rewards) / k for one in log])
        return rewards, len({label for found in clicked for label in found} - known)


def reward(given):
    """Mean rewards of the streams, by set, seed and policy."""
    from arborank.exploration import Boltzmann, EpsilonGreedy, InverseGap

    gap = InverseGap(gamma=1e7)
    epsilon, boltzmann = EpsilonGreedy(epsilon=0.02), Boltzmann(temperature=0.003)
    policies = {
        "greedy": (None, False),
        "epsilon-greedy 0.02": (epsilon, False),
        "Boltzmann 0.003": (boltzmann, False),
        "inverse gap": (gap, False),
        "inverse gap, newcomers": (gap, True),
        "epsilon-greedy 0.02, newcomers": (epsilon, True),
    }
    for name in given.sets:
        for seed in given.seeds:
            shop = Shop.opened(
                given.data, name, seed, tuning=given.tuning, n_start=given.start, n_queries=given.queries
            )
            least = 1.0
            known = np.unique(shop.start.indices).size
            print(f"{name}, seed {seed}: {shop.start.shape[1]:,} labels, {known:,} known", flush=True)
            for title, options in policies.items():
                if given.policies and title not in given.policies:
                    continue
                rewards, n_found = shop.run(*options)
                quarters = " ".join(f"{part.mean():.4f}" for part in np.array_split(rewards, 4))
                if title == "greedy":
                    least = rewards.mean()
                more = 100 * (rewards.mean() / least - 1)
                told = (
                    f"{rewards.mean():.4f} ({more:+.1f} %), by quarter {quarters}; {n_found} new labels found"
                )
                print(f"  {title:40} {told}", flush=True)


def flat(given, n_queries=250):
    """Rewards and times over the first queries of a stream with 10,000 labels, beside a bandit without a tree."""
    from arborank.core.sparse import as_csr
    from arborank.exploration import ExploringRanker, InverseGap

    shop = Shop.opened(given.data, "yso-en", 0, n_start=3000, n_queries=n_queries)
    n = shop.start.shape[0]
    rewards, _ = shop.run(InverseGap(gamma=1e7), newcomers=True)
    ranker = ExploringRanker(shop.fitted([]), InverseGap(gamma=1e7), newcomers=0.5, seed=0)
    rows = [as_csr(shop.features[[n + number]]) for number in range(n_queries)]
    own = median_us(lambda row: ranker.rank(row, 5), rows)
    truth = [sorted(one) for one in shop.truth]
    lengths = np.concatenate([np.diff(shop.start.indptr), [len(one) for one in truth]])
    features = shop.features[: n + n_queries]
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "stream.npz"
        np.savez(path, indptr=features.indptr, indices=features.indices, data=features.data, n_start=n,
                 bounds=np.concatenate([[0], np.cumsum(lengths)]), n_labels=shop.start.shape[1],
                 labels=np.concatenate([shop.start.indices, *truth]))  # fmt: skip
        run = subprocess.run([given.peer, "-c", PEER, str(path)], capture_output=True, text=True, check=True)
    peer = json.loads(run.stdout.splitlines()[-1])
    print(f"{n_queries} decisions among {shop.start.shape[1]:,} labels")
    print(f"  over the tree {rewards.mean():.4f}, {own:.0f} us")
    print(f"  vowpalwabbit {peer['reward']:.4f}, {peer['us']:.0f} us ({peer['us'] / own:.0f} times)")


PARTS = {"cost": cost, "reward": reward, "flat": flat}


def main():
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("--data", type=Path, help="the directory of the sets")
    parser.add_argument("--sets", nargs="+", default=["eurlex57k", "yso-en", "debian-depends"])
    parser.add_argument("--queries", type=int, default=14_000)
    parser.add_argument("--start", type=int, default=1500, help="rows that the model has seen")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--tuning", action="store_true", help="take the streams that choices were made on")
    parser.add_argument("--peer", help="the interpreter of an environment with vowpalwabbit")
    parser.add_argument("--policies", nargs="+", help="some of them, greedy among these")
    given = parser.parse_args()
    PARTS[given.part](given)


if __name__ == "__main__":
    sys.exit(main())
