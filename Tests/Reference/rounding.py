"""What float32 may do to a computation, simulated in float64.

A tolerance should follow from how many roundings there are and how far the computation carries them. Counting gives the
first; for the second the reference runs in float64 with random errors of the counted size, through every layer, kink
and optimiser step: how far its results move is what float32 may move them.

The count. A sum of K products of no particular sign, added one after the other, has partial sums that grow as a random
walk. Each addition rounds its partial sum by a relative error uniform in +-u, u = 2^-24. So the error's variance,
relative to the result's, is

    sum over j <= K of (u^2 / 3) j / K = u^2 K / 6

and to it come the few roundings of what stands around the sum (normalisation, activation, storing): ELEMENTWISE u^2.
Adding in blocks or in double makes less of it, never more, so this is an upper bound of the right kind.
"""

import math

import torch
from torch import Tensor, nn

from networks import Autoencoder, Centring, LevelMean

U = 2.0**-24
ELEMENTWISE = 8


class Disturb(torch.autograd.Function):
    """Adds errors, relative to each channel's root mean square, to a tensor (forward) and to its gradient (backward)."""

    @staticmethod
    def forward(context, x: Tensor, forward_size: float, backward_size: float, generator: torch.Generator) -> Tensor:
        context.backward_size, context.generator = backward_size, generator
        return disturbed(x, forward_size, generator)

    @staticmethod
    def backward(context, gradient: Tensor):
        return disturbed(gradient, context.backward_size, context.generator), None, None, None


def disturbed(x: Tensor, size: float, generator: torch.Generator) -> Tensor:
    if size == 0:
        return x.clone()
    others = [axis for axis in range(x.dim()) if axis != 1 or x.dim() < 3]
    scale = x.square().mean(others, keepdim=True).sqrt() * size
    return x + scale * torch.randn(x.shape, dtype=x.dtype, generator=generator)


class Rounding:
    """One sample of float32's errors, `amplitude` times as large as counted. An amplitude of 0 disturbs nothing."""

    def __init__(self, amplitude: float = 0, seed: int = 0):
        self.amplitude = amplitude
        self.generator = torch.Generator().manual_seed(seed)

    def relative(self, x: Tensor, products: int) -> Tensor:
        """`x`, each element a sum of so many products."""
        return disturbed(x, self.size(products), self.generator)

    def coordinates(self, side: int) -> Tensor:
        """(2, side, side), in pixels: what the start, the step and their sum round off a coordinate within the image."""
        return self.amplitude * U * side * torch.randn(2, side, side, dtype=torch.float64, generator=self.generator)

    def stored(self, x: Tensor) -> Tensor:
        """What float32 keeps of it."""
        return x.float().to(x.dtype) if self.amplitude else x

    def size(self, products: int) -> float:
        return self.amplitude * U * math.sqrt(products / 6 + ELEMENTWISE)

    def attach(self, network: Autoencoder) -> None:
        """Disturbs every convolution and matrix product of the network, its output and both of its gradients; the centring,
        its output and its gradient; and the means that are features."""
        if not self.amplitude:
            return
        for module in network.modules():
            if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)):
                self.attach_to_layer(module)
            elif isinstance(module, Centring):
                self.attach_to_centring(module)
            elif isinstance(module, LevelMean):
                module.register_forward_hook(
                    lambda module, arguments, output: self.relative(output, arguments[0][0, 0].numel()))

    def attach_to_centring(self, centring: Centring) -> None:
        """Sums over the m images of a micro-batch, forward and backward."""
        def before(module, arguments):
            images = len(arguments[0])
            # Backward, two of m directions are taken out: rounding is relative to what was there before.
            kept = max(images - 2, 1) / images
            return (Disturb.apply(arguments[0], 0.0, self.size(images) / math.sqrt(kept), self.generator),)

        centring.register_forward_pre_hook(before)
        centring.register_forward_hook(lambda module, arguments, output: self.relative(output, len(output)))

    def attach_to_layer(self, layer: nn.Module) -> None:
        weight = layer.weight
        taps = math.prod(weight.shape[2:])
        transposed = isinstance(layer, nn.ConvTranspose2d)
        inputs, outputs = (weight.shape[0], weight.shape[1]) if transposed else (weight.shape[1], weight.shape[0])
        # The growing one makes each output from one tap, and each input's gradient from all.
        forward, backward = (inputs, outputs * taps) if transposed else (inputs * taps, outputs * taps)
        positions = 1

        def before(module, arguments):
            return (Disturb.apply(arguments[0], 0.0, self.size(backward), self.generator),)

        def after(module, arguments, output):
            nonlocal positions
            positions = output.numel() // output.shape[1]
            return Disturb.apply(output, self.size(forward), 0.0, self.generator)

        layer.register_forward_pre_hook(before)
        layer.register_forward_hook(after)
        weight.register_hook(lambda gradient: disturbed(gradient, self.size(positions), self.generator))
