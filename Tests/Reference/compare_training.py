#!/usr/bin/env python3
"""Compares a whole short training with PyTorch's, step by step, and draws how the difference grows.

    compare_training.py --salad .build/release/salad --picture docs/parity-training.svg

`salad` trains on two ranks on phantoms without augmentation, centred, from a bank that starts from a pass: a round without anchors and three with them. PyTorch takes the
same steps in float64 (the truth) and in float32 (what rounding alone does), from the same weights, bank and order, all of
which are functions of the seed. Ends with status 1 when a difference is not of the order of PyTorch's own.
"""

import argparse
import json
import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor

import counter_random
from curve import Curve, draw
from networks import Autoencoder, autoencoder
from salad import Method, Model
from scores import ScoringBank

SEED = 3
SIZE, WIDTH, DIMENSION = 64, 16, 32
BATCH, MICRO_BATCH = 16, 4
ROUNDS, EPOCHS_PER_ROUND = 3, 2
# The second is compared number by number; the first, a usual one, shows how soon rounding parts two trainings.
LEARNING_RATES = (1e-4, 1e-5)
# Ours may be so many times as far from float64 as PyTorch's float32 is: both are draws of the same kind of rounding, and
# what chance does early is multiplied by every later step.
FACTOR = 5
# Part of a round's anchors that must be the same: where two entropies differ by less than rounding, either may go first.
COMMON_ANCHORS = 0.8


@dataclass
class Training:
    """What is compared. Lists of steps are from 1 on, those of rounds from 0 on."""

    losses: list[dict[str, float]]
    # At the end of each round: the weights, flat, and the anchors it used.
    weights: list[np.ndarray]
    anchors: list[list[int]]
    bank: np.ndarray
    scores: np.ndarray


# MARK: Ours

def method(learning_rate: float) -> Method:
    return Method(learning_rate=learning_rate, neighbours=5)


def train_ours(salad: str, folder: Path, method: Method) -> Training:
    run_folder = folder / f"run-{method.learning_rate}"
    run("mpirun", "-n", "2", "--oversubscribe", "--bind-to", "none", salad, "train", "--data", f"{folder}/data", "--run",
        f"{run_folder}", "--augmentation", "none", "--size", str(SIZE), "--max-width", str(WIDTH),
        "--embedding-dimension", str(DIMENSION), "--batch-size", str(BATCH), "--micro-batch", str(MICRO_BATCH),
        "--rounds", str(ROUNDS), "--epochs-per-round", str(EPOCHS_PER_ROUND), "--learning-rate",
        str(method.learning_rate), "--neighbours", str(method.neighbours), "--seed", str(SEED), "--keep", "100")
    lines = [json.loads(line) for line in Path(f"{run_folder}/metrics.jsonl").read_text().splitlines()]
    steps = [line for line in lines if line["kind"] == "step"]
    checkpoints = sorted(Path(f"{run_folder}/checkpoints").iterdir())
    shards = sorted(checkpoints[-1].glob("bank-*.safetensors"))
    table = run(salad, "score", f"{run_folder}", f"{folder}/data/test", "--csv").splitlines()[1:]
    return Training(
        losses=steps,
        weights=[flat(load_file(checkpoint / "model.safetensors")) for checkpoint in checkpoints],
        anchors=[load_file(checkpoint / "optimizer.safetensors")["anchors"].tolist() for checkpoint in checkpoints],
        bank=np.concatenate([load_file(shard)["bank"].double().numpy() for shard in shards]),
        scores=np.array([float(row.split(",")[1]) for row in table]),
    )


