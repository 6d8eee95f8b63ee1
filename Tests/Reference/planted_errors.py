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
import scores
from make_fixtures import CASES
from scenario import Quantity, run

# The published recipe's method, and the centred one with features and their scores.
PUBLISHED, CENTRED = "unet-64-narrow-mse", "unet-128-narrow"


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


# MARK: In what the defaults add

def unbiased_centring(original):
    def forward(self, x):
        original(self, x)
        mean, variance = x.mean(0), x.var(0, unbiased=True)
        return (x - mean) / (variance + self.eps).sqrt() if self.training else original(self, x)
    return forward


def large_epsilon(original):
    def forward(self, x):
        self.eps = 2e-5
        return original(self, x)
    return forward


def biased_running_variance(micro_batch: int):
    def change(original):
        def finish_step(self):
            self.seen = [(mean, variance * (1 - 1 / micro_batch)) for mean, variance in self.seen]
            original(self)
        return finish_step
    return change


def constant_statistics(original):
    def forward(self, x):
        if not self.training:
            return original(self, x)
        original(self, x.detach())
        mean, variance = x.detach().mean(0), x.detach().var(0, unbiased=False)
        return (x - mean) / (variance + self.eps).sqrt()
    return forward


def start_bank(in_training: bool):
    """By the running statistics; or with a last micro-batch that is filled up with the first images."""
    def change(original):
        @torch.no_grad()
        def changed(self, images, micro_batch):
            if not in_training:
                self.bank = self.features(images, "z")
                return
            missing = -len(images) % micro_batch
            original(self, images, micro_batch)
            last = torch.cat([images[len(images) - micro_batch + missing:], images[:missing]])
            self.bank[len(images) - micro_batch + missing:] = self.network.embed(last)[:micro_batch - missing]
            self.network.forget_step()
        return changed
    return change


def forgotten_level(original):
    return lambda means, scale: original([means[0], 0 * means[1], *means[2:]], scale)


def mean_after_maximum(original):
    return lambda self, x: original(self, nn.functional.max_pool2d(x, 2) if x.shape[2] > 1 else x)


def rows_not_left_out(bank):
    return bank.squared_distances(bank.rows)


def weights_of_distances(original):
    return lambda self, squares: nn.functional.softmax(-squares.sqrt() / (self.temperature * self.squared_scale.sqrt()), 1)


def unit_rows(original):
    return lambda means, scale: nn.functional.normalize(original(means, scale), dim=1)


CENTRED_PLANTED = {
    "centred by the unbiased variance": lambda: attribute(networks.Centring, "forward", unbiased_centring),
    "centring's eps 2e-5": lambda: attribute(networks.Centring, "forward", large_epsilon),
    "centring's running variance biased": lambda: attribute(networks.Centring, "finish_step", biased_running_variance(4)),
    "no gradient through the centring's statistics": lambda: attribute(networks.Centring, "forward", constant_statistics),
    "starting pass by the running statistics": lambda: attribute(salad.Model, "start_bank", start_bank(False)),
    "its last micro-batch filled with the first images": lambda: attribute(salad.Model, "start_bank", start_bank(True)),
    "a level forgotten": lambda: attribute(salad, "level_features", forgotten_level),
    "means after the maximum": lambda: attribute(networks.LevelMean, "forward", mean_after_maximum),
    "features of unit length": lambda: attribute(salad, "level_features", unit_rows),
    "D0^2 by the 9th neighbour": lambda: mock.patch.object(scores, "SCALE_NEIGHBOUR", 9),
    "rows not left out": lambda: mock.patch.object(scores.ScoringBank, "others", property(rows_not_left_out)),
    "softmax of d, not of d^2": lambda: attribute(scores.ScoringBank, "weights", weights_of_distances),
    "means for medians": lambda: attribute(scores, "median", lambda f: lambda values: values.mean()),
    "the lower of two medians": lambda: attribute(scores, "median", lambda f: lambda values: values.median()),
}
CENTRED_METHODS = {
    "tau_s 0.1 % large": {"score_temperature": 1.001},
    "one prototype less looked up, of all": {"top_k": 17},
}


# MARK: How far each goes beyond its tolerances

def main() -> None:
    torch.set_num_threads(1)
    for name, plants, methods in ((PUBLISHED, PLANTED, METHODS), (CENTRED, CENTRED_PLANTED, CENTRED_METHODS)):
        compare(pathlib.Path(sys.argv[1]), name, plants, methods)


def compare(folder: pathlib.Path, name: str, plants: dict, methods: dict) -> None:
    print(name)
    fixture = json.loads((folder / f"{name}.json").read_text())
    tolerances = {entry["name"]: entry["tolerance"] for entry in fixture["quantities"]}
    case, _ = CASES[name]
    truth = {result.name: result for result in run(case, torch.float64)}
    planted = {title: (change, case) for title, change in plants.items()}
    planted |= {title: (contextlib.nullcontext, dataclasses.replace(case, **change)) for title, change in methods.items()}
    for title, (change, changed) in planted.items():
        with change():
            found = [result for result in run(changed, torch.float64) if isinstance(result, Quantity)]
        excess = {
            # Another number of elements is beyond any tolerance.
            q.name: float(np.linalg.norm(q.values - truth[q.name].values)) / truth[q.name].scale() / tolerances[q.name]
            for q in found if q.values.shape == truth[q.name].values.shape
        }
        worst = max(excess, key=excess.get)
        print(f"{title:50} {excess[worst]:9.2g} times the tolerance in {worst}; "
              f"{sum(value > 1 for value in excess.values())} of {len(excess)} beyond theirs", flush=True)


if __name__ == "__main__":
    main()
