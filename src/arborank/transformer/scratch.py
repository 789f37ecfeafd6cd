"""A small encoder made of nothing but the user's texts: a word-piece vocabulary, then masked-language training."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import transformers
from numpy.typing import NDArray
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

from ..core.options import Options, integer, option, real
from .encoders.batches import TrainingBatches
from .encoders.device import Device, choose_device
from .encoders.encoder import Encoder
from .encoders.tokens import readable, training_texts
from .tuning.memory import check_tuning_fits
from .tuning.reporting import training_bar
from .tuning.schedule import share_of_rate

__all__ = ["scratch_encoder"]

_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_PAD, _MASK = 0, 4
_IGNORED = -100  # what PyTorch's cross-entropy leaves out
_LETTERS = 1000  # most letters that a vocabulary knows
_LOG_EVERY = 50


@dataclass(frozen=True)
class _Recipe(Options):
    """The arguments of `scratch_encoder` of the same names."""

    vocabulary: int = option(8000, integer(len(_SPECIAL) + 1))
    layers: int = option(4, integer(1))
    width: int = option(256, integer(1))
    heads: int = option(4, integer(1))
    max_length: int = option(128, integer(3))
    epochs: float = option(3.0, real(least=0.0))
    batch_size: int = option(32, integer(1))
    learning_rate: float = option(5e-4, real(above=0.0))
    masked: float = option(0.15, real(above=0.0, most=0.9))
    random_state: int = option(0, integer(0))


def scratch_encoder(
    texts: Sequence[str],
    *,
    vocabulary: int = _Recipe.vocabulary,
    layers: int = _Recipe.layers,
    width: int = _Recipe.width,
    heads: int = _Recipe.heads,
    max_length: int = _Recipe.max_length,
    epochs: float = _Recipe.epochs,
    batch_size: int = _Recipe.batch_size,
    learning_rate: float = _Recipe.learning_rate,
    masked: float = _Recipe.masked,
    device: str = "auto",
    precision: str = "auto",
    random_state: int = _Recipe.random_state,
    verbose: int = 0,
) -> Encoder:
    """Make a small BERT and warm it up on texts, for places without a hub.

    Parameters
    ----------
    texts : sequence of str
    vocabulary : int, default 8000
        Most word pieces, special ones included.
    layers, width, heads : int, default 4, 256 and 4
        Shape of the encoder; ``width`` is a multiple of ``heads``.
    max_length : int, default 128
        Tokens read per text.
    epochs : float, default 3.0
        Passes over the texts in which masked tokens are guessed (Devlin et al. 2019); 0 leaves the weights random.
    batch_size, learning_rate
        Of that training.
    masked : float, default 0.15
        Share of the tokens to guess; of these, 80 % are hidden, 10 % replaced and 10 % shown.
    device, precision, random_state, verbose
        As for `XRTransformer`.

    Raises
    ------
    TypeError, ValueError
        If there is no text, one is empty, or a number is out of its range.
    MemoryError
        If the weights alone would need more memory than there is.
    """
    texts = list(map(readable, training_texts(texts)))
    recipe = _Recipe(
        vocabulary=vocabulary,
        layers=layers,
        width=width,
        heads=heads,
        max_length=max_length,
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        masked=masked,
        random_state=random_state,
    )
    if width % heads:
        raise ValueError(f"width is {width}, which is not a multiple of heads, {heads}")
    where = choose_device(device, precision)
    tokenizer = _word_pieces(texts, vocabulary, max_length)
    check_tuning_fits(16 * (12 * layers * width**2 + len(tokenizer) * width), where)
    config = transformers.BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=4 * width,
        max_position_embeddings=max_length,
        pad_token_id=_PAD,
    )
    with torch.random.fork_rng(devices=[where.place] if where.place.type == "cuda" else []):
        torch.manual_seed(random_state)
        guesser = transformers.BertForMaskedLM(config).to(where.place)
        encoder = Encoder(guesser.bert, tokenizer, pooling="mean", max_length=max_length)
        _warm_up(guesser, encoder, texts, recipe, where, shown=bool(verbose))
    return encoder


def _word_pieces(
    texts: Sequence[str], vocabulary: int, max_length: int
) -> transformers.PreTrainedTokenizerFast:
    pieces = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    pieces.normalizer = normalizers.BertNormalizer()
    pieces.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(pieces.normalizer.normalize_str(text))
    letters = sorted(counts, key=lambda letter: (-counts[letter], letter))[: min(_LETTERS, vocabulary // 4)]
    # Inner letters are named here because the trainer numbers them as it meets them, each time in another order, and
    # breaks ties by number.
    trainer = trainers.WordPieceTrainer(
        vocab_size=vocabulary,
        special_tokens=[*_SPECIAL, *(f"##{letter}" for letter in sorted(letters) if not letter.isspace())],
        limit_alphabet=len(letters),
        min_frequency=2,
        show_progress=False,
    )
    pieces.train_from_iterator(texts, trainer)
    pieces = _with_model(pieces, models.WordPiece(pieces.get_vocab(), unk_token="[UNK]"))
    pieces.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=pieces,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
        model_max_length=max_length,
    )


def _with_model(pieces: Tokenizer, model: models.WordPiece) -> Tokenizer:
    """Return a tokenizer for which nothing in the vocabulary is special."""
    plain = Tokenizer(model)
    plain.normalizer, plain.pre_tokenizer = pieces.normalizer, pieces.pre_tokenizer
    return plain


def _warm_up(
    guesser: torch.nn.Module,
    encoder: Encoder,
    texts: Sequence[str],
    recipe: _Recipe,
    device: Device,
    *,
    shown: bool,
) -> None:
    cache, seed = encoder.cache(texts), recipe.random_state
    batches = TrainingBatches(cache.lengths, recipe.batch_size, (seed,))
    n_steps = int(np.ceil(recipe.epochs * batches.per_epoch))
    optimizer = torch.optim.AdamW(guesser.parameters(), lr=recipe.learning_rate, weight_decay=0.01)
    guesser.train()
    total = 0.0
    with training_bar("masked-language warm-up", n_steps, 0, enabled=shown) as update:
        for step in range(n_steps):
            ids, mask = cache.batch(batches[step], _PAD)
            seen, targets = _hide(
                ids, recipe.masked, len(encoder.tokenizer), np.random.default_rng((seed, 1, step))
            )
            for group in optimizer.param_groups:
                group["lr"] = recipe.learning_rate * share_of_rate(step, n_steps, 0.1)
            with device.autocast():
                margins = guesser(input_ids=device.tensor(seen), attention_mask=device.tensor(mask)).logits
            loss = torch.nn.functional.cross_entropy(
                margins.float().flatten(0, 1), device.tensor(targets).flatten(), ignore_index=_IGNORED
            )
            loss.backward()
            torch.nn.utils.clip_grad_norm_(guesser.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()
            total += float(loss.detach())
            told = {"loss": total / _LOG_EVERY} if (step + 1) % _LOG_EVERY == 0 else {}
            total = 0.0 if told else total
            update(step + 1, told)
    guesser.eval()


def _hide(
    ids: NDArray[np.int64], share: float, vocabulary: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return what the encoder is shown, and the tokens to guess (`_IGNORED` elsewhere); at least one is guessed."""
    chosen = (ids >= len(_SPECIAL)) & (rng.random(ids.shape) < share)
    if not chosen.any():
        chosen.flat[np.argmax(ids >= len(_SPECIAL))] = True
    how = rng.random(ids.shape)
    shown = np.where(chosen & (how < 0.8), _MASK, ids)
    shown = np.where(chosen & (how >= 0.9), rng.integers(len(_SPECIAL), vocabulary, ids.shape), shown)
    return shown, np.where(chosen, ids, _IGNORED)
