"""Curves on a logarithmic scale, as an SVG of a few lines: no plotting library is worth a dependency here."""

import math
from dataclasses import dataclass
from pathlib import Path

import svg

WIDTH, HEIGHT = 720, 360
LEFT, RIGHT, TOP, BOTTOM = 70, 20, 55, 45


@dataclass(frozen=True)
class Curve:
    title: str
    color: str
    # Above 0, one a step from 1 on.
    values: list[float]


def draw(path: Path, curves: list[Curve], x_title: str, y_title: str, marks: list[tuple[int, str]]) -> None:
    """`marks`: vertical lines behind a step, with what begins there."""
    steps = max(len(curve.values) for curve in curves)
    values = [value for curve in curves for value in curve.values]
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))

    def x(step: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (step - 0.5) / steps

    def y(value: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (high - math.log10(value)) / (high - low)

    lines = []
    for power in range(low, high + 1):
        height = y(10.0**power)
        lines.append(f'<path d="M{LEFT} {height:.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>')
        lines.append(f'<text x="{LEFT - 8}" y="{height + 4:.1f}" text-anchor="end">1e{power}</text>')
    for step in range(5, steps + 1, 5):
        lines.append(f'<text x="{x(step):.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{step}</text>')
    for step, title in marks:
        lines.append(f'<path d="M{x(step + 0.5):.1f} {TOP}V{HEIGHT - BOTTOM}" stroke="#999" stroke-dasharray="4 3"/>')
        lines.append(f'<text x="{x(step + 0.5) + 4:.1f}" y="{TOP + 12}" fill="#666">{title}</text>')
    for number, curve in enumerate(curves):
        points = " ".join(f"{x(step):.1f},{y(value):.1f}" for step, value in enumerate(curve.values, 1))
        lines.append(f'<polyline points="{points}" fill="none" stroke="{curve.color}" stroke-width="2"/>')
        column, row = number % 2, number // 2
        lines.append(f'<text x="{LEFT + 250 * column}" y="{20 + 18 * row}" fill="{curve.color}" font-weight="bold">{curve.title}</text>')
    lines.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 8}" text-anchor="middle">{x_title}</text>')
    middle = (TOP + HEIGHT - BOTTOM) / 2
    lines.append(f'<text transform="translate(16 {middle}) rotate(-90)" text-anchor="middle">{y_title}</text>')
    svg.write(path, WIDTH, HEIGHT, lines)
