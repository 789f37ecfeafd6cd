"""Data sets in and out: text with label names, and the matrix layouts of extreme classification."""

from .benchmarks import Benchmark, load_benchmark
from .containers import MatrixData, TextData, TextRow
from .csvfile import iter_csv, read_csv
from .debian import Debian, load_debian
from .folds import StratifiedFolds
from .frames import ranking_columns, read_frame
from .jsonl import iter_jsonl, read_jsonl, write_jsonl
from .layout import Layout, LayoutError
from .lf import read_lf
from .npz import read_npz
from .parquet import read_parquet
from .pecos import read_pecos
from .read import read_texts
from .skos import read_skos
from .splitting import reciprocal_pairs, split
from .tabbed import iter_tabbed, read_tabbed
from .typos import add_typos
from .vocabulary import read_vocabulary
from .xmc import read_sparse, read_xmc, write_sparse, write_xmc

__all__ = [
    "Benchmark",
    "Debian",
    "Layout",
    "LayoutError",
    "MatrixData",
    "StratifiedFolds",
    "TextData",
    "TextRow",
    "add_typos",
    "iter_csv",
    "iter_jsonl",
    "iter_tabbed",
    "load_benchmark",
    "load_debian",
    "ranking_columns",
    "read_csv",
    "read_frame",
    "read_jsonl",
    "read_lf",
    "read_npz",
    "read_parquet",
    "read_pecos",
    "read_skos",
    "read_sparse",
    "read_tabbed",
    "read_texts",
    "read_vocabulary",
    "read_xmc",
    "reciprocal_pairs",
    "split",
    "write_jsonl",
    "write_sparse",
    "write_xmc",
]
