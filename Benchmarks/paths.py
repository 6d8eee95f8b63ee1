"""What is compared: for each path the commands, ours and the peers', and the rows of the table that follow from them.

A command prints one JSON object on one line. A row is "better" when it is more, or less.
"""

import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path as FilePath

HERE = FilePath(__file__).resolve().parent

# What is wanted of a row, by its title: of the ratio to the peer, or of salad's own number.
WANTED: dict[str, dict[str, float]] = json.loads((HERE / "thresholds.json").read_text())

# What the commands of one round printed, by the subjects' names.
Results = dict[str, dict]


@dataclass(frozen=True)
class Row:
    title: str
    unit: str
    ours: Callable[[Results], float]
    theirs: Callable[[Results], float] | None = None
    more_is_better: bool = True
    # The subject that says who the peer is.
    peer: str = "theirs"

    @property
    def ratio_wanted(self) -> float | None:
        return WANTED.get(self.title, {}).get("ratio")

    @property
    def ours_wanted(self) -> float | None:
        return WANTED.get(self.title, {}).get("salad")


@dataclass(frozen=True)
class Path:
    name: str
    # Name -> command, in the order in which they take turns.
    subjects: dict[str, list[str]]
    rows: list[Row]
    # A command that makes what the others need, once.
    prepare: list[str] | None = None
    # At most this many, where a round is long.
    rounds: int = 100
    # Flags that `salad bench --help` must know.
    flags: list[str] = field(default_factory=list)
    needs_bfloat16: bool = False


def paths(salad: str, cores: int, scratch: FilePath) -> list[Path]:
    commands = Commands(salad, cores, scratch)
    return [
        *(training(commands, precision) for precision in ("float32", "bfloat16")),
        *(scoring(commands, precision) for precision in ("float32", "bfloat16")),
        # z, and the levels e3, e4, e5.
        *(top_k(commands, rows, dimension) for dimension in (200, 896) for rows in (10_000, 100_000, 1_000_000)),
        *(anchors(commands, rows) for rows in (10_000, 50_000)),
        ranks(commands),
        reductions(commands),
        data_loading(commands),
        merging(commands),
        start_up(commands),
    ]


@dataclass(frozen=True)
class Commands:
    salad: str
    cores: int
    # Where data may be made.
    scratch: FilePath

    def bench(self, *flags: object, workers: int | None = None, ranks: int = 1) -> list[str]:
        launch = ["mpirun", "--oversubscribe", "--bind-to", "none", "-n", str(ranks)] if ranks > 1 else []
        flags = (*flags, "--workers", workers or self.cores, "--json")
        return [*launch, self.salad, "bench", *map(str, flags)]

    @staticmethod
    def peer(script: str, *flags: object) -> list[str]:
        return [sys.executable, str(HERE / script), *map(str, flags)]


# MARK: Network

def training(commands: Commands, precision: str) -> Path:
    is_half = precision == "bfloat16"
    return Path(
        name=f"train-{precision}",
        subjects={
            "ours": commands.bench("--train", "--rows", 1000, "--steps", 4, *precision_flag(precision)),
            "theirs": commands.peer("train.py", "--precision", precision),
        },
        rows=[
            Row(f"training step, {precision}", "images/s", rate("ours"), rate("theirs")),
            Row(f"its peak memory, {precision}", "GB", gigabytes("ours"), gigabytes("theirs"), more_is_better=False),
        ],
        flags=["--train", *precision_flag(precision)[:1]], needs_bfloat16=is_half)


def scoring(commands: Commands, precision: str) -> Path:
    is_half = precision == "bfloat16"
    return Path(
        name=f"score-{precision}",
        subjects={
            "ours": commands.bench("--score", "--steps", 10, *precision_flag(precision)),
            "theirs": commands.peer("score.py", "--precision", precision),
        },
        rows=[Row(f"encoder alone, {precision}", "images/s", rate("ours"), rate("theirs"))],
        flags=["--score", *precision_flag(precision)[:1]], needs_bfloat16=is_half)


def precision_flag(precision: str) -> list[str]:
    # float32 is what there is without the flag.
    return [] if precision == "float32" else ["--precision", precision]


# MARK: Bank

def top_k(commands: Commands, rows: int, dimension: int) -> Path:
    """One of ours answers both numbers of queries; theirs once each, by FAISS and PyTorch, of which the faster counts."""
    size = ["--rows", rows, "--dimension", dimension]

    def theirs(queries: int) -> list[str]:
        return commands.peer("bank.py", "--top-k", *size, "--queries", queries, "--threads", commands.cores)

    return Path(
        name=f"top-k-{rows}-{dimension}",
        subjects={"ours": commands.bench("--top-k", *size), "theirs, 1": theirs(1), "theirs, 32": theirs(32)},
        rows=[
            Row(f"30 nearest of {rows:,} x {dimension}, {queries} {'query' if queries == 1 else 'queries'}", "ms",
                milliseconds("ours", "top_k", f"queries_{queries}"), milliseconds(f"theirs, {queries}"),
                more_is_better=False, peer=f"theirs, {queries}")
            for queries in (1, 32)],
        flags=["--top-k"])


