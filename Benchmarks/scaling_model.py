"""How long a training step takes on some ranks: a model of few terms, fitted to measured runs.

Nothing here starts a process or reads a file; `scaling.py --self-test` checks it against numbers of its own.

    step = compute + bank + exposed + adam                                     seconds

    compute = pack + depth (forward + backward) (1 + sigma sqrt(2 ln workers))
    bank    = bank_pair B N / (R W) + bank_image B + 6 ceil(log2 R) round + wire(what the bank's collectives carry)
    exposed = the largest of: exchange - window backward; the last bucket's share of it; what of it is work, over W
    exchange = local G + buckets (bucket + 2 (R - 1) message) + the larger of: byte sent; wire(sent)
    wire(bytes) = 8 bytes H (R - H) / (R - 1) / (goodput rate)

`depth` is how many micro-batches the busiest worker computes one after another: ceil(ceil(B / m / R) / W) on cores of its own.
"""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

# B = images in a step, m = images in a micro-batch, R = ranks, W = workers of a rank, H = ranks of a host,
# N = rows of the memory bank, D = embedding dimension, G = elements of the gradients

DIMENSION = 200
# Of the gradients of one element: to the rank that sums it, and back from there.
WIRE_BYTES = {"exact": (8, 4), "float32": (4, 4), "bfloat16": (2, 2)}
# A step waits for these one after another: embeddings and their counts, maxima, softmax sums, gradients to z, statistics.
COLLECTIVES = 6


@dataclass(frozen=True)
class Layout:
    """Who trains, and on what."""

    ranks: int
    workers: int = 1
    batch: int = 32
    micro_batch: int = 8
    rows: int = 1000
    reduction: str = "exact"
    ranks_per_host: int = 1
    # A second, of each host's link, each way; None for no limit but the machine's.
    gigabits: float | None = None
    # Of all hosts together, where ranks take turns; None where each worker has its own.
    cores: int | None = None

    @property
    def micro_batches(self) -> int:
        return self.batch // self.micro_batch

    @property
    def idle_workers(self) -> int:
        return max(0, self.ranks * self.workers - self.micro_batches)


@dataclass(frozen=True)
class Terms:
    """What was fitted. Seconds, unless it says something else."""

    # Of one micro-batch on one worker while all cores compute, by m.
    forward: dict[int, float]
    backward: dict[int, float]
    # Once a step, by W; with more workers than measured the most that was.
    pack: dict[int, float]
    adam: dict[int, float]
    # Standard deviation of a worker's time over its mean.
    sigma: float
    # Of an image of the batch with a row of the bank on one worker, and of an image alone.
    bank_pair: float
    bank_image: float
    # Of a small collective, for each doubling of the ranks.
    round: float
    elements: int
    statistics: int
    buckets: int
    # The last bucket's part of the elements: nothing is left to hide it.
    last_bucket: float
    # Of an element, by reduction: to what travels, its sums, and back to floats.
    local: dict[str, float]
    # Of a bucket whatever is in it; of sending one message and receiving one.
    bucket: float
    message: float
    # Of a byte sent and one received, beside the wire: through TCP, and through memory.
    byte_tcp: float
    byte_memory: float
    # Bytes of gradients for each byte of the link's rate.
    goodput: float
    # The part of a micro-batch's backward pass behind which buckets travel.
    window: float


@dataclass(frozen=True)
class Step:
    """Seconds of its parts."""

    compute: float
    bank: float
    exposed: float
    adam: float
    # What the reduction would take with nothing to hide behind.
    exchange: float

    @property
    def seconds(self) -> float:
        return self.compute + self.bank + self.exposed + self.adam


def step(terms: Terms, layout: Layout) -> Step:
    m = layout.micro_batch
    turns = shared([1] * (layout.ranks * layout.workers), layout.cores)
    depth = shared(loads(layout), layout.cores)
    busy = min(layout.ranks * layout.workers, layout.micro_batches)
    waiting = 1 + terms.sigma * math.sqrt(2 * math.log(busy))
    pack = at_most(terms.pack, layout.workers) * turns
    compute = pack + depth * (terms.forward[m] + terms.backward[m]) * waiting
    # What the last micro-batch of each worker takes.
    last = terms.backward[m] * min(depth, turns) * waiting
    exchanged = exchange(terms, layout)
    exposed = 0.0
    if layout.ranks > 1:
        exposed = max(
            exchanged - terms.window * last, exchanged * terms.last_bucket,
            work(terms, layout) * shared([1] * layout.ranks, layout.cores) / layout.workers)
    return Step(compute, bank(terms, layout), exposed, at_most(terms.adam, layout.workers) * turns, exchanged)


def images_per_second(terms: Terms, layout: Layout) -> float:
    return layout.batch / step(terms, layout).seconds


