"""libpecos' XR-Transformer on the documents, the encoder and the schedule of ``transformer.py``.

``python -m runners.pecos_transformer --data … --encoder FOLDER --out answers.npz``, in an environment of its
own: libpecos 1.2.8 imports ``AdamW`` from Transformers, which has lost it since, and needs NumPy 1; so ``numpy<2``,
``scipy<1.14``, ``transformers==4.45.2``, ``tokenizers<0.21``, ``sentencepiece`` and any recent PyTorch. The encoder is
a folder of BERT kind (libpecos knows five kinds). It computes in float32: it has no other precision on a CPU.

``OUT`` gets the first five labels of every test document; the figures are printed as JSON.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch
from data import TFIDF, read_label_names
from pecos.utils import smat_util
from pecos.xmc.xtransformer.model import XTransformer
from pecos.xmc.xtransformer.module import MLProblemWithText
from sklearn.feature_extraction.text import TfidfVectorizer

from transformer import part

from .quality import quality, top_ids


def parameters(options: argparse.Namespace, n_texts: int, n_levels: int) -> tuple[dict, dict]:
    """Training and prediction parameters, as libpecos reads them."""
    tree = {"nr_splits": options.branching, "seed": 0, "threads": options.threads}
    steps = [int(np.ceil(share * n_texts / options.batch)) for share in options.epochs]
    matcher = {
        "model_shortcut": str(options.encoder),
        "negative_sampling": "tfn+man",
        "loss_function": "squared-hinge",
        "bootstrap_method": "linear",
        "batch_size": options.batch,
        "batch_gen_workers": 1,  # 0 ends the process: a division by zero in its sparse product
        "learning_rate": options.rate,
        "use_gpu": False,
        "save_steps": 10**9,
        "logging_steps": 50,
    }
    ranker = {"hlm_args": {"model_chain": {"threshold": options.threshold, "Cp": 1.0, "Cn": 1.0}}}
    train = {
        "preliminary_indexer_params": {
            **tree,
            "max_leaf_size": options.leaf + 1,
        },  # 16, 256, 4,108 nodes as ours
        "refined_indexer_params": {**tree, "max_leaf_size": 100},
        "matcher_params_chain": [
            {**matcher, "max_steps": n, "warmup_steps": n // 10} for n in steps[:n_levels]
        ],
        "ranker_params": ranker,
    }
    predict = {
        "matcher_params_chain": [{"only_topk": 20, "truncate_length": options.length}] * n_levels,
        "ranker_params": {"hlm_args": {"model_chain": {"only_topk": 10, "post_processor": "l3-hinge"}}},
    }
    return (
        XTransformer.TrainParams.from_dict(train, recursive=True).to_dict(),
        XTransformer.PredParams.from_dict(predict, recursive=True).to_dict(),
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--set", default="eurlex57k", dest="name")
    parser.add_argument("--encoder", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--train", type=int, default=10_000)
    parser.add_argument("--test", type=int, default=2_000)
    parser.add_argument("--epochs", type=float, nargs=3, default=[0.2, 0.4, 0.6], help="one a level")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--length", type=int, default=64)
    parser.add_argument("--rate", type=float, default=5e-5)
    parser.add_argument("--branching", type=int, default=16)
    parser.add_argument("--leaf", type=int, default=16)
    parser.add_argument("--threshold", type=float, default=0.03)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)

    n_labels = len(read_label_names(options.data, options.name))
    train = part(options.data, options.name, "train", options.train, n_labels)
    test = part(options.data, options.name, "test", options.test, n_labels)
    start, clock = time.process_time(), time.perf_counter()
    vectorizer = TfidfVectorizer(**TFIDF, dtype=np.float32)
    X = vectorizer.fit_transform(train.texts)
    training, predicting = parameters(options, len(train.texts), 3)
    model = XTransformer.train(
        MLProblemWithText(train.texts, train.Y, X_feat=X),
        train_params=training,
        pred_params=predicting,
        threads=options.threads,
    )
    fit, fit_clock = time.process_time() - start, time.perf_counter() - clock
    start = time.process_time()
    scores = model.predict(
        test.texts, X_feat=vectorizer.transform(test.texts), only_topk=5, use_gpu=False, batch_gen_workers=1
    )
    batch = 1000 * (time.process_time() - start) / len(test.texts)
    ids = top_ids(smat_util.sorted_csr(scores), 5)
    np.savez(options.out, ids=ids)
    values = {f"P@{k}": float((ids_hits(ids, test.Y)[:, :k]).mean() * 100) for k in (1, 3, 5)}
    figures = quality(ids, test.Y, train.Y)
    values |= {"PSP@5": figures["PSP@5"], "fit CPU s": fit, "fit s": fit_clock, "batch CPU ms": batch}
    print(json.dumps(values))


def ids_hits(ids: np.ndarray, truth) -> np.ndarray:
    """Whether each answer is right."""
    return np.array([[i >= 0 and truth[row, i] > 0 for i in line] for row, line in enumerate(ids)])


if __name__ == "__main__":
    main()
