"""Weights that an encoder has, but that its vectors do not come from: a pooler, most often."""

from collections.abc import Callable, Iterable
from typing import Any

import torch

__all__ = ["Absent", "example", "leave_out", "used_weights"]

Vectors = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


class Absent(torch.nn.Module):
    """Stands where a part was left out, and gives back what it is given."""

    def forward(self, *inputs: Any, **options: Any) -> Any:
        """Return the first input."""
        return inputs[0] if inputs else None


def example(place: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """Return ids and mask with padding; two tensors, since the ONNX exporter takes one given twice for one input."""
    ids = torch.ones(2, 8, dtype=torch.int64, device=place)
    mask = ids.clone()
    mask[0, -1] = 0
    return ids, mask


def used_weights(module: torch.nn.Module, vectors: Vectors) -> set[str]:
    """Return the names of the weights that an encoder's vectors come from.

    Parameters
    ----------
    module : torch.nn.Module
    vectors : callable
        Gives the module's vectors of ids and mask, both int64 of shape (n_texts, width).
    """
    weights = list(module.named_parameters(remove_duplicate=False))
    training, learned = module.training, [weight.requires_grad for _, weight in weights]
    module.eval()
    for _, weight in weights:
        weight.requires_grad_()
    try:
        with torch.enable_grad():
            found = _leaves(vectors(*example(weights[0][1].device)))
    finally:
        module.train(training)
        for (_, weight), flag in zip(weights, learned, strict=True):
            weight.requires_grad_(flag)
    return {name for name, weight in weights if id(weight) in found}


def _leaves(result: torch.Tensor) -> set[int]:
    """Return the identities of the tensors that a result was computed from, without computing a gradient."""
    found, seen, ahead = set(), set(), [result.grad_fn]
    while ahead:
        node = ahead.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if hasattr(node, "variable"):
            found.add(id(node.variable))
        ahead.extend(following for following, _ in node.next_functions)
    return found


def leave_out(module: torch.nn.Module, vectors: Vectors, missing: Iterable[str]) -> list[str]:
    """Leave out the parts of an encoder that lack weights but that its vectors do not come from.

    Parameters
    ----------
    module : torch.nn.Module
        Changed in place.
    vectors : callable
        As for `used_weights`.
    missing : iterable of str
        Names of the weights that were not found; the module has random ones.

    Returns
    -------
    list of str
        Those of ``missing`` that matter.
    """
    missing = sorted(missing)
    if not missing:
        return []
    used, lacking = used_weights(module, vectors), []
    for name in missing:
        part = _part(name, used)
        if part is None:
            lacking.append(name)
        else:
            module.set_submodule(part, Absent())
    return lacking


def _part(name: str, used: set[str]) -> str | None:
    """Return the outermost part that has a weight and none that is used."""
    steps = name.split(".")
    parts = (".".join(steps[:depth]) for depth in range(1, len(steps)))
    return next((part for part in parts if not any(one.startswith(f"{part}.") for one in used)), None)
