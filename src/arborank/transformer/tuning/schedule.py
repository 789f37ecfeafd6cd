"""The learning rate over the steps of a training."""

__all__ = ["share_of_rate"]


def share_of_rate(step: int, n_steps: int, warmup: float) -> float:
    """Return the share of the learning rate at a step: linearly up over the first ones, then linearly down to 0.

    Parameters
    ----------
    step : int
        Counted from 0.
    n_steps : int
    warmup : float
        Share of the steps in which it rises.
    """
    rising = warmup * n_steps
    if step + 1 <= rising:
        return (step + 1) / rising
    return (n_steps - step) / max(n_steps - rising, 1)
