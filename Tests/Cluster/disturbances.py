"""What happens to a training over several hosts, and how it must end: `FAULTS`, each a function of a scene.

A death must end all ranks within 30 s, a stall within `--timeout` and 15 s more: with a status that is not 0, a sentence
that names host, rank, step and what was being done, the last checkpoint whole, and no `salad` left on any host. Slow but
honest work must not be ended.
"""

import os
import random
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from jobs import KEEPALIVE, SMALL, Failed, Job, Rank, check_latest, expect, steps_of, whole_bytes
from network_hosts import NetworkHosts

DEATH_LIMIT = 30
# What ending takes once a stall is noticed: ranks tell their places, mpirun asks, then kills.
STALL_GRACE = 15
PLACE = re.compile(r"rank (\d+) on (host\d+)((?: at step \d+)?), ([A-Za-z0()' ]+)")
STALLED = re.compile(PLACE.pattern + r": no progress for \d+ s")
# Statuses of salad.
INPUT_OUTPUT, STOPPED = 74, 75


class Finished(Exception):
    """The training came to its end before it could be disturbed."""


@dataclass
class Outcome:
    """How a disturbed training ended."""
    seconds: float = 0
    # What was wrong, in sentences: not told or not told rightly, and all else.
    unnamed: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    # Bytes of checkpoints that were whole before, and processes.
    lost: int = 0
    left: int = 0
    note: str = ""


@dataclass
class Scene:
    salad: str
    # With data/, and disk/ on which run/ lies.
    folder: Path
    hosts: NetworkHosts
    # Ranks of each host.
    slots: list[int]
    draw: random.Random
    # Seconds, salad's.
    timeout: int
    # Of `salad train`.
    flags: tuple[str, ...]
    outcome: Outcome = field(default_factory=Outcome)
    whole: dict[str, int] = field(default_factory=dict)

    @property
    def run(self) -> Path:
        return self.folder / "disk" / "run"

    @property
    def ranks(self) -> int:
        return sum(self.slots)

    def host_of(self, rank: int) -> str:
        return [name for name, count in zip(self.hosts.names, self.slots) for _ in range(count)][rank]

    def job(self, *flags: str, prefix: tuple[str, ...] = (), timeout: int | None = None) -> Job:
        command = [
            *prefix, self.salad, "train", "--data", str(self.folder / "data"), "--run", str(self.run), "--resume", *SMALL,
            *self.flags, "--timeout", str(timeout or self.timeout), *flags]
        self.outcome, self.whole = Outcome(), {}
        return Job(command, self.folder / "log", self.slots, self.hosts, KEEPALIVE)

    def started(self, job: Job) -> list[Rank]:
        """The ranks, at some moment after the first checkpoint and a step of this job."""
        before = steps_of(self.run)
        self.await_(job, (self.run / "latest").exists, "the first checkpoint")
        self.await_(job, lambda: steps_of(self.run) > before, "a step")
        time.sleep(self.draw.uniform(0, 1))
        ranks = job.ranks()
        if len(ranks) < self.ranks:
            job.end(60)
            raise Finished
        return ranks

    def await_(self, job: Job, condition: Callable[[], bool], what: str, limit: float = 180) -> None:
        try:
            job.wait_until(condition, what, limit)
        except Failed:
            if job.mpirun.poll() == 0:
                raise Finished from None
            raise

    def strike(self, action: Callable[[], None]) -> float:
        """Does it, and remembers what was whole before. When it was done."""
        self.whole = whole_bytes(self.run)
        action()
        return time.monotonic()

    def ended(self, job: Job, since: float, limit: float, expected: int | None = None) -> str:
        """What it printed, once it has ended; what was not as it must be is noted.

        `expected`: its status; None for any but 0.
        """
        try:
            status, _ = job.end(limit + 30)
        except Failed as failure:
            self.outcome.left = len(job.left())
            self.outcome.wrong.append(str(failure))
            return job.text
        self.outcome.seconds = time.monotonic() - since
        text = job.text
        if status == 0:
            raise Finished
        if self.outcome.seconds > limit:
            self.outcome.wrong.append(f"took {self.outcome.seconds:.1f} s to end, expected {limit} at most:\n{text}")
        if expected and status != expected:
            self.outcome.wrong.append(f"ended with status {status}, expected {expected}:\n{text}")
        self.outcome.left = len(job.left())
        self.check()
        self.outcome.note = f"ended after {self.outcome.seconds:.1f} s with status {status}"
        return text

    def check(self) -> None:
        """The newest checkpoint is whole, and what was whole before still is, or was pruned for a newer one."""
        with_now = whole_bytes(self.run)
        with suppress(FileNotFoundError):
            newest = (self.run / "latest").read_text().strip()
            self.outcome.lost += sum(
                size for name, size in self.whole.items() if name not in with_now and not name < newest)
        try:
            check_latest(self.run)
        except (Failed, OSError) as failure:
            self.outcome.wrong.append(str(failure))

    def unnamed(self, sentence: str, text: str) -> None:
        self.outcome.unnamed.append(f"{sentence}:\n{text}")

    # MARK: What was said

    def expect_host(self, text: str, name: str) -> None:
        """mpirun, whose daemon there does not answer."""
        if not re.search(r"(daemon|process rank \d+ with PID \d+).* on node " + name, text):
            self.unnamed(f"expected mpirun to name {name}", text)

    def expect_places(self, text: str, without: set[int]) -> None:
        """At least one of the other ranks tells where it waits; every one that tells is on its host."""
        found = {int(number): (name, what) for number, name, _, what in PLACE.findall(text)}
        if set(range(self.ranks)) - without and not set(found) - without:
            self.unnamed("expected a rank, its host, step and activity", text)
        for number, (name, _) in found.items():
            if name != self.host_of(number):
                self.unnamed(f"rank {number} is said to be on {name}", text)
        if found:
            number, (name, what) = next(iter(found.items()))
            self.outcome.note += f"; rank {number} on {name}: {what}"

    def expect_stalled(self, text: str, ranks: set[int]) -> None:
        """These ranks, and no other, tell where they waited."""
        found = {int(number): what for number, _, _, what in STALLED.findall(text)}
        if set(found) != ranks:
            self.unnamed(f"expected ranks {ranks} to tell where they are stuck, found {found}", text)
        self.outcome.note += "; " + ", ".join(f"rank {number}: {what}" for number, what in sorted(found.items()))


