"""What is compared: the same steps from the same weights, bank, images and draws, and every number on the way.

`Tests/ParitySupport/ParityScenario.swift` does the same with our network and bank; quantities have the same names.
"""

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field

import numpy as np
import torch
from torch import Tensor

import counter_random
from augmentation import augment
from networks import Autoencoder, StepStatistics, autoencoder
from rounding import Rounding
from salad import Method, Model
from scores import RULES, ScoringBank

WEIGHT_SEED, SCALE_SEED, BANK_SEED, ORDER_SEED = 5, 6, 7, 8
QUERIES = 12


@dataclass(frozen=True)
class Case(Method):
    """Fields, the method's among them, travel to the Swift side under these names."""

    name: str
    architecture: str = "unet"
    size: int = 64
    channels: int = 1
    maximum_width: int = 1024
    dimension: int = 200
    centre: str = "batch"
    bank_start: str = "pass"
    rows: int = 70
    micro_batch: int = 4
    batch: int = 8
    steps: int = 1
    # 0 chooses no anchors.
    anchor_round: int = 0
    augmented: bool = False
    image_seed: int = 1
    top_k: int = field(default=20, kw_only=True)

    @property
    def json(self) -> dict:
        return asdict(self)


@dataclass(frozen=True)
class Quantity:
    name: str
    values: np.ndarray
    # Errors are relative to the values' norm, or to how far they have moved from these, or to this one number.
    before: np.ndarray | float | None = None
    # Of the optimiser, that made them.
    steps: int = 0

    def scale(self) -> float:
        if isinstance(self.before, float):
            return self.before * math.sqrt(self.values.size)
        moved = self.values if self.before is None else self.values - self.before
        return float(np.linalg.norm(moved.astype(np.float64)))


@dataclass(frozen=True)
class Choice:
    """Images, or pairs of an image and its neighbour as image * N + neighbour."""

    name: str
    values: list[int]
    # Nothing depends on it: what comes after could not be compared with another choice.
    is_last: bool


def run(case: Case, dtype: torch.dtype, rounding: Rounding | None = None) -> Iterator[Quantity | Choice]:
    """Everything that is compared, in the order of its making."""
    return Scenario(case, dtype, rounding or Rounding()).run()


