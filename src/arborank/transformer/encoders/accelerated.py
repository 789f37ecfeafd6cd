"""Faster ways to an encoder's vectors once it only answers: ``torch.compile``, and ONNX Runtime."""

import os
import tempfile
import warnings
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from ...storage.disk import naming
from ..extra import require_onnx
from .unused import example

if TYPE_CHECKING:
    from .encoder import Encoder

__all__ = ["BACKENDS", "export_onnx", "runner"]

BACKENDS = ("compile", "onnx")
_INPUTS, _OUTPUT = ("input_ids", "attention_mask"), "embeddings"
_IN_ONE_FILE = 1_900_000_000  # bytes of weights; an ONNX file holds 2 GB at most

Run = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


class _Embedding(torch.nn.Module):
    """From token ids to unit embeddings, as one module."""

    def __init__(self, encoder: "Encoder", module: torch.nn.Module) -> None:
        super().__init__()
        self.module, self._how = module, encoder.pooled_by

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        vectors = self._how(self.module, input_ids, attention_mask)
        return torch.nn.functional.normalize(vectors, dim=1)


def export_onnx(encoder: "Encoder", path: str | os.PathLike[str]) -> None:
    """Write an encoder as an ONNX model: ``input_ids`` and ``attention_mask`` in, unit ``embeddings`` out.

    Both inputs are int64 of shape (n_texts, n_tokens), padded at the end; the output is float32 of shape
    (n_texts, d). Weights of more than 1.9 GB lie in a second file beside it, ``<path>.data``.

    Parameters
    ----------
    encoder : Encoder
    path : path
        A new file.

    Raises
    ------
    ImportError
        If the extra ``onnx`` is not installed.
    FileExistsError
        If there is such a file, or one beside it that its weights may lie in.
    """
    require_onnx()
    path = Path(path)
    data = path.with_name(f"{path.name}.data")
    for place in (path, data):
        if os.path.lexists(place):
            raise FileExistsError(f"{place} exists; give a new file for the encoder")
    module = encoder.module if encoder.place.type == "cpu" else deepcopy(encoder.module).cpu()
    ids, mask = example(torch.device("cpu"))
    any_size = dict.fromkeys((0, 1), torch.export.Dim.DYNAMIC)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # of the exporter, about its own future
        program: Any = torch.onnx.export(
            _Embedding(encoder, module.eval()),
            (ids, mask),
            input_names=list(_INPUTS),
            output_names=[_OUTPUT],
            dynamic_shapes=dict.fromkeys(_INPUTS, any_size),
            dynamo=True,
            verbose=False,
        )
        try:
            with naming(path):
                program.save(path, external_data=4 * encoder.n_parameters > _IN_ONE_FILE)
        except BaseException:
            for place in (path, data):
                place.unlink(missing_ok=True)
            raise


def runner(encoder: "Encoder", how: str, n_threads: int) -> Run:
    """Return what computes an encoder's vectors from ids and mask, made ready by one call.

    Raises
    ------
    ImportError
        If it is ``"onnx"`` and that extra is not installed.
    ValueError
        If ``how`` is unknown.
    RuntimeError
        If the encoder cannot be compiled here, for want of a C++ compiler for example.
    """
    if how not in BACKENDS:
        raise ValueError(f"backend is {how!r}; expected one of {', '.join(BACKENDS)}")
    if how == "onnx":
        return _through_onnx(encoder, n_threads)
    encoder.module.eval()
    run: Run = torch.compile(encoder.pooled, dynamic=True)
    try:
        with torch.inference_mode():
            run(*example(encoder.place))
    except Exception as error:  # whatever the compiler and its tools raise
        raise RuntimeError(f"torch.compile cannot compile this encoder here: {error}") from error
    return run


def _through_onnx(encoder: "Encoder", n_threads: int) -> Run:
    require_onnx()
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = n_threads  # 0 for every core
    with tempfile.TemporaryDirectory(prefix="arborank-") as folder:
        place = Path(folder, "encoder.onnx")
        export_onnx(encoder, place)
        session = onnxruntime.InferenceSession(place, options, providers=["CPUExecutionProvider"])

    def run(ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        given = dict(zip(_INPUTS, (ids.cpu().numpy(), mask.cpu().numpy()), strict=True))
        return torch.from_numpy(session.run([_OUTPUT], given)[0])

    return run
