import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from arborank.transformer.encoders.batches import TrainingBatches, budget_batches

LENGTHS = st.lists(st.integers(0, 60), min_size=1, max_size=300).map(lambda x: np.array(x, np.int64))


@given(LENGTHS, st.integers(1, 9), st.integers(0, 2))
def test_an_epoch_holds_every_text_once(lengths, size, epoch):
    batches = TrainingBatches(lengths, size, (0, 1))
    first = epoch * batches.per_epoch
    found = [batches[first + i] for i in range(batches.per_epoch)]
    assert sorted(np.concatenate(found).tolist()) == list(range(lengths.size))
    assert max(batch.size for batch in found) <= size


def test_batches_are_a_function_of_seed_and_number():
    lengths = np.random.default_rng(0).integers(1, 50, 200)
    one, other = TrainingBatches(lengths, 8, (3, 1)), TrainingBatches(lengths, 8, (3, 1))
    in_order = [one[i].tolist() for i in range(60)]
    assert [other[i].tolist() for i in reversed(range(60))][::-1] == in_order
    assert in_order[:25] != in_order[25:50]  # another epoch, another order
    assert TrainingBatches(lengths, 8, (4, 1))[0].tolist() != in_order[0]


def test_texts_of_a_batch_are_of_like_length():
    lengths = np.random.default_rng(0).integers(1, 500, 1600)
    batches = TrainingBatches(lengths, 32, (0,))
    spread = [np.ptp(lengths[batches[i]]) for i in range(batches.per_epoch)]
    assert np.mean(spread) < 20


def test_visited_are_the_texts_of_the_first_batches():
    lengths = np.arange(100)
    batches = TrainingBatches(lengths, 10, (0,))
    assert batches.visited(3).tolist() == sorted(np.concatenate([batches[i] for i in range(3)]).tolist())
    assert batches.visited(0).size == 0
    assert batches.visited(12).tolist() == list(range(100))


@given(LENGTHS, st.integers(1, 200))
def test_budget_holds_with_padding(lengths, budget):
    found = list(budget_batches(lengths, budget))
    assert sorted(np.concatenate(found).tolist()) == list(range(lengths.size))
    for batch in found:
        assert batch.size == 1 or batch.size * lengths[batch].max() <= budget or lengths[batch].max() == 0
