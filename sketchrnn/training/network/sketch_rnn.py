"""Sketch-RNN: encoder, latent, category and decoder in one module."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sketchrnn.errors import CheckpointError
from sketchrnn.model.checkpoint import Checkpoint
from sketchrnn.model.configuration import ModelConfiguration
from sketchrnn.training.configuration import NO_DROPOUT, Dropouts
from sketchrnn.training.network.decoder import Decoder
from sketchrnn.training.network.encoder import Encoder
from sketchrnn.training.network.mixture import Mixture


@dataclass(frozen=True)
class Prediction:
    """What the network makes of a batch.

    Attributes:
        mixture: the distribution of each next row, (B, N).
        z_mean: posterior mean of z, (B, Z); None without an encoder.
        z_logvar: posterior log variance of z, (B, Z); None without an encoder.
    """

    mixture: Mixture
    z_mean: Tensor | None = None
    z_logvar: Tensor | None = None


@dataclass(frozen=True)
class Noise:
    """What chance adds to the sketches of a batch.

    Attributes:
        z: standard normal, (B, Z).
        latent_used: 1 where the sketch is drawn with its z, 0 where with "no z", (B,).
    """

    z: Tensor
    latent_used: Tensor

    def __getitem__(self, places: slice) -> Noise:
        return Noise(self.z[places], self.latent_used[places])


class SketchRNN(nn.Module):
    """The conditional variational autoencoder of the paper, or its decoder alone.

    Reference:
        Ha and Eck 2017, arXiv:1704.03477. The category embedding and "no z" are additions.
    """

    def __init__(self, configuration: ModelConfiguration, dropouts: Dropouts = NO_DROPOUT) -> None:
        """Make a network with fresh weights from torch's default generator.

        Args:
            configuration: the architecture.
            dropouts: probabilities of dropping numbers in training.
        """
        super().__init__()
        self.configuration = configuration
        self.encoder = Encoder(configuration, dropouts) if configuration.variational else None
        self.category = (
            nn.Embedding(len(configuration.categories), configuration.category_units)
            if configuration.conditional
            else None
        )
        if self.category is not None:
            nn.init.normal_(self.category.weight, std=0.1)
        self.category_dropout = nn.Dropout(dropouts.category)
        self.no_latent = (
            nn.Parameter(torch.zeros(configuration.latent_units))
            if configuration.variational and configuration.latent_dropout > 0
            else None
        )
        self.decoder = Decoder(configuration, dropouts)

    def encode(self, rows: Tensor, lengths: Tensor, category: Tensor) -> tuple[Tensor, Tensor]:
        """Return z_mean and z_logvar, (B, Z) each.

        Args:
            rows: stroke-5 rows without START and END, (B, L, 5).
            lengths: rows of each sketch, (B,).
            category: index of each sketch's category, (B,).
        """
        if self.encoder is None:
            raise ValueError("a decoder-only network has no encoder")
        return self.encoder(rows, lengths, None if self.category is None else self.category(category))

    def condition(self, z: Tensor | None, category: Tensor) -> Tensor:
        """Return what the decoder is told, (B, condition_units).

        Args:
            z: latent vectors (B, Z); None for "no z", or for a decoder-only network.
            category: index of each sketch's category, (B,).
        """
        parts = []
        if self.encoder is not None:
            if z is None:
                if self.no_latent is None:
                    raise ValueError("this network was trained with z only")
                z = self.no_latent.expand(category.shape[0], -1)
            parts.append(z)
        if self.category is not None:
            parts.append(self.category_dropout(self.category(category)))
        if not parts:
            return torch.zeros(category.shape[0], 0, device=category.device)
        return torch.cat(parts, dim=-1)

    def draw_noise(self, count: int, generator: torch.Generator | None = None) -> Noise:
        """Draw what training adds to ``count`` sketches, from a generator on the network's device or torch's own."""
        device = next(self.parameters()).device
        units, dropout = self.configuration.latent_units, self.configuration.latent_dropout
        z = torch.randn(count, units, generator=generator, device=device)
        if self.no_latent is None:
            return Noise(z, torch.ones(count, device=device))
        return Noise(z, (torch.rand(count, generator=generator, device=device) >= dropout).float())

    def forward(self, stroke5: Tensor, lengths: Tensor, category: Tensor, noise: Noise | None = None) -> Prediction:
        """Predict every row from those before it, with a sampled z where there is an encoder (teacher forcing).

        Args:
            stroke5: START, the sketches' rows, END and padding, (B, N + 1, 5).
            lengths: rows of each sketch, START and END not counted, (B,).
            category: index of each sketch's category, (B,).
            noise: of z; None draws it from torch's default generator.
        """
        inputs = stroke5[:, :-1]
        if self.encoder is None:
            output, _ = self.decoder(inputs, self.condition(None, category))
            return Prediction(Mixture.from_output(output))
        if noise is None:
            noise = self.draw_noise(len(stroke5))
        z_mean, z_logvar = self.encode(stroke5[:, 1:-1], lengths, category)
        z = z_mean + torch.exp(0.5 * z_logvar) * noise.z
        if self.no_latent is not None:
            z = torch.where(noise.latent_used[:, None] > 0, z, self.no_latent)
        output, _ = self.decoder(inputs, self.condition(z, category))
        return Prediction(Mixture.from_output(output), z_mean, z_logvar)

    def weights(self) -> dict[str, NDArray[Any]]:
        """Return every trained tensor as float32 NumPy arrays, by name."""
        return {name: value.detach().float().cpu().numpy().copy() for name, value in self.named_parameters()
                if value.requires_grad}  # fmt: skip

    def load_weights(self, weights: dict[str, NDArray[Any]], source: str = "the model") -> None:
        """Take over the tensors of :meth:`weights`; names of other tensors are ignored.

        Args:
            weights: by name.
            source: where they come from, for messages.

        Raises:
            CheckpointError: a tensor is missing or has another shape.
        """
        with torch.no_grad():
            for name, parameter in self.named_parameters():
                if not parameter.requires_grad:
                    continue
                value = weights.get(name)
                if value is None or value.shape != tuple(parameter.shape):
                    found = "is missing" if value is None else f"has shape {value.shape}"
                    raise CheckpointError(f"{source}: tensor {name} {found}; expected shape {tuple(parameter.shape)}")
                parameter.copy_(torch.from_numpy(value.astype(np.float32)))

    @classmethod
    def from_checkpoint(cls, checkpoint: Checkpoint) -> SketchRNN:
        """Make the network of a checkpoint, in evaluation mode.

        Raises:
            CheckpointError: the weights do not fit the configuration.
        """
        network = cls(checkpoint.configuration)
        network.load_weights(checkpoint.weights, checkpoint.source)
        return network.eval()
