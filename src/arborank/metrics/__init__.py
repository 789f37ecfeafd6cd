"""Quality of a ranking: what the extreme multi-label literature reports, with every denominator stated."""

from .calibration_error import Reliability, brier_score, ece_at_k, reliability
from .comparison import Comparison, Difference, compare
from .intervals import Interval, bootstrap
from .judgement import Judgement, judge
from .labels import coverage_at_k, macro_f1_at_k, per_label
from .probability_report import ProbabilityReport, evaluate_probabilities
from .propensity import propensities, psndcg_at_k, psp_at_k
from .ranking import mean_average_precision, mrr, ndcg_at_k, precision_at_k, r_precision_at_k, recall_at_k
from .report import Bucket, Report, evaluate
from .set_report import SetReport, evaluate_sets, set_values
from .sets import example_f1, macro_f1, micro_f1
from .thresholds import ThresholdCurve, threshold_curve

__all__ = [
    "Bucket",
    "Comparison",
    "Difference",
    "Interval",
    "Judgement",
    "ProbabilityReport",
    "Reliability",
    "Report",
    "SetReport",
    "ThresholdCurve",
    "bootstrap",
    "brier_score",
    "compare",
    "coverage_at_k",
    "ece_at_k",
    "evaluate",
    "evaluate_probabilities",
    "evaluate_sets",
    "example_f1",
    "judge",
    "macro_f1",
    "macro_f1_at_k",
    "mean_average_precision",
    "micro_f1",
    "mrr",
    "ndcg_at_k",
    "per_label",
    "precision_at_k",
    "propensities",
    "psndcg_at_k",
    "psp_at_k",
    "r_precision_at_k",
    "recall_at_k",
    "reliability",
    "set_values",
    "threshold_curve",
]