def anchors(commands: Commands, rows: int) -> Path:
    # PyTorch's plain version holds five N x N at once: where they do not fit, blocks of rows.
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    block = [] if 5 * 4 * rows * rows < memory / 2 else ["--block", 5000]
    return Path(
        name=f"anchors-{rows}",
        subjects={
            "ours": commands.bench("--anchors", "--rows", rows, "--steps", 2),
            "theirs": commands.peer("bank.py", "--anchors", "--rows", rows, "--threads", commands.cores,
                                    "--repetitions", 2, *block),
        },
        rows=[Row(f"entropies and 10 nearest of all {rows:,} rows", "ms", milliseconds("ours", "anchors", "all_rows"),
                  milliseconds("theirs"), more_is_better=False)],
        rounds=3, flags=["--anchors"])


def merging(commands: Commands) -> Path:
    return Path(
        name="merge", subjects={"ours": commands.bench("--merge", "--steps", 3)},
        rows=[Row("merging a sharded bank", "ms", milliseconds("ours", "merge"), more_is_better=False)],
        rounds=3, flags=["--merge"])


# MARK: Ranks

def ranks(commands: Commands) -> Path:
    """One rank of one worker, two of one, one of two: each beside PyTorch's."""
    layouts = {"1x1": (1, 1), "2x1": (2, 1), "1x2": (1, 2)}
    subjects = {}
    for name, (processes, threads) in layouts.items():
        subjects[f"ours {name}"] = commands.bench("--train", "--rows", 1000, "--steps", 2, workers=threads, ranks=processes)
        subjects[f"theirs {name}"] = commands.peer("ddp.py", "--processes", processes, "--threads", threads, "--steps", 2)

    def quotient(who: str, above: str, below: str) -> Callable[[Results], float]:
        return lambda results: rate(f"{who} {above}")(results) / rate(f"{who} {below}")(results)

    return Path(
        name="ranks", subjects=subjects,
        rows=[
            Row("1 to 2 ranks of 1 worker: so many times faster", "", quotient("ours", "2x1", "1x1"),
                quotient("theirs", "2x1", "1x1"), peer="theirs 2x1"),
            Row("2 ranks x 1 worker, of 1 rank x 2 workers' speed", "", quotient("ours", "2x1", "1x2"),
                quotient("theirs", "2x1", "1x2"), peer="theirs 2x1"),
            Row("training step, 2 ranks x 1 worker, float32", "images/s", rate("ours 2x1"), rate("theirs 2x1"),
                peer="theirs 2x1"),
        ],
        rounds=3, flags=["--train"])


def reductions(commands: Commands) -> Path:
    """All of ours in one command; theirs is the float32 one."""
    kinds = ("exact", "float32", "bfloat16")
    return Path(
        name="reduce",
        subjects={
            "ours": commands.bench("--reduce", "--steps", 10, workers=1, ranks=2),
            "theirs": commands.peer("ddp.py", "--processes", 2, "--all-reduce", "--steps", 10),
        },
        rows=[
            *(Row(f"summing all gradients over 2 ranks, {kind}", "ms", milliseconds("ours", "reduce", kind),
                  milliseconds("theirs"), more_is_better=False) for kind in kinds),
            *(Row(f"what a rank sends for it, {kind}", "MB", megabytes_sent("ours", kind), megabytes_sent("theirs"),
                  more_is_better=False) for kind in kinds),
        ],
        flags=["--reduce"])


# MARK: Files

def data_loading(commands: Commands) -> Path:
    folder = commands.scratch / "images"

    def row(title: str, format: str) -> Row:
        return Row(
            f"{title} decoded and resized", "images/s", format_rate(format, "ours", "data_loading"), format_rate(format, "theirs"))

    return Path(
        name="data-loading", prepare=commands.peer("pictures.py", "--salad", commands.salad, "--folder", folder),
        subjects={
            "ours": commands.bench("--data-loading", "--folder", folder, "--size", 256, "--steps", 3),
            "theirs": commands.peer("images.py", "--folder", folder, "--size", 256, "--processes", commands.cores),
        },
        rows=[
            row("PNGs of 1024 x 1024", "png"), row("JPEGs of 1024 x 1024", "jpeg"), row("TIFFs of 1024 x 1024", "tiff"),
            row("DICOM files of 3000 x 2500, 16 bits,", "dicom"),
        ],
        rounds=3, flags=["--data-loading", "--folder"])


def start_up(commands: Commands) -> Path:
    folder = commands.scratch / "deployment"
    return Path(
        name="start-up", subjects={"ours": commands.peer("start_up.py", "--salad", commands.salad, "--deployment", folder)},
        rows=[Row("`salad score` of one image, bank of 86,524 rows", "ms", milliseconds("ours"), more_is_better=False)],
        rounds=3)


# MARK: What was printed

def rate(subject: str) -> Callable[[Results], float]:
    return lambda results: results[subject]["images_per_second"]


def format_rate(format: str, *keys: str) -> Callable[[Results], float]:
    return lambda results: at(results, *keys)[f"{format}_images_per_second"]["median"]


def gigabytes(subject: str) -> Callable[[Results], float]:
    return lambda results: results[subject]["peak_resident_bytes"] / 1e9


def milliseconds(subject: str, *keys: str) -> Callable[[Results], float]:
    return lambda results: at(results[subject], *keys)["milliseconds"]


def megabytes_sent(subject: str, kind: str | None = None) -> Callable[[Results], float]:
    return lambda results: at(results[subject], *(("reduce", kind) if kind else ()))["bytes_sent"] / 1e6


def at(record: dict, *keys: str) -> dict:
    for key in keys:
        record = record[key]
    return record