class Scenario:
    def __init__(self, case: Case, dtype: torch.dtype, rounding: Rounding):
        self.case, self.dtype, self.rounding = case, dtype, rounding
        self.images = counter_random.blob_images(case.rows + QUERIES, case.size, case.image_seed)
        network = autoencoder(
            case.architecture, case.size, case.channels, case.maximum_width, case.dimension, case.centre)
        initialise(network)
        rounding.attach(network.to(dtype))
        bank = torch.tensor(counter_random.bank(case.rows, case.dimension, BANK_SEED), dtype=dtype)
        self.model = DisturbedModel(network, bank, case)
        self.model.rounding = rounding

    def run(self) -> Iterator[Quantity | Choice]:
        case, model = self.case, self.model
        if case.bank_start == "pass":
            model.start_bank(self.tensor(self.images[:case.rows]), case.micro_batch)
            model.bank = self.rounding.stored(model.bank)
            yield Quantity("starting bank", array(model.bank))
        # Of the network as it starts: Adam's first step makes more of rounding than all of the encoder (docs/parity.md).
        yield from self.features("start")
        yield from self.anchors("at the start")
        losses = []
        for number, (epoch, micro_batches) in enumerate(self.steps()):
            indices = [image for micro_batch in micro_batches for image in micro_batch]
            pixels = [self.pixels(micro_batch, epoch) for micro_batch in micro_batches]
            state = self.state() if number == 0 else None
            z, y, loss = model.step(pixels, indices)
            losses.append([loss.total.item(), loss.reconstruction.item(), loss.embedding.item()])
            if state is not None:
                start = state
                if case.augmented:
                    yield Quantity("pixels", array(torch.cat(pixels)[:, 0]))
                yield from self.first_step(z, y, loss)
                # Of the step's embeddings over the bank before it, where little error has gathered yet.
                bank = torch.tensor(start["bank"], dtype=self.dtype)
                yield from self.scores("first", bank, self.rounding.stored(z.detach()), RULES)
                yield from self.adam(start)
                yield from self.changes(start, 1)
        if case.steps > 1:
            yield Quantity(f"losses of {case.steps} steps", np.array(losses))
            yield from self.changes(start, case.steps)
            yield from self.anchors(f"after {case.steps} steps")
        yield from self.features("end")

    # MARK: Parts

    def steps(self) -> Iterator[tuple[int, list[list[int]]]]:
        """Epoch and micro-batches of each step."""
        taken, epoch = 0, 0
        while True:
            for step in counter_random.data_order(self.case.rows, self.case.batch, self.case.micro_batch, ORDER_SEED, epoch):
                if taken == self.case.steps:
                    return
                yield epoch, step
                taken += 1
            epoch += 1

    def pixels(self, images: list[int], epoch: int) -> Tensor:
        """(m, C, S, S), augmented where the case says so."""
        if self.case.augmented:
            jitters = [self.rounding.coordinates(self.case.size).numpy() for _ in images]
            pixels = np.stack([
                augment(self.images[image], ORDER_SEED, epoch, image, jitter=jitter)
                for image, jitter in zip(images, jitters)
            ])
        else:
            pixels = self.images[images]
        return self.rounding.stored(self.tensor(pixels))

    def tensor(self, pixels: np.ndarray) -> Tensor:
        return torch.tensor(pixels, dtype=self.dtype)[:, None].repeat(1, self.case.channels, 1, 1)

    def anchors(self, when: str) -> Iterator[Quantity | Choice]:
        if self.case.anchor_round == 0:
            return
        self.model.choose_anchors(self.case.anchor_round)
        yield Quantity(f"entropies {when}", array(self.model.entropies()), before=1.0)
        anchors, is_last = self.model.anchors, when != "at the start"
        yield Choice(f"anchors {when}", list(anchors), is_last)
        pairs = sorted(image * self.case.rows + neighbour for image in anchors for neighbour in anchors[image])
        yield Choice(f"neighbours {when}", pairs, is_last)

    def first_step(self, z: Tensor, y: Tensor, loss) -> Iterator[Quantity]:
        yield Quantity("embeddings", array(z))
        yield Quantity("reconstruction", array(y))
        for name in ("reconstruction", "embedding", "instance", "aggregation"):
            if (value := getattr(loss, name)) is not None:
                yield Quantity(f"{name} loss", array(value).reshape(1))
        yield Quantity("gradient of the embedding loss", array(self.model.embedding_gradient))
        for name, parameter in self.model.network.named_parameters():
            yield Quantity(f"gradient {name}", array(parameter.grad))

    def adam(self, start: dict[str, np.ndarray]) -> Iterator[Quantity]:
        """Adam's constants, as one step of its own gradients shows them: they hide among the errors of the gradients.

        1 - beta1 and, times that, the weight decay, fitted to exp_avg; 1 - beta2; and the learning rate (with eps).
        """
        fit, squares, step = np.zeros(5), np.zeros(2), np.zeros(2)
        for name, parameter in self.model.network.named_parameters():
            weights, gradient = start[f"weights {name}"], array(parameter.grad)
            whole = gradient + self.case.weight_decay * weights
            direction = whole / (np.abs(whole) + 1e-8)
            average, square = (array(self.model.optimizer.state[parameter][key]) for key in ("exp_avg", "exp_avg_sq"))
            pairs = ((gradient, gradient), (gradient, weights), (weights, weights), (average, gradient), (average, weights))
            # exp_avg is rounded relative to the gradient: small gradients show the decay best.
            fit += [(x * y / (gradient**2 + 1e-6)).sum() for x, y in pairs]
            squares += [(square * whole**2).sum(), (whole**4).sum()]
            step += [((weights - array(parameter)) * direction).sum(), (direction**2).sum()]
        gg, gw, ww, ag, aw = fit
        determinant = gg * ww - gw * gw
        yield Quantity("share of gradients in exp_avg", np.array([(ag * ww - aw * gw) / determinant]))
        yield Quantity("share of weights in exp_avg", np.array([(aw * gg - ag * gw) / determinant]))
        yield Quantity("share of squares in exp_avg_sq", squares[:1] / squares[1:])
        yield Quantity("share of direction in step", step[:1] / step[1:])

    def state(self) -> dict[str, np.ndarray]:
        state = {f"weights {name}": array(p) for name, p in self.model.network.named_parameters()}
        for name, module in self.model.network.named_modules():
            if isinstance(module, StepStatistics):
                state[f"statistics {name}.running_mean"] = array(module.running_mean)
                state[f"statistics {name}.running_var"] = array(module.running_var)
        state["bank"] = array(self.model.bank)
        return state

    def changes(self, start: dict[str, np.ndarray], steps: int) -> Iterator[Quantity]:
        for name, values in self.state().items():
            yield Quantity(f"step {steps} {name}", values, start[name], steps)
        for moment in ("exp_avg", "exp_avg_sq"):
            for name, parameter in self.model.network.named_parameters():
                yield Quantity(f"step {steps} {moment} {name}", array(self.model.optimizer.state[parameter][moment]))

    def features(self, when: str) -> Iterator[Quantity]:
        """The bank that a refresh makes of the bottleneck and of the levels, and its scores of images not trained on."""
        described = self.model.describe(self.tensor(self.images), self.case.levels)
        kinds = ("z",) if self.case.levels == "z" else ("z", "levels")
        for kind, features in zip(kinds, map(self.rounding.stored, described)):
            rows, queries = features[:self.case.rows], features[self.case.rows:]
            yield Quantity(f"{when} {kind} bank", array(rows))
            # Angles are those of unit vectors.
            yield from self.scores(f"{when} {kind}", rows, queries, RULES if kind == "z" else RULES[:2])

    def scores(self, name: str, rows: Tensor, queries: Tensor, rules: tuple[str, ...]) -> Iterator[Quantity]:
        """In double where we promise double: nothing is disturbed but what rows and queries bring along."""
        bank = ScoringBank(rows, self.case.top_k, self.case.score_temperature)
        yield Quantity(f"{name} squared distances", array(bank.nearest(queries)[0]))
        yield Quantity(f"{name} D0^2", array(bank.squared_scale).reshape(1))
        for rule in rules:
            yield Quantity(f"{name} left-out {rule}", array(bank.left_out(rule)))
            yield Quantity(f"{name} D {rule}", array(bank.median_distance(rule)).reshape(1))
            yield Quantity(f"{name} scores {rule}", array(bank.scores(queries, rule)))


