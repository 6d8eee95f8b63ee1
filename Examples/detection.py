"""What the scripts that measure detection share: how salad is asked, what it ran on, and where a page's tables go."""

import json
import os
import subprocess
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent / "Benchmarks"))
import pages  # noqa: E402, F401 - for the scripts beside this one


def named(text: str, separator: str) -> tuple[str, str]:
    name, _, value = text.partition(separator)
    return name.strip(), value.strip()


def run(command: list[str]) -> bytes:
    """Standard output; what it says on standard error is shown as it goes."""
    print(" ".join(command), file=sys.stderr)
    return subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout


def evaluate(salad: list[str], model: Path, data: str, *flags: str) -> dict:
    """What `salad evaluate --json` says of a run or deployment."""
    return json.loads(run([*salad, "evaluate", str(model), "--data", data, "--json", *flags]))


def imported(salad: list[str], weights: Path, data: str, output: Path, *flags: str) -> Path:
    """A deployment of these weights with a bank of the data set's normal images; one that is there stays."""
    if not output.exists():
        run([*salad, "import", str(weights), "--data", data, "--output", str(output), *flags])
    return output


def newest_weights(run_folder: Path) -> Path:
    step = max((run_folder / "checkpoints").iterdir(), key=lambda folder: folder.name)
    return step / "model.safetensors"


def machine() -> str:
    """Such as `2 cores of an AMD EPYC (avx512_bf16)`: bits, and so trainings, are those of one kind of CPU."""
    name, flags = "CPU", []
    with open("/proc/cpuinfo") as file:
        for line in file:
            key, _, value = line.partition(":")
            if key.strip() == "model name":
                name = value.strip()
            if key.strip() == "flags":
                flags = value.split()
    wide = [flag for flag in ("avx2", "avx512f", "avx512_bf16", "amx_bf16") if flag in flags]
    return f"{len(os.sched_getaffinity(0))} cores of {name} ({wide[-1] if wide else 'no AVX2'})"
