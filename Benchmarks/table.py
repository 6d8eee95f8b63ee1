"""The page's table, and what stands in each of its rows."""

import statistics
from collections.abc import Iterable
from dataclasses import dataclass

from paths import Path, Row


def begin(cpu: str | None) -> str:
    """The mark before the table, of both sides held to `cpu`."""
    return f"<!-- make bench{f' CPU={cpu}' if cpu else ''} writes from here -->"


@dataclass(frozen=True)
class Spread:
    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: list[float]) -> "Spread":
        return cls(statistics.median(values), min(values), max(values))


@dataclass(frozen=True)
class Line:
    """A row with its numbers."""

    row: Row
    ours: Spread
    theirs: Spread | None
    # So many times better than the peer: the quotient of each round's two.
    ratio: Spread | None
    peer: str


def lines(paths: list[Path], measured: dict) -> list[Line]:
    return [line(row, measured[path.name]["rounds"]) for path in paths if path.name in measured for row in path.rows]


def line(row: Row, rounds: list[dict]) -> Line:
    ours = [row.ours(results) for results in rounds]
    if row.theirs is None:
        return Line(row, Spread.of(ours), None, None, "")
    theirs = [row.theirs(results) for results in rounds]
    ratios = [a / b if row.more_is_better else b / a for a, b in zip(ours, theirs)]
    return Line(row, Spread.of(ours), Spread.of(theirs), Spread.of(ratios), peers(results[row.peer] for results in rounds))


def peers(found: Iterable[dict]) -> str:
    """Who was the fastest, in one round or another."""
    names = dict.fromkeys(f"{peer['peer']}, {peer['block']:,} rows at once" if "block" in peer else peer["peer"] for peer in found)
    return " or ".join(names)


def table(found: list[Line]) -> str:
    text = ["| what | unit | salad | peer | times better | wanted | the peer |", "|---|---|---|---|---|---|---|"]
    for line in found:
        wanted = ""
        if line.row.ratio_wanted is not None:
            wanted = f"{line.row.ratio_wanted:g}"
        if line.row.ours_wanted is not None:
            sign = ">=" if line.row.more_is_better else "<="
            wanted = f"salad {sign} {line.row.ours_wanted:g}"
        cells = [line.row.title, line.row.unit, cell(line.ours), cell(line.theirs), cell(line.ratio, bold=True), wanted, line.peer]
        text.append(f"| {' | '.join(cells)} |")
    return "\n".join(text)


def cell(spread: Spread | None, bold: bool = False) -> str:
    if spread is None:
        return "-"
    mark = "**" if bold else ""
    return f"{mark}{number(spread.median)}{mark} ({number(spread.least)} to {number(spread.most)})"


def number(value: float) -> str:
    """Three digits that count, and no exponent."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def caption(report: dict, paths: list[Path]) -> str:
    machine, versions = report["machine"], report["versions"]
    # All the same, or each with what was measured then.
    days: dict[str, list[str]] = {}
    for path in paths:
        if path.name in report["paths"]:
            days.setdefault(report["paths"][path.name]["date"], []).append(path.name)
    dates = " and ".join(days) if len(days) < 2 else "; ".join(f"{day}: {', '.join(names)}" for day, names in days.items())
    minutes = sum(report["paths"][path.name]["seconds"] for path in paths if path.name in report["paths"]) / 60
    return (
        f"{machine['cpu']}, {machine['cores']} cores, {machine['instruction_set']}, {machine['memory_gib']} GiB; "
        + ", ".join(f"{name} {version}" for name, version in versions.items())
        + f". Measured {dates}, {minutes:.0f} minutes in all. Medians over the rounds, in brackets the least and the most."
    )
