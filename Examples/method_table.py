#!/usr/bin/env python3
"""Trains variants of the method on data sets with several seeds, and writes what each is worth into a page.

    python3 Examples/method_table.py --runs runs --data kermany-cxr=/data/kermany-cxr --data nih-cxr=/data/nih-cxr \\
        --variant "default" --variant "longer: --epochs-per-round 8" --scored "run" --scored "z: --levels z" --seeds 1 2 3

A variant is a name and flags of `salad train`. What it is scored by is a name and flags of `salad import`, which makes
another bank of the same weights; `run` alone is the run as it stands. Every trial is one record of --trials: its flags,
seed, AUROC with `evaluate`'s 95 % interval, false alarms at a wished 5 %, the embedding loss of each epoch, version
and machine. The tables of --page are made of all records, so that a trial once made cannot be left out; without
--data nothing is trained and only the page is written.

Runs are kept in --runs and gone on with; a trial that is recorded is not made again. Runs of another version of salad
are refused: name another folder. Nothing is chosen on the test split by this script: it prints all that was trained.
"""

import argparse
import json
import math
from pathlib import Path
from statistics import mean

import detection

TRIALS = "<!-- Examples/method_table.py writes from here -->"
LOSSES = "<!-- Examples/method_table.py writes losses from here -->"


def epoch_losses(run: Path) -> list[float]:
    records = map(json.loads, (run / "metrics.jsonl").read_text().splitlines())
    return [record["embedding_loss"] for record in records if record["kind"] == "epoch"]


def trial(salad: list[str], data: str, run: Path, flags: str, scored: tuple[str, str], seed: int) -> dict:
    """Trains to the end - a run that has ended, or begun, is not begun again - and scores the test split."""
    detection.run([*salad, "train", "--data", data, "--run", str(run), "--resume", "--seed", str(seed), *flags.split()])
    model = run
    if scored[1]:
        # Stored as numbers are, a fraction of a training's time: made again when missing.
        output = run.with_name(f"{run.name}.{scored[0].replace(' ', '-')}")
        model = detection.imported(salad, detection.newest_weights(run), data, output, *scored[1].split())
    result = detection.evaluate(salad, model, data, "--baseline", "--false-alarm-rate", "0.05")
    return {
        "auroc": round(result["auroc"], 5),
        "interval": [round(value, 4) for value in result["confidence"]["intervals"]["auroc"]],
        "average_precision": round(result["average_precision"], 5),
        "flagged_normal_rate": result["flagged_normal_rate"],
        "normal": result["count_normal"], "anomalous": result["count_anomalous"],
        "raw_pixels": round(result["baseline_auroc"], 5),
        "losses": [round(loss, 3) for loss in epoch_losses(run)],
        "chance": round(math.log(result["calibration_count"]), 3) if "calibration_count" in result else None,
        "version": detection.run([*salad, "--version"]).decode().strip(), "machine": detection.machine(),
    }


def distinct(trials: list[dict], *keys: str) -> list[tuple]:
    """In the order in which they were first made."""
    return list(dict.fromkeys(tuple(one[key] for key in keys) for one in trials))


def cell(trials: list[dict], key: str) -> str:
    return ", ".join(f"{one[key]:.3f}" for one in sorted(trials, key=lambda one: one["seed"]))


def detection_table(trials: list[dict]) -> str:
    """A row a variant and what scores it; the mean is over the sets, where all have the same seeds."""
    sets = [name for name, in distinct(trials, "data")]
    rows = [f"| variant | flags | scored by | seeds | {' | '.join(sets)} | mean |", "|---|---|---|---|" + "---|" * (len(sets) + 1)]
    for variant, flags, scored, scored_flags in distinct(trials, "variant", "flags", "scored", "scored_flags"):
        mine = [one for one in trials if (one["variant"], one["scored"]) == (variant, scored)]
        by_set = [[one for one in mine if one["data"] == name] for name in sets]
        seeds = {tuple(sorted(one["seed"] for one in some)) for some in by_set}
        overall = f"{mean(mean(one['auroc'] for one in some) for some in by_set):.3f}" if len(seeds) == 1 else ""
        rows.append(
            f"| {variant} | {f'`{flags}`' if flags else ''} | {f'`{scored_flags}`' if scored_flags else scored} "
            f"| {', '.join(str(seed) for seed, in sorted(distinct(mine, 'seed')))} "
            f"| {' | '.join(cell(some, 'auroc') for some in by_set)} | {overall} |")
    return "\n".join(rows)


def alarm_table(trials: list[dict]) -> str:
    """Of trials with all sets as the run scores them: normal test images flagged at a wished 5 %."""
    sets = [name for name, in distinct(trials, "data")]
    rows = [f"| variant | {' | '.join(sets)} |", "|---|" + "---|" * len(sets)]
    for variant, in distinct([one for one in trials if not one["scored_flags"]], "variant"):
        mine = [one for one in trials if one["variant"] == variant and not one["scored_flags"]]
        rows.append(f"| {variant} | " + " | ".join(cell([one for one in mine if one["data"] == name], "flagged_normal_rate") for name in sets) + " |")
    return "\n".join(rows)


def loss_table(trials: list[dict]) -> str:
    rows = ["| set | variant | chance | embedding loss of each epoch, first seed |", "|---|---|---|---|"]
    for name, variant in distinct([one for one in trials if one["losses"]], "data", "variant"):
        one = min((one for one in trials if (one["data"], one["variant"]) == (name, variant)), key=lambda one: one["seed"])
        rows.append(f"| {name} | {variant} | {one['chance']} | {' '.join(f'{loss:.2f}' for loss in one['losses'])} |")
    return "\n".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="folder for the runs")
    parser.add_argument("--data", action="append", default=[], metavar="NAME=DIR", help="a data set; may be repeated")
    parser.add_argument("--variant", action="append", metavar="NAME:FLAGS", help="default: default alone")
    parser.add_argument("--scored", action="append", metavar="NAME:FLAGS", help="default: run alone")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--trials", type=Path, default=Path("docs/trials.json"), help="the records")
    parser.add_argument("--page", type=Path, default=Path("docs/ablation.md"), help="the page with the tables' marks")
    parser.add_argument("--salad", default=".build/release/salad", help="the command, mpirun and its flags before it")
    arguments = parser.parse_args()
    arguments.runs.mkdir(parents=True, exist_ok=True)
    trials = json.loads(arguments.trials.read_text()) if arguments.trials.exists() else []

    for variant, flags in (detection.named(text, ":") for text in arguments.variant or ["default"]):
        for seed in arguments.seeds:
            for name, data in (detection.named(text, "=") for text in arguments.data):
                for scored in (detection.named(text, ":") for text in arguments.scored or ["run"]):
                    key = {"data": name, "variant": variant, "flags": flags, "scored": scored[0], "scored_flags": scored[1], "seed": seed}
                    if any(key.items() <= one.items() for one in trials):
                        continue
                    run = arguments.runs / f"{name}-{variant.replace(' ', '-')}-seed{seed}"
                    trials.append(key | trial(arguments.salad.split(), data, run, flags, scored, seed))
                    lines = ",\n".join(json.dumps(one) for one in trials)
                    arguments.trials.write_text(f"[\n{lines}\n]\n")

    detection.pages.write(arguments.page, detection_table(trials) + "\n\n" + ALARMS + "\n\n" + alarm_table(trials), TRIALS)
    detection.pages.write(arguments.page, loss_table(trials), LOSSES)


ALARMS = "Normal test images flagged at a wished 5 %, as the run scores, seeds in order:"

if __name__ == "__main__":
    main()
