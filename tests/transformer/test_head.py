"""The head's lazy Adam against PyTorch's own."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from arborank.transformer.tuning.head import LevelHead, scores  # noqa: E402


def test_rows_move_as_with_sparse_adam():
    rng = np.random.default_rng(0)
    start = rng.normal(size=(10, 5)).astype(np.float32)
    head = LevelHead(start, torch.device("cpu"))
    table = torch.nn.Embedding.from_pretrained(torch.tensor(start), freeze=False, sparse=True)
    optimizer = torch.optim.SparseAdam(table.parameters(), lr=0.1)
    for _ in range(6):
        nodes = np.sort(rng.choice(10, 4, replace=False))
        factor = torch.tensor(rng.normal(size=(4, 5)).astype(np.float32))
        rows = head.rows(nodes, torch.device("cpu"))
        (rows * rows * factor).sum().backward()
        head.step([(nodes, rows.grad)], 0.1)
        optimizer.zero_grad()
        other = table(torch.tensor(nodes))
        (other * other * factor).sum().backward()
        optimizer.step()
    np.testing.assert_allclose(head.vectors.numpy(), table.weight.detach().numpy(), atol=1e-5)


def test_parts_of_a_batch_add_up():
    heads = [LevelHead(np.zeros((6, 3), np.float32), torch.device("cpu")) for _ in range(2)]
    one, other = np.array([0, 2, 5]), np.array([2, 3])
    first, second = torch.full((3, 3), 1.0), torch.full((2, 3), -3.0)
    heads[0].step([(one, first), (other, second)], 0.1)
    together = torch.zeros(6, 3).index_add_(0, torch.tensor([0, 2, 5, 2, 3]), torch.cat([first, second]))
    union = np.array([0, 2, 3, 5])
    heads[1].step([(union, together[union])], 0.1)
    np.testing.assert_array_equal(heads[0].vectors.numpy(), heads[1].vectors.numpy())
    assert not heads[0].vectors[[1, 4]].any()


def test_training_a_copy_leaves_the_head():
    head = LevelHead(np.ones((3, 2), np.float32), torch.device("cpu"))
    for nodes in (None, np.array([0, 1, 2])):
        rows = head.rows(nodes, torch.device("cpu"))
        with torch.no_grad():
            rows += 1
        assert (head.vectors == 1).all()


def test_scores_are_products_plus_bias():
    rows = torch.tensor([[1.0, 2.0, 0.5], [0.0, 1.0, -1.0]])
    assert scores(torch.tensor([[3.0, 4.0]]), rows).tolist() == [[11.5, 3.0]]
