"""Every rule against a search through all answers, on problems small enough for one."""

import itertools

import numpy as np
import pytest
import scipy.sparse as sp

from arborank.core.errors import ArgumentError
from arborank.decisions import (
    RULES,
    Abstain,
    BatchTopK,
    ExpectedF1,
    FixedK,
    LabelThresholds,
    PrecisionFloor,
    Threshold,
    WeightedTopK,
    as_rule,
)
from arborank.decisions.expected_f1 import expected_f1
from arborank.metrics import macro_f1, micro_f1


@pytest.fixture
def lists():
    """Probabilities of 60 rows and 12 labels, the truth drawn from them, and some labels that no list has."""
    generator = np.random.default_rng(5)
    chances = generator.beta(0.4, 1.6, (60, 12)).astype(np.float32)
    truth = generator.random(chances.shape) < chances
    truth[np.arange(60), chances.argmax(axis=1)] |= ~truth.any(axis=1)
    listed = generator.random(chances.shape) < 0.8
    listed[:, 0] = True
    return sp.csr_array(np.where(listed, np.maximum(chances, 1e-6), 0)), truth.astype(np.float32)


def dense(rule, chances):
    """Return the decisions as a boolean array; every chosen label has its probability as value."""
    chosen = rule.decide(chances)
    given = sp.csr_array(chances)
    assert chosen.shape == given.shape
    assert np.all(chosen.data == given.toarray()[chosen.toarray() > 0])
    return chosen.toarray() > 0


def test_fixed_k_is_the_best_of_all(lists):
    chances, truth = lists
    values = [micro_f1(truth, FixedK(k).decide(chances)) for k in range(1, 13)]
    assert FixedK().fit(chances, truth) == FixedK(int(np.argmax(values)) + 1)
    assert (dense(FixedK(3), chances).sum(axis=1) == 3).all()


def test_fixed_k_takes_scores_of_any_kind():
    assert FixedK(1).decide([[-2.0, -1.0], [5.0, 3.0]]).indices.tolist() == [1, 0]


@pytest.mark.parametrize("options", [{}, {"at_least": 1}, {"at_most": 2}, {"at_least": 1, "at_most": 3}])
def test_threshold_is_the_best_of_all(lists, options):
    chances, truth = lists
    tuned = Threshold(**options).fit(chances, truth)
    values = [micro_f1(truth, Threshold(float(t), **options).decide(chances)) for t in chances.data]
    assert micro_f1(truth, tuned.decide(chances)) == pytest.approx(max(values))
    sizes = dense(Threshold(0.3, **options), chances).sum(axis=1)
    assert sizes.min() >= options.get("at_least", 0)
    assert sizes.max() <= options.get("at_most", 12)


def test_entries_with_the_same_probability_are_chosen_together():
    tuned = Threshold().fit([[0.5, 0.5, 0.5, 0.9]], [[3]])
    assert tuned.threshold == pytest.approx(0.9)
    assert Threshold().fit([[0.5, 0.5, 0.5, 0.2]], [[0, 1]]).threshold == pytest.approx(0.5)


@pytest.mark.parametrize("floor", [0.5, 0.7, 0.9])
def test_precision_floor_chooses_as_much_as_it_may(lists, floor):
    chances, truth = lists
    kept = dense(PrecisionFloor(floor).fit(chances, truth), chances)
    assert truth[kept].mean() >= floor
    sizes = [above.sum() for t in chances.data if truth[above := (chances.toarray() >= t)].mean() >= floor]
    assert kept.sum() == max(sizes)


def test_a_precision_that_no_threshold_has():
    with pytest.warns(UserWarning, match="no threshold has precision 0.9; the best, 0.50, is that of 0.300"):
        rule = PrecisionFloor(0.9).fit([[0.6, 0.3]], [[1]])
    assert rule.threshold == pytest.approx(0.3)


