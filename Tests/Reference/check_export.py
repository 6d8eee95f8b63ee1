#!/usr/bin/env python3
"""Checks that trained models travel: from salad to PyTorch, from PyTorch's .pth to salad, and back to the same bytes.

    check_export.py --salad .build/release/salad

For each architecture a small run is trained and merged. PyTorch's modules must take the weights by
`load_state_dict(strict=True)` and give the features that the bank holds, with the direction of exposure found anew and taken out, and the scores that
`salad score` prints, patients left out whole. The same and, of unit rows, the same bank, saved as a .pth, converted by Examples/convert_pth.py and imported, must be the
merged deployment again.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from compare_training import read_images, run
from networks import autoencoder
from salad import Method, Model
from scores import RULES, ScoringBank, damped, exposures, principal_axis

# What scores, and the rule that a deployment remembers. A .pth holds a bank of unit rows.
LEVELS = {"unet": ("e3,e4,e5", "weighted-distance"), "resnet18": ("z", "mean-angle")}
# Of features through some thirty layers in float32, relative to the largest, and of scores: ten times what was seen. A
# mean's square root has the mean's error over twice the root, which is more than the mean's own where the mean is small.
TOLERANCES = {"linear": 2e-6, "root": 2e-5}
SCORE_TOLERANCE = 5e-5
# Power iteration ends when a step turns the axis by less than a cosine of 1 - 1e-12; a gap between the first two axes of g
# leaves it g times as far from its end. Features of float32 move it by less.
AXIS_TOLERANCE = 1e-9
CONVERTER = Path(__file__).parents[2] / "Examples" / "convert_pth.py"


def check(condition: bool, sentence: str) -> None:
    print(f"{'  ok' if condition else 'FAIL'}  {sentence}")
    if not condition:
        raise SystemExit(1)


def train(salad: str, folder: Path, architecture: str) -> Path:
    name = str(folder / architecture)
    levels, rule = LEVELS[architecture]
    run(salad, "train", "--data", f"{folder}/data", "--run", name, "--architecture", architecture, "--size", "64",
        "--embedding-dimension", "32", "--batch-size", "16", "--micro-batch", "4", "--rounds", "1", "--epochs-per-round", "1",
        "--neighbours", "5", "--top-k", "20", "--levels", levels, "--score-rule", rule, "--learning-rate", "1e-4", "--seed", "1")
    run(salad, "merge", name, "--output", f"{name}-deploy")
    return folder / f"{architecture}-deploy"


def check_load(salad: str, data: Path, deploy: Path) -> None:
    manifest = json.loads((deploy / "manifest.json").read_text())
    network = autoencoder(
        manifest["architecture"], manifest["size"], manifest["channels"], manifest["max_width"],
        manifest["embedding_dimension"], manifest["centre"])
    network.load_state_dict(load_file(deploy / "model.safetensors"), strict=True)
    rows = load_file(deploy / "bank.safetensors")["bank"].double()
    levels = manifest["levels"]
    model = Model(network.double(), torch.empty(0), Method(feature_scale=manifest["feature_scale"]))

    training = read_images(f"{data}/train", torch.float64)
    calibration = manifest["calibration"]
    axis, damping = torch.zeros(rows.shape[1], dtype=torch.float64), 0.0
    if "exposure_axis" in calibration:
        axis, damping = torch.tensor(calibration["exposure_axis"], dtype=torch.float64), manifest["exposure_damping"]
        clean = model.features(training, levels)
        found = principal_axis(torch.cat([model.features(shown, levels) - clean for shown in exposures(training)]))
        error = 1 - abs(float(found @ axis))
        check(error < AXIS_TOLERANCE, f"{deploy.name}: the direction of exposure is the same, its cosine is 1 - {error:.1e}")

    def describe(images: Tensor) -> Tensor:
        return damped(model.features(images, levels), axis, damping)

    features = describe(training)
    error = ((features - rows).abs().max() / rows.abs().max()).item()
    tolerance = TOLERANCES["linear" if levels == "z" else manifest["feature_scale"]]
    check(error < tolerance, f"{deploy.name}: features ({levels}) of the training images are the bank's rows to {error:.1e}")
    features = describe(read_images(f"{data}/test", torch.float64))
    patients = [Path(image).name.split("_")[0] for image in manifest["image_ids"]]
    bank = ScoringBank(rows, manifest["top_k"], manifest["score_temperature"], patients)
    for rule in RULES if levels == "z" else RULES[:2]:
        table = run(salad, "score", str(deploy), f"{data}/test", "--csv", "--score-rule", rule).splitlines()[1:]
        scores = torch.tensor([float(row.split(",")[1]) for row in table], dtype=torch.float64)
        error = (bank.scores(features, rule) - scores).abs().max().item()
        check(error < SCORE_TOLERANCE, f"{deploy.name}: the {rule} scores agree to {error:.1e}")


def check_import(salad: str, data: Path, deploy: Path) -> None:
    levels, rule = LEVELS[deploy.name.removesuffix("-deploy")]
    published = deploy.with_suffix(".pth")
    state = {f"module.{name}": tensor for name, tensor in load_file(deploy / "model.safetensors").items()}
    torch.save({"net": state, "memory": load_file(deploy / "bank.safetensors")["bank"]}, published)
    converted, bank = deploy.with_suffix(".safetensors"), deploy.with_suffix(".bank.safetensors")
    run(sys.executable, str(CONVERTER), str(published), str(converted), "--bank-key", "memory", "--bank", str(bank))
    sources = [["--data", str(data)]] + ([["--bank", str(bank)]] if levels == "z" else [])
    for number, source in enumerate(sources):
        imported = deploy.with_name(f"{deploy.name}-{number}")
        run(salad, "import", str(converted), "--output", str(imported), "--size", "64", "--micro-batch", "4", "--top-k", "20",
            "--levels", levels, "--score-rule", rule, *source)
        same = (imported / "model.safetensors").read_bytes() == (deploy / "model.safetensors").read_bytes()
        check(same, f"{deploy.name}: .pth, converted and imported, is the same model, byte for byte")
        ours, theirs = (load_file(folder / "bank.safetensors")["bank"] for folder in (imported, deploy))
        # The converter normalises a bank's rows anew, which may round them once more.
        error = (ours - theirs).abs().max().item()
        check(error <= 2**-24, f"{deploy.name}: bank {source[0]} is the same to {error:.1e}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--salad", required=True, help="the command")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run(arguments.salad, "phantom", f"{folder}/data", "--train", "32", "--test-normal", "8", "--test-anomalous", "8",
            "--size", "64", "--seed", "5")
        # Two images a patient, by names as Kermany et al. give them.
        for number, path in enumerate(sorted((folder / "data/train").rglob("*.png"))):
            path.rename(path.with_name(f"person{number // 2}_bacteria_{number}.png"))
        for architecture in ("unet", "resnet18"):
            deploy = train(arguments.salad, folder, architecture)
            check_load(arguments.salad, folder / "data", deploy)
            check_import(arguments.salad, folder / "data", deploy)


if __name__ == "__main__":
    main()