# MARK: Deaths

def rank(scene: Scene) -> None:
    """kill -9 of a rank"""
    with scene.job() as job:
        victim = scene.draw.choice(scene.started(job))
        kill_rank(scene, job, victim)


def early(scene: Scene) -> None:
    """kill -9 of a rank while it starts"""
    with scene.job() as job:
        scene.await_(job, lambda: len(job.ranks()) == scene.ranks, "all ranks")
        time.sleep(scene.draw.uniform(0, 0.5))
        if not (found := job.ranks()):
            raise Finished
        kill_rank(scene, job, scene.draw.choice(found), places=False)


def kill_rank(scene: Scene, job: Job, victim: Rank, places: bool = True) -> None:
    text = scene.ended(job, scene.strike(lambda: kill(victim.process)), DEATH_LIMIT)
    host_name = scene.host_of(victim.number)
    # Of a rank beside it mpirun says PID 0 at times.
    if not re.search(rf"process rank {victim.number} with PID \d+ on node {host_name} exited on signal 9", text):
        scene.unnamed(f"expected mpirun to name rank {victim.number} on {host_name}", text)
    if places:
        scene.expect_places(text, without={victim.number})


def all_ranks(scene: Scene) -> None:
    """kill -9 of all ranks at once"""
    with scene.job() as job:
        ranks = scene.started(job)
        text = scene.ended(job, scene.strike(lambda: [kill(one.process) for one in ranks]), DEATH_LIMIT)
        if not re.search(r"process rank \d+ with PID \d+ on node host\d exited on signal 9", text):
            scene.unnamed("expected mpirun to name a rank", text)


def host(scene: Scene) -> None:
    """everything on a host killed"""
    with scene.job() as job:
        scene.started(job)
        victim = another_host(scene)
        processes = scene.hosts.processes(victim)
        # What started the daemon is mpirun's child there, as an ssh would be, and does not hear of the host's end.
        started_by_mpirun = {process for process in processes if parent(process) == job.mpirun.pid}
        for process in started_by_mpirun:
            os.kill(process, signal.SIGSTOP)
        since = scene.strike(lambda: [kill(process) for process in processes if process not in started_by_mpirun])
        text = scene.ended(job, since, DEATH_LIMIT)
        scene.expect_host(text, victim)
        scene.expect_places(text, without=ranks_on(scene, victim))


