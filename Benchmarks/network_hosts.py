"""Several hosts on this machine, made by Tests/Cluster/hosts: network namespaces, joined by a bridge, at a rate.

    with NetworkHosts(2, gigabits=1) as hosts:
        subprocess.run(hosts.mpirun(["salad", "bench"]))

Ranks of different hosts talk over TCP. A rate holds for what a host sends and for what it receives, as for a network card.
"""

import os
import subprocess
from pathlib import Path

SCRIPT = Path(__file__).resolve().parent.parent / "Tests" / "Cluster" / "hosts"


def obstacle() -> str | None:
    """Why this machine cannot make such hosts, as a sentence; None when it can."""
    found = subprocess.run([SCRIPT, "check"], capture_output=True, text=True)
    return None if found.returncode == 0 else (found.stdout or found.stderr).strip()


class NetworkHosts:
    def __init__(self, count: int, gigabits: float | None = None):
        """`gigabits`: a second, each way; None for as many as the machine can."""
        self.names = [f"host{number + 1}" for number in range(count)]
        self.gigabits = gigabits
        self.group = f"salad-hosts-{os.getpid()}-{os.urandom(4).hex()}"

    def __enter__(self) -> "NetworkHosts":
        try:
            self.agent = self.script("make", self.group, str(len(self.names))).strip()
            for name in self.names if self.gigabits else []:
                self.script("rate", self.group, name, f"{self.gigabits:g}gbit")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        self.script("remove", self.group)

    def mpirun(self, command: list[str], ranks_per_host: int = 1, options: tuple[str, ...] = ()) -> list[str]:
        """The command on all hosts, over TCP from host to host."""
        return self.mpirun_at([ranks_per_host] * len(self.names), command, options)

    def mpirun_at(self, slots: list[int], command: list[str], options: tuple[str, ...] = ()) -> list[str]:
        """The command with so many ranks on each host, started on the first."""
        places = ",".join(f"{name}:{count}" for name, count in zip(self.names, slots) if count)
        # The hosts share a few cores, which Open MPI cannot know: waiting ranks must give way.
        start = [
            "mpirun", "--bind-to", "none", "--mca", "plm_rsh_agent", self.agent, "--mca", "mpi_yield_when_idle", "1",
            *options, "--host", places, "-n", str(sum(slots))]
        return self.on(self.names[0], start + command)

    def on(self, host: str, command: list[str]) -> list[str]:
        """The command in a host's namespace under the host's name."""
        return [str(SCRIPT), "run", self.group, host, *command]

    def cut(self, host: str) -> None:
        """Pulls the host's cable."""
        self.script("cut", self.group, host)

    def rate(self, host: str, rate: str) -> None:
        """`20mbit`: what the host sends, and what it receives."""
        self.script("rate", self.group, host, rate)

    def loss(self, host: str, percent: float) -> None:
        """Of the packets that the host sends, and of those that it receives."""
        self.script("loss", self.group, host, f"{percent:g}")

    def processes(self, *host: str) -> list[int]:
        """On one host, or on all."""
        return [int(one) for one in self.script("pids", self.group, *host).split()]

    def script(self, *words: str) -> str:
        return subprocess.run([SCRIPT, *words], check=True, capture_output=True, text=True).stdout
