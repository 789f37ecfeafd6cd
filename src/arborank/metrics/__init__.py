"""Quality of a ranking: what the extreme multi-label literature reports, with every denominator stated."""

from .judgement import Judgement, judge
from .labels import coverage_at_k, macro_f1_at_k
from .propensity import propensities, psndcg_at_k, psp_at_k
from .ranking import mean_average_precision, mrr, ndcg_at_k, precision_at_k, r_precision_at_k, recall_at_k
from .report import Bucket, Report, evaluate

__all__ = [
    "Bucket",
    "Judgement",
    "Report",
    "coverage_at_k",
    "evaluate",
    "judge",
    "macro_f1_at_k",
    "mean_average_precision",
    "mrr",
    "ndcg_at_k",
    "precision_at_k",
    "propensities",
    "psndcg_at_k",
    "psp_at_k",
    "r_precision_at_k",
    "recall_at_k",
]
