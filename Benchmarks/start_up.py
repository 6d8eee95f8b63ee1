"""Milliseconds from starting `salad score` of one image to its end, on a deployment with a large bank.

The deployment is made once, by `salad import` of random weights and rows: what they are does not matter to the time.
"""

import argparse
import os
import subprocess
import traceback
from pathlib import Path

from measuring import milliseconds, report, seconds

# The training images of NIH ChestX-ray14; the levels e3, e4, e5.
ROWS, DIMENSION = 86_524, 896


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--salad", required=True, help="the command")
    parser.add_argument("--deployment", type=Path, required=True, help="the folder, made where it is missing")
    parser.add_argument("--steps", type=int, default=5, help="after one to warm up")
    arguments = parser.parse_args()
    image = arguments.deployment.with_suffix(".png")
    if not arguments.deployment.exists():
        prepare(arguments.salad, arguments.deployment, image)
    command = [arguments.salad, "score", arguments.deployment, image, "--csv"]
    times = seconds(lambda: run(command), arguments.steps, warm_up=1)
    report(**milliseconds(times), rows=ROWS, bytes=sum(file.stat().st_size for file in arguments.deployment.iterdir()))


def prepare(salad: str, deployment: Path, image: Path) -> None:
    """In a process of its own, so that PyTorch's memory is gone when the measuring begins."""
    deployment.parent.mkdir(parents=True, exist_ok=True)
    if (child := os.fork()) != 0:
        if os.waitpid(child, 0)[1] != 0:
            raise SystemExit(f"{deployment} could not be made")
        return
    status = 1
    try:
        write_inputs(deployment, image)
        weights, bank = deployment.with_suffix(".model.safetensors"), deployment.with_suffix(".bank.safetensors")
        run([salad, "import", weights, "--output", deployment, "--bank", bank, "--feature-scale", "root"])
        weights.unlink()
        bank.unlink()
        status = 0
    except Exception:
        traceback.print_exc()
    finally:
        os._exit(status)


def write_inputs(deployment: Path, image: Path) -> None:
    import numpy as np
    import torch
    from PIL import Image
    from safetensors.torch import save_file

    from fast_unet import unet

    torch.manual_seed(1)
    save_file(unet(early_projection=False).state_dict(), deployment.with_suffix(".model.safetensors"))
    save_file({"bank": torch.rand(ROWS, DIMENSION)}, deployment.with_suffix(".bank.safetensors"))
    pixels = np.random.default_rng(1).integers(0, 256, (256, 256), dtype=np.uint8)
    Image.fromarray(pixels).save(image)


def run(command: list) -> None:
    subprocess.run(list(map(str, command)), check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
