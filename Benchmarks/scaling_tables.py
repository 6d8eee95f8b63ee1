"""The tables of docs/scaling.md: what was measured, the model's terms, and what the model says of more ranks."""

import statistics
from dataclasses import replace

from scaling_fit import Measured
from scaling_model import WIRE_BYTES, Layout, Terms, efficiency, exchange, images_per_second, step
from scaling_runs import MOST_RANKS, RATES
from table import Spread, cell, number

# What is predicted: ranks, Gb/s of a host's link, rows of the bank (the normal images of a large public set).
RANKS = (8, 16, 32, 64, 128, 256, 512, 1024)
LINKS = (10, 25, 100)
ROWS = 86_524
CORES_OF_A_HOST = 16
WANTED = 0.9
MOST_DEPTH = 1000


def rows(head: str, lines: list[list[str]]) -> str:
    columns = head.count("|") - 1
    return "\n".join([head, "|---" * columns + "|", *(f"| {' | '.join(line)} |" for line in lines)])


# MARK: Measured


def compute(measured: Measured) -> str:
    found = []
    for run in measured.group("compute"):
        layout = run.layout
        phases = [number(1000 * measured.phase(run.name, phase)) for phase in ("forward", "backward", "adam")]
        found.append([
            f"{layout.workers}", f"{layout.batch}", f"{layout.micro_batch}", spread(measured, run.name, "milliseconds", "step"),
            *phases, spread(measured, run.name, "images_per_second", "median"), processor(measured, run.name)])
    return rows(
        "| workers | batch | micro-batch | step, ms | forward | backward | Adam | images/s | CPU seconds an image |", found)


def steps(measured: Measured, terms: Terms | None) -> str:
    found, errors = [], []
    for run in measured.group("strong", "weak"):
        layout, name = run.layout, run.group
        place = f"{layout.gigabits} Gb/s" if layout.gigabits else "memory"
        modelled = "-"
        if terms:
            seconds = step(terms, layout).seconds
            ratio = 1000 * seconds / measured(run.name, "train", "milliseconds", "step")
            modelled = f"{number(1000 * seconds)} ({100 * (ratio - 1):+.0f} %)"
            errors.append(100 * abs(ratio - 1))
        found.append([
            f"{name}, {layout.batch} images", f"{layout.ranks}", place, layout.reduction,
            spread(measured, run.name, "milliseconds", "step"), modelled,
            number(measured(run.name, "train", "milliseconds", "reduce")),
            spread(measured, run.name, "images_per_second", "median"), processor(measured, run.name)])
    head = ("scaling", "ranks", "through", "reduction", "step, ms", "the model's", "rank 0 waits for sums, ms", "images/s",
            "CPU seconds an image")
    text = rows(f"| {' | '.join(head)} |", found)
    if errors:
        text += f"\n\nThe model's steps are {statistics.median(errors):.0f} % off in the median and {max(errors):.0f} % at most."
    return text


def reductions(measured: Measured, terms: Terms | None) -> str:
    places = [("memory", ""), ("TCP", "-tcp"), *((f"{rate} Gb/s", f"-at-{rate}") for rate in reversed(RATES))]
    kinds = [(f"{ranks}", f"reduce-{ranks}") for ranks in range(1, MOST_RANKS + 1)]
    kinds += [(f"{run.layout.ranks}, {run.layout.ranks_per_host} a host", run.name.partition("-at-")[0])
              for run in measured.group("shared")]
    found = []
    for title, kind in kinds:
        names = [kind + place for _, place in places]
        known = [name for name in names if name in measured.runs]
        for reduction in WIRE_BYTES if known else ():
            megabytes = measured(known[0], "reduce", reduction, "bytes_sent") / 1e6
            cells = [exchanged(measured, terms, name, reduction) if name in known else "-" for name in names]
            found.append([title, reduction, number(megabytes), *cells])
    return rows(f"| ranks | reduction | a rank sends, MB | {' | '.join(f'{title}, ms' for title, _ in places)} |", found)


