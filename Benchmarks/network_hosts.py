"""Several hosts on this machine: network namespaces with a name and an address each, joined by a bridge, at a rate.

    with NetworkHosts(2, gigabits=1) as hosts:
        subprocess.run(hosts.mpirun(["salad", "bench"]))

Ranks of different hosts talk over TCP. A rate holds for what a host sends and for what it receives (`tc tbf`), as for a
network card. What Tests/RanksSupport/NetworkHosts.swift is to the tests, this is to the measurements.
"""

import os
import signal
import subprocess
import tempfile
from pathlib import Path

# What the names of all such namespaces begin with; the process id follows.
FAMILY = "salad-scaling-"


def obstacle() -> str | None:
    """Why this machine cannot make such hosts, as a sentence; None when it can."""
    if os.geteuid() != 0:
        return "hosts made of network namespaces need root"
    try:
        with NetworkHosts(1, gigabits=1) as hosts:
            subprocess.run(hosts.on(hosts.names[0], ["true"]), check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as error:
        reason = (getattr(error, "stderr", "") or str(error)).strip()
        return f"hosts made of network namespaces need iproute2, util-linux and the right to use them: {reason}"
    return None


class NetworkHosts:
    def __init__(self, count: int, gigabits: float | None = None):
        """`gigabits`: a second, each way; None for as many as the machine can."""
        self.names = [f"host{number + 1}" for number in range(count)]
        self.gigabits = gigabits
        self.prefix = f"{FAMILY}{os.getpid()}-"
        self.switch = f"{self.prefix}switch"

    def __enter__(self) -> "NetworkHosts":
        remove_leftovers()
        self.folder = tempfile.TemporaryDirectory()
        self.agent = Path(self.folder.name) / "agent"
        # Called as `agent HOST COMMAND...`; joins the words and lets a shell parse them, as ssh does.
        self.agent.write_text(
            "#!/bin/sh\nhost=$1\nshift\n"
            f'exec ip netns exec "{self.prefix}$host" unshare --uts '
            "sh -c 'hostname \"$0\" && exec sh -c \"$*\"' \"$host\" \"$@\"\n")
        self.agent.chmod(0o700)
        try:
            script = "\n".join(self.commands())
            subprocess.run(["sh", "-ec", script], check=True, capture_output=True, text=True)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        for name in [*self.names, "switch"]:
            remove(self.prefix + name)
        self.folder.cleanup()

    def mpirun(self, command: list[str], ranks_per_host: int = 1, options: tuple[str, ...] = ()) -> list[str]:
        """The command on all hosts, over TCP from host to host."""
        places = ",".join(f"{name}:{ranks_per_host}" for name in self.names)
        # The hosts share a few cores, which Open MPI cannot know: waiting ranks must give way.
        start = [
            "mpirun", "--bind-to", "none", "--mca", "plm_rsh_agent", str(self.agent), "--mca", "mpi_yield_when_idle", "1",
            *options, "--host", places, "-n", str(ranks_per_host * len(self.names))]
        return self.on(self.names[0], start + command)

    def on(self, host: str, command: list[str]) -> list[str]:
        """The command in a host's namespace under the host's name."""
        named = ["unshare", "--uts", "sh", "-c", 'hostname "$0" && exec "$@"', host]
        return ["ip", "netns", "exec", self.prefix + host, *named, *command]

    def commands(self) -> list[str]:
        # The bridge has a namespace of its own, so that this machine's network sees nothing of it.
        lines = [
            f"ip netns add {self.switch}",
            f"ip -n {self.switch} link add name bridge type bridge",
            f"ip -n {self.switch} link set bridge up"]
        for number, name in enumerate(self.names):
            host, port = self.prefix + name, f"port{number}"
            lines += [
                f"ip netns add {host}",
                f"ip -n {host} link set lo up",
                f"ip -n {host} link add eth0 type veth peer name {port} netns {self.switch}",
                f"ip -n {host} address add 10.58.0.{number + 1}/24 dev eth0",
                f"ip -n {host} link set eth0 up",
                f"ip -n {self.switch} link set {port} master bridge up"]
            if self.gigabits:
                lines += [
                    f"tc -n {namespace} qdisc add dev {device} root tbf {self.bucket()}"
                    for namespace, device in ((host, "eth0"), (self.switch, port))]
        return lines

    def bucket(self) -> str:
        # Half a millisecond at once, and at least four of the longest segments that the kernel hands down; a queue in
        # which nothing is lost, since a switch's would hold back what this machine's TCP sends in one piece.
        burst = max(int(self.gigabits * 1e9 / 8 * 0.5e-3), 4 * 65536)
        return f"rate {self.gigabits:g}gbit burst {burst} latency 50ms"


def remove(namespace: str) -> None:
    found = subprocess.run(["ip", "netns", "pids", namespace], capture_output=True, text=True)
    for process in found.stdout.split():
        try:
            os.kill(int(process), signal.SIGKILL)
        except ProcessLookupError:
            pass
    subprocess.run(["ip", "netns", "delete", namespace], capture_output=True)


def remove_leftovers() -> None:
    """Of interrupted measurements."""
    found = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True)
    for line in found.stdout.splitlines():
        name = line.split(" ")[0]
        if name.startswith(FAMILY) and not Path(f"/proc/{name[len(FAMILY):].split('-')[0]}").exists():
            remove(name)
