#!/usr/bin/env python3
"""Trains variants of the method on data sets with several seeds, and prints a Markdown table of what each is worth.

    python3 Examples/method_table.py --runs runs --data kermany-cxr=/data/kermany-cxr --data nih-cxr=/data/nih-cxr

A variant is a name and flags of `salad train`; an ablation is one more of them:

    ... --variant "defaults" --variant "no rounds: --rounds 0 --epochs-per-round 16" --variant "small: --size 64"

Every cell is the AUROC on the test split for each seed in order, `evaluate`'s 95 % confidence interval behind it where
one seed was asked for. The columns are level features in the refreshed bank by both of their rules, and angles of the
bottleneck in the momentum bank; beside them the AUROC of the nearest training image in raw 32 x 32 pixels, which learns
nothing. K is the run's own in every column. A variant with --levels z has z in the refreshed bank as well.

Runs are kept in --runs and gone on with: a table that was interrupted is finished by the same line, and a new variant
costs only its own trainings. Runs of another version of salad are refused: name another folder. Nothing is chosen on the
test split: all that was trained is printed.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

# Level features by both of their rules, and the bottleneck that training moved.
COLUMNS = (("weighted-distance", "refreshed"), ("weighted", "refreshed"), ("mean-angle", "momentum"))


def named(text: str, separator: str) -> tuple[str, str]:
    name, _, value = text.partition(separator)
    return name.strip(), value.strip()


def train(salad: list[str], data: str, run: Path, flags: list[str], seed: int) -> None:
    """Trains to the end; a run that has ended, or begun, is not begun again."""
    command = [*salad, "train", "--data", data, "--run", str(run), "--resume", "--seed", str(seed), *flags]
    print(" ".join(command), file=sys.stderr)
    subprocess.run(command, check=True)


def evaluate(salad: list[str], data: str, run: Path, rule: str, bank: str) -> dict:
    """What `salad evaluate --json` says, from the file where it was kept the last time."""
    kept = run.with_name(f"{run.name}.{rule}.{bank}.json")
    newest = (run / "latest").stat().st_mtime
    if not kept.exists() or kept.stat().st_mtime < newest:
        command = [*salad, "evaluate", str(run), "--data", data, "--json", "--baseline"]
        command += ["--score-rule", rule, "--bank", bank]
        kept.write_bytes(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    return json.loads(kept.read_text())


def cell(evaluations: list[dict]) -> str:
    text = ", ".join(f"{evaluation['auroc']:.3f}" for evaluation in evaluations)
    interval = evaluations[0].get("confidence", {}).get("intervals", {}).get("auroc")
    return f"{text} ({interval[0]:.3f} to {interval[1]:.3f})" if len(evaluations) == 1 and interval else text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=Path, required=True, help="folder for the runs")
    parser.add_argument("--data", action="append", required=True, metavar="NAME=DIR", help="a data set; may be repeated")
    parser.add_argument("--variant", action="append", metavar="NAME:FLAGS", help="default: defaults alone")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--salad", default=".build/release/salad", help="the command, mpirun and its flags before it")
    arguments = parser.parse_args()
    salad = arguments.salad.split()
    arguments.runs.mkdir(parents=True, exist_ok=True)

    columns = [f"{rule}, {bank}" for rule, bank in COLUMNS]
    print(f"| data | variant | {' | '.join(columns)} | raw pixels |")
    print("|---|---|" + "---|" * (len(columns) + 1))
    for name, data in (named(text, "=") for text in arguments.data):
        for variant, flags in (named(text, ":") for text in arguments.variant or ["defaults"]):
            runs = [(arguments.runs / f"{name}-{variant.replace(' ', '-')}-seed{seed}", seed) for seed in arguments.seeds]
            for run, seed in runs:
                train(salad, data, run, flags.split(), seed)
            cells, baseline = [], 0.0
            for rule, bank in COLUMNS:
                evaluations = [evaluate(salad, data, run, rule, bank) for run, _ in runs]
                cells.append(cell(evaluations))
                baseline = evaluations[0]["baseline_auroc"]
            print(f"| {name} | {variant} | {' | '.join(cells)} | {baseline:.3f} |", flush=True)


if __name__ == "__main__":
    main()
