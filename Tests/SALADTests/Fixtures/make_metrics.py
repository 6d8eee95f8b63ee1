"""Writes metrics.json beside this script: python3 make_metrics.py (pip install scikit-learn).

Scores with and without ties, few and many, and what scikit-learn makes of them.
"""

import json
import pathlib

import numpy
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score, roc_curve

# Fractions of counts that are equal by rounding alone: those that differ do so by far more.
SAME = 1e-12


def case(labels, scores):
    precision, recall, f1_thresholds = precision_recall_curve(labels, scores)
    f1 = 2 * precision * recall / numpy.maximum(precision + recall, SAME)
    f1 = f1[: len(f1_thresholds)]  # the last point has no threshold
    false_alarms, sensitivity, _ = roc_curve(labels, scores, drop_intermediate=False)
    specificity = 1 - false_alarms
    return {
        "scores": [float(score) for score in scores],
        "anomalous": [bool(label) for label in labels],
        "metrics": {
            "auroc": float(roc_auc_score(labels, scores)),
            "average_precision": float(average_precision_score(labels, scores)),
            "best_f1": float(f1.max()),
            "sensitivity_at_90_specificity": float(sensitivity[specificity >= 0.90 - SAME].max()),
            "sensitivity_at_95_specificity": float(sensitivity[specificity >= 0.95 - SAME].max()),
            "specificity_at_90_sensitivity": float(specificity[sensitivity >= 0.90 - SAME].max()),
            "specificity_at_95_sensitivity": float(specificity[sensitivity >= 0.95 - SAME].max()),
        },
        "best_f1_threshold": float(f1_thresholds[f1 >= f1.max() - SAME].max()),
    }


random = numpy.random.default_rng(20)
cases = []
# Some levels: so many distinct scores, or about so many.
for count, levels in [(2, 1), (2, 0), (3, 2), (10, 3), (25, 0), (60, 5), (200, 17), (200, 2), (300, 0)]:
    for _ in range(3):
        labels = random.integers(0, 2, count)
        labels[:2] = [0, 1]
        scores = random.random(count) + 0.3 * labels
        if levels:
            scores = numpy.floor(scores * levels) / levels
        cases.append(case(labels, scores))

# Shares of exactly 90 and 95 %: with 10, 20 and 40 images of a class an operating point lies right on the bound.
for normal, anomalous in [(10, 20), (20, 10), (40, 40), (1, 19), (30, 1)]:
    labels = numpy.array([0] * normal + [1] * anomalous)
    cases.append(case(labels, random.permutation(len(labels)) / 64))
    cases.append(case(labels, numpy.floor(random.random(len(labels)) * 4) / 4))

# Told apart without a mistake, always the wrong way, and not at all.
labels = numpy.array([0] * 20 + [1] * 20)
for scores in [numpy.arange(40), -numpy.arange(40), labels, 1 - labels, 0 * labels]:
    cases.append(case(labels, scores / 8))

path = pathlib.Path(__file__).with_name("metrics.json")
path.write_text("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n")
