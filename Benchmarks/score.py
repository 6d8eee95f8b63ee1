"""Images a second that PyTorch embeds for scoring: the encoder without the decoder, as PyTorch does it best.

The best is torch.compile with frozen weights, which needs a C++ compiler and Python's headers; without them it is batch
normalisation folded into the convolutions.
"""

import tuned_malloc  # noqa: F401

import argparse
from collections.abc import Callable

import torch
import torch._inductor.config
from torch import Tensor, nn

from fast_unet import folded, unet
from measuring import cores, peak_resident_bytes, rates, report, seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--micro-batch", type=int, help="images of a forward pass; all by default")
    parser.add_argument("--layout", choices=("nchw", "channels-last"), default="channels-last")
    parser.add_argument("--how", choices=("best", "compiled", "folded", "traced", "plain"), default="best")
    parser.add_argument("--steps", type=int, default=10, help="after three to warm up")
    parser.add_argument("--threads", type=int, default=cores())
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(1)
    size, batch = arguments.size, arguments.batch_size
    memory = torch.channels_last if arguments.layout == "channels-last" else torch.contiguous_format
    dtype = getattr(torch, arguments.precision)
    images = (2 * torch.rand(batch, 1, size, size) - 1).to(dtype).contiguous(memory_format=memory)
    parts = images.split(arguments.micro_batch or batch)
    encoder = Encoder(size).eval().to(dtype=dtype, memory_format=memory)
    with torch.inference_mode():
        how, embed = prepared(encoder, arguments.how, parts[0])
        times = seconds(lambda: [embed(part) for part in parts], arguments.steps, warm_up=3)
    report(**rates(batch, times), peak_resident_bytes=peak_resident_bytes(), peer=f"PyTorch {torch.__version__}, {how}")


class Encoder(nn.Module):
    def __init__(self, size: int):
        super().__init__()
        self.network = unet(size)

    def forward(self, images: Tensor) -> Tensor:
        return self.network.embed(images)


def prepared(encoder: Encoder, how: str, images: Tensor) -> tuple[str, Callable[[Tensor], Tensor]]:
    """How it was done, and the function from images to embeddings."""
    if how in ("best", "compiled"):
        torch._inductor.config.freezing = True
        compiled = torch.compile(encoder, dynamic=False)
        try:
            compiled(images)
            return "compiled", compiled
        except Exception:
            if how == "compiled":
                raise
            how = "folded"
    if how in ("folded", "traced"):
        encoder.network = folded(encoder.network)
    if how == "traced":
        return how, torch.jit.optimize_for_inference(torch.jit.freeze(torch.jit.trace(encoder, images)))
    return how, encoder


if __name__ == "__main__":
    main()
