"""Where an encoder computes: what "auto" chooses on machines of all kinds, and what is refused."""

import pytest

torch = pytest.importorskip("torch")

from arborank.transformer.encoders.device import choose_device, limited_threads  # noqa: E402

CPU = torch.device("cpu")


def machine(monkeypatch, accelerator, n_devices=1, bfloat16=True):
    """Stand in for a machine; return the numbers of the CUDA devices that became current."""
    current = []
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: accelerator is not None)
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda: torch.device(accelerator))
    monkeypatch.setattr(torch.cuda, "device_count", lambda: n_devices)
    monkeypatch.setattr(torch.cuda, "set_device", current.append)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: bfloat16)
    for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"):
        monkeypatch.setattr(torch.cpu, name, lambda: bfloat16, raising=False)
    return current


@pytest.mark.parametrize(
    ("accelerator", "bfloat16", "place", "precision"),
    [
        (None, True, "cpu", torch.bfloat16),
        (None, False, "cpu", torch.float32),
        ("cuda", True, "cuda:0", torch.bfloat16),
        ("cuda", False, "cuda:0", torch.float32),
        ("mps", True, "mps", torch.float32),
    ],
)
def test_auto(monkeypatch, accelerator, bfloat16, place, precision):
    monkeypatch.delenv("LOCAL_RANK", raising=False)
    machine(monkeypatch, accelerator, bfloat16=bfloat16)
    chosen = choose_device("auto", "auto")
    assert (chosen.place, chosen.precision) == (torch.device(place), precision)


@pytest.mark.parametrize(("rank", "number"), [("0", 0), ("1", 1), ("3", 1)])
def test_each_process_takes_a_device_of_its_own(monkeypatch, rank, number):
    monkeypatch.setenv("LOCAL_RANK", rank)
    current = machine(monkeypatch, "cuda", n_devices=2)
    assert choose_device("auto", "float16").place == torch.device("cuda", number)
    assert current == [number]


def test_the_processor_of_old_versions_of_torch(monkeypatch):
    machine(monkeypatch, None)
    for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"):
        monkeypatch.delattr(torch.cpu, name, raising=False)
    assert choose_device("cpu", "auto").precision is torch.float32


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_products_are_computed_as_asked(precision):
    device = choose_device("cpu", precision)
    with device.autocast():
        product = torch.ones(2, 2) @ torch.ones(2, 2)
    assert product.dtype is getattr(torch, precision)


@pytest.mark.parametrize(
    ("device", "precision", "message"),
    [
        ("cpu", "double", "precision is 'double'; expected one of auto, float32, bfloat16, float16"),
        ("abacus", "auto", "device is 'abacus', which cannot be used here: "),
        (None, "auto", "device is None, which cannot be used here: "),
        ("auto", "float16", "'float16' needs an accelerator"),
    ],
)
def test_refused(monkeypatch, device, precision, message):
    machine(monkeypatch, None)
    with pytest.raises(ValueError, match=message):
        choose_device(device, precision)


def test_threads_are_limited_for_a_while():
    before = torch.get_num_threads()
    with limited_threads(1):
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == before
    with limited_threads(0):
        assert torch.get_num_threads() == before
    with pytest.raises(RuntimeError, match="stop"), limited_threads(1):
        raise RuntimeError("stop")
    assert torch.get_num_threads() == before
