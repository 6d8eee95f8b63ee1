"""The reference's `unet`, made as fast as PyTorch runs it: the same weights under the same names, the same mathematics.

m = images in a micro-batch, S = image side, C = channels, D = embedding dimension
"""

from collections.abc import Callable

from torch import Tensor, nn
from torch.nn.utils import fuse_conv_bn_eval

import reference  # noqa: F401
from networks import MicroBatchNorm, UNet, Up


class EarlyProjection(nn.Module):
    """`Up` with its 1x1 convolution before the bilinear upsampling: they commute, and a quarter of the pixels are convolved."""

    def __init__(self, block: Up):
        super().__init__()
        self.up, self.conv = block.up, block.conv

    def forward(self, x: Tensor) -> Tensor:
        upsample, projection, normalisation = self.up
        return self.conv(normalisation(upsample(projection(x))))


def unet(size: int = 256, channels: int = 1, early_projection: bool = True) -> UNet:
    network = UNet(size, channels, maximum_width=1024, dimension=200, centre="batch")
    replace(network, MicroBatchNorm, fused_normalisation)
    replace(network, nn.LeakyReLU, lambda _: nn.LeakyReLU(0.1, inplace=True))
    if early_projection:
        replace(network, Up, EarlyProjection)
    return network


def fused_normalisation(layer: MicroBatchNorm) -> nn.BatchNorm2d:
    """PyTorch's own, which takes the running statistics from the pass that normalises."""
    return nn.BatchNorm2d(layer.num_features, layer.eps, layer.momentum)


def replace(module: nn.Module, kind: type[nn.Module], replacement: Callable[[nn.Module], nn.Module]) -> None:
    for name, child in module.named_children():
        if isinstance(child, kind):
            setattr(module, name, replacement(child))
        else:
            replace(child, kind, replacement)


def folded(network: UNet) -> UNet:
    """In eval mode, with each batch normalisation of the encoder inside the convolution before it."""
    network.eval()
    for block in encoder_blocks(network):
        for convolution, normalisation in ((0, 1), (3, 4)):
            block[convolution] = fuse_conv_bn_eval(block[convolution], block[normalisation])
            block[normalisation] = nn.Identity()
    return network


def encoder_blocks(network: UNet) -> list[nn.Sequential]:
    return [network.input.conv] + [network.get_submodule(f"e{level}").conv.conv for level in range(1, 7)]
