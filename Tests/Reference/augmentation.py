"""The `standard` augmentation in float64, its draws those of `Augmentation.swift`."""

import math
from dataclasses import dataclass

import numpy as np

from counter_random import CounterRandom


@dataclass(frozen=True)
class Strengths:
    flip: bool = True
    rotation: float = 8
    scale: float = 0.10
    shift: float = 0.035
    contrast: float = 0.25
    brightness: float = 0.17


STANDARD = Strengths()


def augment(
    image: np.ndarray, seed: int, epoch: int, index: int, strengths: Strengths = STANDARD, jitter=(0, 0)
) -> np.ndarray:
    """(S, S) in -1...1 to the same, float64. `jitter`, pixels to the right and down, moves the places that pixels are looked up at."""
    draws = CounterRandom.named(seed, "augmentation", epoch, index)
    uniform = draws.uniform(np.arange(7), -1, 1)
    mirror = -1 if strengths.flip and float(draws.uniform(0)) < 0.5 else 1
    angle = strengths.rotation * uniform[1] * math.pi / 180
    scale = 1 + strengths.scale * uniform[2]
    shift = strengths.shift * uniform[3:5]
    contrast = 1 + strengths.contrast * uniform[5]
    brightness = strengths.brightness * uniform[6]

    # A source point p goes to c + shift + scale R(angle) F (p - c): look each destination up at the inverse.
    side = image.shape[0]
    centre = (side - 1) / 2
    y, x = np.mgrid[0:side, 0:side].astype(np.float64)
    x, y = x - centre - shift[0] * side, y - centre - shift[1] * side
    u = mirror * (math.cos(angle) * x + math.sin(angle) * y) / scale + centre
    v = (math.cos(angle) * y - math.sin(angle) * x) / scale + centre
    return np.clip(bilinear(image, u + jitter[0], v + jitter[1]) * contrast + brightness, -1, 1)


def bilinear(image: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """The image at columns u and rows v, black (-1) outside."""
    side = image.shape[0]
    left, top = np.floor(u).astype(int), np.floor(v).astype(int)
    right, down = u - left, v - top

    def tap(row, column):
        inside = (row >= 0) & (row < side) & (column >= 0) & (column < side)
        return np.where(inside, image[row.clip(0, side - 1), column.clip(0, side - 1)].astype(np.float64), -1.0)

    upper = (1 - right) * tap(top, left) + right * tap(top, left + 1)
    lower = (1 - right) * tap(top + 1, left) + right * tap(top + 1, left + 1)
    return (1 - down) * upper + down * lower
