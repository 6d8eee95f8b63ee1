"""How much of the ranks' speed is left on more and more of them, as the model has it, as an SVG of a few lines."""

import math
from pathlib import Path

import reference  # noqa: F401
import svg
from scaling_model import Layout, Terms, efficiency
from scaling_tables import CORES_OF_A_HOST, LINKS, RANKS, ROWS

WIDTH, HEIGHT = 860, 400
LEFT, RIGHT, TOP, BOTTOM = 60, 190, 64, 44
COLORS = dict(zip(LINKS, ("#b85c38", "#7a6f2b", "#1f6f8b")))
TITLE = "Weak scaling, a micro-batch of 8 a worker, exact reduction: a model, not a measurement"
LEGEND = (
    "part of the speed without communication; solid: a rank of one worker a link; "
    f"dashed: {CORES_OF_A_HOST} such ranks behind one link")
# Between the titles at the lines' ends.
LEAST_GAP = 15


def draw(path: Path, terms: Terms) -> None:
    def x(ranks: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * math.log2(ranks) / math.log2(RANKS[-1])

    def y(part: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (1 - part)

    lines = [
        svg.text(12, 22, TITLE, weight="bold", size=14),
        svg.text(12, 40, LEGEND, color="#666")]
    for part in (0, 0.25, 0.5, 0.75, 1):
        lines.append(f'<path d="M{LEFT} {y(part):.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>')
        lines.append(svg.text(LEFT - 8, round(y(part) + 4), f"{100 * part:.0f} %", anchor="end", color="#666"))
    ranks = [1 << power for power in range(int(math.log2(RANKS[-1])) + 1)]
    for count in ranks:
        lines.append(svg.text(x(count), HEIGHT - BOTTOM + 18, f"{count:,}", anchor="middle", color="#666"))
    lines.append(svg.text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, "ranks", anchor="middle", color="#666"))

    ends = []
    for link, color in COLORS.items():
        for ranks_per_host, dashes, title in (
            (1, "", f"{link} Gb/s a rank"),
            (CORES_OF_A_HOST, ' stroke-dasharray="6 4"', f"{link} Gb/s for {CORES_OF_A_HOST} ranks"),
        ):
            parts = [
                efficiency(terms, Layout(count, batch=8 * count, rows=ROWS, ranks_per_host=ranks_per_host, gigabits=link))
                for count in ranks]
            points = " ".join(f"{x(count):.1f},{y(part):.1f}" for count, part in zip(ranks, parts))
            lines.append(f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="2"{dashes}/>')
            ends.append((y(parts[-1]) + 4, title, color))
    lowest = -math.inf
    for height, title, color in sorted(ends):
        lowest = max(height, lowest + LEAST_GAP)
        lines.append(svg.text(WIDTH - RIGHT + 8, round(lowest), title, color=color, weight="bold"))
    svg.write(path, WIDTH, HEIGHT, lines)
