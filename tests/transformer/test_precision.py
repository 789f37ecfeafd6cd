"""Steps in narrow precisions; float16 with a scaled loss, here on a CPU, where it is refused to users."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from arborank.core.sparse import as_csr  # noqa: E402
from arborank.transformer import Encoder  # noqa: E402
from arborank.transformer.encoders.device import Device, choose_device  # noqa: E402
from arborank.transformer.tuning.candidates import Candidates  # noqa: E402
from arborank.transformer.tuning.corpus import Corpus  # noqa: E402
from arborank.transformer.tuning.head import LevelHead, random_vectors  # noqa: E402
from arborank.transformer.tuning.settings import TuningSettings  # noqa: E402
from arborank.transformer.tuning.team import Team  # noqa: E402
from arborank.transformer.tuning.trainer import LevelTrainer  # noqa: E402

CPU = torch.device("cpu")


def trainer(folder, data, precision):
    texts, Y = data[0][:64], data[1][:64]
    encoder = Encoder.load(folder)
    indicator = np.zeros((64, 32), np.float32)
    for row, labels in enumerate(Y):
        indicator[row, labels] = 1
    head = LevelHead(random_vectors(32, encoder.width, (0,)), CPU)
    settings = TuningSettings(batch_size=16, head_learning_rate=2e-2, learning_rate=1e-3)
    candidates = Candidates(np.array([0, 32]), as_csr(indicator))
    corpus = Corpus(encoder, encoder.cache(texts), Device(CPU, precision), Team(), shown=False)
    return (
        LevelTrainer(corpus, head, candidates, np.arange(64), 24, settings, (0,)),
        encoder,
        head,
    )


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16, torch.float16])
def test_the_loss_falls(folder, data, precision):
    steps, encoder, head = trainer(folder, data, precision)
    losses = [float(steps.step(i)) for i in range(24)]
    assert np.mean(losses[-4:]) < 0.8 * np.mean(losses[:4])
    assert all(np.isfinite(value).all() for value in encoder.weights().values())
    assert torch.isfinite(head.vectors).all()


def test_a_step_that_overflows_changes_nothing_but_the_scale(folder, data, monkeypatch):
    steps, encoder, head = trainer(folder, data, torch.float16)
    weights = {name: value.copy() for name, value in encoder.weights().items()}
    before, scale = head.vectors.clone(), steps._scaler.get_scale()
    plain = encoder.pooled_by
    monkeypatch.setattr(encoder, "pooled_by", lambda *given: plain(*given) * 1e38)
    steps.step(0)
    assert steps._scaler.get_scale() < scale
    assert torch.equal(head.vectors, before)
    assert all(np.array_equal(weights[name], value) for name, value in encoder.weights().items())
    monkeypatch.undo()
    for number in range(1, 4):
        steps.step(number)
    assert not torch.equal(head.vectors, before)


def test_float16_is_for_accelerators():
    with pytest.raises(ValueError, match="'float16' needs an accelerator"):
        choose_device("cpu", "float16")
