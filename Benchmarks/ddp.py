"""The training step of `train.py` over processes: PyTorch's DistributedDataParallel over gloo, or one all-reduce of its size.

    ddp.py --processes 2 --threads 1     images a second of all processes together
    ddp.py --processes 2 --all-reduce    milliseconds of summing as many floats as the network has
"""

import tuned_malloc  # noqa: F401

import argparse
import os
import tempfile
from collections.abc import Callable

import torch
import torch.distributed as dist
import torch.multiprocessing

from measuring import milliseconds, rates, report, seconds
from train import Step

NETWORK_FLOATS = 32_500_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--threads", type=int, default=1, help="of each process")
    parser.add_argument("--all-reduce", action="store_true")
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--batch-size", type=int, default=32, help="of all processes together")
    parser.add_argument("--steps", type=int, default=3, help="after two to warm up")
    arguments = parser.parse_args()
    # The processes' OpenMP reads this as it is loaded.
    os.environ["OMP_NUM_THREADS"] = str(arguments.threads)
    with tempfile.TemporaryDirectory() as folder:
        measure = all_reduce if arguments.all_reduce else train
        torch.multiprocessing.spawn(process, (measure, f"file://{folder}/meeting", arguments), arguments.processes)


def process(rank: int, measure: Callable[[argparse.Namespace], dict], meeting: str, arguments: argparse.Namespace) -> None:
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(1)
    dist.init_process_group("gloo", init_method=meeting, rank=rank, world_size=arguments.processes)
    numbers = measure(arguments)
    if rank == 0:
        report(**numbers, peer=f"PyTorch {torch.__version__} over gloo")
    dist.destroy_process_group()


def train(arguments: argparse.Namespace) -> dict:
    step = Step(arguments.size, arguments.batch_size, arguments.precision)
    return rates(arguments.batch_size, slowest(seconds(step, arguments.steps, warm_up=2)))


def all_reduce(arguments: argparse.Namespace) -> dict:
    values = torch.rand(NETWORK_FLOATS)
    times = slowest(seconds(lambda: dist.all_reduce(values), arguments.steps, warm_up=2))
    # A ring sends all but a rank's own part, twice.
    sent = 2 * (arguments.processes - 1) / arguments.processes * 4 * NETWORK_FLOATS
    return milliseconds(times) | {"bytes_sent": sent}


def slowest(times: list[float]) -> list[float]:
    """Of all processes, for each repetition: all wait for it."""
    together = torch.tensor(times, dtype=torch.float64)
    dist.all_reduce(together, dist.ReduceOp.MAX)
    return together.tolist()


if __name__ == "__main__":
    main()
