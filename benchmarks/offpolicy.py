"""Off-policy estimates: beside those of the Open Bandit Pipeline, and against truths that are known.

    python benchmarks/offpolicy.py                            # coverage of intervals, and groups of a tree as arms
    python benchmarks/offpolicy.py --peer ENVIRONMENT/bin/python    # obp 0.5.7 on the same logs

The environment needs Python 3.8 to 3.10, or pip's --ignore-requires-python.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

PEER = """
import json, sys
import numpy as np
from obp import ope
from obp.ope.estimators_embed import MarginalizedInverseProbabilityWeighting
log = np.load(sys.argv[1])
common = dict(reward=log["reward"], action=log["arm"])
dist = log["target"][:, :, None]
embedding = np.zeros((log["group"].size, log["group"].max() + 1, 1))
embedding[np.arange(log["group"].size), log["group"], 0] = 1
found = {}
for name, lambda_ in (("IPS", np.inf), ("IPS clipped", 2.0)):
    estimator = ope.InverseProbabilityWeighting(lambda_=lambda_)
    found[name] = estimator.estimate_policy_value(**common, pscore=log["propensity"], action_dist=dist)
estimator = ope.SelfNormalizedInverseProbabilityWeighting()
found["SNIPS"] = estimator.estimate_policy_value(**common, pscore=log["propensity"], action_dist=dist)
estimator = ope.DoublyRobust()
found["DR"] = estimator.estimate_policy_value(
    **common, pscore=log["propensity"], action_dist=dist, estimated_rewards_by_reg_model=log["model"][:, :, None]
)
estimator = MarginalizedInverseProbabilityWeighting(n_actions=log["group"].size, embedding_selection_method=None)
found["MIPS"] = estimator.estimate_policy_value(
    **common, action_embed=log["group"][log["arm"]][:, None], pi_b=log["logging"][:, :, None], action_dist=dist,
    p_e_a=embedding, context=np.zeros((log["arm"].size, 1)),
)
print(json.dumps(found))
"""


def simulate(rng, n, n_arms, n_groups, sharpness=1.0):
    """A log of one arm a decision: rewards follow from context, group and, a little, the arm."""
    from arborank.exploration.estimators import Shown

    group = np.arange(n_arms) * n_groups // n_arms
    quality = rng.normal(size=(n, n_groups))[:, group] + 0.2 * rng.normal(size=n_arms)
    chance = 1 / (1 + np.exp(1.5 - quality))
    logging = np.exp(sharpness * rng.normal(size=(n, n_arms)) * 0.5)
    logging /= logging.sum(axis=1, keepdims=True)
    target = np.exp(2.0 * quality)
    target /= target.sum(axis=1, keepdims=True)
    arm = np.minimum((rng.random(n)[:, None] > np.cumsum(logging, axis=1)).sum(axis=1), n_arms - 1)
    rows = np.arange(n)
    reward = (rng.random(n) < chance[rows, arm]).astype(float)
    shown = Shown(rows, reward, logging[rows, arm], target[rows, arm], n)
    return {
        "arm": arm, "reward": reward, "propensity": logging[rows, arm], "logging": logging, "target": target,
        "model": np.clip(chance + 0.1 * rng.normal(size=chance.shape), 0, 1), "group": group,
        "truth": float((target * chance).sum(axis=1).mean()), "shown": shown,
    }  # fmt: skip


def sums_of_groups(chances, group):
    """Probabilities of groups."""
    sums = np.zeros((len(chances), group.max() + 1))
    np.add.at(sums.T, group, chances.T)
    return sums


def own_estimates(log):
    """The estimates of this package by the names of the peer's."""
    from arborank.exploration import estimators

    shown, rows, arm, group = log["shown"], np.arange(log["arm"].size), log["arm"], log["group"]
    marginal, chance = (sums_of_groups(log[name], group)[rows, group[arm]] for name in ("logging", "target"))
    expected = (log["target"] * log["model"]).sum(axis=1)
    return {
        "IPS": estimators.ips(shown).value,
        "IPS clipped": estimators.ips(shown, clip=2.0).value,
        "SNIPS": estimators.snips(shown, np.ones(rows.size)).value,
        "DR": estimators.doubly_robust(shown, expected, log["model"][rows, arm]).value,
        "MIPS": estimators.marginalised_ips(shown, marginal, chance).value,
    }


def beside_peer(python):
    """Print both sides and their largest difference."""
    worst = 0.0
    for seed in range(5):
        log = simulate(np.random.default_rng(seed), 1000, 200, 20)
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / "log.npz"
            np.savez(path, **{name: value for name, value in log.items() if name not in ("shown", "truth")})
            run = subprocess.run([python, "-c", PEER, str(path)], capture_output=True, text=True, check=True)
        peer, own = json.loads(run.stdout.splitlines()[-1]), own_estimates(log)
        for name, value in own.items():
            worst = max(worst, abs(value - peer[name]))
            print(f"seed {seed}  {name:12} {value:.9f}  obp {peer[name]:.9f}  truth {log['truth']:.4f}")
    print(f"largest difference {worst:.1e}")


