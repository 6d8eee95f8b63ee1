#!/usr/bin/env python3
"""Plants errors in the reference, one at a time, and tells by how much they exceed the tolerances: would parity see them?

    planted_errors.py FOLDER-OF-FIXTURES
"""

import contextlib
import dataclasses
import json
import pathlib
import sys
from unittest import mock

import numpy as np
import torch
from torch import nn

import networks
import salad
import scenario
from make_fixtures import CASES
from scenario import Quantity, run

CASE = "unet-64-narrow-mse"


def attribute(target, name: str, change):
    """Calls of `target.name` give what `change` makes of the original."""
    return mock.patch.object(target, name, change(getattr(target, name)))


def with_arguments(**changed):
    return lambda original: lambda *arguments, **named: original(*arguments, **(named | changed))


def biased_variance(original):
    def finish_step(self):
        self.seen = [(mean, variance * 0.999) for mean, variance in self.seen]
        original(self)
    return finish_step


PLANTED = {
    "leaky ReLU's slope 0.101": lambda: attribute(networks.F, "leaky_relu", lambda f: lambda x, slope, inplace: f(x, 0.101)),
    "normalisation's eps 2e-5": lambda: attribute(
        networks.F, "batch_norm", lambda f: lambda *most, **named: f(*most[:7], **(named | {"eps": 2e-5}))),
    "corners not aligned": lambda: attribute(nn.Upsample, "forward", lambda f: lambda self, x: nn.functional.interpolate(
        x, scale_factor=2, mode="bilinear")),
    "running variance 0.1 % small": lambda: attribute(networks.MicroBatchNorm, "finish_step", biased_variance),
    "Adam's beta2 0.9989": lambda: attribute(torch.optim, "Adam", with_arguments(betas=(0.9, 0.9989))),
    "Adam's eps 1e-7": lambda: attribute(torch.optim, "Adam", with_arguments(eps=1e-7)),
    "no weight decay": lambda: attribute(torch.optim, "Adam", with_arguments(weight_decay=0)),
    "decoupled weight decay": lambda: attribute(torch.optim, "Adam", lambda f: torch.optim.AdamW),
    "learning rate 0.1 % large": lambda: attribute(torch.optim, "Adam", with_arguments(lr=1.001e-4)),
}
METHODS = {
    "temperature 0.1 % large": {"temperature": 0.05005},
    "momentum 0.501": {"momentum": 0.501},
    "w_agg 0.1 % large": {"aggregation_weight": 0.25025},
    "one neighbour less": {"neighbours": 9},
    "one prototype less looked up": {"top_k": 19},
}


def main() -> None:
    torch.set_num_threads(1)
    fixture = json.loads((pathlib.Path(sys.argv[1]) / f"{CASE}.json").read_text())
    tolerances = {entry["name"]: entry["tolerance"] for entry in fixture["quantities"]}
    case, _ = CASES[CASE]
    truth = {result.name: result for result in run(case, torch.float64)}
    planted = {name: (change, case) for name, change in PLANTED.items()}
    planted |= {name: (contextlib.nullcontext, dataclasses.replace(case, **change)) for name, change in METHODS.items()}
    for name, (change, changed) in planted.items():
        with change():
            found = [result for result in run(changed, torch.float64) if isinstance(result, Quantity)]
        excess = {
            q.name: float(np.linalg.norm(q.values - truth[q.name].values)) / truth[q.name].scale() / tolerances[q.name]
            for q in found
        }
        worst = max(excess, key=excess.get)
        print(f"{name:32} {excess[worst]:9.2g} times the tolerance in {worst}; "
              f"{sum(value > 1 for value in excess.values())} of {len(excess)} beyond theirs")


if __name__ == "__main__":
    main()
