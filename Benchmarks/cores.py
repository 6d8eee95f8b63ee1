"""What a node of many cores does with a training step: a model of the bytes and operations of every pass of the unet.

    python3 Benchmarks/cores.py                          # the tables of docs/many-cores.md
    python3 Benchmarks/cores.py --cores 48 --bandwidth 300 --cache 96
    python3 Benchmarks/cores.py --self-test

Nothing is measured here: what a core does is given (`--seconds` of a micro-batch on one worker, as `salad bench --train
--workers 1` tells them), and how passes are cut is what Sources/Autoencoder does. A node is given by its cores, its memory
bandwidth in GB/s and its third-level cache in MB.
"""

import argparse
import math
from dataclasses import dataclass

# m = images in a micro-batch, S = image side, T = threads of a micro-batch, W = micro-batches at a time

FLOAT, FIXED, BLOCK = 4, 8, 16
# Of a fork and a join of a team whose threads are awake.
JOIN = 2e-6


@dataclass(frozen=True)
class Pass:
    """One loop over memory, cut into pieces that threads take."""

    name: str
    operations: float
    bytes: float
    pieces: int

    def seconds(self, rate: float, bandwidth: float, threads: int) -> float:
        """With the slowest thread's share of the pieces."""
        alone = self.operations / rate + self.bytes / bandwidth
        return alone * math.ceil(self.pieces / threads) / self.pieces + (JOIN if threads > 1 else 0)


@dataclass(frozen=True)
class Node:
    cores: int
    # Bytes a second, and bytes.
    bandwidth: float
    cache: float