def cut(scene: Scene) -> None:
    """a host's cable pulled"""
    # Long enough that mpirun, which probes its connections, is the first to notice.
    with scene.job(timeout=120) as job:
        scene.started(job)
        victim = another_host(scene)
        text = scene.ended(job, scene.strike(lambda: scene.hosts.cut(victim)), DEATH_LIMIT)
        scene.expect_host(text, victim)
        scene.expect_places(text, without=ranks_on(scene, victim))
        scene.hosts.script("mend", scene.hosts.group, victim)


def mpirun(scene: Scene) -> None:
    """kill -9 of mpirun"""
    with scene.job() as job:
        scene.started(job)
        # Nobody is left who could print.
        scene.ended(job, scene.strike(lambda: kill(job.mpirun.pid)), DEATH_LIMIT)


# MARK: Stalls

def stop(scene: Scene) -> None:
    """SIGSTOP of a rank"""
    with scene.job() as job:
        victim = scene.draw.choice(scene.started(job))
        since = scene.strike(lambda: os.kill(victim.process, signal.SIGSTOP))
        text = scene.ended(job, since, scene.timeout + STALL_GRACE)
        scene.expect_stalled(text, set(range(scene.ranks)) - {victim.number})


def stop_early(scene: Scene) -> None:
    """SIGSTOP of a rank before MPI has started"""
    victim = scene.draw.randrange(scene.ranks)
    script = f'[ "$OMPI_COMM_WORLD_RANK" != {victim} ] || kill -STOP $$; exec "$@"'
    with scene.job(prefix=("sh", "-c", script, "sh")) as job:
        scene.await_(job, lambda: len(job.ranks()) == scene.ranks - 1, "the other ranks")
        text = scene.ended(job, scene.strike(lambda: None), scene.timeout + STALL_GRACE)
        # The first to leave takes the others along.
        scene.expect_places(text, without={victim})
        if not STALLED.search(text):
            scene.unnamed("expected a rank to tell that it is stuck", text)


def read(scene: Scene) -> None:
    """a rank's images on a disk that hangs"""
    hang(scene, scene.folder / "data", "reading images", "--cache-memory", "1")


def write(scene: Scene) -> None:
    """a rank's checkpoints on a disk that hangs"""
    scene.run.mkdir(exist_ok=True)
    hang(scene, scene.run, "writing a checkpoint")


def hang(scene: Scene, folder: Path, activity: str, *flags: str) -> None:
    """One rank sees `folder` through a FUSE file system whose process is stopped."""
    victim, view = scene.draw.randrange(scene.ranks), scene.folder / "view"
    view.mkdir(exist_ok=True)
    script = (
        f'[ "$OMPI_COMM_WORLD_RANK" = {victim} ] || exec "$@"; '
        f"exec unshare --mount --propagation slave sh -c 'mount --bind {view} {folder} && exec \"$@\"' sh \"$@\"")
    disk = subprocess.Popen(["bindfs", "-f", str(folder), str(view)])
    try:
        time.sleep(1)
        with scene.job(*flags, prefix=("sh", "-c", script, "sh")) as job:
            scene.started(job)
            since = scene.strike(lambda: os.kill(disk.pid, signal.SIGSTOP))
            # Nobody can end a process that waits for a disk which has begun to serve it, but all else ends.
            job.held = victim
            # Until the next checkpoint there is nothing to write: steps go on meanwhile.
            text = scene.ended(job, since, scene.timeout + STALL_GRACE + 10)
            disk.kill()
            job.held = None
            if not job.is_gone(10):
                scene.outcome.left = len(job.left())
            found = {int(number): what for number, _, _, what in STALLED.findall(text)}
            # Rank 0 writes more than the others.
            if found.get(victim) not in (activity, "writing metrics", "beginning a checkpoint", "finishing a checkpoint"):
                scene.unnamed(f"expected rank {victim} at {activity!r}, found {found}", text)
            scene.outcome.note += f"; rank {victim}: {found.get(victim)}"
    finally:
        disk.kill()
        subprocess.run(["umount", "--lazy", view], capture_output=True)
        disk.wait()


# MARK: What is told to the ranks themselves