def by_all_outcomes(chances):
    """Expected F1 of the first 1, 2, ... labels, over all 2^n truths."""
    values = np.zeros(len(chances))
    for truth in itertools.product([0, 1], repeat=len(chances)):
        share = np.prod([p if y else 1 - p for p, y in zip(chances, truth, strict=True)])
        for k in range(1, len(chances) + 1):
            values[k - 1] += share * 2 * sum(truth[:k]) / (k + sum(truth))
    return values


def test_expected_f1_is_that_of_all_outcomes():
    chances = -np.sort(-np.random.default_rng(1).random((5, 6)), axis=1)
    found = expected_f1(chances, np.zeros(5))
    assert found == pytest.approx(np.array([by_all_outcomes(row) for row in chances]))


@pytest.mark.parametrize("exact", [True, False])
def test_expected_f1_chooses_the_best_number(lists, exact):
    chances, _ = lists
    kept = dense(ExpectedF1(exact=exact), chances)
    for row, chosen in zip(chances.toarray(), kept, strict=True):
        ordered = -np.sort(-row)
        values = 2 * np.cumsum(ordered) / (np.arange(1, 13) + ordered.sum())
        if exact:
            values = expected_f1(ordered[None].astype(np.float64), np.zeros(1))[0]
        assert chosen.sum() == np.argmax(values) + 1
        assert set(row[chosen]) == set(ordered[: chosen.sum()])
    assert dense(ExpectedF1(at_most=1), chances).sum(axis=1).max() == 1


def test_expected_f1_of_lists_longer_than_it_looks_at():
    long = np.full((1, 100), 0.9, np.float32)
    assert dense(ExpectedF1(), long).sum() == 40
    assert dense(ExpectedF1(exact=False), long).sum() == 40


def test_thresholds_of_labels_are_the_best_of_each(lists):
    chances, truth = lists
    rule = LabelThresholds(shrinkage=0.0).fit(chances, truth)
    kept, table = dense(rule, chances), chances.toarray()
    for label in range(12):
        listed = table[:, label]
        cuts = [listed >= t for t in listed[listed > 0]]
        best = max(2 * truth[cut, label].sum() / (cut.sum() + truth[:, label].sum()) for cut in cuts)
        found = 2 * truth[kept[:, label], label].sum() / (kept[:, label].sum() + truth[:, label].sum())
        assert found == pytest.approx(best)


def test_thresholds_of_rare_labels_are_drawn_to_the_shared_one(lists):
    chances, truth = lists
    truth[:, 4] = 0
    shared = Threshold().fit(chances, truth).threshold
    rule = LabelThresholds(shrinkage=1e9).fit(chances, truth)
    assert rule.thresholds == pytest.approx(np.full(12, shared))
    assert LabelThresholds(shrinkage=0.0).fit(chances, truth).thresholds[4] == pytest.approx(shared)


def test_abstain_answers_with_a_precision(lists):
    chances, truth = lists
    rule = Abstain(precision=0.7, then=FixedK(2)).fit(chances, truth)
    best = chances.toarray().argmax(axis=1)
    answered = ~rule.abstains(chances)
    assert truth[np.flatnonzero(answered), best[answered]].mean() >= 0.7
    assert 0 < answered.sum() < 60
    assert (dense(rule, chances).sum(axis=1) == 2 * answered).all()
    assert rule.then == FixedK(2)


def test_weights_choose_the_largest_sums(lists):
    chances, _ = lists
    generator = np.random.default_rng(2)
    slopes, offsets = generator.random(12), generator.normal(size=12)
    kept = dense(WeightedTopK(k=3, slopes=slopes, offsets=offsets), chances)
    for row, chosen in zip(chances.toarray(), kept, strict=True):
        values = np.where(row > 0, row * slopes + offsets, -np.inf)
        assert set(np.flatnonzero(chosen)) == set(np.argsort(-values)[:3])


