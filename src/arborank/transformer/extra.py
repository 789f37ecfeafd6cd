"""Whether the extras ``transformers`` and ``onnx`` are there."""

from importlib.util import find_spec

__all__ = ["require_onnx", "require_torch"]


def require_torch() -> None:
    """Raise ``ImportError`` with the remedy unless PyTorch and Transformers are installed."""
    _require("transformers", "torch", "transformers")


def require_onnx() -> None:
    """Raise ``ImportError`` with the remedy unless ONNX, its exporter and its runtime are installed."""
    _require("onnx", "onnx", "onnxscript", "onnxruntime")


def _require(extra: str, *names: str) -> None:
    missing = [name for name in names if find_spec(name) is None]
    if missing:
        raise ImportError(
            f"{' and '.join(missing)} cannot be imported; install the extra: pip install 'arborank[{extra}]'"
        )
