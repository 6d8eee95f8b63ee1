"""The two autoencoders as PyTorch modules, with the published modules' names, in the published order of operations.

m = images in a micro-batch, S = image side, C = channels, D = embedding dimension, k = S / 64
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class StepStatistics(nn.Module):
    """Batch normalisation over one micro-batch, whose running statistics move once a step.

    They move by the mean over the step's micro-batches of their means and unbiased variances.
    """

    def __init__(self, *arguments, **named):
        super().__init__(*arguments, **named, eps=1e-5, momentum=0.1)
        self.seen: list[tuple[Tensor, Tensor]] = []

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return super().forward(x)
        others = [axis for axis in range(x.dim()) if axis != 1]
        self.seen.append((x.detach().mean(others), x.detach().var(others, unbiased=True)))
        return F.batch_norm(x, None, None, self.weight, self.bias, training=True, eps=self.eps)

    def finish_step(self) -> None:
        for running, values in ((self.running_mean, 0), (self.running_var, 1)):
            running.lerp_(torch.stack([pair[values] for pair in self.seen]).mean(0), self.momentum)
        self.num_batches_tracked += 1
        self.forget_step()

    def forget_step(self) -> None:
        self.seen.clear()


class MicroBatchNorm(StepStatistics, nn.BatchNorm2d):
    """Of maps (m, channels, side, side)."""


class Centring(StepStatistics, nn.BatchNorm1d):
    """Of the bottleneck's rows (m, D), without scale and shift."""

    def __init__(self, dimension: int):
        super().__init__(dimension, affine=False)


def upsample(factor: int = 2) -> nn.Upsample:
    return nn.Upsample(scale_factor=factor, mode="bilinear", align_corners=True)


def convolution(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, bias=False)


class LevelMean(nn.Module):
    """A map's means over positions: (m, channels, side, side) -> (m, channels)."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mean((2, 3))


class Autoencoder(nn.Module):
    """What both have in common: (m, C, S, S) -> embeddings (m, D), unit rows, and reconstructions (m, C, S, S)."""

    # The modules of the encoder whose outputs are levels, from the image to the bottleneck.
    stages: dict[str, str]
    # Where embeddings are centred.
    feat_norm: Centring | None

    def __init__(self):
        super().__init__()
        self.level_mean = LevelMean()

    def add_centring(self, centre: str, dimension: int) -> None:
        self.feat_norm = Centring(dimension) if centre == "batch" else None

    def unit(self, vectors: Tensor) -> Tensor:
        """(m, D): what the bottleneck gives, centred where the network does that, to embeddings."""
        centred = vectors if self.feat_norm is None else self.feat_norm(vectors)
        return F.normalize(centred, dim=1, eps=1e-12)

    def embed(self, images: Tensor) -> Tensor:
        raise NotImplementedError

    def embed_with_levels(self, images: Tensor, levels: list[str]) -> tuple[Tensor, list[Tensor]]:
        """Embeddings, and of each level, by its name, the means over positions (m, channels) of its output."""
        means: dict[str, Tensor] = {}
        hooks = [
            self.get_submodule(self.stages[level]).register_forward_hook(
                lambda module, arguments, output, level=level: means.update({level: self.level_mean(output)}))
            for level in levels
        ]
        try:
            embeddings = self.embed(images)
        finally:
            for hook in hooks:
                hook.remove()
        return embeddings, [means[level] for level in levels]

    def finish_step(self) -> None:
        for module in self.modules():
            if isinstance(module, StepStatistics):
                module.finish_step()

    def forget_step(self) -> None:
        """After passes in training mode that are no step: no running statistic moves by them."""
        for module in self.modules():
            if isinstance(module, StepStatistics):
                module.forget_step()


# MARK: unet

class DoubleConvolution(nn.Module):
    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.conv = nn.Sequential(
            convolution(inputs, outputs, 3), MicroBatchNorm(outputs), nn.LeakyReLU(0.1),
            convolution(outputs, outputs, 3), MicroBatchNorm(outputs), nn.LeakyReLU(0.1),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x)


class Down(nn.Module):
    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.pool = nn.MaxPool2d(2)
        self.conv = DoubleConvolution(inputs, outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(self.pool(x))


class Up(nn.Module):
    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.up = nn.Sequential(upsample(), convolution(inputs, outputs, 1), MicroBatchNorm(outputs))
        self.conv = DoubleConvolution(outputs, outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(self.up(x))


class UNet(Autoencoder):
    stages = {f"e{level}": f"e{level}" for level in range(1, 7)}

    def __init__(self, size: int, channels: int, maximum_width: int, dimension: int, centre: str):
        super().__init__()
        widths = [min(16 << level, maximum_width) for level in range(7)]
        self.input = DoubleConvolution(channels, widths[0])
        for level in range(1, 7):
            self.add_module(f"e{level}", Down(widths[level - 1], widths[level]))
        self.feat = nn.Conv2d(widths[6], dimension, size // 64, bias=False)
        self.add_centring(centre, dimension)
        self.defeat = nn.ConvTranspose2d(dimension, widths[6], size // 64, bias=False)
        for level in range(1, 7):
            self.add_module(f"d{level}", Up(widths[7 - level], widths[6 - level]))
        self.final = nn.Conv2d(widths[0], channels, 1, bias=False)

    def embed(self, images: Tensor) -> Tensor:
        x = self.input(images)
        for level in range(1, 7):
            x = self.get_submodule(f"e{level}")(x)
        return self.unit(self.feat(x).flatten(1))

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        embeddings = self.embed(images)
        x = self.defeat(embeddings[:, :, None, None])
        for level in range(1, 7):
            x = self.get_submodule(f"d{level}")(x)
        return embeddings, torch.tanh(self.final(x))


# MARK: resnet18

class BasicBlock(nn.Module):
    """torchvision's."""

    def __init__(self, inputs: int, outputs: int, stride: int):
        super().__init__()
        self.conv1 = convolution(inputs, outputs, 3, stride)
        self.bn1 = MicroBatchNorm(outputs)
        self.conv2 = convolution(outputs, outputs, 3)
        self.bn2 = MicroBatchNorm(outputs)
        if stride != 1:
            self.downsample = nn.Sequential(convolution(inputs, outputs, 1, stride), MicroBatchNorm(outputs))
        self.has_downsample = stride != 1

    def forward(self, x: Tensor) -> Tensor:
        identity = self.downsample(x) if self.has_downsample else x
        y = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(y)) + identity)


