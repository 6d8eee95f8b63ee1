#!/usr/bin/env python3
"""The table of detection in docs/results.md, and a ROC picture of each data set.

    python3 Examples/detection_table.py --data kermany-cxr=/data/kermany-cxr --runs runs --seeds 1 2 3

Beside `salad`'s default stand the same networks' reconstruction error and bottleneck, the nearest training image in raw
pixels (32 x 32, as they are, with 1 % off each end of the gray levels stretched away, and equalised), and the published
recipe's runs where --published names their variant. RUNS holds NAME-VARIANT-seedSEED, as Examples/method_table.py makes them;
the default is that of the salad which scores, whatever it was when they were trained: their weights do not depend on it.
Intervals: 95 % of 2,000 resamples of the test images, drawn by patient where file names tell them, of the mean over the
seeds. Needs the packages of Tests/Reference/requirements.txt, scikit-learn and matplotlib.
"""

import argparse
import csv
import io
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

import detection
import matplotlib
import numpy as np
from PIL import Image, ImageOps
from sklearn.metrics import roc_auc_score, roc_curve

sys.path.append(str(Path(__file__).resolve().parent.parent / "Tests" / "Reference"))
matplotlib.use("svg")
from matplotlib import pyplot  # noqa: E402

MARK = "<!-- Examples/detection_table.py writes from here -->"
RESAMPLES = 2000
# Scores of the test images, by seed: S x n.
Scores = np.ndarray


class TestSplit:
    """The test images of a set in one order, which of them are anomalous, and whose they are."""

    def __init__(self, data: Path):
        folders = sorted(path for path in (data / "test").iterdir() if path.is_dir())
        self.paths = [path for folder in folders for path in sorted(folder.rglob("*.png"))]
        self.anomalous = np.array([path.relative_to(data).parts[1] not in ("good", "normal") for path in self.paths])
        self.train = sorted(path for name in ("good", "normal") for path in (data / "train" / name).rglob("*.png"))
        self.size = len(self.paths)
        _, self.patients = np.unique([patient(path) for path in self.paths], return_inverse=True)

    def interval(self, scores: Scores) -> tuple[float, float]:
        random = np.random.default_rng(0)
        members = [np.flatnonzero(self.patients == one) for one in range(self.patients.max() + 1)]
        values = []
        for _ in range(RESAMPLES):
            drawn = np.concatenate([members[one] for one in random.integers(len(members), size=len(members))])
            truth = self.anomalous[drawn]
            if truth.any() and not truth.all():
                values.append(np.mean([roc_auc_score(truth, one[drawn]) for one in scores]))
        return tuple(np.quantile(values, [0.025, 0.975]))


def patient(path: Path) -> str:
    """NIH ChestX-ray14's 00001362_004 and Kermany's person1355_bacteria_3449; other names are one patient each."""
    found = re.fullmatch(r"(\d{8})_\d{3}|(person\d+)_.*|(IM-\d+|NORMAL2-IM-\d+)-.*", path.stem)
    return next(filter(None, found.groups())) if found else path.stem


def salad_scores(salad: list[str], model: Path, data: Path, split: TestSplit) -> np.ndarray:
    rows = csv.DictReader(io.StringIO(detection.run([*salad, "score", str(model), str(data / "test"), "--csv"]).decode()))
    scores = {Path(row["path"]).resolve(): float(row["score"]) for row in rows}
    return np.array([scores[path.resolve()] for path in split.paths])


def reconstruction_errors(run: Path, split: TestSplit) -> np.ndarray:
    """Mean absolute error over pixels of what the network makes of each image, by PyTorch from the run's weights."""
    import torch
    from networks import autoencoder
    from safetensors.torch import load_file

    settings = json.loads((run / "config.json").read_text())
    settings = settings.get("configuration", settings)
    network = autoencoder(
        settings["architecture"], settings["size"], settings["channels"], settings["max_width"], settings["embedding_dimension"],
        settings["centre"])
    network.load_state_dict(load_file(detection.newest_weights(run)))
    network.eval()
    errors = []
    with torch.no_grad():
        for path in split.paths:
            pixels = torch.from_numpy(grays(path, settings["size"], lambda image: image)).float() / 127.5 - 1
            image = pixels[None, None].expand(1, settings["channels"], -1, -1)
            errors.append((network(image)[1] - image).abs().mean().item())
    return np.array(errors)


def grays(path: Path, size: int, change: Callable[[Image.Image], Image.Image]) -> np.ndarray:
    with Image.open(path) as image:
        return np.array(change(image.convert("L")).resize((size, size), Image.Resampling.BILINEAR))


