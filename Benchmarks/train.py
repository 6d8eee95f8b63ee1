"""Images a second and peak memory of SALAD's training step, as PyTorch does it best.

The defaults are the best found; the flags are for finding it again. docs/performance.md says how far the others are.

N = bank rows, B = images in a step, D = embedding dimension
"""

import tuned_malloc  # noqa: F401

import argparse

import torch
import torch.distributed as dist
from torch import Tensor
from torch.nn import functional as F
from torch.nn.parallel import DistributedDataParallel

from fast_unet import unet
from measuring import cores, peak_resident_bytes, rates, report, seconds

ROWS, DIMENSION, TEMPERATURE, MOMENTUM = 1000, 200, 0.1, 0.5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--micro-batch", type=int, help="images of a forward and a backward pass, whose gradients add up")
    parser.add_argument("--layout", choices=("nchw", "channels-last"), default="channels-last")
    parser.add_argument("--projection", choices=("early", "published"), default="early")
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--steps", type=int, default=3, help="after two to warm up")
    parser.add_argument("--threads", type=int, default=cores())
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(1)
    step = Step(arguments.size, arguments.batch_size, arguments.precision, arguments.micro_batch, arguments.layout,
                arguments.projection, arguments.compile)
    # The second step still meets memory for the first time: Adam's state, and gradients beside activations.
    times = seconds(step, arguments.steps, warm_up=2)
    report(**rates(arguments.batch_size, times), peak_resident_bytes=peak_resident_bytes(), peer=f"PyTorch {torch.__version__}")


class Step:
    """Forward, losses, backward, Adam and the bank's update, on one batch that is in memory.

    With a process group, each process takes an equal part of the batch and has the whole bank.
    """

    def __init__(self, size: int, batch: int, precision: str, micro_batch: int | None = None, layout: str = "channels-last",
                 projection: str = "early", compiled: bool = False):
        memory = torch.channels_last if layout == "channels-last" else torch.contiguous_format
        network = unet(size, early_projection=projection == "early").to(memory_format=memory).train()
        self.optimizer = torch.optim.Adam(network.parameters(), lr=1e-4, weight_decay=1e-6, fused=True)
        self.bank = F.normalize(torch.randn(ROWS, DIMENSION), dim=1)
        self.indices = torch.randperm(ROWS)[:batch]
        self.processes = dist.get_world_size() if dist.is_initialized() else 1
        self.mine = self.indices.chunk(self.processes)[dist.get_rank() if self.processes > 1 else 0]
        self.images = (2 * torch.rand(len(self.mine), 1, size, size) - 1).contiguous(memory_format=memory)
        self.micro_batch = micro_batch or len(self.mine)
        self.has_bfloat16 = precision == "bfloat16"
        if self.processes > 1:
            network = DistributedDataParallel(network, gradient_as_bucket_view=True, static_graph=True)
        self.network = torch.compile(network) if compiled else network

    def __call__(self) -> None:
        self.optimizer.zero_grad(set_to_none=True)
        embeddings = []
        # But for batch normalisation, no image's loss depends on another image: micro-batches may follow one another.
        for images, indices in zip(self.images.split(self.micro_batch), self.mine.split(self.micro_batch)):
            with torch.autocast("cpu", torch.bfloat16, enabled=self.has_bfloat16):
                z, y = self.network(images)
            z = z.float()
            reconstruction = F.l1_loss(y.float(), images)
            instance = F.cross_entropy(z @ self.bank.T / TEMPERATURE, indices)
            ((reconstruction + instance) * (len(images) / len(self.images))).backward()
            embeddings.append(z.detach())
        self.optimizer.step()
        mixed = MOMENTUM * self.bank[self.indices] + (1 - MOMENTUM) * self.gathered(torch.cat(embeddings))
        self.bank[self.indices] = F.normalize(mixed, dim=1)

    def gathered(self, embeddings: Tensor) -> Tensor:
        """(B, D), of all processes."""
        if self.processes == 1:
            return embeddings
        parts = [torch.empty_like(embeddings) for _ in range(self.processes)]
        dist.all_gather(parts, embeddings)
        return torch.cat(parts)


if __name__ == "__main__":
    main()
