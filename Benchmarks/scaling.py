"""Measures strong and weak scaling, fits a model to it, and writes docs/scaling.{md,json,svg}.

A round goes once through all runs of `scaling_runs.py`, each a process or an mpirun of its own; told are medians over the
rounds. Runs over several hosts use network namespaces and want root; without it they are left out, and so is the model unless
their numbers are there already.
"""

import argparse
import datetime
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path

import network_hosts
import pages
import scaling_chart
import scaling_model
import scaling_tables
import table
from compare import cause, run, short
from machine import machine, our_versions
from measuring import cores
from paths import HERE, Commands
from scaling_fit import Measured, fit
from scaling_model import Layout, Terms
from scaling_runs import MOST_RANKS, Run, runs
from scaling_self_test import self_test

DOCS = HERE.parent / "docs"
PHASES = ("step", "forward", "bank", "backward", "reduce", "adam")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--salad", type=Path, help="the command")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="runs whose names begin so, such as strong,reduce-2; all by default")
    parser.add_argument("--list", action="store_true", help="only name the runs")
    parser.add_argument("--draw", action="store_true", help="measure nothing: write page and picture of the numbers there are")
    parser.add_argument("--self-test", action="store_true", help="measure nothing: check the model and its fit")
    parser.add_argument("--docs", type=Path, default=DOCS, help="the folder of scaling.md")
    arguments = parser.parse_args()
    if arguments.self_test:
        self_test()
        return
    wanted = [word for word in arguments.only.split(",") if word]
    chosen = [one for one in runs(cores()) if not wanted or any(f"{one.name}-".startswith(f"{word}-") for word in wanted)]
    if not chosen:
        raise SystemExit(f"ONLY={arguments.only} names no run; there are {', '.join(one.name for one in runs(cores()))}")
    if arguments.list:
        print("\n".join(one.name for one in chosen))
        return
    report = Report(arguments.docs)
    if not arguments.draw:
        if arguments.salad is None:
            parser.error("--salad is missing: give the command to measure")
        if os.getuid() == 0:
            # mpirun refuses to run as root, as in a container, unless told twice.
            os.environ |= {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
        # Ended from outside, it still removes its hosts and what runs there.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
        report.measure(str(arguments.salad.resolve()), chosen, arguments.rounds)
    report.write_page()
    if report.failed:
        raise SystemExit(f"scaling: failed: {', '.join(report.failed)}; the others are in {arguments.docs}/scaling.md")


class Report:
    """The numbers, kept on disk as they grow: what was measured stays when a later run fails or is interrupted."""

    def __init__(self, docs: Path):
        self.docs, self.file = docs, docs / "scaling.json"
        self.content: dict = json.loads(self.file.read_text()) if self.file.exists() else {}
        self.failed: list[str] = []

    # MARK: Measuring

    def measure(self, salad: str, chosen: list[Run], rounds: int) -> None:
        commands = Commands(salad, cores(), Path("."))
        self.begin(commands)
        self.content["traffic"] = traffic(salad)
        if reason := network_hosts.obstacle():
            left_out = [one for one in chosen if one.hosts]
            chosen = [one for one in chosen if not one.hosts]
            if left_out:
                print(f"scaling: {len(left_out)} runs over several hosts are left out: {reason}", flush=True)
        results: dict[str, dict] = {}
        for number in range(rounds):
            for one in chosen:
                self.measure_once(one, commands, results, f"{number + 1}/{rounds}")
        self.save()

    def begin(self, commands: Commands) -> None:
        bench = json.loads(run(commands.bench("--score", "--size", 64, "--batch-size", 8, "--steps", 1)))["machine"]
        here = machine(bench)
        if self.content.get("machine") != here:
            if self.content:
                print(f"scaling: {self.file} is of another machine ({self.content['machine']['cpu']}): begun anew")
            self.content = {"runs": {}}
        # Without those of earlier versions of this script.
        known = {one.name for one in runs(cores())}
        self.content["runs"] = {name: record for name, record in self.content["runs"].items() if name in known}
        self.content |= {"machine": here, "versions": our_versions(bench)}

    def measure_once(self, one: Run, commands: Commands, results: dict[str, dict], count: str) -> None:
        start = time.monotonic()
        try:
            with network_hosts.NetworkHosts(one.hosts, one.layout.gigabits) if one.hosts else nullcontext() as hosts:
                command = one.command(commands, hosts)
                printed = json.loads(run(command))
        except (subprocess.CalledProcessError, ValueError) as error:
            print(f"scaling: {one.name} failed: {cause(error)}", flush=True)
            self.failed.append(one.name)
            return
        # What goes before mpirun finds the host's namespace.
        told = command[command.index("mpirun"):] if "mpirun" in command else command
        record = results.setdefault(one.name, {
            "date": datetime.date.today().isoformat(), "command": " ".join(map(short, told)), "seconds": 0, "rounds": []})
        if one.layout.gigabits:
            record["gigabits_per_second"] = one.layout.gigabits
        record["seconds"] = round(record["seconds"] + time.monotonic() - start)
        record["rounds"].append(printed)
        self.content["runs"][one.name] = record
        print(f"{one.name} {count}: {summary(printed)}", flush=True)
        self.save()

    def save(self) -> None:
        self.file.write_text(json.dumps(self.content, indent=1, sort_keys=True) + "\n")

    # MARK: Page

    def write_page(self) -> None:
        if not self.content:
            raise SystemExit(f"{self.file} is missing: measure first")
        here = self.content["machine"]["cores"]
        measured = Measured(runs(here), self.content["runs"])
        terms = self.fit(measured, here)
        self.write("caption", self.caption())
        self.write("compute", scaling_tables.compute(measured))
        self.write("steps", scaling_tables.steps(measured, terms))
        self.write("reductions", scaling_tables.reductions(measured, terms))
        for name, predict in scaling_tables.PREDICTIONS.items():
            self.write(name, predict(measured, terms) if terms else "Not known: some of the runs that the model wants are missing.")
        if terms:
            scaling_chart.draw(self.docs / "scaling.svg", terms)

    def fit(self, measured: Measured, here: int) -> Terms | None:
        missing = [one.name for one in runs(here) if one.name not in measured.runs]
        if missing:
            print(f"scaling: no model: {len(missing)} runs that it wants are missing, such as {missing[0]}", flush=True)
            return None
        terms = fit(measured, self.content["traffic"]["statistics"], here)
        check_traffic(terms, self.content["traffic"])
        self.content["model"] = asdict(terms)
        self.save()
        return terms

    def write(self, name: str, text: str) -> None:
        pages.write(self.docs / "scaling.md", text, f"<!-- make scaling writes {name} from here -->")

    def caption(self) -> str:
        here, found = self.content["machine"], self.content["runs"].values()
        dates = " and ".join(sorted({record["date"] for record in found}))
        counts = sorted({len(record["rounds"]) for record in found})
        minutes = sum(record["seconds"] for record in found) / 60
        often = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
        rounds = f"{often} round{'' if counts == [1] else 's'}"
        return (
            f"{here['cpu']}, {here['cores']} cores, {here['instruction_set']}, {here['memory_gib']} GiB; "
            + ", ".join(f"{name} {version}" for name, version in self.content["versions"].items())
            + f". Measured {dates}, {minutes:.0f} minutes in all, {rounds}: medians, in brackets the least and the most.")


def summary(printed: dict) -> str:
    """Milliseconds, on one line."""
    if "train" in printed:
        found = {name: printed["train"]["milliseconds"][name] for name in PHASES}
    else:
        found = {kind: printed["reduce"][kind]["milliseconds"] for kind in scaling_model.WIRE_BYTES}
    return ", ".join(f"{name} {table.number(value)}" for name, value in found.items()) + " ms"


# MARK: Traffic


def traffic(salad: str) -> dict:
    """What `salad train --dry-run` says of the bytes on the wire, by collective, for each number of ranks."""
    with tempfile.TemporaryDirectory() as folder:
        data = f"{folder}/data"
        run([salad, "phantom", data, "--train", "32", "--test-normal", "0", "--test-anomalous", "0", "--size", "64"])
        found: dict = {"ranks": {}}
        for ranks in range(2, MOST_RANKS + 1):
            plan = json.loads(run([
                "mpirun", "--oversubscribe", "--bind-to", "none", "-n", str(ranks), salad, "train", "--data", data, "--run",
                f"{folder}/run", "--dry-run", "--json", "--images-per-second", "1", "--workers", "1"]))
            found["ranks"][str(ranks)] = {one["collective"]: one["sent"] for one in plan["traffic"]}
            found["statistics"] = next(one["payload"] for one in plan["traffic"] if one["collective"] == "statistics") // 8
    return found


def check_traffic(terms: Terms, found: dict) -> None:
    """The model's bytes must be those of the command."""
    for ranks, collectives in found["ranks"].items():
        layout = Layout(int(ranks))
        ours = scaling_model.bank_traffic(terms, layout)
        ours |= {"gradients": scaling_model.sent(terms, layout)}
        theirs = {name: bytes_sent for name, bytes_sent in collectives.items() if not name.startswith("gradients")}
        theirs["gradients"] = sum(bytes_sent for name, bytes_sent in collectives.items() if name.startswith("gradients"))
        for name, bytes_sent in theirs.items():
            if abs(ours[name] - bytes_sent) > 2:
                raise SystemExit(f"scaling: on {ranks} ranks {name} are {bytes_sent} bytes, and {ours[name]:.0f} in the model")


if __name__ == "__main__":
    main()