def exchanged(measured: Measured, terms: Terms | None, name: str, reduction: str) -> str:
    """What it took; what the model has for it."""
    text, layout = spread(measured, name, reduction, "milliseconds", subject="reduce"), measured.runs[name].layout
    if terms is None or layout.ranks == 1:
        return text
    return f"{text}; {number(1000 * exchange(terms, replace(layout, reduction=reduction)))}"


def spread(measured: Measured, name: str, *keys: str, subject: str = "train") -> str:
    return cell(Spread.of(measured.values(name, subject, *keys)))


def processor(measured: Measured, name: str) -> str:
    return number(measured(name, "train", "processor_seconds") / measured.runs[name].layout.batch)


# MARK: The model


def terms_table(_: Measured, terms: Terms) -> str:
    most = max(terms.pack)
    found = [
        ["forward, backward", "of a micro-batch of 8, all cores at work", milliseconds(terms.forward[8], terms.backward[8])],
        ["pack", f"weights for the convolutions, once a step, by 1 and {most} workers",
         milliseconds(terms.pack[1], terms.pack[most])],
        ["adam", f"once a step, by 1 and {most} workers", milliseconds(terms.adam[1], terms.adam[most])],
        ["sigma", "deviation of a step's time from run to run of the same", f"{100 * terms.sigma:.2g} %"],
        ["bank_pair", "of an image with a row of the bank", f"{1e9 * terms.bank_pair:.2g} ns"],
        ["bank_image", "of an image of the batch", f"{1e6 * terms.bank_image:.2g} us"],
        ["round", "of a small collective, each time the ranks double", f"{1e6 * terms.round:.2g} us"],
        ["G, buckets", "elements of the gradients, and the pieces they are summed in", f"{terms.elements:,}, {terms.buckets}"],
        ["local", "of an element: its sum, and to and from what travels",
         ", ".join(f"{kind} {1e9 * terms.local[kind]:.2g} ns" for kind in WIRE_BYTES)],
        ["bucket", "of a bucket, whatever is in it", f"{1e6 * terms.bucket:.2g} us"],
        ["message", "of a message sent and one received, over TCP", f"{1e6 * terms.message:.2g} us"],
        ["byte", "of a byte sent and one received, over TCP and through memory",
         f"{1e9 * terms.byte_tcp:.2g} and {1e9 * terms.byte_memory:.2g} ns"],
        ["goodput", "of a link's rate", f"{100 * terms.goodput:.0f} %"],
        ["window", "the part of a micro-batch's backward pass that hides the exchange", f"{100 * terms.window:.0f} %"],
    ]
    return rows("| term | what it is | value |", found)


def milliseconds(*seconds: float) -> str:
    return " and ".join(number(1000 * value) for value in seconds) + " ms"


# MARK: What it predicts


def weak(_: Measured, terms: Terms) -> str:
    kinds = [(link, "exact") for link in LINKS] + [(LINKS[0], kind) for kind in ("float32", "bfloat16")]
    found = [
        [f"{ranks:,}", f"{8 * ranks:,}", *(predicted(terms, one_worker(ranks, link, kind)) for link, kind in kinds)]
        for ranks in RANKS]
    head = " | ".join(f"{link} Gb/s, {kind}" for link, kind in kinds)
    core = (
        f"A core moves {8e-9 / terms.byte_tcp:.0f} Gb/s each way through TCP, by `byte`: a rank of one worker gains nothing from a\n"
        "faster link, since its one core hands over the bytes and computes besides.")
    return rows(f"| ranks | batch | {head} |", found) + f"\n\n{core}"