def test_slopes_for_recall_and_propensity(lists):
    chances, truth = lists
    counts = np.arange(1, 13) * 10
    recall = WeightedTopK("macro-recall").fit(chances, truth, label_counts=counts, n_instances=1000)
    assert recall.slopes * (counts + 1) == pytest.approx(np.full(12, recall.slopes[0] * 11), rel=1e-5)
    tail = WeightedTopK("propensity").fit(chances, truth, label_counts=counts, n_instances=1000)
    assert (np.diff(tail.slopes) < 0).all()
    assert tail.slopes[0] / tail.slopes[-1] < recall.slopes[0] / recall.slopes[-1]
    none = WeightedTopK("macro-recall", weight=0.0).fit(chances, truth)
    assert (dense(none, chances) == dense(FixedK(5), chances)).all()


def coverage_of(chances, kept):
    """Expected number of labels right at least once."""
    return (1 - np.prod(np.where(kept, 1 - chances.toarray(), 1), axis=0)).sum()


def plug_in_f1(chances, kept):
    p = chances.toarray()
    return np.mean(2 * (p * kept).sum(axis=0) / np.maximum(kept.sum(axis=0) + p.sum(axis=0), 1e-9))


@pytest.mark.parametrize(("utility", "value"), [("coverage", coverage_of), ("macro-f1", plug_in_f1)])
def test_a_batch_is_nearly_the_best_of_all_answers(utility, value):
    generator = np.random.default_rng(3)
    chances = sp.csr_array(generator.beta(0.5, 1, (4, 4)).astype(np.float32))
    answers = [[column in pair for column in range(4)] for pair in itertools.combinations(range(4), 2)]
    best = max(value(chances, np.array(kept)) for kept in itertools.product(answers, repeat=4))
    found = value(chances, dense(BatchTopK(utility, k=2, weight=1.0), chances))
    assert found >= value(chances, dense(FixedK(2), chances)) - 1e-9
    assert found == pytest.approx(best, rel=0.03)


@pytest.mark.parametrize(("utility", "value"), [("coverage", coverage_of), ("macro-f1", plug_in_f1)])
def test_weights_are_better_than_none_on_their_rows(lists, utility, value):
    chances, truth = lists
    rule = WeightedTopK(utility, k=2).fit(chances, truth)
    assert value(chances, dense(rule, chances)) > value(chances, dense(FixedK(2), chances))
    if utility == "macro-f1":
        assert macro_f1(truth, rule.decide(chances)) > macro_f1(truth, FixedK(2).decide(chances))


def test_a_row_alone_gets_its_most_probable_labels(lists):
    chances, _ = lists
    rule = BatchTopK("coverage", k=3, weight=1.0)
    for row in range(5):
        assert (dense(rule, chances[[row]]) == dense(FixedK(3), chances[[row]])).all()


@pytest.mark.parametrize(
    "rule", [BatchTopK(k=2, precision_loss=0.02), WeightedTopK(k=2, precision_loss=0.02)]
)
def test_precision_falls_as_far_as_it_may(lists, rule):
    chances, truth = lists
    known = {"label_counts": 4 ** np.arange(12), "n_instances": 4**12}
    hits = (truth * dense(FixedK(2), chances)).sum()
    tuned = rule.fit(chances, truth, **known)
    assert (truth * dense(tuned, chances)).sum() >= hits - 0.02 * 2 * 60
    assert 0 < tuned.weight < 1
    assert (dense(tuned, chances) != dense(FixedK(2), chances)).any()


@pytest.mark.parametrize("name", RULES)
def test_rules_by_name(lists, name):
    chances, truth = lists
    rule = as_rule(name)
    assert rule.name == name
    tuned = rule.fit(chances, truth)
    assert tuned.is_tuned
    assert type(tuned) is type(rule)
    kept = dense(tuned, chances)
    again = type(tuned).from_state(tuned.to_state())
    assert (dense(again, chances) == kept).all()
    assert tuned.fit(chances[:30], truth[:30]).decide(chances).nnz == kept.sum()  # what is tuned stays
    if not rule.is_tuned:
        with pytest.raises(ValueError, match=f"the rule '{name}' has to be tuned first"):
            rule.decide(chances)


