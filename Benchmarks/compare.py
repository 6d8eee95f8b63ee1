"""Compares salad with its peers on each path, in turns, and writes docs/performance.{md,json,svg}.

Ours, theirs, ours, theirs ...: each a process of its own, so that neither leaves the other its caches, and a slower or
faster minute of the machine meets both. A round's two numbers make its ratio; told are medians over the rounds with the
least and the most.
"""

import argparse
import datetime
import json
import os
import subprocess
import tempfile
import time
from pathlib import Path as FilePath

import bars
import pages
import table
from machine import has_bfloat16, machine, versions
from measuring import cores
from paths import HERE, Path, paths

DOCS = HERE.parent / "docs"

# What holds salad and its peers to a level of the CPU's instructions; each reads its own. `avx2` is what most clusters have.
HELD = {
    "avx2": {
        "SALAD_CPU": "avx2", "ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "MKL_ENABLE_INSTRUCTIONS": "AVX2",
        "FAISS_OPT_LEVEL": "AVX2",
    },
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--salad", type=FilePath, required=True, help="the command")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="", help="paths whose names begin with these words, such as train,top-k; all by default")
    parser.add_argument("--list", action="store_true", help="only name the paths, and what stands in the way of each")
    parser.add_argument("--draw", action="store_true", help="measure nothing: write page and picture of the numbers there are")
    parser.add_argument("--cpu", choices=HELD, help="hold both sides to these instructions: a table and a file of its own")
    parser.add_argument("--docs", type=FilePath, default=DOCS, help="the folder of performance.md")
    arguments = parser.parse_args()
    salad = str(arguments.salad.resolve())
    os.environ |= HELD.get(arguments.cpu, {})
    if os.getuid() == 0:
        # mpirun refuses to run as root, as in a container, unless told twice.
        os.environ |= {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    with tempfile.TemporaryDirectory() as scratch:
        all_paths = paths(salad, cores(), FilePath(scratch))
        wanted = [word for word in arguments.only.split(",") if word]
        # Whole words: top-k-10000 is not the beginning of top-k-100000.
        chosen = [path for path in all_paths if not wanted or any(f"{path.name}-".startswith(f"{word}-") for word in wanted)]
        if not chosen:
            raise SystemExit(f"ONLY={arguments.only} names no path; there are {', '.join(path.name for path in all_paths)}")
        known = run([salad, "bench", "--help"])
        if arguments.list:
            for path in chosen:
                print(f"{path.name:<20} {obstacle(path, known, arguments.cpu) or 'can be measured'}")
            return
        comparison = Comparison(arguments.docs, all_paths, salad, arguments.cpu)
        if not arguments.draw:
            for path in chosen:
                if reason := obstacle(path, known, arguments.cpu):
                    print(f"bench: {path.name} is left out: {reason}", flush=True)
                else:
                    comparison.measure(path, min(arguments.rounds, path.rounds))
        comparison.write_page()
        if comparison.failed:
            raise SystemExit(f"bench: failed: {', '.join(comparison.failed)}; the others are in {arguments.docs}/performance.md")


def obstacle(path: Path, known: str, cpu: str | None) -> str | None:
    """Why the path cannot be measured, if so. `known`: what `salad bench --help` prints."""
    if path.needs_bfloat16 and cpu:
        return f"{cpu} has no bfloat16 instructions"
    if path.needs_bfloat16 and not has_bfloat16():
        return "this CPU has no bfloat16 instructions"
    options = known.replace(",", " ").split()
    for flag in path.flags:
        if flag not in options:
            return f"this salad's bench has no {flag}"
    for command in path.subjects.values():
        for word in command:
            if word.startswith(str(HERE)) and not FilePath(word).exists():
                return f"{word} is missing"
    return None


class Comparison:
    """The report, kept on disk as it grows: what was measured stays when a later path fails or is interrupted."""

    def __init__(self, docs: FilePath, all_paths: list[Path], salad: str, cpu: str | None):
        self.docs, self.paths, self.cpu = docs, all_paths, cpu
        self.failed: list[str] = []
        bench = json.loads(run([salad, "bench", "--score", "--size", "64", "--batch-size", "8", "--steps", "1", "--json"]))["machine"]
        self.file = docs / (f"performance.{cpu}.json" if cpu else "performance.json")
        self.report = {"machine": machine(bench), "versions": versions(bench), "paths": {}}
        if self.file.exists():
            old = json.loads(self.file.read_text())
            if old["machine"] == self.report["machine"]:
                self.report["paths"] = old["paths"]
            else:
                print(f"bench: {self.file} is of another machine ({old['machine']['cpu']}): begun anew")

    def measure(self, path: Path, rounds: int) -> None:
        start = time.monotonic()
        results: list[dict] = []
        command = path.prepare
        try:
            if command:
                run(command)
            for number in range(rounds):
                results.append({})
                for name, command in path.subjects.items():
                    results[-1][name] = best(run(command))
                for row in path.rows:
                    line = table.line(row, results[-1:])
                    theirs = f", peer {table.number(line.theirs.median)}" if line.theirs else ""
                    print(f"{path.name} {number + 1}/{rounds}: {row.title}: salad {table.number(line.ours.median)}{theirs} {row.unit}",
                          flush=True)
        except (subprocess.CalledProcessError, ValueError, KeyError) as error:
            print(f"bench: {path.name} is left out: {' '.join(command)} failed: {cause(error)}", flush=True)
            self.failed.append(path.name)
            return
        self.report["paths"][path.name] = {
            "date": datetime.date.today().isoformat(), "seconds": round(time.monotonic() - start),
            "commands": {name: " ".join(map(short, command)) for name, command in path.subjects.items()},
            "rounds": results,
        }
        self.file.write_text(json.dumps(self.report, indent=1, sort_keys=True) + "\n")

    def write_page(self) -> None:
        found = table.lines(self.paths, self.report["paths"])
        pages.write(self.docs / "performance.md", f"{table.table(found)}\n\n{table.caption(self.report, self.paths)}", table.begin(self.cpu))
        if self.cpu:
            return
        drawn = [
            bars.Bar(line.row.title, line.ratio.median, line.ratio.least, line.ratio.most, line.row.ratio_wanted)
            for line in found if line.ratio]
        if drawn:
            bars.draw(self.docs / "performance.svg", drawn, "salad, so many times better than its peer",
                      f"{self.report['machine']['cpu']}, {self.report['machine']['cores']} cores; lines: worst and best round; dashed: wanted")


def run(command: list[str]) -> str:
    """What it prints."""
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def best(printed: str) -> dict:
    """The object that was printed, or of several peers' the fastest, with the others beside it."""
    objects = [json.loads(line) for line in printed.splitlines()]
    if len(objects) == 1:
        return objects[0]
    first, *others = sorted(objects, key=lambda found: found["milliseconds"])
    return first | {"others": others}


def cause(error: Exception) -> str:
    """The last line that the failed command wrote, or what its output lacks."""
    words = (getattr(error, "stderr", "") or repr(error)).strip().splitlines()
    return words[-1] if words else "without a word"


def short(word: str) -> str:
    """Without the folders of this machine."""
    return FilePath(word).name if word.startswith("/") else word


if __name__ == "__main__":
    main()
