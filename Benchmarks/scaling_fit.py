"""The model's terms from what was measured, each from the runs that show it most plainly."""

import statistics
from dataclasses import replace

from paths import at
from scaling_model import bank as bank_seconds
from scaling_model import COLLECTIVES, WIRE_BYTES, Layout, Terms, line, sent, shared, step, through_origin, wire
from scaling_runs import RATES, Run

# The range of four normal numbers over their standard deviation, on average.
RANGE_OF_FOUR = 2.059
# Elements of all buckets but the last, and of the last: Sources/Autoencoder/StepSums.swift.
LAST_BUCKET = 1 << 20


class Measured:
    """The numbers of all rounds, by the runs' names."""

    def __init__(self, runs: list[Run], results: dict[str, dict]):
        self.runs = {run.name: run for run in runs if run.name in results}
        self.results = results

    def values(self, name: str, *keys: str) -> list[float]:
        path, key = keys[:-1], keys[-1]
        return [at(printed, *path)[key] for printed in self.results[name]["rounds"]]

    def __call__(self, name: str, *keys: str) -> float:
        """The median over the rounds."""
        return statistics.median(self.values(name, *keys))

    def phase(self, name: str, phase: str) -> float:
        """Seconds of a part of the step."""
        return self(name, "train", "milliseconds", phase) / 1000

    def exchange(self, name: str, reduction: str) -> float:
        """Seconds of a reduction that are not a rank's own arithmetic."""
        return self(name, "reduce", reduction, "exchange") / 1000

    def group(self, *groups: str) -> list[Run]:
        return [run for run in self.runs.values() if run.group in groups]


def fit(measured: Measured, statistics_count: int, cores: int) -> Terms:
    computing, together = compute(measured, cores), "strong-2"
    elements = int(measured("reduce-2", "reduce", "elements"))
    buckets = int(measured("reduce-2", "reduce", "buckets"))
    bank_pair, bank_image = bank(measured)
    terms = Terms(
        **computing, adam={1: measured.phase(together, "adam"), cores: measured.phase("compute-all-m8-k2", "adam")},
        sigma=sigma(measured), bank_pair=bank_pair, bank_image=bank_image, round=0,
        elements=elements, statistics=statistics_count, buckets=buckets, last_bucket=min(1, LAST_BUCKET / elements),
        local={
            reduction: sum(measured("reduce-2", "reduce", reduction, part) for part in ("encode", "sum", "decode"))
            / 1000 / elements for reduction in WIRE_BYTES},
        bucket=0, message=0, byte_tcp=0, byte_memory=0, goodput=1, window=0)
    terms = replace(terms, round=round_of_collective(measured, terms))
    bucket, message = messages(measured)
    terms = replace(terms, bucket=bucket, message=message)
    terms = replace(terms, byte_memory=byte(measured, terms, ""), byte_tcp=byte(measured, terms, "-tcp"))
    terms = replace(terms, goodput=goodput(measured, terms))
    return replace(terms, window=window(measured, terms))


# MARK: Compute


def compute(measured: Measured, cores: int) -> dict[str, dict[int, float]]:
    """forward, backward and pack: all cores at work, since that is how a node trains; packing also on one core."""
    pack_all, forward = line([(depth, measured.phase(f"compute-all-m8-k{depth}", "forward")) for depth in (1, 2)])
    pack_one, _ = line([(depth, measured.phase(name, "forward")) for depth, name in ((1, "compute-one"), (4, "strong-1"))])
    pack = {1: max(0, pack_one), cores: max(0, pack_all)}
    found = {"forward": {8: forward}, "backward": {}, "pack": pack}
    found["backward"][8] = through_origin(
        [(depth, measured.phase(f"compute-all-m8-k{depth}", "backward")) for depth in (1, 2)])
    for m in (4, 2):
        depth, name = 16 // m, f"compute-all-m{m}-k{16 // m}"
        found["forward"][m] = (measured.phase(name, "forward") - pack[cores]) / depth
        found["backward"][m] = measured.phase(name, "backward") / depth
    return found