def efficiency(terms: Terms, layout: Layout) -> float:
    """Of R ranks with their batch, beside R times one rank with its share of it."""
    alone = Layout(1, layout.workers, layout.batch // layout.ranks, layout.micro_batch, layout.rows)
    return step(terms, alone).seconds / step(terms, layout).seconds


# MARK: Compute


def loads(layout: Layout) -> list[int]:
    """Micro-batches of each worker of each rank, as `Share.range` and a rank's workers share them."""
    count, found = layout.micro_batches, []
    for rank in range(layout.ranks):
        mine = count * (rank + 1) // layout.ranks - count * rank // layout.ranks
        found += [(mine + worker) // layout.workers for worker in range(layout.workers)]
    return found


def shared(work: Sequence[float], cores: int | None) -> float:
    """How long pieces of work take that begin together on `cores`, each with its equal share of them."""
    if cores is None or len(work) <= cores:
        return max(work)
    time, done = 0.0, 0.0
    left = sorted(work)
    for number, piece in enumerate(left):
        time += (piece - done) * max(1, (len(left) - number) / cores)
        done = piece
    return time


def at_most(by_workers: dict[int, float], workers: int) -> float:
    return by_workers[min(workers, max(by_workers))]


# MARK: Bank


def bank(terms: Terms, layout: Layout) -> float:
    turns = shared([1] * layout.ranks, layout.cores)
    pairs = layout.batch * layout.rows / (layout.ranks * layout.workers)
    local = (terms.bank_pair * pairs + terms.bank_image * layout.batch) * turns
    if layout.ranks == 1:
        return local
    rounds = COLLECTIVES * math.ceil(math.log2(layout.ranks))
    # The statistics' sum stands at the end of the step, and is counted here.
    return local + rounds * terms.round * turns + wire(terms, layout, sum(bank_traffic(terms, layout).values()))


def bank_traffic(terms: Terms, layout: Layout) -> dict[str, float]:
    """Bytes that each rank sends in a step beside the gradients, as `salad train --dry-run` lists them."""
    once = (layout.ranks - 1) / layout.ranks
    batch = layout.batch
    return {
        "embeddings": once * batch * DIMENSION * 4,
        # An anchor and its 10 neighbours, of which the default recipe's later rounds have many.
        "similarities": 2 * once * batch * 12 * 4,
        "softmax sums": 2 * once * (batch + 1) * 8,
        "embedding gradients": 2 * once * (batch * DIMENSION + 1) * 8,
        "statistics": 2 * once * terms.statistics * 8,
    }


# MARK: Exchange of gradients


def sent(terms: Terms, layout: Layout) -> float:
    """Bytes of gradients that each rank sends, and receives, in a step."""
    return terms.elements * (layout.ranks - 1) / layout.ranks * sum(WIRE_BYTES[layout.reduction])


def exchange(terms: Terms, layout: Layout) -> float:
    """Summing all gradients over the ranks, with nothing else going on."""
    if layout.ranks == 1:
        return 0
    turns = shared([1] * layout.ranks, layout.cores)
    # While a link carries bytes, a core hands the next ones to it.
    moving = max(bytes_work(terms, layout) * turns, wire(terms, layout, sent(terms, layout)))
    return terms.buckets * terms.bucket + (work(terms, layout) - bytes_work(terms, layout)) * turns + moving


def work(terms: Terms, layout: Layout) -> float:
    """The part of it that a core of its own would take."""
    messages = terms.buckets * 2 * (layout.ranks - 1)
    return terms.local[layout.reduction] * terms.elements + messages * terms.message + bytes_work(terms, layout)


def bytes_work(terms: Terms, layout: Layout) -> float:
    """What goes to ranks of the same host goes through memory."""
    inside = (min(layout.ranks_per_host, layout.ranks) - 1) / (layout.ranks - 1)
    return (inside * terms.byte_memory + (1 - inside) * terms.byte_tcp) * sent(terms, layout)


def wire(terms: Terms, layout: Layout, bytes_sent: float) -> float:
    """Seconds of a host's link for what each of its ranks sends. Ranks of one host do not use it among themselves."""
    if layout.gigabits is None or layout.ranks <= layout.ranks_per_host:
        return 0
    hosts = layout.ranks_per_host * (layout.ranks - layout.ranks_per_host) / (layout.ranks - 1)
    return 8 * bytes_sent * hosts / (terms.goodput * layout.gigabits * 1e9)


# MARK: Fit


def line(points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Intercept and slope of the least squares of the relative errors."""
    weights = [1 / y**2 for _, y in points]
    total = sum(weights)
    x_mean = sum(w * x for w, (x, _) in zip(weights, points)) / total
    y_mean = sum(w * y for w, (_, y) in zip(weights, points)) / total
    slope = sum(w * (x - x_mean) * (y - y_mean) for w, (x, y) in zip(weights, points)) / sum(
        w * (x - x_mean) ** 2 for w, (x, _) in zip(weights, points))
    return y_mean - slope * x_mean, slope


def through_origin(points: Sequence[tuple[float, float]]) -> float:
    """The middle one of the quotients: one bad run moves nothing."""
    return statistics.median(y / x for x, y in points)