def errors_of_groups(n_logs=30, n_decisions=500, n_arms=10_000):
    """Squared errors where rewards follow from 100 groups of arms, over a tree with 10, 100 and 1,000 nodes."""
    from arborank.exploration import estimators

    sizes = 10, 100, 1000
    errors = {}
    chosen = np.zeros(len(sizes) + 1, int)
    for seed in range(n_logs):
        log = simulate(np.random.default_rng(100 + seed), n_decisions, n_arms, 100)
        shown, arm, rows, one = log["shown"], log["arm"], np.arange(n_decisions), np.ones(n_decisions)
        levels = [estimators.snips(shown, one)]
        for size in sizes:
            logging, target = (
                log[name].reshape(n_decisions, -1, size).sum(axis=2) for name in ("logging", "target")
            )
            group = arm // size
            levels.append(
                estimators.marginalised_ips(shown, logging[rows, group], target[rows, group], size=one)
            )
        best = estimators.coarsest(levels)
        chosen[best] += 1
        found = {"IPS": estimators.ips(shown), "SNIPS": levels[0], "MIPS": levels[best]}
        found |= {f"MIPS, groups of {size}": terms for size, terms in zip(sizes, levels[1:], strict=True)}
        for name, terms in found.items():
            errors.setdefault(name, []).append((terms.value - log["truth"]) ** 2)
    print(f"{n_logs} logs of {n_decisions} decisions, {n_arms:,} arms; arms chosen {chosen[0]} times, groups "
          + ", ".join(f"of {size} {n}" for size, n in zip(sizes, chosen[1:], strict=True)))  # fmt: skip
    for name, values in errors.items():
        share = np.mean(values) / np.mean(errors["IPS"])
        print(f"{name:20} squared error {np.mean(values):.5f}, by that of IPS {share:.3f}")


def coverage(n_logs=100, n_decisions=1000):
    """How often the interval of the doubly robust estimate holds the truth, from a model's own decisions."""
    from dataclasses import replace

    import scipy.sparse as sp

    from arborank import XRLinear
    from arborank.core.sparse import as_csr
    from arborank.exploration import DecisionLog, ExploringRanker, InverseGap, evaluate

    rng = np.random.default_rng(0)
    centres = rng.normal(size=(120, 40))
    of = rng.integers(120, size=4000)
    X = (centres[of] + 1.2 * rng.normal(size=(of.size, 40))).astype(np.float32)
    Y = [[int(one), int(one + 1) % 120] for one in of]
    options = {"branching": 4, "max_leaf_size": 10, "n_jobs": 1}
    logging = XRLinear(**options, calibrate=True).fit(X[:1500], Y[:1500])
    other = XRLinear(**options, Cn=0.5).fit(X[1000:2000], Y[1000:2000])
    queries = X[2000:]
    click = np.full((len(queries), 120), 0.05)
    for row, labels in enumerate(Y[2000:]):
        click[row, labels] = 0.7
    k = 3
    ids, _ = other.predict_topk(sp.csr_array(queries), k)
    truth = float(np.take_along_axis(click, ids, axis=1).sum(axis=1).mean())
    ranker = ExploringRanker(logging, InverseGap(gamma=30.0), explore=k, widely=True, seed=1)
    rows = [as_csr(sp.csr_array(queries[i : i + 1])) for i in range(len(queries))]
    held, widths, sizes = {}, {}, {}
    for seed in range(n_logs):
        rng = np.random.default_rng(1000 + seed)
        log = []
        for number, row in enumerate(rng.integers(len(queries), size=n_decisions)):
            one = ranker.rank(rows[row], k=k)
            rewards = tuple(
                (rng.random(len(one.labels)) < click[row, list(one.labels)]).astype(float).tolist()
            )
            log.append(replace(one, id=str(number), rewards=rewards))
        report = evaluate(DecisionLog(tuple(log)), {"other": other}, reward_model=logging, tree=logging, least=0.0,
                          n_draws=300, random_state=seed)  # fmt: skip
        for name, found in report.estimates["other"].items():
            held.setdefault(name, []).append(found.low <= truth <= found.high)
            widths.setdefault(name, []).append(found.high - found.low)
            sizes.setdefault(name, []).append(found.effective)
    for name, values in held.items():
        print(f"{name:13} holds the truth {sum(values)} of {n_logs} times; width {np.mean(widths[name]):.3f}, "
              f"effective size {np.mean(sizes[name]):.0f} of {n_decisions}; truth {truth:.3f}")  # fmt: skip


def main():
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--peer", help="the interpreter of an environment with obp")
    asked = parser.parse_args()
    if asked.peer:
        beside_peer(asked.peer)
        return
    errors_of_groups()
    coverage()


if __name__ == "__main__":
    sys.exit(main())