@pytest.mark.parametrize("name", RULES)
def test_rows_without_candidates_get_no_label(lists, name):
    chances, truth = lists
    rule = as_rule(name).fit(chances, truth)
    assert rule.decide(sp.csr_array((3, 12), dtype=np.float32)).nnz == 0
    assert rule.decide(sp.csr_array((0, 12), dtype=np.float32)).shape == (0, 12)


def test_values_behind_a_name():
    assert as_rule("fixed-k=3") == FixedK(3)
    assert as_rule("threshold=0.4") == Threshold(0.4)
    assert as_rule("precision=1") == PrecisionFloor(1.0)
    assert as_rule("abstain=0.5") == Abstain(0.5)
    assert as_rule("coverage=3") == BatchTopK("coverage", k=3)
    assert as_rule("per-label=5").shrinkage == 5
    rule = Threshold(0.2)
    assert as_rule(rule) is rule


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("treshold", r"must be one of 'fixed-k', .*, found 'treshold'; did you mean 'threshold'"),
        ("zebra", "found 'zebra'$"),
        ("fixed-k=two", "decide is 'fixed-k=two', but 'two' is no number"),
        ("fixed-k=0", "decide is 'fixed-k=0', but k must be at least 1, found 0"),
        ("fixed-k=2.5", r"decide is 'fixed-k=2\.5', but k must be an integer"),
        ("threshold=1.5", "threshold must be at most 1, found 1.5"),
        ("threshold=-0.1", "threshold must be at least 0, found -0.1"),
        ("precision=0", "precision must be above 0, found 0"),
        ("expected-f1=2", "'expected-f1' takes no value"),
    ],
)
def test_names_that_are_none(given, message):
    with pytest.raises(ValueError, match=message):
        as_rule(given)


def test_what_is_no_rule():
    with pytest.raises(TypeError, match="decide must be a rule or its name, found 3"):
        as_rule(3)
    with pytest.raises(TypeError, match="then must be a rule"):
        Abstain(0.5, then="threshold")
    with pytest.raises(TypeError, match=r"k must be an integer, found 2\.5"):
        FixedK(2.5)
    with pytest.raises(ValueError, match="at_least must be at most at_most=1, found 5"):
        Threshold(at_least=5, at_most=1)
    with pytest.raises(ValueError, match="slopes and offsets must be given together"):
        WeightedTopK(slopes=np.ones(2))
    with pytest.raises(TypeError, match="thresholds must be a vector of floats"):
        LabelThresholds(thresholds=[0.5, 0.5])


def test_bad_probabilities_and_labels(lists):
    chances, truth = lists
    with pytest.raises(ArgumentError, match=r"probabilities must lie between 0 and 1, found 1\.5; calibrate"):
        Threshold(0.5).decide([[1.5, 0.2]])
    with pytest.raises(ValueError, match="Y has no label in any row"):
        Threshold().fit(chances, np.zeros(truth.shape))
    with pytest.raises(ValueError, match="Y has 59 rows"):
        Threshold().fit(chances, truth[1:])
    with pytest.raises(ValueError, match="Y has 2 rows, but probabilities have 60"):
        Threshold().fit(chances, [[1], [2]])
    with pytest.raises(ValueError, match="label_counts and n_instances"):
        WeightedTopK().fit(chances, truth, label_counts=np.ones(12))
    with pytest.raises(ValueError, match="label_counts must have 12 entries"):
        WeightedTopK().fit(chances, truth, label_counts=np.ones(3), n_instances=9)
    tuned = LabelThresholds().fit(chances, truth)
    with pytest.raises(ValueError, match=r"thresholds has 12 entries, but there are 3 labels"):
        tuned.decide([[0.1, 0.2, 0.3]])


@pytest.mark.filterwarnings("ignore:no threshold has precision")
def test_labels_without_positives(lists):
    chances, truth = lists
    truth[:, 3:] = 0
    for name in RULES:
        tuned = as_rule(name).fit(chances, truth)
        assert np.isfinite(tuned.decide(chances).data).all()