def hosts(_: Measured, terms: Terms) -> str:
    """All cores of a host behind one link: as ranks of one worker, and as one rank of many."""
    kinds = [*((link, "exact") for link in LINKS), (LINKS[0], "bfloat16")]
    found = []
    for ranks, workers in ((CORES_OF_A_HOST, 1), (1, CORES_OF_A_HOST)):
        for count in (2, 4, 8, 16, 32, 64):
            batch = 8 * CORES_OF_A_HOST * count
            layouts = [
                Layout(ranks * count, workers, batch, rows=ROWS, reduction=kind, ranks_per_host=ranks, gigabits=link)
                for link, kind in kinds]
            parts = [f"{100 * efficiency(terms, layout):.0f} %" for layout in layouts]
            found.append([f"{ranks} x {workers}", f"{count}", f"{ranks * count:,}", f"{batch:,}", *parts])
    head = " | ".join(f"{link} Gb/s, {kind}" for link, kind in kinds)
    return rows(f"| a host's ranks x workers | hosts | ranks | batch | {head} |", found)


def batches(_: Measured, terms: Terms) -> str:
    """The same batch on more and more ranks."""
    sizes = (32, 256, 2048, 16_384)
    found = []
    for ranks in (1, 2, 4, *RANKS):
        line = [f"{ranks:,}"]
        for batch in sizes:
            layout = Layout(ranks, batch=batch, rows=ROWS, gigabits=25)
            idle = f"; {layout.idle_workers:,} idle" if layout.idle_workers else ""
            line.append(f"{number(images_per_second(terms, layout))}{idle}")
        found.append(line)
    return rows(f"| ranks | {' | '.join(f'batch {size:,}' for size in sizes)} |", found)


def micro_batches(measured: Measured, terms: Terms) -> str:
    """A batch of 32 in smaller pieces, on as many ranks as they feed."""
    found = []
    for m in sorted(terms.forward, reverse=True):
        ranks = 32 // m
        rate = measured(f"compute-all-m{m}-k{16 // m}", "train", "images_per_second", "median")
        predictions = [
            number(images_per_second(terms, Layout(ranks, micro_batch=m, rows=ROWS, gigabits=link))) for link in LINKS]
        found.append([f"{m}", number(rate), f"{ranks}", *predictions])
    return rows(
        f"| micro-batch | images/s here, one rank, measured | ranks it feeds | {' | '.join(f'{link} Gb/s' for link in LINKS)} |",
        found)


def bites(_: Measured, terms: Terms) -> str:
    """How many micro-batches a worker must have one after another for the ranks to keep most of their speed."""
    found = []
    for ranks_per_host in (1, 4, CORES_OF_A_HOST):
        for kind in WIRE_BYTES:
            line = [f"{ranks_per_host}", kind]
            for link in LINKS:
                layout = Layout(256, rows=ROWS, reduction=kind, ranks_per_host=ranks_per_host, gigabits=link)
                depth = needed(terms, layout)
                text = f"{depth} ({depth * layout.ranks * layout.micro_batch:,})" if depth else "none"
                line.append(f"{number(1000 * exchange(terms, layout))}; {text}")
            found.append(line)
    heads = " | ".join(f"{link} Gb/s: ms; micro-batches (batch)" for link in LINKS)
    return rows(f"| ranks behind a link | reduction | {heads} |", found)


def needed(terms: Terms, layout: Layout) -> int | None:
    """Micro-batches of each worker for WANTED of the speed without communication; None where no number is enough."""
    for depth in range(1, MOST_DEPTH):
        if efficiency(terms, replace(layout, batch=depth * layout.micro_batch * layout.ranks * layout.workers)) >= WANTED:
            return depth
    return None


def one_worker(ranks: int, link: float, kind: str = "exact") -> Layout:
    return Layout(ranks, batch=8 * ranks, rows=ROWS, reduction=kind, gigabits=link)


def predicted(terms: Terms, layout: Layout) -> str:
    return f"{number(images_per_second(terms, layout))} ({100 * efficiency(terms, layout):.0f} %)"


# By the names of their places in the page.
PREDICTIONS = {
    "terms": terms_table, "weak": weak, "batches": batches, "micro-batches": micro_batches, "bites": bites, "hosts": hosts,
}