class UNet:
    """The passes of one micro-batch, in float32, as the layers of Sources/Autoencoder take them."""

    def __init__(self, side: int = 256, images: int = 8, widest: int = 1024, dimension: int = 200) -> None:
        self.side, self.images, self.passes, self.weights = side, images, [], 0
        widths = [min(16 << level, widest) for level in range(7)]
        source = 1
        for level, width in enumerate(widths):
            for second in (False, True):
                self.layer(f"e{level}", source, width, side >> level, pools=second and level < 6)
                source = width
        features = widths[6] * (side // 64) ** 2
        for name in ("feat", "defeat"):
            self.weights += dimension * features
            for way in ("reduce", "expand", "gradient"):
                count = dimension * features
                self.add(f"{name} {way}", 2 * images * count, count * (FIXED * 2 if way == "gradient" else FLOAT),
                         {"reduce": dimension // 8, "expand": images, "gradient": dimension}[way])
        for level in range(6, 0, -1):
            width, small = widths[level - 1], side >> level
            self.up(f"d{7 - level}", widths[level], width, small)
            self.layer(f"d{7 - level}", width, width, 2 * small)
            self.layer(f"d{7 - level}", width, width, 2 * small)
        image = images * side * side * FLOAT
        for name, factor in (("projection", 17), ("its gradient", 34), ("tanh", 2), ("loss", 2), ("loss gradient", 3)):
            self.add(name, 40 * images * side * side, factor * image, images)

    def add(self, name: str, operations: float, moved: float, pieces: int) -> None:
        self.passes.append(Pass(name, operations, moved, max(int(pieces), 1)))

    def map_bytes(self, channels: int, side: int) -> float:
        return self.images * max(channels, 1) * side * side * FLOAT

    def pieces(self, channels: int, side: int) -> int:
        """As MapPieces cuts maps: runs of 1,024 pixels, or of blocks."""
        blocks = max(channels // BLOCK, 1)
        if side * side > 1024:
            return self.images * blocks * side * side // 1024
        return self.images * math.ceil(blocks / min(max(1024 // (side * side), 1), blocks))

    def convolution(self, name: str, source: int, width: int, side: int, kernel: int) -> None:
        weights = source * width * kernel * kernel
        self.weights += weights
        operations = 2 * weights * side * side * self.images
        read, written = self.map_bytes(source, side), self.map_bytes(width, side)
        winograd = kernel == 3 and side >= 8 and source > 1
        inputs, outputs = max(source // BLOCK, 1), width // BLOCK
        tiles = self.images * (side // 4) ** 2
        turns = 1 if tiles <= 128 else tiles // 32
        if winograd:
            # A quarter of the multiplications, and the transforms beside them, by the measured times of its layers.
            operations *= 0.25 * 1.45
            forward = outputs // 2 if turns == 1 else turns
            parts = 16 if inputs * outputs <= 16 else 8
            forward, gradient = max(forward, 1), inputs * max(outputs // 2, 1) if turns == 1 else parts
        else:
            forward, gradient = self.images, outputs
        self.add(f"{name} forward", operations, read + written + weights * FLOAT, forward)
        if source > 1:
            self.add(f"{name} source gradient", operations, read + written + weights * FLOAT, forward)
        self.add(f"{name} weight gradient", operations, read + written + weights * FLOAT, gradient if source > 1 else self.images)
        # Unpacked, and added to the fixed-point sums.
        self.add(f"{name} sums", 4 * weights, weights * (FLOAT + 2 * FIXED), outputs)

    def normalisation(self, name: str, width: int, side: int, pools: bool) -> None:
        values, pieces = self.map_bytes(width, side), self.pieces(width, side)
        out = values / 4 if pools else values
        elements = values / FLOAT
        for what, operations, moved in (
            ("moments", 3, values), ("normalise", 3, values + out), ("normalise again", 3, values + out),
            ("gradient sums", 8, values + out), ("gradient", 10, 2 * values + out),
        ):
            self.add(f"{name} {what}", operations * elements, moved, pieces)

    def layer(self, name: str, source: int, width: int, side: int, pools: bool = False) -> None:
        self.convolution(name, source, width, side, 3)
        self.normalisation(name, width, side, pools)

    def up(self, name: str, source: int, width: int, side: int) -> None:
        self.convolution(f"{name} up", source, width, side, 1)
        small, large = self.map_bytes(width, side), self.map_bytes(width, 2 * side)
        planes = self.images * max(width // BLOCK, 1) / max(256 // (side * side), 1)
        for what in ("upsample", "upsample back"):
            self.add(f"{name} {what}", 6 * large / FLOAT, small + large, planes)
        self.normalisation(f"{name} up", width, 2 * side, False)

    # What a step costs

    def rate(self, seconds: float, bandwidth: float) -> float:
        """Operations a second of one core that computes all passes in so many seconds."""
        moved = sum(one.bytes for one in self.passes) / bandwidth
        if moved >= seconds:
            raise SystemExit(f"{seconds} s are less than the {moved:.2f} that its bytes take: give more --core-bandwidth")
        return sum(one.operations for one in self.passes) / (seconds - moved)

    def micro_batch(self, rate: float, bandwidth: float, threads: int) -> float:
        return sum(one.seconds(rate, bandwidth, threads) for one in self.passes)

    def from_memory(self, room: float) -> float:
        """Bytes of a micro-batch from and to memory, where it has so much of the cache: what a pass moves and the cache held."""
        return sum(one.bytes for one in self.passes if one.bytes > room)

    def once(self) -> float:
        """Bytes of packing and Adam, once a step and rank."""
        return self.weights * (FLOAT + 2 * FLOAT + FIXED + 2 * FLOAT + 4 * FLOAT)


@dataclass(frozen=True)
class Step:
    seconds: float
    images: float
    workers: int
    idle: int
    # Of the step, that memory takes at least.
    memory: float
    # Megabytes from and to memory.
    moved: float


def step(net: UNet, node: Node, rate: float, core: float, threads: int, ranks: int, batch: int) -> Step:
    workers = max(node.cores // ranks // threads, 1) * ranks
    micro_batches = batch // net.images
    busy = min(workers, micro_batches)
    depth = math.ceil(micro_batches / busy)
    one = net.micro_batch(rate, core, threads)
    moved = micro_batches * net.from_memory(node.cache / busy)
    once = ranks * net.once()
    seconds = max(depth * one, moved / node.bandwidth) + once / node.bandwidth
    idle = max(node.cores - busy * threads, 0)
    return Step(seconds, batch / seconds, workers, idle, (moved + once) / node.bandwidth / seconds, (moved + once) / 1e6)


def rows(head: list[str], found: list[list[str]]) -> str:
    line = lambda cells: f"| {' | '.join(cells)} |"
    return "\n".join([line(head), line(["---"] * len(head)), *(line(cells) for cells in found)])


def tables(net: UNet, nodes: list[Node], rate: float, core: float, batches: list[int]) -> str:
    text = []
    passes, total = net.passes, net.micro_batch(rate, core, 1)
    text.append(
        f"{len(passes)} passes a micro-batch, {sum(one.operations for one in passes) / 1e9:.0f} GFLOP, "
        f"{sum(one.bytes for one in passes) / 1e9:.1f} GB moved between core and cache or memory; "
        f"{net.once() / 1e9:.1f} GB once a step and rank.\n")
    found = []
    for threads in (1, 2, 4, 8, 16, 32):
        seconds = net.micro_batch(rate, core, threads)
        joins = len(passes) * JOIN if threads > 1 else 0
        found.append([f"{threads}", f"{1000 * seconds:.0f}", f"{total / seconds:.1f}", f"{100 * total / seconds / threads:.0f} %",
                      f"{100 * joins / seconds:.1f} %"])
    text.append(rows(["T", "a micro-batch, ms", "times faster", "of T", "forks and joins"], found) + "\n")
    for node in nodes:
        for batch in batches:
            found = []
            for ranks in (1, 2):
                for threads in (1, 2, 4, 8, 16):
                    if threads * ranks > node.cores:
                        continue
                    one = step(net, node, rate, core, threads, ranks, batch)
                    found.append([f"{ranks} x {one.workers // ranks} x {threads}", f"{one.idle}", f"{1000 * one.seconds:.0f}",
                                  f"{one.images:.0f}", f"{one.moved:,.0f}", f"{100 * one.memory:.0f} %"])
            text.append(f"{node.cores} cores, {node.bandwidth / 1e9:.0f} GB/s, {node.cache / 1e6:.0f} MB, batch {batch}:\n")
            head = ["R x W x T", "idle cores", "step, ms", "images/s", "MB from and to memory", "memory busy"]
            text.append(rows(head, found) + "\n")
    return "\n".join(text)


def self_test() -> None:
    net = UNet()
    assert 31e6 < net.weights < 34e6, net.weights
    rate = net.rate(0.9, 15e9)
    assert abs(net.micro_batch(rate, 15e9, 1) - 0.9) < 1e-9
    times = [net.micro_batch(rate, 15e9, threads) for threads in (1, 2, 4, 8, 16)]
    assert times == sorted(times, reverse=True), times
    # No more than T times, and with endless bandwidth and as many micro-batches as cores no core is idle.
    assert all(times[0] / time <= threads for threads, time in zip((1, 2, 4, 8, 16), times))
    node = Node(32, 1e15, 1e12)
    assert step(net, node, rate, 15e9, 1, 1, 256).idle == 0
    assert step(net, node, rate, 15e9, 1, 1, 32).idle == 28
    assert step(net, node, rate, 15e9, 8, 1, 32).idle == 0
    # Where memory is all that counts, teams change nothing but what the cache keeps.
    slow = Node(32, 1e9, 0)
    assert abs(step(net, slow, rate, 15e9, 1, 1, 256).seconds / step(net, slow, rate, 15e9, 8, 1, 256).seconds - 1) < 1e-9
    print("the model agrees with itself")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=0.93, help="of a micro-batch on one core, forward and backward")
    parser.add_argument("--core-bandwidth", type=float, default=20, help="GB/s of one core through its caches")
    parser.add_argument("--cores", type=int, help="of the node, instead of 32 and 64")
    parser.add_argument("--bandwidth", type=float, default=200, help="GB/s of the node's memory")
    parser.add_argument("--cache", type=float, default=128, help="MB of its third-level cache")
    parser.add_argument("--side", type=int, default=256)
    parser.add_argument("--batch", type=int, action="append", help="images in a step (default: 32 and 256)")
    parser.add_argument("--self-test", action="store_true", help="check the model")
    arguments = parser.parse_args()
    if arguments.self_test:
        self_test()
        return
    net = UNet(arguments.side)
    core = arguments.core_bandwidth * 1e9
    given = Node(arguments.cores or 32, arguments.bandwidth * 1e9, arguments.cache * 1e6)
    nodes = [given] if arguments.cores else [given, Node(64, 2 * given.bandwidth, 2 * given.cache)]
    print(tables(net, nodes, net.rate(arguments.seconds, core), core, arguments.batch or [32, 256]))


if __name__ == "__main__":
    main()
