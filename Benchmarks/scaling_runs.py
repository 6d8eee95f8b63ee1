"""What `scaling.py` runs: `salad bench` on one host and over several, each run with the layout that the model knows it by."""

from dataclasses import dataclass, field

from network_hosts import NetworkHosts
from paths import Commands
from scaling_model import Layout

MOST_RANKS = 4
# Gb/s of each host's link.
RATES = (1, 10)
# A network of few weights: its buckets hold next to nothing, so that what is left is the number of messages.
NARROW = ("--size", 64, "--max-width", 16)


@dataclass(frozen=True)
class Run:
    name: str
    layout: Layout
    # Of `salad bench`, beside those that follow from the layout.
    flags: tuple[object, ...]
    # 0 for this machine as it is.
    hosts: int = 0
    # Of mpirun.
    options: tuple[str, ...] = field(default=())

    def command(self, commands: Commands, hosts: NetworkHosts | None) -> list[str]:
        layout = self.layout
        flags = (
            *self.flags, "--batch-size", layout.batch, "--micro-batch", layout.micro_batch, "--rows", layout.rows,
            "--reduction", layout.reduction)
        if hosts is None:
            return commands.bench(*flags, workers=layout.workers, ranks=layout.ranks)
        alone = commands.bench(*flags, workers=layout.workers)
        return hosts.mpirun(alone, layout.ranks_per_host, self.options)

    @property
    def group(self) -> str:
        return self.name.split("-")[0]


def runs(cores: int) -> list[Run]:
    return [*compute(cores), *strong(cores), *weak(cores), *over_networks(cores), *reductions(cores), *messages(cores), *banks()]


def compute(cores: int) -> list[Run]:
    """One rank: no communication at all. On one core and on all of them, with one micro-batch a worker and with more."""
    flags = ("--train", "--steps", 4)
    found = [Run("compute-one", Layout(1, batch=8), flags)]
    for m in (8, 4, 2):
        found += [
            Run(f"compute-all-m{m}-k{depth}", Layout(1, workers=cores, batch=depth * m * cores, micro_batch=m), flags)
            for depth in ((1, 2) if m == 8 else (16 // m,))]
    return found


def strong(cores: int) -> list[Run]:
    """The batch stays, its micro-batches spread."""
    return [
        Run(f"strong-{ranks}", Layout(ranks, ranks_per_host=ranks, cores=cores), ("--train", "--steps", 3))
        for ranks in range(1, MOST_RANKS + 1)]


def weak(cores: int) -> list[Run]:
    """A micro-batch a rank."""
    return [
        Run(f"weak-{ranks}", Layout(ranks, batch=8 * ranks, ranks_per_host=ranks, cores=cores), ("--train", "--steps", 3))
        for ranks in range(1, MOST_RANKS + 1)]


def over_networks(cores: int) -> list[Run]:
    """The same, a host each."""
    found = []
    for rate in reversed(RATES):
        for ranks in range(2, MOST_RANKS + 1):
            for name, batch in (("strong", 32), ("weak", 8 * ranks)):
                layout = Layout(ranks, batch=batch, gigabits=rate, cores=cores)
                found.append(Run(f"{name}-{ranks}-at-{rate}", layout, ("--train", "--steps", 2), hosts=ranks))
    for reduction in ("float32", "bfloat16"):
        layout = Layout(MOST_RANKS, batch=8 * MOST_RANKS, gigabits=RATES[0], cores=cores, reduction=reduction)
        found.append(
            Run(f"weak-{MOST_RANKS}-at-{RATES[0]}-{reduction}", layout, ("--train", "--steps", 2), hosts=MOST_RANKS))
    return found


def reductions(cores: int) -> list[Run]:
    """The gradients of the whole network by all three reductions: through memory, over TCP without a limit, and at each rate."""
    found = [
        Run(f"reduce-{ranks}", Layout(ranks, ranks_per_host=ranks, cores=cores), ("--reduce", "--steps", 5))
        for ranks in range(1, MOST_RANKS + 1)]
    for rate in (None, *reversed(RATES)):
        for ranks in range(2, MOST_RANKS + 1):
            name = f"reduce-{ranks}-tcp" if rate is None else f"reduce-{ranks}-at-{rate}"
            steps = 2 if rate == min(RATES) else 5
            layout = Layout(ranks, gigabits=rate, cores=cores)
            found.append(Run(name, layout, ("--reduce", "--steps", steps), hosts=ranks))
    # Not fitted to, but to test the model by: two ranks behind each link.
    layout = Layout(2 * MOST_RANKS, ranks_per_host=2, gigabits=min(RATES), cores=cores)
    found.append(Run(f"shared-{layout.ranks}-at-{min(RATES)}", layout, ("--reduce", "--steps", 2), hosts=MOST_RANKS))
    return found


def messages(cores: int) -> list[Run]:
    """Messages with next to nothing in them, over TCP even within a host: sums of few gradients, and steps of a small network."""
    found = []
    for ranks_per_host, hosts in ((1, 2), (1, 4), (2, 4), (4, 4)):
        ranks = ranks_per_host * hosts
        layout = Layout(ranks, ranks_per_host=ranks_per_host, cores=cores)
        flags, options = ("--reduce", "--steps", 20, *NARROW), ("--mca", "btl", "tcp,self")
        found.append(Run(f"messages-{ranks}", layout, flags, hosts=hosts, options=options))
    step = Run("messages-step-2", Layout(2, batch=16, cores=cores), ("--train", "--steps", 20, *NARROW), hosts=2)
    return [*found, step]


def banks() -> list[Run]:
    """The bank's part of a step: many rows, which come from memory; and many images beside few rows, which stay in a cache."""
    return [
        Run(f"bank-{batch}-{rows}", Layout(1, batch=batch, rows=rows), ("--train", "--steps", 4, *NARROW))
        for batch, rows in ((64, 100_000), (512, 512), (512, 2048))]
