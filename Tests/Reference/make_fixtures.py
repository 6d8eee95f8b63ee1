#!/usr/bin/env python3
"""Writes Tests/ParityTests/Fixtures/*.json: what PyTorch in float64 says, PyTorch's own float32 error, and the tolerance.

    make_fixtures.py FOLDER [CASE...]

A small tensor is stored whole, a large one as eight random projections (`counter_random.projections`). The tolerance is
twice the largest of a few errors that `rounding.py` samples at TIMES the counted size.
"""

import json
import math
import multiprocessing
import os
import pathlib
import sys
import time

import numpy as np
import torch

from counter_random import projections
from rounding import U, Rounding
from scenario import Case, Choice, Quantity, run

WHOLE = 40  # elements that are stored rather than projected
TIMES = 4
# What the published recipe has in place of the defaults.
PUBLISHED = {"centre": "none", "bank_start": "random", "levels": "z"}
CASES = {
    case.name: (case, samples)
    for case, samples in [
        (Case("unet-128-narrow", size=128, maximum_width=8, dimension=24, rows=18, batch=8, levels="e4,e5,e6",
              learning_rate=1e-3), 8),
        # A small step: how far 20 steps carry an error depends on it.
        (Case("unet-64-narrow-20-steps", maximum_width=16, dimension=24, micro_batch=8, batch=16, steps=20,
              anchor_round=3, augmented=True, learning_rate=1e-5), 5),
        (Case("unet-64-narrow-mse", channels=3, maximum_width=20, dimension=33, rows=53, batch=16, steps=5,
              anchor_round=2, reconstruction_loss="mse", temperature=0.05, aggregation_weight=0.25,
              learning_rate=1e-4, **PUBLISHED), 8),
        (Case("unet-64", channels=3, rows=40, anchor_round=3), 5),
        (Case("unet-256", size=256, rows=19, micro_batch=2, batch=4, temperature=0.01, **PUBLISHED), 4),
        (Case("unet-256-narrow", size=256, channels=3, maximum_width=32, dimension=50, rows=35, micro_batch=2, batch=4,
              anchor_round=2, reconstruction_loss="mse", **PUBLISHED), 4),
        (Case("resnet18-64-narrow", architecture="resnet18", maximum_width=20, dimension=24, rows=26,
              levels="layer2,layer3,layer4", score_temperature=0.5), 6),
        (Case("resnet18-64", architecture="resnet18", rows=35, anchor_round=2, levels="layer2,layer3,layer4"), 4),
        (Case("resnet18-64-rgb", architecture="resnet18", channels=3, dimension=64, rows=35, steps=3,
              reconstruction_loss="mse", temperature=0.05, learning_rate=1e-5, **PUBLISHED), 4),
        (Case("resnet18-128", architecture="resnet18", size=128, rows=19, micro_batch=2, batch=4,
              score_temperature=0.5, **(PUBLISHED | {"levels": "layer1,layer3"})), 4),
    ]
}
# The float64 results by name, for the processes that compare others with them.
truth: dict[str, Quantity | Choice] = {}


def measure(case: Case, samples: int) -> dict:
    truth.clear()
    truth.update((result.name, result) for result in run(case, torch.float64))
    quantities = {name: result for name, result in truth.items() if isinstance(result, Quantity)}
    runs = [(case, torch.float32, 0, 0)] + [(case, torch.float64, TIMES, seed) for seed in range(samples)]
    # Each on one thread: the layers are small.
    with multiprocessing.get_context("fork").Pool(min(os.cpu_count() or 1, 4)) as pool:
        theirs, *sampled = pool.starmap(errors, runs, chunksize=1)
    return {
        "case": case.json,
        "quantities": [
            {"name": name, "count": q.values.size, "scale": q.scale(), "torch": theirs[name],
             "tolerance": tolerance(q, [sample[name] for sample in sampled], case.learning_rate)} | stored(q)
            for name, q in quantities.items()
        ],
        "choices": [
            {"name": name, "values": choice.values, "torch": theirs[name],
             "tolerance": max(sample[name] for sample in sampled)}
            for name, choice in truth.items() if isinstance(choice, Choice)
        ],
    }


def errors(case: Case, dtype: torch.dtype, amplitude: float, seed: int) -> dict[str, float]:
    """Of everything against `truth`; of a choice, how many of either are not the other's."""
    found = {}
    for result in run(case, dtype, Rounding(amplitude, seed)):
        true = truth[result.name]
        if isinstance(result, Quantity):
            found[result.name] = float(np.linalg.norm(result.values - true.values)) / true.scale()
        else:
            found[result.name] = len(set(result.values) ^ set(true.values))
            if found[result.name] and not result.is_last:
                raise ValueError(f"{case.name}: rounding changes the {result.name}: choose another image seed")
    return found


def tolerance(quantity: Quantity, sampled: list[float], learning_rate: float) -> float:
    tolerance = 2 * (max(sampled) + TIMES * U)
    if quantity.steps and " weights " in quantity.name:
        # Adam's first steps go by the gradient's sign: one element more than in the samples may go the other way once.
        tolerance += 2 * learning_rate / quantity.scale()
    return tolerance


def stored(quantity: Quantity) -> dict:
    flat = quantity.values.reshape(-1)
    return {"values": flat.tolist()} if flat.size <= WHOLE else {"projections": projections(quantity.name, flat)}


def rounded(entry):
    """Errors need few digits, values all that float32's error leaves unseen."""
    if isinstance(entry, dict):
        return {key: float(f"{value:.3g}") if key in ("torch", "tolerance") else rounded(value)
                for key, value in entry.items()}
    if isinstance(entry, list):
        return [rounded(value) for value in entry]
    return float(f"{entry:.11g}") if isinstance(entry, float) else entry


def main() -> None:
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    for name in sys.argv[2:] or CASES:
        start = time.monotonic()
        text = json.dumps(rounded(measure(*CASES[name])), separators=(",", ":"))
        (folder / f"{name}.json").write_text(text.replace('{"name"', '\n{"name"') + "\n")
        print(f"{name}: {len(text) // 1000} kB in {time.monotonic() - start:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
