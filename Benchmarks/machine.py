"""What the numbers were measured on, and with."""

import os
import re
import subprocess
from importlib.metadata import PackageNotFoundError, version


def machine(bench: dict) -> dict:
    """`bench`: what `salad bench --json` says of it."""
    return {
        "cpu": bench["cpu"], "cores": len(os.sched_getaffinity(0)), "instruction_set": bench["instruction_set"],
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
    }


def versions(bench: dict) -> dict:
    """Ours and the peers'."""
    import torch

    configuration = torch.__config__.show()
    their_onednn = re.search(r"(?:MKL-DNN|oneDNN) v?([\d.]+)", configuration)
    their_mkl = re.search(r"Math Kernel Library Version ([\d.]+)", configuration)
    return our_versions(bench) | {
        "PyTorch": torch.__version__, "PyTorch's oneDNN": first(their_onednn), "PyTorch's MKL": first(their_mkl),
        "FAISS": package("faiss-cpu"), "Pillow": package("pillow"),
    }


def our_versions(bench: dict) -> dict:
    mpirun = subprocess.run(["mpirun", "--version"], capture_output=True, text=True).stdout
    return {
        "oneDNN": bench["onednn"], "BLAS": bench["blas"], "Open MPI": first(re.search(r"([\d.]+)\s*$", mpirun, re.MULTILINE))}


def first(match: re.Match | None) -> str:
    return match[1] if match else "unknown"


def package(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "none"


def has_bfloat16() -> bool:
    """Whether this CPU multiplies bfloat16 itself."""
    with open("/proc/cpuinfo") as file:
        flags = next((line for line in file if line.startswith("flags")), "").split()
    return "avx512_bf16" in flags or "amx_bf16" in flags
