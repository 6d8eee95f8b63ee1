"""SALAD's training step, rounds, refresh and features, in PyTorch, in whichever precision the tensors have.

`scores.py` makes scores of the features. N = bank rows, B = images in a step, m = in a micro-batch, D = embedding dimension, F = features of an image,
tau = temperature
"""

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional as F

from networks import Autoencoder


@dataclass(frozen=True, kw_only=True)
class Method:
    reconstruction_loss: str = "l1"
    reconstruction_weight: float = 1.0
    aggregation_weight: float = 1.0
    temperature: float = 0.1
    momentum: float = 0.5
    learning_rate: float = 3e-4
    weight_decay: float = 1e-6
    anchor_rate: float = 0.1
    neighbours: int = 10
    # Of scores: what describes an image, K and tau_s.
    levels: str = "e3,e4,e5"
    feature_scale: str = "linear"
    top_k: int = 30
    score_temperature: float = 1.0


@dataclass
class Losses:
    total: Tensor
    reconstruction: Tensor
    embedding: Tensor
    instance: Tensor | None
    aggregation: Tensor | None


@dataclass
class Model:
    """What training changes."""

    network: Autoencoder
    bank: Tensor
    method: Method
    # Anchor image -> its neighbours, nearest first.
    anchors: dict[int, list[int]] = field(default_factory=dict)
    optimizer: torch.optim.Optimizer = field(init=False)

    def __post_init__(self) -> None:
        self.optimizer = torch.optim.Adam(
            self.network.parameters(), lr=self.method.learning_rate, betas=(0.9, 0.999), eps=1e-8,
            weight_decay=self.method.weight_decay, foreach=False,
        )

    # MARK: A step

    def forward(self, micro_batches: list[Tensor]) -> tuple[Tensor, Tensor]:
        """From micro-batches (m, C, S, S), each normalised by itself, to embeddings (B, D) and reconstructions."""
        self.network.train()
        outputs = [self.network(images) for images in micro_batches]
        return torch.cat([z for z, _ in outputs]), torch.cat([y for _, y in outputs])

    def losses(self, embeddings: Tensor, reconstructions: Tensor, images: Tensor, indices: list[int]) -> Losses:
        """`indices`: the image behind each of the B embeddings."""
        difference = reconstructions - images
        l1 = self.method.reconstruction_loss == "l1"
        reconstruction = difference.abs().mean() if l1 else difference.square().mean()
        logarithms = F.log_softmax(self.similarities(embeddings) / self.method.temperature, dim=1)
        each, kinds = [], []
        for position, image in enumerate(indices):
            targets = [image] + self.anchors.get(image, [])
            each.append(-torch.logsumexp(logarithms[position, targets], dim=0))
            kinds.append(image in self.anchors)
        stacked, mask = torch.stack(each), torch.tensor(kinds)
        embedding = stacked.mean()
        return Losses(
            total=self.method.reconstruction_weight * reconstruction + self.method.aggregation_weight * embedding,
            reconstruction=reconstruction, embedding=embedding,
            instance=stacked[~mask].mean() if not mask.all() else None,
            aggregation=stacked[mask].mean() if mask.any() else None,
        )

    def update(self, embeddings: Tensor, indices: list[int]) -> None:
        """Adam, the running statistics, and the rows of the step's images."""
        self.optimizer.step()
        self.network.finish_step()
        momentum = self.method.momentum
        mixed = momentum * self.bank[indices] + (1 - momentum) * embeddings.detach()
        self.bank[indices] = F.normalize(mixed, dim=1, eps=1e-12)

    def step(self, micro_batches: list[Tensor], indices: list[int]) -> tuple[Tensor, Tensor, Losses]:
        """One whole step; embeddings, reconstructions, losses. Gradients stay in the parameters and the embeddings."""
        self.optimizer.zero_grad()
        embeddings, reconstructions = self.forward(micro_batches)
        embeddings.retain_grad()
        losses = self.losses(embeddings, reconstructions, torch.cat(micro_batches), indices)
        losses.total.backward()
        self.update(embeddings, indices)
        return embeddings, reconstructions, losses

    def similarities(self, embeddings: Tensor) -> Tensor:
        """(B, N)"""
        return embeddings @ self.bank.T

    # MARK: Rounds

    def entropies(self) -> Tensor:
        """(N), in nats: of each row's own assignment."""
        logarithms = F.log_softmax(self.similarities(self.bank) / self.method.temperature, dim=1)
        return -(logarithms.exp() * logarithms).sum(1)

    def choose_anchors(self, round_number: int) -> None:
        rows = self.bank.shape[0]
        count = min(rows, math.floor(rows * self.method.anchor_rate * round_number + 1e-9))
        # Stable: ties go to the lower index.
        anchors = sorted(torch.sort(self.entropies(), stable=True).indices[:count].tolist())
        similarities = self.similarities(self.bank)
        similarities.fill_diagonal_(-math.inf)
        nearest = torch.sort(similarities, dim=1, descending=True, stable=True).indices
        neighbours = min(self.method.neighbours, rows - 1)
        self.anchors = {image: nearest[image, :neighbours].tolist() for image in anchors}

    # MARK: Passes over clean images

    @torch.no_grad()
    def start_bank(self, images: Tensor, micro_batch: int) -> None:
        """All rows (N, D) from one pass over the images by the network as it starts.

        Its micro-batches are normalised by themselves, as in training: image i is embedded among the m images of
        micro-batch i / m, the last of which is filled up with the images before it. No running statistic moves.
        """
        self.network.train()
        count = len(images)
        rows = torch.empty_like(self.bank)
        for first in range(0, count, micro_batch):
            first = min(first, count - micro_batch)
            rows[first:first + micro_batch] = self.network.embed(images[first:first + micro_batch])
        self.network.forget_step()
        self.bank = rows

    @torch.no_grad()
    def describe(self, images: Tensor, levels: str, at_once: int = 8) -> tuple[Tensor, Tensor]:
        """Embeddings (count, D) and features (count, F), with the running statistics.

        Features are what describes images to the bank that scores; of the levels "z" they are the embeddings.
        """
        self.network.eval()
        names = [] if levels == "z" else levels.split(",")
        parts = [self.network.embed_with_levels(part, names) for part in images.split(at_once)]
        embeddings = torch.cat([part for part, _ in parts])
        if levels == "z":
            return embeddings, embeddings
        means = [torch.cat(level) for level in zip(*(part for _, part in parts))]
        return embeddings, level_features(means, self.method.feature_scale)

    def features(self, images: Tensor, levels: str) -> Tensor:
        return self.describe(images, levels)[1]


def level_features(means: list[Tensor], scale: str) -> Tensor:
    """(count, F): each level's means (count, channels) one after another, as they are ("linear") or their square roots
    with the means' signs ("root")."""
    features = torch.cat(means, dim=1)
    return features if scale == "linear" else features.sign() * features.abs().sqrt()