def nearest_pixels(split: TestSplit, change: Callable[[Image.Image], Image.Image]) -> np.ndarray:
    """Euclidean distance to the nearest training image in 32 x 32 pixels."""
    def vectors(paths: list[Path]) -> np.ndarray:
        return np.stack([grays(path, 32, change).ravel() for path in paths]).astype(float)

    test, train = vectors(split.paths), vectors(split.train)
    squares = (test**2).sum(1)[:, None] - 2 * test @ train.T + (train**2).sum(1)
    return np.sqrt(np.maximum(squares.min(1), 0))


def stretched(image: Image.Image) -> Image.Image:
    return ImageOps.autocontrast(image, cutoff=1)


def scores_of(arguments: argparse.Namespace, name: str, data: Path, split: TestSplit) -> dict[str, Scores]:
    salad = arguments.salad.split()
    runs = [arguments.runs / f"{name}-{arguments.variant}-seed{seed}" for seed in arguments.seeds]

    def imported(run: Path, name: str, *flags: str) -> Path:
        return detection.imported(salad, detection.newest_weights(run), str(data), run.with_name(f"{run.name}.{name}"), *flags)

    found = {
        "`salad`, the default": [salad_scores(salad, imported(run, "default"), data, split) for run in runs],
        "the same networks: reconstruction error": [reconstruction_errors(run, split) for run in runs],
        "the same networks: bottleneck (`--levels z`)": [
            salad_scores(salad, imported(run, "z", "--levels", "z"), data, split) for run in runs],
    }
    if arguments.published:
        # It may have been trained with fewer seeds.
        published = sorted(arguments.runs.glob(f"{name}-{arguments.published}-seed[0-9]"))
        found[arguments.published_name] = [salad_scores(salad, run, data, split) for run in published]
    changes = {"as they are": lambda image: image, "contrast stretched": stretched, "equalised": ImageOps.equalize}
    found |= {f"nearest in raw pixels, {words}": [nearest_pixels(split, change)] for words, change in changes.items()}
    return {words: np.stack(scores) for words, scores in found.items()}


def cell(split: TestSplit, scores: Scores) -> str:
    seeds = [roc_auc_score(split.anomalous, one) for one in scores]
    low, high = split.interval(scores)
    each = f"; {', '.join(f'{one:.3f}' for one in seeds)}" if len(seeds) > 1 else ""
    return f"{np.mean(seeds):.3f} ({low:.3f} to {high:.3f}{each})"


def draw(name: str, split: TestSplit, scores: dict[str, Scores], path: Path) -> None:
    """One curve each: the mean over the seeds, and the seeds' range behind it."""
    pyplot.rcParams.update({"svg.fonttype": "none", "font.size": 9, "svg.hashsalt": name})
    figure, axes = pyplot.subplots(figsize=(5.2, 5.2))
    at = np.linspace(0, 1, 201)
    for number, (words, by_seed) in enumerate(scores.items()):
        curves = np.stack([np.interp(at, *roc_curve(split.anomalous, one)[:2]) for one in by_seed])
        area = np.mean([roc_auc_score(split.anomalous, one) for one in by_seed])
        line, = axes.plot(at, curves.mean(0), label=f"{area:.3f}  {words.replace('`', '')}", linewidth=2.2 if number == 0 else 1.1)
        if len(curves) > 1:
            axes.fill_between(at, curves.min(0), curves.max(0), color=line.get_color(), alpha=0.15, linewidth=0)
    axes.plot([0, 1], [0, 1], color="#999", linewidth=0.8, linestyle=":")
    axes.set(xlabel="normal images flagged", ylabel="anomalous images flagged", xlim=(0, 1), ylim=(0, 1), aspect="equal")
    axes.set_title(f"{name}: {split.anomalous.sum()} anomalous, {split.size - split.anomalous.sum()} normal test images")
    axes.legend(title="AUROC, mean of the seeds", loc="lower right", fontsize=7.5, title_fontsize=8)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", action="append", required=True, metavar="NAME=DIR")
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    parser.add_argument("--variant", default="default")
    parser.add_argument("--published", metavar="VARIANT", help="the variant that was trained with --recipe published")
    parser.add_argument("--published-name", default="the published recipe", help="what to call it")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--page", type=Path, default=Path("docs/results.md"))
    parser.add_argument("--salad", default=".build/release/salad")
    arguments = parser.parse_args()

    cells: dict[str, list[str]] = {}
    names = []
    for name, data in (detection.named(text, "=") for text in arguments.data):
        split = TestSplit(Path(data))
        scores = scores_of(arguments, name, Path(data), split)
        names.append(name)
        for words, by_seed in scores.items():
            cells.setdefault(words, []).append(cell(split, by_seed))
        draw(name, split, scores, arguments.page.parent / f"roc-{name}.svg")
    rows = [f"| what scores | {' | '.join(names)} |", "|---|" + "---|" * len(names)]
    rows += [f"| {words} | {' | '.join(row)} |" for words, row in cells.items()]
    detection.pages.write(arguments.page, "\n".join(rows), MARK)


if __name__ == "__main__":
    main()