def sigma(measured: Measured) -> float:
    """From the slowest and fastest of four steps in each round of the runs without communication."""
    ratios = []
    for run in measured.group("compute"):
        rates = [measured.values(run.name, "train", "images_per_second", key) for key in ("slowest", "median", "fastest")]
        ratios += [(middle / slowest - middle / fastest) / RANGE_OF_FOUR for slowest, middle, fastest in zip(*rates)]
    return statistics.median(ratios)


# MARK: Bank


def bank(measured: Measured) -> tuple[float, float]:
    """Seconds of an image with a row, where rows come from memory; and of an image, which rows in a cache leave visible."""
    many, *cached = measured.group("bank")
    at_no_rows, _ = line([(run.layout.rows, measured.phase(run.name, "bank")) for run in cached])
    image = max(0, at_no_rows / cached[0].layout.batch)
    rest = measured.phase(many.name, "bank") - image * many.layout.batch
    return rest / (many.layout.batch * many.layout.rows), image


def round_of_collective(measured: Measured, terms: Terms) -> float:
    """Of the bank's collectives in steps of a small network on two ranks, which do not take turns."""
    name = "messages-step-2"
    layout = replace(measured.runs[name].layout, ranks=1)
    # The round that took least: where a waiting rank pushes another off its core, that costs a time slice, milliseconds.
    seconds = min(measured.values(name, "train", "milliseconds", "bank")) / 1000
    # The statistics' sum is not among them.
    return max(0, seconds - bank_seconds(terms, layout)) / (COLLECTIVES - 1)


# MARK: Exchange


def messages(measured: Measured) -> tuple[float, float]:
    """Seconds of a bucket, and of each message, from sums of next to nothing over more and more ranks."""
    points = []
    for run in measured.group("messages"):
        if "--reduce" in run.flags:
            ranks, buckets = run.layout.ranks, measured(run.name, "reduce", "buckets")
            seconds = statistics.median(measured.exchange(run.name, reduction) for reduction in WIRE_BYTES)
            points.append((2 * (ranks - 1) * shared([1] * ranks, run.layout.cores), seconds / buckets))
    bucket, message = line(points)
    return max(0, bucket), message


def byte(measured: Measured, terms: Terms, where: str) -> float:
    """Seconds that a byte takes beside the wire."""
    points = []
    for name, layout in sums(measured, where):
        turns = shared([1] * layout.ranks, layout.cores)
        rest = measured.exchange(name, layout.reduction) - fixed(terms, layout)
        points.append((sent(terms, layout) * turns, max(0, rest)))
    return through_origin(points)


def goodput(measured: Measured, terms: Terms) -> float:
    """Of the slowest link, which is slower than what hands it the bytes."""
    points = []
    for name, layout in sums(measured, f"-at-{min(RATES)}"):
        rest = measured.exchange(name, layout.reduction) - fixed(terms, layout)
        points.append((rest, wire(terms, layout, sent(terms, layout))))
    return through_origin(points)


def fixed(terms: Terms, layout: Layout) -> float:
    """Of an exchange, whatever its bytes."""
    turns = shared([1] * layout.ranks, layout.cores)
    return terms.buckets * (terms.bucket + 2 * (layout.ranks - 1) * terms.message * turns)


def sums(measured: Measured, where: str) -> list[tuple[str, Layout]]:
    """The runs of all reductions in a place, each reduction with its layout."""
    found = []
    for run in measured.group("reduce"):
        if run.layout.ranks > 1 and run.name == f"reduce-{run.layout.ranks}{where}":
            found += [(run.name, replace(run.layout, reduction=reduction)) for reduction in WIRE_BYTES]
    return found


def window(measured: Measured, terms: Terms) -> float:
    """From steps whose exchange is too long to hide: what of it they did not wait for, over their backward pass."""
    points = []
    for run in measured.group("strong", "weak"):
        if run.layout.gigabits == min(RATES):
            predicted = step(terms, run.layout)
            hidden = predicted.exchange - measured.phase(run.name, "reduce")
            # One micro-batch's; ranks that take turns are all the slower.
            last = terms.backward[8] * shared([1] * run.layout.ranks, run.layout.cores)
            points.append((last, hidden))
    return min(1, max(0, through_origin(points)))