class Trunk(nn.Module):
    """ResNet-18 without its max-pool: (m, C, S, S) -> a map (m, 512, S / 16, S / 16) and, of its mean, a vector (m, D)."""

    def __init__(self, channels: int, maximum_width: int, dimension: int):
        super().__init__()
        widths = [min(width, maximum_width) for width in (64, 64, 128, 256, 512)]
        self.conv1 = nn.Conv2d(channels, widths[0], 7, 2, padding=3, bias=False)
        self.bn1 = MicroBatchNorm(widths[0])
        for level in range(1, 5):
            inputs, outputs = widths[level - 1], widths[level]
            first = BasicBlock(inputs, outputs, 1 if level == 1 else 2)
            self.add_module(f"layer{level}", nn.Sequential(first, BasicBlock(outputs, outputs, 1)))
        self.fc = nn.Linear(widths[4], dimension)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = F.relu(self.bn1(self.conv1(x)))
        for level in range(1, 5):
            x = self.get_submodule(f"layer{level}")(x)
        return x, self.fc(x.mean((2, 3)))


class UpBlock(nn.Module):
    """A residual block that keeps its map's size, or doubles it and then has the doubled map as its identity."""

    def __init__(self, inputs: int, outputs: int, doubles: bool):
        super().__init__()
        self.doubles = doubles
        if doubles:
            self.upsampleLayer = nn.Sequential(upsample(), convolution(inputs, outputs, 1), MicroBatchNorm(outputs))
        else:
            self.conv1 = nn.Sequential(convolution(inputs, outputs, 3), MicroBatchNorm(outputs))
        self.conv2 = convolution(outputs, outputs, 3)
        self.bnrm = MicroBatchNorm(outputs)

    def forward(self, x: Tensor) -> Tensor:
        y = self.upsampleLayer(x) if self.doubles else self.conv1(x)
        identity = y if self.doubles else x
        return F.relu(self.bnrm(self.conv2(F.relu(y))) + identity)


class MapDecoder(nn.Module):
    def __init__(self, channels: int, maximum_width: int):
        super().__init__()
        widths = [min(width, maximum_width) for width in (512, 512, 512, 256, 256, 128, 128, 64, 64)]
        blocks = [UpBlock(widths[i], widths[i + 1], doubles=i in (2, 4, 6)) for i in range(8)]
        self.decoder = nn.Sequential(*blocks)
        self.output = nn.Sequential(upsample(), convolution(widths[8], channels, 1))

    def forward(self, x: Tensor) -> Tensor:
        return torch.tanh(self.output(self.decoder(x)))


class ResNet18Autoencoder(Autoencoder):
    stages = {f"layer{level}": f"encoder.layer{level}" for level in range(1, 5)}

    def __init__(self, channels: int, maximum_width: int, dimension: int, centre: str):
        super().__init__()
        self.encoder = Trunk(channels, maximum_width, dimension)
        self.add_centring(centre, dimension)
        self.decoder = MapDecoder(channels, maximum_width)

    def embed(self, images: Tensor) -> Tensor:
        return self.unit(self.encoder(images)[1])

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        features, vector = self.encoder(images)
        return self.unit(vector), self.decoder(features)


def autoencoder(
    architecture: str, size: int, channels: int, maximum_width: int, dimension: int, centre: str = "none"
) -> Autoencoder:
    if architecture == "resnet18":
        return ResNet18Autoencoder(channels, maximum_width, dimension, centre)
    return UNet(size, channels, maximum_width, dimension, centre)
