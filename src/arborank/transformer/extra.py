"""Whether the extra ``transformers`` is there."""

from importlib.util import find_spec

__all__ = ["require_torch"]


def require_torch() -> None:
    """Raise ``ImportError`` with the remedy unless PyTorch and Transformers are installed."""
    missing = [name for name in ("torch", "transformers") if find_spec(name) is None]
    if missing:
        raise ImportError(
            f"{' and '.join(missing)} cannot be imported; install the extra: pip install 'arborank[transformers]'"
        )
