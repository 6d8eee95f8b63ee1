#!/usr/bin/env python3
"""How much the AUROC moves from epoch to epoch: every checkpoint of a run scored with a bank of its own.

    salad train --data /data/kermany-cxr --run run --checkpoint-every 35 --keep 10      # an epoch's steps: a checkpoint each
    python3 Examples/stability.py --data kermany-cxr=/data/kermany-cxr --run kermany-cxr=run

Writes a row a set into the page: the AUROC on the test split after each of the last ten epochs, and their range.
"""

import argparse
import tempfile
from pathlib import Path

import detection

MARK = "<!-- Examples/stability.py writes from here -->"
EPOCHS = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", action="append", required=True, metavar="NAME=DIR")
    parser.add_argument("--run", action="append", required=True, metavar="NAME=RUN")
    parser.add_argument("--page", type=Path, default=Path("docs/results.md"))
    parser.add_argument("--salad", default=".build/release/salad")
    arguments = parser.parse_args()
    salad, runs = arguments.salad.split(), dict(detection.named(text, "=") for text in arguments.run)

    rows = ["| set | AUROC after each of the last ten epochs | range |", "|---|---|---|"]
    for name, data in (detection.named(text, "=") for text in arguments.data):
        checkpoints = sorted((Path(runs[name]) / "checkpoints").iterdir())[-EPOCHS:]
        values = []
        for checkpoint in checkpoints:
            with tempfile.TemporaryDirectory() as folder:
                model = detection.imported(salad, checkpoint / "model.safetensors", data, Path(folder) / "model")
                values.append(detection.evaluate(salad, model, data, "--bootstrap", "0")["auroc"])
        rows.append(f"| {name} | {' '.join(f'{value:.3f}' for value in values)} | {max(values) - min(values):.3f} |")
    detection.pages.write(arguments.page, "\n".join(rows), MARK)


if __name__ == "__main__":
    main()
