"""Writes metrics.json beside this script: python3 make_metrics.py (pip install scikit-learn).

Scores with and without ties, and what scikit-learn makes of them.
"""

import json
import pathlib

import numpy
from sklearn.metrics import average_precision_score, roc_auc_score

random = numpy.random.default_rng(20)
cases = []
for count, levels in [(2, 1), (2, 0), (3, 2), (10, 3), (25, 0), (60, 5), (200, 17), (300, 0)]:
    for _ in range(3):
        labels = random.integers(0, 2, count)
        labels[:2] = [0, 1]
        scores = random.random(count) + 0.3 * labels
        if levels:
            scores = numpy.floor(scores * levels) / levels
        cases.append(
            {
                "scores": [float(score) for score in scores],
                "anomalous": [bool(label) for label in labels],
                "auroc": float(roc_auc_score(labels, scores)),
                "average_precision": float(average_precision_score(labels, scores)),
            }
        )
path = pathlib.Path(__file__).with_name("metrics.json")
path.write_text("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n")
