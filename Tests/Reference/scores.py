"""Scores: Euclidean distances from a bank of features, relative to what the bank's own rows score with themselves left out.

N = bank rows, Q = queries, F = features of an image, K = prototypes looked up, tau_s = temperature of scores
"""

import math
from functools import cached_property

import torch
from torch import Tensor
from torch.nn import functional as F

RULES = ("weighted-distance", "weighted", "mean-angle")
# D0^2 is measured to so near a neighbour.
SCALE_NEIGHBOUR = 10


class ScoringBank:
    def __init__(self, rows: Tensor, top_k: int, temperature: float, patients: list[str | None] | None = None):
        """`rows` (N, F): features, of unit length where angles are asked for. `patients` N, where they are known: they are
        left out whole."""
        self.rows, self.top_k, self.temperature = rows, top_k, temperature
        self.patients = patients or [None] * len(rows)

    def squared_distances(self, queries: Tensor) -> Tensor:
        """(Q, N): |f|^2 - 2 f.m + |m|^2."""
        squares = queries.square().sum(1)[:, None] - 2 * queries @ self.rows.T + self.rows.square().sum(1)
        return squares.clamp(min=0)

    def nearest(self, queries: Tensor) -> tuple[Tensor, Tensor]:
        """The K smallest squared distances over the bank (Q, K), ascending, and whose they are."""
        return smallest(self.squared_distances(queries), self.top_k)

    # MARK: The bank's own scale

    @cached_property
    def others(self) -> Tensor:
        """(N, N): squared distances between the rows; infinite to a row itself and to the others of its patient."""
        squares = self.squared_distances(self.rows)
        for row, patient in enumerate(self.patients):
            same = [place for place, other in enumerate(self.patients) if place == row or (patient and other == patient)]
            squares[row, same] = math.inf
        return squares

    @cached_property
    def squared_scale(self) -> Tensor:
        """D0^2: the median over the rows of the squared distance to the 10th nearest other, or to the farthest of fewer."""
        ordered = self.others.sort(1).values
        counts = ordered.isfinite().sum(1).clamp(max=SCALE_NEIGHBOUR)
        return median(ordered[torch.arange(len(ordered)), counts - 1])

    def left_out(self, rule: str) -> Tensor:
        """(N): each row's distance from the bank without it, and without its patient."""
        nearest = smallest(self.others, min(self.top_k, len(self.rows) - 1))
        return self.aggregated(self.rows, *nearest, rule)

    def median_distance(self, rule: str) -> Tensor:
        """D."""
        return median(self.left_out(rule))

    # MARK: Scores

    def distances(self, queries: Tensor, rule: str) -> Tensor:
        """(Q)"""
        return self.aggregated(queries, *self.nearest(queries), rule)

    def scores(self, queries: Tensor, rule: str) -> Tensor:
        """(Q): half turns of an angle; of the others, 0.5 is a typical training image."""
        distances = self.distances(queries, rule)
        return distances if rule == "mean-angle" else distances / (distances + self.median_distance(rule))

    def aggregated(self, queries: Tensor, squares: Tensor, indices: Tensor, rule: str) -> Tensor:
        """(Q), from the K nearest rows' squared distances (Q, K) and their indices."""
        if rule == "mean-angle":
            cosines = (queries[:, None] * self.rows[indices]).sum(2)
            return cosines.clamp(-1, 1).acos().mean(1) / math.pi
        weights = self.weights(squares)
        if rule == "weighted-distance":
            return (weights * squares.sqrt()).sum(1)
        prototypes = (weights[:, :, None] * self.rows[indices]).sum(1)
        return (queries - prototypes).norm(dim=1)

    def weights(self, squares: Tensor) -> Tensor:
        """(Q, K): softmax(-d^2 / (tau_s D0^2))."""
        return F.softmax(-squares / (self.temperature * self.squared_scale), dim=1)


def exposures(images: Tensor) -> list[Tensor]:
    """Images in -1...1 as other detectors, voltages or windows would have shown them: `Exposure.others`."""
    linear = [(1.0, -0.2), (1.0, 0.2), (0.8, 0.0), (1.25, 0.0)]
    changed = [(images * contrast + brightness).clamp(-1, 1) for contrast, brightness in linear]
    return changed + [2 * ((images + 1) / 2).clamp(0, 1) ** exponent - 1 for exponent in (0.8, 1.25)]


def principal_axis(moves: Tensor) -> Tensor:
    """(F): the unit vector along which `moves` (count, F) are longest in the mean square; its sign is free."""
    return torch.linalg.svd(moves, full_matrices=False).Vh[0]


def damped(features: Tensor, axis: Tensor, damping: float) -> Tensor:
    """f - damping (f . u) u"""
    return features - damping * (features @ axis)[:, None] * axis


def smallest(squares: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The K smallest of each row, ascending, ties to the lower index, and their places."""
    found = squares.sort(dim=1, stable=True)
    k = min(k, squares.shape[1])
    return found.values[:, :k], found.indices[:, :k]


def median(values: Tensor) -> Tensor:
    """The mean of the two middle values of an even number of them: torch.median takes the lower."""
    ordered = values.sort().values
    count = len(ordered)
    return (ordered[(count - 1) // 2] + ordered[count // 2]) / 2
