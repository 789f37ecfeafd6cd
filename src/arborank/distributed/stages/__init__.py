"""The stages of a training: functions of a work directory and a task, which read files and write files."""

from collections.abc import Callable, Mapping
from typing import Final

from ..evaluating import answer_shard
from ..scoring import score_shard
from ..work import Done, Task, Work
from .features import count, count_columns, fit_features, make_rows, merge_counts
from .layers import train_layers
from .logs import count_queries, pair_queries
from .texts import choose, describe_labels, index_labels, read_shard
from .tree import choose_values, grow_below, grow_top, join_leaves, represent_labels

__all__ = ["STAGES"]

Stage = Callable[[Work, Task, int], Done]

STAGES: Final[Mapping[str, Stage]] = {
    "read": read_shard,
    "labels": index_labels,
    "choice": choose,
    "documents": describe_labels,
    "count": count,
    "vocabulary": merge_counts,
    "features": fit_features,
    "rows": make_rows,
    "columns": count_columns,
    "values": choose_values,
    "vectors": represent_labels,
    "top": grow_top,
    "subtrees": grow_below,
    "tree": join_leaves,
    "layers": train_layers,
    "answers": answer_shard,
    "score": score_shard,
    "pairs": pair_queries,
    "queries": count_queries,
}
"""By name, in the order of a training; then what ranks with what was trained, and what completers are trained with."""
