"""What is mutated: one tiny saved model of every kind, and one small file for every reader of data."""

import gzip
import json
import lzma
import shutil
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import numpy as np
import scipy.sparse as sp

from arborank import Autocompleter, Ensemble, NgramTfidf, PrefixTfidf, TextFeatures, TextRanker, XRLinear
from arborank.datasets import write_sparse, write_xmc

PECOS = Path(__file__).parents[1] / "support" / "pecos-model" / "kmeans"
TEXTS = ["red apple", "green apple tart", "fast car", "old green car", "café au lait", "слово и дело"] * 3
LABELS = [["fruit"], ["fruit", "green"], ["vehicle"], ["vehicle", "green"], ["drink"], ["word"]] * 3
SMALL = {"branching": 2, "max_leaf_size": 2, "threshold": 0.0}


def matrices():
    """Return 40 instances of 700 features, more than a query's first room, and their 12 labels."""
    rng = np.random.default_rng(0)
    X = sp.random_array((40, 700), density=0.05, rng=rng, dtype=np.float32).tolil()
    X[0] = 1.0
    Y = sp.lil_array((40, 12), dtype=np.float32)
    for row in range(40):
        Y[row, row % 12] = Y[row, (row * 5) % 12] = 1.0
    return sp.csr_array(X), sp.csr_array(Y)


def make_models(directory):
    """Save a model of every kind and return their names."""
    X, Y = matrices()
    linear = XRLinear(**SMALL).fit(X, Y)
    features = TextFeatures(parts=[NgramTfidf(), PrefixTfidf(), NgramTfidf(analyzer="char_wb", min_df=1)])
    models = {
        "linear": linear,
        "int8": linear.quantize("int8"),
        "float16": linear.quantize("float16"),
        "copies": XRLinear(**SMALL, max_clusters=2, copies="all").fit(X, Y),
        "forest": XRLinear(**SMALL, n_trees=2).fit(X, Y),
        "classes": XRLinear(**SMALL).fit(X, np.array(["a", "b", "c", "d"])[np.arange(40) % 4]),
        "ensemble": Ensemble([XRLinear(**SMALL, random_state=seed) for seed in range(2)]).fit(X, Y),
        "text": TextRanker(features, XRLinear(**SMALL)).fit(TEXTS, LABELS),
        "completer": Autocompleter(model=XRLinear(**SMALL)).fit_pairs(
            ["", "red", "green", ""] * 5, TEXTS[:4] * 5
        ),
    }
    if find_spec("torch") and find_spec("transformers"):
        models["transformer"] = transformer()
    for name, model in models.items():
        model.save(directory / name)
    return list(models)


def transformer():
    """Return a model with an encoder of one layer, and random weights."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    from arborank.transformer import Encoder, XRTransformer

    words = [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "[MASK]",
        *sorted({w for text in TEXTS for w in text.split()}),
    ]
    vocabulary = {word: number for number, word in enumerate(words)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    names = dict(zip(("pad_token", "unk_token", "cls_token", "sep_token", "mask_token"), words, strict=False))
    torch.manual_seed(0)
    sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8}
    module = BertModel(BertConfig(vocab_size=len(words), max_position_embeddings=16, **sizes))
    encoder = Encoder(
        module.eval(), PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=16, **names)
    )
    small = {
        "branching": 2,
        "max_leaf_size": 2,
        "epochs": 0.0,
        "precision": "float32",
        "device": "cpu",
        "n_jobs": 1,
    }
    model = XRTransformer(encoder, features=NgramTfidf(), **small)
    return TextRanker(model=model).fit(TEXTS, LABELS)


def make_files(directory):
    """Write a file for every reader of data and return their names."""
    X, Y = matrices()
    X, Y = X[:5, :20], Y[:5]
    for form in ("csr", "csc", "coo", "bsr", "dia"):
        sp.save_npz(directory / f"{form}.npz", X.asformat(form), compressed=False)
    np.savez(directory / "dense.npz", X.toarray())
    write_xmc(directory / "matrix.xmc", X, Y)
    rows = [
        json.dumps({"text": text, "labels": names}) for text, names in zip(TEXTS[:6], LABELS[:6], strict=True)
    ]
    (directory / "texts.jsonl").write_text("\n".join(rows), "utf-8")
    (directory / "packed.jsonl.xz").write_bytes(lzma.compress("\n".join(rows).encode()))
    lines = [f"{','.join(names)}\t{text}" for text, names in zip(TEXTS[:6], LABELS[:6], strict=True)]
    (directory / "texts.tsv").write_text("\n".join(lines), "utf-8")
    log = [f"u{i % 2}\t2024-03-01 12:00:{i:02}\t{text}" for i, text in enumerate(TEXTS[:6])]
    (directory / "log.tsv").write_text("\n".join(log), "utf-8")
    cells = [f'"{text}",{";".join(names)}' for text, names in zip(TEXTS[:6], LABELS[:6], strict=True)]
    (directory / "texts.csv").write_text("\n".join(["text,labels", *cells]), "utf-8")
    (directory / "packed.tsv.gz").write_bytes(gzip.compress("\n".join(lines).encode(), mtime=0))
    write_sparse(directory / "matrix.sparse", X)
    (directory / "pairs.tsv").write_text("\n".join(f"{a}\t{b}" for a, b in pairwise(TEXTS[:6])), "utf-8")
    return sorted(path.name for path in directory.iterdir())


def make_folders(directory):
    """Write a folder for every layout of data that is one, and a model of PECOS; return their names."""
    X, Y = matrices()
    X, Y = X[:5, :20], Y[:5]
    shutil.copytree(PECOS, directory / "pecos-model")
    pecos, lf = directory / "pecos-data", directory / "lf"
    pecos.mkdir()
    sp.save_npz(pecos / "X.trn.npz", X, compressed=False)
    sp.save_npz(pecos / "Y.trn.npz", Y, compressed=False)
    (pecos / "X.trn.txt").write_text("\n".join(TEXTS[:5]), "utf-8")
    (pecos / "output-items.txt").write_text("\n".join(f"label {i}" for i in range(12)), "utf-8")
    lf.mkdir()
    write_sparse(lf / "trn_X_Xf.txt", X)
    write_sparse(lf / "trn_X_Y.txt", Y)
    (lf / "Y.txt").write_text("\n".join(f"label {i}" for i in range(12)), "utf-8")
    (lf / "filter_labels_train.txt").write_text("0 1\n2 3\n", "utf-8")
    return sorted(path.name for path in directory.iterdir())


def make(directory: Path) -> dict[str, list[str]]:
    """Make all seeds in a new directory; return the names of models, files and folders."""
    made = {"models": make_models, "files": make_files, "folders": make_folders}
    for kind in made:
        (directory / kind).mkdir(parents=True)
    return {kind: make_some(directory / kind) for kind, make_some in made.items()}