def run(*command: str) -> str:
    environment = os.environ | {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    result = subprocess.run(command, env=environment, capture_output=True, text=True)
    if result.returncode != 0:
        raise SystemExit(f"{' '.join(command)} ended with status {result.returncode}:\n{result.stderr}")
    return result.stdout


# MARK: PyTorch's

def train_theirs(folder: Path, dtype: torch.dtype, method: Method) -> Training:
    images = read_images(f"{folder}/data/train", dtype)
    network = autoencoder("unet", SIZE, 1, WIDTH, DIMENSION, "batch")
    initialise(network)
    model = Model(network.to(dtype), torch.zeros(len(images), DIMENSION, dtype=dtype), method)
    model.start_bank(images, MICRO_BATCH)
    losses, weights, anchors = [], [], []
    for epoch in range((ROUNDS + 1) * EPOCHS_PER_ROUND):
        if epoch % EPOCHS_PER_ROUND == 0 and epoch > 0:
            model.choose_anchors(epoch // EPOCHS_PER_ROUND)
        for step in counter_random.data_order(len(images), BATCH, MICRO_BATCH, SEED, epoch):
            indices = [image for micro_batch in step for image in micro_batch]
            _, _, found = model.step([images[micro_batch] for micro_batch in step], indices)
            losses.append({"loss": found.total.item(), "reconstruction_loss": found.reconstruction.item(),
                           "embedding_loss": found.embedding.item()})
        if epoch % EPOCHS_PER_ROUND == EPOCHS_PER_ROUND - 1:
            weights.append(flat(network.state_dict()))
            anchors.append(list(model.anchors))
    features, queries = (model.features(part, method.levels) for part in (images, read_images(f"{folder}/data/test", dtype)))
    scores = ScoringBank(features, method.top_k, method.score_temperature).scores(queries, "weighted-distance")
    return Training(losses, weights, anchors, features.double().numpy(), scores.double().numpy())


def read_images(folder: str, dtype: torch.dtype) -> Tensor:
    """(count, 1, S, S) in -1...1, sorted by the bytes of their paths."""
    paths = sorted(Path(folder).rglob("*.png"), key=lambda path: str(path).encode())
    # Pixels are float32 in every precision: what a file says is no matter of rounding.
    pixels = np.stack([np.asarray(Image.open(path), np.float32) / np.float32(127.5) - 1 for path in paths])
    return torch.tensor(pixels, dtype=dtype)[:, None]


def initialise(network: Autoencoder) -> None:
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if parameter.dim() > 1:
                parameter.copy_(torch.from_numpy(counter_random.weights(name, tuple(parameter.shape), SEED)))


def flat(state: dict[str, Tensor]) -> np.ndarray:
    """All weights and statistics, by their names."""
    return np.concatenate([state[name].double().numpy().reshape(-1) for name in sorted(state) if state[name].is_floating_point()])


# MARK: Comparing

def relative(found: np.ndarray, true: np.ndarray) -> float:
    return float(np.linalg.norm(found - true) / np.linalg.norm(true))


def compare(ours: Training, theirs: Training, truth: Training) -> list[tuple[str, float, float]]:
    """Quantity, our error, PyTorch's float32 error, both against float64."""
    rows = []
    for name in ("loss", "reconstruction_loss", "embedding_loss"):
        for label, steps in (("first step", slice(0, 1)), ("all steps, largest", slice(None))):
            errors = [
                max(abs(step[name] - true[name]) / abs(true[name]) for step, true in zip(run.losses[steps], truth.losses[steps]))
                for run in (ours, theirs)
            ]
            rows.append((f"{name.replace('_', ' ')}, {label}", *errors))
    for number, true in enumerate(truth.weights):
        rows.append((f"weights after round {number}", relative(ours.weights[number], true), relative(theirs.weights[number], true)))
    rows.append(("refreshed bank", relative(ours.bank, truth.bank), relative(theirs.bank, truth.bank)))
    # Absolute: scores of normal images may be next to 0.
    rows.append(("scores, largest difference", *(float(abs(run.scores - truth.scores).max()) for run in (ours, theirs))))
    return rows


def loss_errors(run: Training, truth: Training) -> list[float]:
    # Equal numbers are off the logarithmic scale: shown as less than anything that rounding does.
    return [max(abs(step["loss"] - true["loss"]) / true["loss"], 1e-9) for step, true in zip(run.losses, truth.losses)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--salad", required=True, help="the command")
    parser.add_argument("--picture", type=Path, help="the .svg to draw")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    sound, curves = True, []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run(arguments.salad, "phantom", f"{folder}/data", "--train", "72", "--test-normal", "20", "--test-anomalous", "20",
            "--size", str(SIZE), "--seed", "5")
        for rate, ours_color, theirs_color in zip(LEARNING_RATES, ("#1f6f8b", "#63b7af"), ("#b85c38", "#e0a458")):
            truth = train_theirs(folder, torch.float64, method(rate))
            theirs = train_theirs(folder, torch.float32, method(rate))
            ours = train_ours(arguments.salad, folder, method(rate))
            if len(ours.losses) != len(truth.losses):
                raise SystemExit(f"salad took {len(ours.losses)} steps, PyTorch {len(truth.losses)}")
            curves += [Curve(f"salad, learning rate {rate:g}", ours_color, loss_errors(ours, truth)),
                       Curve(f"PyTorch float32, learning rate {rate:g}", theirs_color, loss_errors(theirs, truth))]
    print(f"learning rate {rate:g}")
    for number, anchors in enumerate(truth.anchors):
        common = len(set(ours.anchors[number]) & set(anchors))
        sound &= common >= COMMON_ANCHORS * len(anchors)
        print(f"round {number}: {common} of {len(anchors)} anchors are the same")
    print(f"{'quantity':<44} {'ours':>9} {'PyTorch float32':>16} {'may be':>9}")
    for quantity, our_error, their_error in compare(ours, theirs, truth):
        # Where chance left PyTorch's exact, one rounding of a float is what there is to allow.
        allowed = FACTOR * max(their_error, 2**-24)
        sound &= our_error <= allowed
        print(f"{quantity:<44} {our_error:9.1e} {their_error:16.1e} {allowed:9.1e}{'' if our_error <= allowed else '  TOO FAR'}")

    if arguments.picture:
        per_round = len(truth.losses) // (ROUNDS + 1)
        draw(arguments.picture, curves, x_title="step", y_title="|loss - float64's| / float64's",
             marks=[(number * per_round, f"round {number}") for number in range(1, ROUNDS + 1)])
    raise SystemExit(0 if sound else 1)


if __name__ == "__main__":
    main()
