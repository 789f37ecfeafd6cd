"""From one vector per token to one vector per text."""

from typing import Any

import torch

__all__ = ["POOLINGS", "pool"]

POOLINGS = ("cls", "mean", "last", "pooler")
"""First token, mean of the tokens, last token, or what the encoder's own pooler gives."""


def pool(output: Any, mask: torch.Tensor, how: str) -> torch.Tensor:
    """Return one vector per text.

    Parameters
    ----------
    output : output of a Transformers encoder
        With ``last_hidden_state`` of shape (n_texts, width, d) and, for ``"pooler"``, ``pooler_output``.
    mask : int64 tensor of shape (n_texts, width)
        1 for tokens, 0 for padding at the end.
    how : {"cls", "mean", "last", "pooler"}

    Returns
    -------
    tensor of shape (n_texts, d)
    """
    if how == "pooler":
        return output.pooler_output
    hidden = output.last_hidden_state
    if how == "cls":
        return hidden[:, 0]
    if how == "last":
        last = mask.sum(dim=1) - 1
        return hidden[torch.arange(hidden.shape[0], device=hidden.device), last.clamp(min=0)]
    weights = mask.unsqueeze(-1).to(hidden.dtype)
    return (hidden * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=1)
