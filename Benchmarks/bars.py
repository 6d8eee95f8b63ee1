"""Ratios as bars from 1 on a logarithmic scale, as an SVG of a few lines."""

import math
from dataclasses import dataclass
from pathlib import Path

import reference  # noqa: F401
import svg

WIDTH, LEFT, RIGHT, TOP, BOTTOM, STEP = 860, 380, 60, 56, 30, 26
BETTER, WORSE, WANTED = "#1f6f8b", "#b85c38", "#444"
TICKS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)


@dataclass(frozen=True)
class Bar:
    title: str
    value: float
    least: float
    most: float
    wanted: float | None


def draw(path: Path, bars: list[Bar], title: str, legend: str) -> None:
    height = TOP + STEP * len(bars) + BOTTOM
    numbers = [1.0, *(n for bar in bars for n in (bar.value, bar.least, bar.most, bar.wanted or 1.0))]
    low = max((tick for tick in TICKS if tick <= min(numbers)), default=min(numbers))
    high = min((tick for tick in TICKS if tick >= max(numbers)), default=max(numbers))

    def x(ratio: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * math.log(ratio / low) / math.log(high / low)

    lines = [svg.text(12, 22, title, weight="bold", size=14), svg.text(12, 40, legend, color="#666")]
    for tick in TICKS:
        if low <= tick <= high:
            color = "#888" if tick == 1 else "#ddd"
            lines.append(f'<path d="M{x(tick):.1f} {TOP - 4}V{height - BOTTOM}" stroke="{color}"/>')
            lines.append(svg.text(x(tick), height - BOTTOM + 16, f"{tick:g}", anchor="middle"))
    for number, bar in enumerate(bars):
        y = TOP + STEP * number
        start, end = sorted((x(1), x(bar.value)))
        color = BETTER if bar.value >= 1 else WORSE
        lines.append(svg.text(LEFT - 10, y + 14, bar.title, anchor="end"))
        lines.append(f'<rect x="{start:.1f}" y="{y + 3}" width="{end - start:.1f}" height="14" fill="{color}"/>')
        # Its ends are the worst and the best round.
        lines.append(f'<path d="M{x(bar.least):.1f} {y + 10}H{x(bar.most):.1f}" stroke="#000"/>')
        if bar.wanted is not None:
            lines.append(f'<path d="M{x(bar.wanted):.1f} {y}V{y + 20}" stroke="{WANTED}" stroke-width="2" stroke-dasharray="3 2"/>')
        lines.append(svg.text(max(x(bar.value), x(bar.most), x(1)) + 6, y + 14, f"{bar.value:.2g}", color=color, weight="bold"))
    svg.write(path, WIDTH, height, lines)
