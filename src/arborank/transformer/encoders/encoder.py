"""A text encoder: tokenizer, transformer and pooling in one savable object."""

import copy
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

try:
    import torch
    import transformers
    from safetensors import SafetensorError
except ImportError as error:  # a saved model is opened where the extra is not installed
    raise ImportError(f"{error}; install the extra: pip install 'arborank[transformers]'") from error

from ...core.checks import check_integer
from ...core.state import State
from ...core.types import AnyArray, FilePath
from ...storage import SaveMixin
from ...storage.disk import naming
from .accelerated import Run, runner
from .batches import budget_batches
from .components import check_components, components_of
from .device import Device
from .finding import look_up, quiet
from .layout import check_savable, from_settings, settings_files, write_settings
from .panics import call_on_texts, panics_raise
from .pooling import POOLINGS, pool
from .tokens import TokenCache, readable
from .unused import Absent, leave_out, used_weights

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["Encoder"]

_LONGEST = 128  # tokens per text by default, as in the papers
_TOKEN_BUDGET = 16_384  # tokens of a batch, padding included, when only encoding


class Encoder(SaveMixin):
    """A transformer of the Hugging Face kind that turns a text into one vector.

    Parameters
    ----------
    module : transformers.PreTrainedModel
        Anything whose output has ``last_hidden_state``. Its weights are kept in float32.
    tokenizer : transformers.PreTrainedTokenizerBase
    pooling : {"mean", "cls", "last", "pooler"}, default="mean"
        From one vector per token to one per text: the mean, the first, the last, or the encoder's own pooler.
    max_length : int, optional
        Tokens read per text; by default 128, or fewer where the encoder reads fewer.

    Raises
    ------
    ValueError
        If the module has both encoder and decoder, ``pooling`` is unknown or asks for a pooler that there is not, or
        ``max_length`` is more than the encoder reads.
    """

    def __init__(
        self,
        module: transformers.PreTrainedModel,
        tokenizer: transformers.PreTrainedTokenizerBase,
        *,
        pooling: str = "mean",
        max_length: int | None = None,
    ) -> None:
        config = module.config
        if pooling not in POOLINGS:
            raise ValueError(f"pooling is {pooling!r}; expected one of {', '.join(POOLINGS)}")
        if config.is_encoder_decoder:
            raise ValueError(
                f"{type(module).__name__} is an encoder with a decoder; an encoder alone, or a decoder, is expected"
            )
        if pooling == "pooler" and isinstance(getattr(module, "pooler", None), Absent | None):
            raise ValueError(
                f"pooling is 'pooler', but this encoder ({type(module).__name__}) has no pooler; "
                "take 'cls', 'mean' or 'last'"
            )
        limit = _limit(config, tokenizer)
        self.max_length = (
            min(_LONGEST, limit) if max_length is None else check_integer("max_length", max_length, 3)
        )
        if self.max_length > limit:
            raise ValueError(f"max_length is {max_length}, but this encoder reads at most {limit} tokens")
        self.module: Any = module.float()
        self.tokenizer = tokenizer
        self.pooling = pooling
        self.config = config
        self._runner: Run | None = None

    @classmethod
    def load(cls, name: FilePath, *, pooling: str | None = None, max_length: int | None = None) -> Self:
        """Load an encoder in the layout of Transformers or of sentence-transformers.

        Parameters
        ----------
        name : path or str
            A folder, or a name on the Hugging Face hub or in its cache. Weights are read from safetensors files only,
            and a model that comes with code of its own is refused.
        pooling : str, optional
            By default what a sentence-transformers model asks for, else ``"mean"``.
        max_length : int, optional
            Tokens read per text.

        Raises
        ------
        FileNotFoundError
            If there is no such encoder; the message lists the places.
        ValueError
            If it cannot be used, or lacks weights that ``pooling`` needs. Parts that lack weights and that are not
            needed, such as the pooler of an encoder that was trained without, are left out.
        """
        with quiet():
            source = look_up(name)
            how = pooling or source.pooling or "mean"
            where: dict[str, Any] = {"subfolder": source.subfolder, "trust_remote_code": False}
            try:
                with torch.random.fork_rng(devices=[]):  # what is missing is drawn
                    module, found = transformers.AutoModel.from_pretrained(
                        source.name,
                        config=source.config,
                        dtype=torch.float32,
                        output_loading_info=True,
                        use_safetensors=True,
                        **where,
                    )
                with panics_raise("its tokenizer cannot be read"):
                    tokenizer = transformers.AutoTokenizer.from_pretrained(source.name, **where)
            except (OSError, ValueError, SafetensorError) as error:
                raise ValueError(f"encoder {source.name!r} cannot be loaded: {error}") from error
        check_components(components_of(tokenizer), f"encoder {source.name!r}: its tokenizer")
        if len(tokenizer) <= len(set(tokenizer.all_special_ids)):  # Transformers makes one of its own then
            raise ValueError(f"encoder {source.name!r} comes without a tokenizer's vocabulary")
        if how == "pooler" and any(key.startswith("pooler.") for key in found["missing_keys"]):
            raise ValueError(
                f"pooling is 'pooler', but encoder {source.name!r} comes without a pooler's weights; "
                "take 'cls', 'mean' or 'last'"
            )
        if max_length is None and source.max_length is not None:
            max_length = min(source.max_length, _LONGEST)
        encoder = cls(module, tokenizer, pooling=how, max_length=max_length)
        lacking = leave_out(module, encoder.pooled, found["missing_keys"])
        if lacking:
            raise ValueError(f"encoder {source.name!r} lacks weights, first {lacking[0]!r}")
        return encoder

    @property
    def width(self) -> int:
        """Size of a text's vector."""
        return int(self.config.hidden_size)

    @property
    def pad(self) -> int:
        """Token id that fills up batches."""
        return int(self.tokenizer.pad_token_id or 0)

    @property
    def n_parameters(self) -> int:
        """Number of weights."""
        return sum(weight.numel() for weight in self.module.parameters())

    @property
    def place(self) -> torch.device:
        """Device that the weights are on."""
        return next(self.module.parameters()).device

    def tokenize(self, texts: list[str]) -> tuple[list[list[int]], int]:
        """Return the ids of every text, special tokens included, and how many texts were cut to ``max_length``.

        Lone surrogates, which are not characters, are read as question marks.

        Raises
        ------
        ValueError
            If the tokenizer gives up on a text, as when a regular expression of it takes too long.
        """
        found = call_on_texts(self._tokenize, list(map(readable, texts)), type(self.tokenizer).__name__)
        if not found.is_fast:
            return found["input_ids"], sum(len(row) == self.max_length for row in found["input_ids"])
        return found["input_ids"], sum(bool(one.overflowing) for one in found.encodings)

    def _tokenize(self, texts: list[str]) -> Any:
        options = {"return_attention_mask": False, "return_token_type_ids": False}
        return self.tokenizer(texts, truncation=True, max_length=self.max_length, **options)

    def cache(
        self,
        texts: Sequence[str],
        path: Path | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> TokenCache:
        """Tokenise texts into a file, or into memory without a ``path``."""
        table = self.module.get_input_embeddings()
        n_embeddings = int(getattr(table, "num_embeddings", self.config.vocab_size))
        if not 0 <= self.pad < n_embeddings:
            raise ValueError(
                f"the tokenizer pads with id {self.pad}, but the encoder knows {n_embeddings} ids"
            )
        return TokenCache.build(texts, self.tokenize, vocabulary=n_embeddings, path=path, progress=progress)

    def pooled(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Return one vector per text, not normalised.

        Parameters
        ----------
        ids, mask : int64 tensors of shape (n_texts, width)

        Returns
        -------
        tensor of shape (n_texts, d), float32
        """
        return self.pooled_by(self.module, ids, mask)

    def pooled_by(self, module: "PreTrainedModel", ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Return what `pooled` does, by a module of the same kind."""
        return pool(module(input_ids=ids, attention_mask=mask), mask, self.pooling).float()

    def embed(
        self,
        cache: TokenCache,
        device: Device,
        rows: NDArray[np.int64],
        *,
        visit: Callable[[NDArray[np.int64], torch.Tensor], None],
        progress: Callable[[int], None] | None = None,
    ) -> None:
        """Encode cached texts in batches of like length.

        Parameters
        ----------
        cache : TokenCache
        device : Device
        rows : int64 array
            Which texts.
        visit : callable
            Takes the numbers of a batch's texts and their vectors (not normalised, or by ONNX Runtime of unit length).
        progress : callable, optional
            Called with the number of texts done.
        """
        self.module.to(device.place).eval()
        run = self._runner or self.pooled
        done = 0
        with torch.inference_mode():
            for some in budget_batches(cache.lengths[rows], _TOKEN_BUDGET):
                batch = rows[some]
                ids, mask = (device.tensor(array) for array in cache.batch(batch, self.pad))
                with device.autocast():
                    vectors = run(ids, mask)
                visit(batch, vectors)
                done += batch.size
                if progress is not None:
                    progress(done)

    def accelerated(self, backend: str, n_threads: int = 0) -> Self:
        """Return an encoder with the same weights whose `embed` is compiled; it is not for training.

        Parameters
        ----------
        backend : {"compile", "onnx"}
            ``torch.compile``, or ONNX Runtime on the CPU in float32.
        n_threads : int, default 0
            Of ONNX Runtime; 0 for every core.

        Raises
        ------
        ImportError, RuntimeError, ValueError
            If the backend is not installed, fails on this encoder, or is unknown.
        """
        other = copy.copy(self)
        other._runner = runner(self, backend, n_threads)
        return other

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_runner": None}  # belongs to this process

    # ------------------------------------------------------------------ weights

    def weights(self) -> dict[str, AnyArray]:
        """Return the weights by name, as arrays on the host that share memory where they can."""
        return {name: value.detach().cpu().numpy() for name, value in self.module.state_dict().items()}

    def used_weights(self) -> dict[str, AnyArray]:
        """Return `weights` without those that no vector comes from, such as a pooler's when ``pooling`` is another."""
        used = used_weights(self.module, self.pooled)
        unused = {name for name, _ in self.module.named_parameters(remove_duplicate=False)} - used
        return {name: value for name, value in self.weights().items() if name not in unused}

    def set_weights(self, weights: Mapping[str, AnyArray]) -> None:
        """Copy weights into the module.

        Raises
        ------
        ValueError
            If names or shapes are not the module's.
        """
        own = self.module.state_dict()
        if set(own) != set(weights):
            raise ValueError(f"encoder weights differ by name: {sorted(set(own) ^ set(weights))[:3]}")
        with torch.no_grad():
            for name, value in own.items():
                given = weights[name]
                if tuple(value.shape) != given.shape:
                    raise ValueError(f"{name} is of shape {given.shape}; {tuple(value.shape)} was expected")
                value.copy_(torch.from_numpy(np.array(given)))

    # ------------------------------------------------------------------ save

    def save_pretrained(self, directory: FilePath) -> None:
        """Write the encoder alone in Hugging Face layout, which ``AutoModel`` and `load` open.

        Raises
        ------
        FileExistsError
            If the directory is not empty.
        """
        folder = Path(directory)
        if folder.exists() and any(folder.iterdir()):
            raise FileExistsError(f"{folder} is not empty; give a new folder for the encoder")
        with quiet(), naming(folder):
            self.module.save_pretrained(folder)
            write_settings(self.module, self.tokenizer, folder)

    def to_state(self) -> State:
        """Return what is saved: the weights, and the small files of the Hugging Face layout byte by byte.

        Raises
        ------
        TypeError
            If module or tokenizer are of a class that Transformers could not find again without its code.
        """
        check_savable(self.module, self.tokenizer)
        weights = self.weights()
        arrays = {f"w{i}": np.ascontiguousarray(value) for i, value in enumerate(weights.values())}
        files = settings_files(self.module, self.tokenizer)
        arrays |= {f"f{i}": np.frombuffer(content, np.uint8) for i, content in enumerate(files.values())}
        config = {
            "pooling": self.pooling,
            "max_length": self.max_length,
            "weights": list(weights),
            "files": list(files),
        }
        return State(config, arrays)

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Put a saved encoder together again.

        Raises
        ------
        ImportError
            If the extra ``transformers`` is not installed.
        ValueError
            If weights or files are not the expected ones, or ask for code.
        """
        files = {name: state.arrays[f"f{i}"].tobytes() for i, name in enumerate(state.config["files"])}
        weights = {name: state.arrays[f"w{i}"] for i, name in enumerate(state.config["weights"])}
        module, tokenizer = from_settings(files, weights)
        encoder = cls(
            module,
            tokenizer,
            pooling=state.config["pooling"],
            max_length=state.config["max_length"],
        )
        leave_out(module, encoder.pooled, module.state_dict().keys() - weights.keys())
        encoder.set_weights(weights)
        return encoder


def _limit(config: Any, tokenizer: Any) -> int:
    """Return the most tokens that an encoder reads."""
    positions = getattr(config, "max_position_embeddings", None) or 2**31
    if config.model_type in ("roberta", "xlm-roberta", "camembert", "mpnet", "longformer"):
        positions -= (config.pad_token_id or 0) + 1  # these count positions from behind the padding's id
    return int(min(positions, tokenizer.model_max_length))