class DisturbedModel(Model):
    """The model, its bank's products and what it stores disturbed as the network's are."""

    rounding: Rounding
    embedding_gradient: Tensor

    def similarities(self, embeddings: Tensor) -> Tensor:
        products = super().similarities(embeddings)
        if not self.rounding.amplitude:
            return products
        # Between unit rows: relative to the norm of the products, not to what is left of them.
        size = self.rounding.size(embeddings.shape[1]) / math.sqrt(embeddings.shape[1])
        return products + size * torch.randn(products.shape, dtype=products.dtype, generator=self.rounding.generator)

    def losses(self, embeddings, reconstructions, images, indices):
        losses = super().losses(embeddings, reconstructions, images, indices)
        # Of the embedding loss alone; the decoder's part joins it in the network.
        part = self.method.aggregation_weight * losses.embedding
        (self.embedding_gradient,) = torch.autograd.grad(part, embeddings, retain_graph=True)
        return losses

    def update(self, embeddings, indices):
        super().update(embeddings, indices)
        if not self.rounding.amplitude:
            return
        with torch.no_grad():
            for tensor in self.network.state_dict().values():
                if tensor.dtype.is_floating_point:
                    tensor.copy_(self.rounding.stored(tensor))
            for state in self.optimizer.state.values():
                for moment in ("exp_avg", "exp_avg_sq"):
                    state[moment].copy_(self.rounding.stored(state[moment]))
        self.bank = self.rounding.stored(self.bank)


# Of one-dimensional tensors: an offset and the width of a uniform draw. Scales, shifts and statistics that are not 1, 0,
# 0 and 1, so that none goes untested, and not far from what a network has, so that images still differ behind them.
STARTS = {"weight": (0.5, 1.0), "bias": (-0.5, 1.0), "running_mean": (-0.2, 0.4), "running_var": (0.1, 0.2)}


def initialise(network: Autoencoder) -> None:
    """Weights as `Replica.initialise` draws them, the rest by `STARTS`."""
    with torch.no_grad():
        for name, tensor in network.state_dict().items():
            if tensor.dim() > 1:
                tensor.copy_(torch.from_numpy(counter_random.weights(name, tuple(tensor.shape), WEIGHT_SEED)))
            elif tensor.dim() == 1:
                draws = counter_random.CounterRandom.named(SCALE_SEED, name).uniform(np.arange(tensor.numel()))
                offset, width = (np.float32(number) for number in STARTS[name.rsplit(".", 1)[1]])
                tensor.copy_(torch.from_numpy(offset + width * draws.astype(np.float32)))


def array(tensor: Tensor) -> np.ndarray:
    return tensor.detach().to(torch.float64).numpy().copy()