def full(scene: Scene) -> None:
    """the disk full"""
    filler = scene.folder / "disk" / "filler"
    with scene.job() as job:
        scene.started(job)

        def fill() -> None:
            # To the last byte, then some pages less: too few for a checkpoint.
            with filler.open("wb", buffering=0) as file:
                with suppress(OSError):
                    while True:
                        file.write(bytes(1 << 16))
                file.truncate(max(0, file.tell() - scene.draw.randrange(1 << 16)))

        try:
            text = scene.ended(job, scene.strike(fill), 120, INPUT_OUTPUT)
        finally:
            filler.unlink(missing_ok=True)
        if "No space left on device" not in text:
            scene.unnamed("expected the full disk to be named", text)


def asked(scene: Scene) -> None:
    """SIGUSR1 to mpirun"""
    with scene.job() as job:
        scene.started(job)
        text = scene.ended(job, scene.strike(lambda: os.kill(job.mpirun.pid, signal.SIGUSR1)), 60, STOPPED)
        if "with a checkpoint saved" not in text:
            scene.unnamed("expected a checkpoint to be saved", text)


# MARK: Honest work

def slow(scene: Scene) -> None:
    """a link of 1 Mb/s"""
    with scene.job() as job:
        scene.started(job)
        victim = another_host(scene)
        scene.hosts.rate(victim, "1mbit")
        go_on(scene, job, steps=5)
        scene.hosts.rate(victim, "none")


def loss(scene: Scene) -> None:
    """a link that loses 2 % of the packets"""
    with scene.job() as job:
        scene.started(job)
        victim = another_host(scene)
        scene.hosts.loss(victim, 2)
        go_on(scene, job, steps=20)
        scene.hosts.loss(victim, 0)


def suspend(scene: Scene) -> None:
    """SIGSTOP of the whole job for longer than --timeout, then SIGCONT"""
    with scene.job() as job:
        scene.started(job)
        stopped = job.everything()
        for process in stopped:
            os.kill(process, signal.SIGSTOP)
        time.sleep(scene.timeout + 3)
        for process in stopped:
            os.kill(process, signal.SIGCONT)
        go_on(scene, job, steps=10)


def go_on(scene: Scene, job: Job, steps: int) -> None:
    """Takes further steps, and ends in good order when asked to."""
    before = steps_of(scene.run)
    scene.await_(job, lambda: steps_of(scene.run) >= before + steps, f"{steps} further steps", limit=300)
    text = scene.ended(job, scene.strike(lambda: os.kill(job.mpirun.pid, signal.SIGUSR1)), 120, STOPPED)
    if "no progress" in text or "with a checkpoint saved" not in text:
        scene.outcome.wrong.append(f"a false alarm:\n{text}")
    scene.outcome.note = f"went on, and {scene.outcome.note}"


# MARK: Helpers

def kill(process: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)


def parent(process: int) -> int | None:
    with suppress(OSError):
        return int(Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[1])
    return None


def another_host(scene: Scene) -> str:
    """With ranks, and not the one that mpirun is on."""
    return scene.draw.choice([name for name, count in list(zip(scene.hosts.names, scene.slots))[1:] if count])


def ranks_on(scene: Scene, name: str) -> set[int]:
    return {number for number in range(scene.ranks) if scene.host_of(number) == name}


FAULTS = {
    one.__name__: one
    for one in (
        rank, early, all_ranks, host, cut, mpirun, stop, stop_early, read, write, full, asked, slow, loss, suspend)}
# Those that want a second host with ranks; a second rank.
NEED_HOSTS = {"host", "cut", "slow", "loss"}
NEED_RANKS = NEED_HOSTS | {"stop", "stop_early"}


def suits(name: str, slots: list[int]) -> bool:
    """Whether a fault can happen to so many ranks of each host."""
    return (name not in NEED_HOSTS or sum(slots[1:]) > 0) and (name not in NEED_RANKS or sum(slots) > 1)


def missing(name: str) -> str | None:
    """What this machine lacks for a fault, as a sentence."""
    if name in ("read", "write"):
        if shutil.which("bindfs") is None:
            return "a disk that hangs needs bindfs, found none on PATH"
        if not os.access("/dev/fuse", os.R_OK | os.W_OK):
            return "a disk that hangs needs /dev/fuse, found none"
    if name == "loss" and shutil.which("nft") is None:
        return "a link that loses packets needs nft, found none on PATH"
    return None
