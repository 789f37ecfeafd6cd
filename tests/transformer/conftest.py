"""A tiny encoder of random weights, for which the extra ``transformers`` is needed, and texts that it can learn."""

import os

import numpy as np
import pytest

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

N_LABELS = 32


def synthetic(n, seed):
    """Texts of one or two labels: two words tell each label, among words that tell nothing."""
    rng = np.random.default_rng(seed)
    texts, rows = [], []
    for i in range(n):
        labels = {i % N_LABELS} | ({int(rng.integers(N_LABELS))} if i % 3 == 0 else set())
        words = [f"noise{j}" for j in rng.integers(0, 20, rng.integers(2, 12))]
        for label in labels:
            words += [f"topic{label % 8}", f"word{label}"]
        rng.shuffle(words)
        texts.append(" ".join(words))
        rows.append(sorted(labels))
    return texts, rows


@pytest.fixture(scope="session")
def data():
    return (*synthetic(480, 0), *synthetic(160, 1))


@pytest.fixture(scope="session")
def tokenizer(data):
    transformers = pytest.importorskip("transformers")
    from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers

    words = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    words.train_from_iterator(data[0], trainers.WordPieceTrainer(vocab_size=300, special_tokens=specials))
    words.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=words,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
        model_max_length=64,
    )


@pytest.fixture(scope="session")
def folder(tokenizer, tmp_path_factory):
    """A saved BERT of 2 layers and 32 units."""
    torch, transformers = pytest.importorskip("torch"), pytest.importorskip("transformers")
    path = tmp_path_factory.mktemp("encoder")
    config = transformers.BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
    )
    torch.manual_seed(0)
    transformers.BertModel(config).save_pretrained(path)
    tokenizer.save_pretrained(path)
    return str(path)
