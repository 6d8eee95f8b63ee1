#!/usr/bin/env python3
"""How scores stand test images that were taken or stored otherwise: AUROC and false alarms, a table of them.

    python3 Examples/robustness.py --data kermany-cxr=/data/kermany-cxr --model kermany-cxr=run-1 --model kermany-cxr=run-2

Each change is applied to all test images of a set, normal and anomalous, in Pillow, and `salad evaluate` scores them
with the model as it is. Several models of one set are several seeds: the table has their mean. Needs pillow and numpy.
"""

import argparse
import io
import json
import tempfile
from pathlib import Path
from statistics import mean

import detection
import numpy as np
from PIL import Image, ImageOps

MARK = "<!-- Examples/robustness.py writes from here -->"


def levels(image: Image.Image, change) -> Image.Image:
    """Gray levels in 0...1, changed and clipped."""
    pixels = np.asarray(image, np.float32) / 255
    return Image.fromarray(np.rint(np.clip(change(pixels), 0, 1) * 255).astype(np.uint8))


def jpeg(image: Image.Image) -> Image.Image:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=60)
    return Image.open(file).convert("L")


def half(image: Image.Image) -> Image.Image:
    small = image.resize((image.width // 2, image.height // 2), Image.Resampling.BILINEAR)
    return small.resize(image.size, Image.Resampling.BILINEAR)


def noisy(image: Image.Image) -> Image.Image:
    random = np.random.default_rng(np.frombuffer(image.tobytes()[:64], np.uint8).tolist())
    return levels(image, lambda x: x + random.normal(0, 0.02, x.shape))


CHANGES = {
    "as they are": lambda image: image,
    "brightness - 0.1": lambda image: levels(image, lambda x: x - 0.1),
    "brightness + 0.1": lambda image: levels(image, lambda x: x + 0.1),
    "contrast x 0.8": lambda image: levels(image, lambda x: (x - 0.5) * 0.8 + 0.5),
    "contrast x 1.25": lambda image: levels(image, lambda x: (x - 0.5) * 1.25 + 0.5),
    "gamma 0.8": lambda image: levels(image, lambda x: x**0.8),
    "gamma 1.25": lambda image: levels(image, lambda x: x**1.25),
    "turned by 5 degrees": lambda image: image.rotate(5, Image.Resampling.BILINEAR),
    "turned by -5 degrees": lambda image: image.rotate(-5, Image.Resampling.BILINEAR),
    "a black border of 5 %": lambda image: ImageOps.expand(image, border=round(0.05 * image.width)),
    "JPEG of quality 60": jpeg,
    "half the resolution": half,
    "noise of 0.02": noisy,
}


def changed(data: Path, change, output: Path) -> None:
    """The data set with its test images changed; training images stay where they are."""
    (output / "train").symlink_to((data / "train").resolve())
    for path in (data / "test").rglob("*.png"):
        copy = output / path.relative_to(data)
        copy.parent.mkdir(parents=True, exist_ok=True)
        with Image.open(path) as image:
            change(image.convert("L")).save(copy)


def table(records: list[dict]) -> str:
    sets = list(dict.fromkeys(one["data"] for one in records))
    rows = ["| test images | " + " | ".join(f"{name}: AUROC | flagged of normal" for name in sets) + " |", "|---|" + "---|---|" * len(sets)]
    for change in CHANGES:
        cells = []
        for name in sets:
            mine = [one for one in records if (one["data"], one["change"]) == (name, change)]
            cells += [f"{mean(one['auroc'] for one in mine):.3f}", f"{100 * mean(one['flagged_normal_rate'] for one in mine):.1f} %"]
        rows.append(f"| {change} | {' | '.join(cells)} |")
    return "\n".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", action="append", required=True, metavar="NAME=DIR")
    parser.add_argument("--model", action="append", required=True, metavar="NAME=RUN", help="a run or deployment; may be repeated")
    parser.add_argument("--records", type=Path, default=Path("docs/robustness.json"))
    parser.add_argument("--page", type=Path, default=Path("docs/results.md"))
    parser.add_argument("--salad", default=".build/release/salad")
    arguments = parser.parse_args()
    models = [detection.named(text, "=") for text in arguments.model]

    records = []
    for name, data in (detection.named(text, "=") for text in arguments.data):
        for change, function in CHANGES.items():
            with tempfile.TemporaryDirectory() as folder:
                changed(Path(data), function, Path(folder))
                for run in (run for model, run in models if model == name):
                    result = detection.evaluate(arguments.salad.split(), Path(run), folder, "--bootstrap", "0", "--false-alarm-rate", "0.05")
                    records.append({"data": name, "change": change, "model": Path(run).name} | {key: round(result[key], 5) for key in ("auroc", "flagged_normal_rate")})
    lines = ",\n".join(json.dumps(one) for one in records)
    arguments.records.write_text(f"[\n{lines}\n]\n")
    detection.pages.write(arguments.page, table(records), MARK)


if __name__ == "__main__":
    main()
