"""The small files of the Hugging Face layout: configuration and tokenizer, out and in."""

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
import transformers
from numpy.typing import NDArray

from ...core.types import AnyArray
from ...storage.disk import naming
from .components import check_components, check_tokenizer_file, components_of
from .finding import quiet
from .panics import panics_raise
from .trust import FILES, check_settings, without_code

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

__all__ = ["check_savable", "from_settings", "settings_files", "write_settings"]


def check_savable(module: "PreTrainedModel", tokenizer: "PreTrainedTokenizerBase") -> None:
    """Refuse what Transformers could not make again of its settings.

    Raises
    ------
    TypeError
        If module or tokenizer are of a class that needs code of its own.
    """
    known = transformers.MODEL_MAPPING.get(type(module.config), ())
    if type(module) not in (known if isinstance(known, tuple) else (known,)):
        raise TypeError(
            f"the encoder's module is a {type(module).__name__}, which AutoModel does not make of a "
            f"{type(module.config).__name__}, so it cannot be saved"
        )
    if not type(tokenizer).__module__.startswith("transformers."):
        raise TypeError(
            f"the encoder's tokenizer is a {type(tokenizer).__name__}, a class that Transformers does not have, so it "
            "cannot be saved"
        )


def write_settings(module: "PreTrainedModel", tokenizer: "PreTrainedTokenizerBase", folder: Path) -> None:
    """Write the files of configuration and tokenizer."""
    module.config.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    for path in folder.glob("*config.json"):
        path.write_text(without_code(path.read_text(encoding="utf-8")), encoding="utf-8")


def settings_files(module: "PreTrainedModel", tokenizer: "PreTrainedTokenizerBase") -> dict[str, bytes]:
    """Return those files that an encoder is made again of."""
    with tempfile.TemporaryDirectory() as folder, quiet(), naming(folder):
        write_settings(module, tokenizer, Path(folder))
        names = sorted(FILES.intersection(os.listdir(folder)))
        return {name: Path(folder, name).read_bytes() for name in names}


def from_settings(files: Mapping[str, bytes], weights: Mapping[str, AnyArray]) -> tuple[Any, Any]:
    """Return a module, its weights still random, and a tokenizer.

    Parameters
    ----------
    files : mapping of str to bytes
        What `settings_files` returned, or what a stranger says it did.
    weights : mapping of str to array
        The weights to come; they say how large the module may be.

    Raises
    ------
    ValueError
        If the files are not such files, ask for code, or do not fit the weights.
    """
    for name in files:
        if name not in FILES:
            raise ValueError(f"the encoder has a file {name!r}; known are {', '.join(sorted(FILES))}")
    try:
        for name in ("config.json", "tokenizer_config.json"):
            check_settings(json.loads(files[name]), name)
        if "tokenizer.json" in files:
            check_tokenizer_file(files["tokenizer.json"], "the encoder")
        with tempfile.TemporaryDirectory() as folder, quiet(), naming(folder):
            for name, content in files.items():
                Path(folder, name).write_bytes(content)
            own: dict[str, Any] = {"trust_remote_code": False, "local_files_only": True}
            config = transformers.AutoConfig.from_pretrained(folder, **own)
            with panics_raise("the encoder's tokenizer cannot be read"):
                tokenizer = transformers.AutoTokenizer.from_pretrained(folder, **own)
        check_components(components_of(tokenizer), "the encoder's tokenizer")
        _check_size(config, weights)
        with torch.random.fork_rng(devices=[]):
            return transformers.AutoModel.from_config(config, trust_remote_code=False).eval(), tokenizer
    except (KeyError, ValueError, TypeError):
        raise
    except Exception as error:  # Transformers and tokenizers raise all kinds for what they cannot read
        raise ValueError(f"the encoder's files cannot be read: {error}") from error


def _check_size(config: Any, weights: Mapping[str, NDArray[Any]]) -> None:
    """Refuse a module that is larger than its weights, before it takes memory."""
    layers = getattr(config, "num_hidden_layers", 0)
    if isinstance(layers, int) and layers > len(weights):
        raise ValueError(f"config.json has {layers} layers, but there are {len(weights)} weights")
    with torch.device("meta"):
        shapes = transformers.AutoModel.from_config(config, trust_remote_code=False).state_dict()
    for name, value in weights.items():
        if name in shapes and shapes[name].shape != value.shape:
            raise ValueError(
                f"{name} is of shape {value.shape}, but config.json makes it {tuple(shapes[name].shape)}"
            )
    absent = sum(value.numel() for name, value in shapes.items() if name not in weights)
    if absent > sum(value.size for value in weights.values()):
        raise ValueError("config.json describes an encoder most of whose weights are not there")
