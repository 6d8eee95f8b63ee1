"""Random numbers as a function of a key and a counter: `Sources/Radiographs/CounterRandom.swift` again, in numpy.

Both sides of a comparison draw the same weights, bank, images, order and augmentations, so none of them is stored.
"""

import math

import numpy as np

MASK = np.uint64(0xFFFF_FFFF)
SHIFT = np.uint64(32)


def philox(low, high, key):
    """Philox4x32-10 (Salmon et al., SC 2011) on arrays or numbers of 64 bits: (low, high) of each counter."""
    x0, x1 = low & MASK, low >> SHIFT
    x2, x3 = high & MASK, high >> SHIFT
    k0, k1 = key & 0xFFFF_FFFF, key >> 32
    for _ in range(10):
        p0 = np.uint64(0xD251_1F53) * x0
        p2 = np.uint64(0xCD9E_8D57) * x2
        x0, x1, x2, x3 = (p2 >> SHIFT) ^ x1 ^ np.uint64(k0), p2 & MASK, (p0 >> SHIFT) ^ x3 ^ np.uint64(k1), p0 & MASK
        k0 = (k0 + 0x9E37_79B9) & 0xFFFF_FFFF
        k1 = (k1 + 0xBB67_AE85) & 0xFFFF_FFFF
    return (x1 << SHIFT) | x0, (x3 << SHIFT) | x2


class CounterRandom:
    """A stream for these words, or for a name under a seed: `CounterRandom(1, 2)`, `CounterRandom.named(7, "bank", row)`."""

    def __init__(self, *words: int, named: bool = False):
        low, high = len(words), int(named)
        for word in words:
            low, high = (int(half) for half in philox(np.uint64(word), np.uint64(high), low))
        self.key, self.stream = low, np.uint64(high)

    @classmethod
    def named(cls, seed: int, name: str, *words: int) -> "CounterRandom":
        data = name.encode()
        chunks = [int.from_bytes(data[i : i + 8], "little") for i in range(0, len(data), 8)]
        return cls(seed, len(data), *chunks, *words, named=True)

    def _block(self, counters):
        return philox(np.asarray(counters, np.uint64), self.stream, self.key)

    def bits(self, counters) -> np.ndarray:
        """64 random bits for each counter."""
        return self._block(counters)[0]

    def uniform(self, counters, lower: float = 0.0, upper: float = 1.0) -> np.ndarray:
        """Uniform in [lower, upper), 53 bits."""
        fraction = (self.bits(counters) >> np.uint64(11)).astype(np.float64) * 2.0**-53
        return np.minimum(lower + (upper - lower) * fraction, upper)

    def index(self, counter: int, below: int) -> int:
        """Uniform in 0 ... below - 1."""
        low, high = (int(half) for half in self._block(counter))
        return ((high << 64 | low) * below) >> 128


# MARK: What is drawn from it

def data_order(image_count: int, batch: int, micro_batch: int, seed: int, epoch: int) -> list[list[list[int]]]:
    """The epoch's steps, each a list of micro-batches of image indices: `DataOrder.swift`."""
    random = CounterRandom.named(seed, "data order", epoch)
    images = list(range(image_count))
    for last in range(image_count - 1, 0, -1):
        other = random.index(last, last + 1)
        images[last], images[other] = images[other], images[last]
    used = image_count // micro_batch * micro_batch
    micro_batches = [images[i : i + micro_batch] for i in range(0, used, micro_batch)]
    per_step = batch // micro_batch
    return [micro_batches[i : i + per_step] for i in range(0, len(micro_batches), per_step)]


def weights(name: str, shape: tuple[int, ...], seed: int) -> np.ndarray:
    """float32, uniform in +-1/sqrt(fan-in): `Replica.initialise`."""
    bound = float(np.float32(1 / math.sqrt(math.prod(shape[1:]))))
    draws = CounterRandom.named(seed, name).uniform(np.arange(math.prod(shape), dtype=np.uint64))
    return ((2 * draws - 1) * bound).astype(np.float32).reshape(shape)


def bank(rows: int, dimension: int, seed: int) -> np.ndarray:
    """(rows, dimension) float32, unit rows: the start of `MemoryBank`."""
    bound = math.sqrt(3 / dimension)
    elements = np.arange(dimension, dtype=np.uint64)
    drawn = np.stack([CounterRandom.named(seed, "memory bank", row).uniform(elements, -bound, bound) for row in range(rows)])
    return (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)


def blob_images(count: int, side: int, seed: int) -> np.ndarray:
    """(count, side, side) float32 in -1...1: eight round spots each and noise, as `ParityInputs.swift` draws them.

    Images that look alike would have embeddings that differ by little more than rounding.
    """
    y, x = (np.mgrid[0:side, 0:side] + 0.5) / side
    images = []
    for image in range(count):
        random = CounterRandom(seed, image)
        sum_of_spots = np.full((side, side), -0.3)
        for spot in range(8):
            across, down, size, height = random.uniform(4 * spot + np.arange(4))
            radius = 0.05 + 0.4 * size
            distance = ((x - across) * (x - across) + (y - down) * (y - down)) / (radius * radius)
            sum_of_spots += 2 * (height - 0.4) * np.maximum(1 - distance, 0)
        noise = random.uniform(32 + np.arange(side * side)).reshape(side, side) - 0.5
        images.append(np.clip(sum_of_spots + 0.2 * noise, -1, 1))
    return np.stack(images).astype(np.float32)


def projections(name: str, values: np.ndarray) -> list[float]:
    """Eight sums of all elements with random signs, drawn for `name`.

    The difference of two tensors' projections is a sum of their errors with random signs: its square has the mean
    |error|^2, whatever the errors are, so none can hide from all eight.
    """
    flat = values.reshape(-1).astype(np.float64)
    random = CounterRandom.named(0, name)
    sums = np.zeros(8)
    piece = 1 << 20
    for start in range(0, flat.size, piece):
        part = flat[start : start + piece]
        words = random.bits(start // 8 + np.arange((part.size + 7) // 8, dtype=np.uint64))
        # Byte i of a word belongs to its i-th element, bit k of the byte to projection k.
        bits = np.unpackbits(words.view(np.uint8), bitorder="little").reshape(-1, 8)[: part.size]
        sums += part @ (1.0 - 2.0 * bits)
    return sums.tolist()
