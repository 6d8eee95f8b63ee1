"""Trainings that are disturbed: started under mpirun, watched, ended, and looked for afterwards."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent / "Benchmarks"))
from network_hosts import NetworkHosts  # noqa: E402

# By which a job's processes are known on all hosts: a variable of their environment.
MARK = "SALAD_CLUSTER_JOB"
# `mpirun` refuses to run as root unless told twice.
AS_ROOT = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
# A narrow network on small images: a step takes some hundredths of a second.
SMALL = (
    "--size", "64", "--max-width", "16", "--embedding-dimension", "8", "--batch-size", "8", "--micro-batch", "2",
    "--neighbours", "3", "--anchor-rate", "0.3", "--workers", "1", "--seed", "7")
# Of mpirun: connections to its daemons that nobody answers are given up within 20 s, not within hours. So a host that is
# gone ends the job, whatever --timeout the ranks have.
KEEPALIVE = (
    "--mca", "oob_tcp_keepalive_time", "10", "--mca", "oob_tcp_keepalive_intvl", "2", "--mca", "oob_tcp_keepalive_probes", "5")
# Four shards' worth: each of up to four ranks has rows, and a part of every checkpoint to write.
IMAGES = 52
STEPS_PER_EPOCH = 7


class Failed(Exception):
    """What did not hold, as a sentence."""


def expect(holds: bool, sentence: str) -> None:
    if not holds:
        raise Failed(sentence)


@dataclass(frozen=True)
class Rank:
    number: int
    process: int


class Job:
    """A command over hosts, or on this machine: there under mpirun where it has several ranks."""

    def __init__(
        self, command: list[str], log: Path, slots: list[int], hosts: NetworkHosts | None = None,
        options: tuple[str, ...] = (), environment: dict[str, str] | None = None,
    ):
        self.log = log
        # A rank that need not end with the others.
        self.held: int | None = None
        self.mark = os.urandom(8).hex()
        self.salad = os.path.realpath(next(word for word in command if Path(word).name == "salad"))
        options = (*options, "-x", MARK)
        if hosts:
            start = hosts.mpirun_at(slots, command, options)
        elif sum(slots) == 1:
            start = command
        else:
            start = ["mpirun", "--bind-to", "none", "--oversubscribe", *options, "-n", str(sum(slots)), *command]
        with log.open("wb") as file:
            self.mpirun = subprocess.Popen(
                start, stdin=subprocess.DEVNULL, stdout=file, stderr=file, start_new_session=True,
                env={**os.environ, **AS_ROOT, **(environment or {}), MARK: self.mark})

    @property
    def text(self) -> str:
        return self.log.read_text(errors="replace")

    def ranks(self) -> list[Rank]:
        """Those that run `salad` now, in order."""
        found = []
        for process in processes():
            # Gone meanwhile, or somebody else's.
            with suppress(OSError):
                if os.path.realpath(f"/proc/{process}/exe") != self.salad:
                    continue
                variables = environment_of(process)
                if variables.get(MARK) == self.mark:
                    found.append(Rank(int(variables.get("OMPI_COMM_WORLD_RANK", 0)), process))
        return sorted(found, key=lambda rank: rank.number)

    def everything(self) -> list[int]:
        """All processes of the job: mpirun, its daemons, the ranks."""
        found = []
        for process in processes():
            with suppress(OSError):
                if environment_of(process).get(MARK) == self.mark or os.getsid(process) == self.mpirun.pid:
                    found.append(process)
        return found

    def wait_until(self, condition: Callable[[], bool], what: str, limit: float = 120) -> None:
        end = time.monotonic() + limit
        while not condition():
            expect(self.mpirun.poll() is None, f"ended with {self.mpirun.returncode} before {what}:\n{self.text}")
            expect(time.monotonic() < end, f"{what}: not within {limit:.0f} s:\n{self.text}")
            time.sleep(0.02)

    def end(self, limit: float) -> tuple[int, float]:
        """Status, 128 + the signal where one ended it, and the seconds until mpirun and all ranks have ended."""
        start = time.monotonic()
        try:
            status = self.mpirun.wait(limit)
        except subprocess.TimeoutExpired:
            raise Failed(f"still there after {limit:.0f} s: {self.left()}\n{self.text}") from None
        self.is_gone(limit)
        return (status if status >= 0 else 128 - status), time.monotonic() - start

    def is_gone(self, limit: float) -> bool:
        """Whether all ranks are gone, if need be after so many seconds."""
        end = time.monotonic() + limit
        while self.left() and time.monotonic() < end:
            time.sleep(0.05)
        return not self.left()

    def left(self) -> list[str]:
        """The ranks that still run."""
        return [f"rank {rank.number}: process {rank.process}" for rank in self.ranks() if rank.number != self.held]

    def kill(self) -> None:
        """Whatever is left of it."""
        for process in self.everything():
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        with suppress(subprocess.TimeoutExpired):
            self.mpirun.wait(10)

    def __enter__(self) -> "Job":
        return self

    def __exit__(self, *error: object) -> None:
        self.kill()


def processes() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def environment_of(process: int) -> dict[str, str]:
    words = Path(f"/proc/{process}/environ").read_bytes().decode(errors="replace").split("\0")
    return dict(word.split("=", 1) for word in words if "=" in word)


# MARK: Runs

def steps_of(run: Path) -> int:
    """Steps of which the metrics tell."""
    with suppress(OSError):
        for line in reversed((run / "metrics.jsonl").read_text().splitlines()):
            with suppress(ValueError, KeyError):
                return int(json.loads(line)["step"])
    return 0


def salad(program: str, *words: object, status: int = 0) -> str:
    """One rank, no mpirun; standard error."""
    run = subprocess.run([program, *map(str, words)], capture_output=True, text=True)
    expect(run.returncode == status, f"{' '.join(run.args)} ended with {run.returncode}:\n{run.stderr}")
    return run.stderr


def phantoms(program: str, folder: Path, train: int = IMAGES, size: int = 64) -> Path:
    salad(
        program, "phantom", folder, "--train", train, "--test-normal", 0, "--test-anomalous", 0, "--size", size, "--seed", 3)
    return folder


# Of a finished run; shards are cut by the number of ranks, so banks are compared once they are merged.
RESULTS = ("model.safetensors", "bank.safetensors")


def results(program: str, run: Path) -> dict[str, bytes]:
    """The bytes that must not depend on what happened on the way."""
    deployment = run.with_name(f"{run.name}-merged")
    salad(program, "merge", run, "--output", deployment)
    found = {name: (deployment / name).read_bytes() for name in RESULTS}
    step = (run / "latest").read_text().strip()
    found["optimizer.safetensors"] = (run / "checkpoints" / step / "optimizer.safetensors").read_bytes()
    subprocess.run(["rm", "-rf", deployment], check=True)
    return found


def differing(found: dict[str, bytes], expected: dict[str, bytes]) -> list[str]:
    return [name for name in expected if found[name] != expected[name]]


def check_latest(run: Path) -> None:
    """`latest` names a whole checkpoint, every file of which has the SHA-256 of its manifest."""
    if not (run / "latest").exists():
        return
    text = (run / "latest").read_text()
    expect(len(text) == 11 and text.strip().isdigit(), f"{run}/latest holds {text!r}")
    folder = run / "checkpoints" / text.strip()
    manifest = json.loads((folder / "manifest.json").read_text())
    expect(manifest["step"] == int(text), f"{folder} is of step {manifest['step']}")
    for file in manifest["files"]:
        content = (folder / file["name"]).read_bytes()
        found = hashlib.sha256(content).hexdigest()
        expect(len(content) == file["bytes"] and found == file["sha256"], f"{folder}/{file['name']} is not whole")
    expect({file["name"] for file in manifest["files"]} | {"manifest.json"} == set(os.listdir(folder)), f"{folder} has others")


def whole_bytes(run: Path) -> dict[str, int]:
    """Of each whole checkpoint, by its name."""
    found = {}
    with suppress(OSError):
        for folder in (run / "checkpoints").iterdir():
            # Pruned meanwhile.
            with suppress(OSError):
                if folder.name.isdigit():
                    found[folder.name] = sum(file.stat().st_size for file in folder.iterdir())
    return found


def leftovers(run: Path) -> list[str]:
    """What an ended job may leave, and a finished one may not."""
    names = [*os.listdir(run), *os.listdir(run / "checkpoints")]
    return [name for name in names if name.startswith(".") and name != ".lock"]


@contextmanager
def disk(folder: Path, options: str):
    """A file system of its own, as `size=64m`."""
    folder.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)
